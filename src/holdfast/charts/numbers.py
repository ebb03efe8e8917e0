"""Numbers as the reader writes them: money, rates, counts and days in their locale.

Writing one by the rules of a locale takes a tenth of a millisecond, and a page has hundreds: those written last are kept.
"""

from __future__ import annotations

from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache

from babel import Locale, UnknownLocaleError, negotiate_locale
from babel.dates import format_date, format_datetime
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    format_percent,
)

from holdfast.domain.money import decimals
from holdfast.domain.period import month_start

#: the locales that can be chosen; all pages are in English, the numbers in these
LOCALES = {
    "en_US": "English (United States)", "en_GB": "English (United Kingdom)", "de_DE": "Deutsch", "de_CH": "Deutsch (Schweiz)",
    "fr_FR": "Français", "es_ES": "Español", "it_IT": "Italiano", "nl_NL": "Nederlands", "pt_BR": "Português (Brasil)",
    "sv_SE": "Svenska", "pl_PL": "Polski", "ja_JP": "日本語", "en_IN": "English (India)",
}  # fmt: skip

#: numbers that are kept as written, of each kind
KEPT = 20_000

_locale: ContextVar[str] = ContextVar("locale", default="en_US")


def use(locale: str) -> None:
    """Write numbers of this request in a locale."""
    _locale.set(locale)


def locale() -> str:
    """The locale in use."""
    return _locale.get()


@cache
def locale_for(asked: str) -> str:
    """One of the locales for a choice or a browser's Accept-Language."""
    if asked in LOCALES:
        return asked
    wanted = [part.split(";")[0].strip().replace("-", "_") for part in asked[:200].split(",")]
    try:
        return negotiate_locale(wanted, list(LOCALES)) or "en_US"
    except (ValueError, UnknownLocaleError):
        return "en_US"


def exponent(currency: str) -> int:
    """Digits of the minor unit, as the ledger counts them."""
    return decimals(currency)


def major(minor: int, currency: str) -> Decimal:
    """Minor units as a decimal number of major units."""
    return Decimal(minor).scaleb(-exponent(currency))


def money(minor: int | None, currency: str) -> str:
    """To the minor unit: $1,238,684.80"""
    return "—" if minor is None else _money(minor, currency, locale())


@lru_cache(KEPT)
def _money(minor: int, currency: str, of: str) -> str:
    return _minus(format_currency(major(minor, currency), currency, locale=of))


def money_whole(minor: int | None, currency: str) -> str:
    """Without the minor unit: $1,238,685"""
    return "—" if minor is None else _money_whole(minor, currency, locale())


@lru_cache(KEPT)
def _money_whole(minor: int, currency: str, of: str) -> str:
    amount = major(minor, currency)
    return _minus(format_currency(amount, currency, format=_whole(of), locale=of, currency_digits=False))


@cache
def _whole(of: str) -> str:
    pattern = str(Locale.parse(of).currency_formats["standard"].pattern)
    return pattern.replace(".00", "")


def money_short(minor: int | None, currency: str) -> str:
    """A few digits: $1.24M"""
    return "—" if minor is None else _money_short(minor, currency, locale())


@lru_cache(KEPT)
def _money_short(minor: int, currency: str, of: str) -> str:
    amount = major(minor, currency)
    if abs(amount) < 1000:
        return _money_whole(minor, currency, of)
    digits = 2 if abs(amount) >= 1_000_000 else 1
    return _minus(format_compact_currency(amount, currency, locale=of, fraction_digits=digits))


def percent(value: Fraction | float | None, digits: int = 1) -> str:
    """111.8%"""
    return "—" if value is None else _percent(value, digits, locale())


@lru_cache(KEPT)
def _percent(value: Fraction | float, digits: int, of: str) -> str:
    return _minus(format_percent(_decimal(value), format=_percent_format(of, digits), locale=of))


@cache
def _percent_format(of: str, digits: int) -> str:
    pattern = str(Locale.parse(of).percent_formats[None].pattern)
    return pattern.replace("#,##0", "#,##0" + ("." + "0" * digits if digits else ""))


def points(value: Fraction | None) -> str:
    """A difference of two rates, in percentage points: +1.3"""
    return "—" if value is None else _written(value * 100, "+#,##0.0;-#,##0.0", locale())


def count(value: int | Fraction | float | None, digits: int = 0) -> str:
    """12,345"""
    return "—" if value is None else _written(value, "#,##0" + ("." + "0" * digits if digits else ""), locale())


@lru_cache(KEPT)
def _written(value: int | Fraction | float, pattern: str, of: str) -> str:
    return _minus(format_decimal(_decimal(value), format=pattern, locale=of))


def day(value: date | None) -> str:
    """Oct 31, 2026"""
    if value is None:
        return "—"
    return _day(value.date() if isinstance(value, datetime) else value, "medium", _english())


@lru_cache(KEPT)
def _day(value: date, pattern: str, of: str) -> str:
    return format_date(value, pattern, locale=of)


def moment(value: datetime | None) -> str:
    """Oct 31, 2026, 14:05"""
    return "—" if value is None else format_datetime(value, "d MMM y, HH:mm", locale=_english())


def month(number: int) -> str:
    """October 2026, of a month by its number"""
    return _day(month_start(number), "LLLL y", _english())


def month_short(number: int) -> str:
    """Oct 26"""
    return _day(month_start(number), "LLL yy", _english())


def _english() -> str:
    """Words of dates are English as the pages are; their order follows the reader."""
    return locale() if locale().startswith("en") else "en_GB"


def _decimal(value: int | Fraction | float) -> Decimal:
    if isinstance(value, Fraction):
        return Decimal(value.numerator) / Decimal(value.denominator)
    return Decimal(str(value))


def _minus(text: str) -> str:
    """With a real minus sign, which is as wide as a digit."""
    return text.replace("-", "\N{MINUS SIGN}")
