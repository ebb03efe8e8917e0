"""Numbers as the reader writes them: money, rates, counts and days in their locale."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache

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
    return "—" if minor is None else _minus(format_currency(major(minor, currency), currency, locale=locale()))


def money_whole(minor: int | None, currency: str) -> str:
    """Without the minor unit: $1,238,685"""
    if minor is None:
        return "—"
    return _minus(
        format_currency(
            major(minor, currency), currency, format=_whole(locale()), locale=locale(), currency_digits=False
        )
    )


@cache
def _whole(of: str) -> str:
    pattern = str(Locale.parse(of).currency_formats["standard"].pattern)
    return pattern.replace(".00", "")


def money_short(minor: int | None, currency: str) -> str:
    """A few digits: $1.24M"""
    if minor is None:
        return "—"
    amount = major(minor, currency)
    if abs(amount) < 1000:
        return money_whole(minor, currency)
    digits = 2 if abs(amount) >= 1_000_000 else 1
    return _minus(format_compact_currency(amount, currency, locale=locale(), fraction_digits=digits))


def percent(value: Fraction | float | None, digits: int = 1) -> str:
    """111.8%"""
    if value is None:
        return "—"
    return _minus(format_percent(_decimal(value), format=_percent_format(locale(), digits), locale=locale()))


@cache
def _percent_format(of: str, digits: int) -> str:
    pattern = str(Locale.parse(of).percent_formats[None].pattern)
    return pattern.replace("#,##0", "#,##0" + ("." + "0" * digits if digits else ""))


def points(value: Fraction | None) -> str:
    """A difference of two rates, in percentage points: +1.3"""
    if value is None:
        return "—"
    return _minus(format_decimal(_decimal(value * 100), format="+#,##0.0;-#,##0.0", locale=locale()))


def count(value: int | Fraction | float | None, digits: int = 0) -> str:
    """12,345"""
    if value is None:
        return "—"
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    return _minus(format_decimal(_decimal(value), format=pattern, locale=locale()))


def day(value: date | None) -> str:
    """Oct 31, 2026"""
    return "—" if value is None else format_date(value, "medium", locale=_english())


def moment(value: datetime | None) -> str:
    """Oct 31, 2026, 14:05"""
    return "—" if value is None else format_datetime(value, "d MMM y, HH:mm", locale=_english())


def month(number: int) -> str:
    """October 2026, of a month by its number"""
    return format_date(month_start(number), "LLLL y", locale=_english())


def month_short(number: int) -> str:
    """Oct 26"""
    return format_date(month_start(number), "LLL yy", locale=_english())


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
