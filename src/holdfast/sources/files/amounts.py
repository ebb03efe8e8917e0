"""Numbers and money as people write them, read exactly.

Decimal mark and unit are decided once for a whole column and stated in the mapping. Money is read with
Decimal and becomes an integer number of minor units; no float is ever involved.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import lru_cache

from babel.numbers import get_currency_precision, is_currency

from holdfast.sources.files.parse import BadValueError

_MAX_INT = 2**62

_SYMBOLS = {
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₩": "KRW",
    "₽": "RUB",
    "₺": "TRY",
    "₪": "ILS",
    "zł": "PLN",
    "US$": "USD",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "R$": "BRL",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "MX$": "MXN",
    "Fr.": "CHF",
    "$": "$",
    "kr": "kr",
}
#: Signs that several currencies share: the company's own currency decides among them.
_SHARED = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN"),
    "kr": ("SEK", "NOK", "DKK", "ISK"),
    "¥": ("JPY", "CNY"),
}
_SIGNS = "|".join(re.escape(sign) for sign in sorted(_SYMBOLS, key=len, reverse=True))
_MONEY = re.compile(
    rf"^(?P<before>[A-Z]{{3}}|{_SIGNS})?\s*(?P<number>[-+]?[\d.,' ]*\d(?:[.,])?(?:[eE][-+]?\d+)?)"
    rf"\s*(?P<after>[A-Z]{{3}}|{_SIGNS})?$"
)
_SPACES = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "’": "'", "−": "-"})
_USUAL = {
    ".": re.compile(r"^-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?$"),
    ",": re.compile(r"^-?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?$"),
}
_PLAIN = {
    ".": re.compile(r"^\d*\.?\d*(?:[eE][-+]?\d+)?$|^\d{1,3}(?:[,' ]\d{2,3})*[,' ]\d{3}(?:\.\d*)?$"),
    ",": re.compile(r"^\d*,?\d*$|^\d{1,3}(?:[.' ]\d{2,3})*[.' ]\d{3}(?:,\d*)?$"),
}


def read_decimal(text: str, mark: str = ".") -> tuple[Decimal, str]:
    """A number and the currency code or sign written beside it ("" where none). `mark` is the decimal mark.

    Read: "1,234.50", "1.234,50" (mark ","), "1'234.50", "(12.00)" and "12.00-" as negative, "€ 12", "12 USD".
    Raises BadValueError.
    """
    other = "," if mark == "." else "."
    if _USUAL[mark].match(text):  # nearly all texts: spare them the rest
        return Decimal(text.replace(other, "").replace(",", ".")), ""
    cleaned = text.translate(_SPACES).strip()
    negative = cleaned.startswith("(") and cleaned.endswith(")")
    if negative:
        cleaned = cleaned[1:-1].strip()
    if cleaned.endswith("-"):
        negative, cleaned = not negative, cleaned[:-1].strip()
    if cleaned.startswith("-"):
        negative, cleaned = not negative, cleaned[1:].strip()
    match = _MONEY.match(cleaned)
    if match is None:
        raise BadValueError("is not a number", "write digits with at most one decimal mark")
    number = match["number"].replace("+", "", 1) if match["number"].startswith("+") else match["number"]
    if number.startswith("-") and not negative:
        negative, number = True, number[1:]
    if not _PLAIN[mark].match(number.strip()):
        raise BadValueError(
            f'is not a number with "{mark}" as its decimal mark',
            "correct it, or change decimal in the mapping",
        )
    digits = number.replace(other, "").replace("'", "").replace(" ", "").replace(",", ".")
    try:
        value = Decimal(digits)
    except InvalidOperation as error:
        raise BadValueError("is not a number", "write digits with at most one decimal mark") from error
    sign = match["before"] or match["after"] or ""
    return (-value if negative else value), _SYMBOLS.get(sign, sign)


def choose_decimal_mark(values: Iterable[str]) -> tuple[str, str]:
    """The decimal mark of amounts, from their distinct texts, and the reason.

    Both marks in one text: the later one is decimal. One mark with not exactly three digits behind: decimal.
    Only groups of three: thousands, as hardly a currency has three decimals.
    """
    points = commas = comma_groups = point_groups = 0
    for text in values:
        point, comma = text.rfind("."), text.rfind(",")
        if point < 0 and comma < 0:
            continue
        if point >= 0 and comma >= 0:
            points += point > comma
            commas += comma > point
        elif re.search(r"[.,]\d{3}(?!\d)", text) and not re.search(r"(?<!\d)0[.,]", text):
            comma_groups += comma >= 0
            point_groups += point >= 0
        elif text.count(".") > 1:
            point_groups += 1
        elif text.count(",") > 1:
            comma_groups += 1
        else:
            points += point >= 0
            commas += comma >= 0
    if points or commas:
        mark = "." if points >= commas else ","
        return mark, f'{max(points, commas)} values can only be read with "{mark}" as decimal mark'
    if point_groups > comma_groups:
        return ",", "points stand only before groups of three digits: they are thousands"
    if comma_groups:
        return ".", "commas stand only before groups of three digits: they are thousands"
    return ".", "no value has a decimal mark"


def looks_numeric(text: str) -> bool:
    """Whether a text is a number under either decimal mark."""
    for mark in (".", ","):
        try:
            read_decimal(text, mark)
        except BadValueError:
            continue
        return True
    return False


def read_int(text: str, mark: str = ".") -> int:
    """A whole number; "12.0" is one, "12.5" is not. Raises BadValueError."""
    value, _ = read_decimal(text, mark)
    if value != value.to_integral_value():
        raise BadValueError("is not a whole number", "give a whole number")
    if abs(value) > _MAX_INT:
        raise BadValueError("is too large", "correct the number")
    return int(value)


@lru_cache(maxsize=512)
def exponent(currency: str) -> int:
    """The number of decimals of a currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


@lru_cache(maxsize=4096)
def read_currency(text: str) -> str:
    """An ISO 4217 code from a code in any case or an unshared sign. Raises BadValueError."""
    code = text.strip()
    code = _SYMBOLS.get(code, code).upper()
    code = "USD" if code == "$" else code
    if len(code) != 3 or not is_currency(code):
        raise BadValueError("is not a currency", "give an ISO 4217 code such as EUR")
    return code


@dataclass(frozen=True)
class MoneyForm:
    """How amounts are written: decimal mark, major or minor units, what happens to too many decimals."""

    mark: str = "."
    minor: bool = False
    half_even: bool = False
    currency: str = "USD"


def read_money(text: str, currency: str | None, form: MoneyForm) -> tuple[int, str]:
    """An amount in minor units and its currency; `currency` is what the row says elsewhere, None: nothing.

    A code or sign beside the number must agree with it. Raises BadValueError.
    """
    value, sign = read_decimal(text, form.mark)
    code = _currency_of(sign, currency, form.currency)
    scaled = value if form.minor else value.scaleb(exponent(code))
    whole = scaled.to_integral_value(ROUND_HALF_EVEN)
    if whole != scaled and not form.half_even:
        decimals = 0 if form.minor else exponent(code)
        raise BadValueError(
            f"has more decimals than an amount in {code} can have ({decimals})",
            'correct the amount, or set rounding = "half_even" in the mapping',
        )
    if abs(whole) > _MAX_INT:
        raise BadValueError("is too large", "correct the amount")
    return int(whole), code


def _currency_of(sign: str, told: str | None, home: str) -> str:
    """The currency of an amount from the sign beside it, the row's currency column and the home's own."""
    shared = _SHARED.get(sign) or (_SHARED["¥"] if sign == "JPY" else None)
    if not sign:
        return told or home
    if shared:
        return next((code for code in (told, home) if code in shared), shared[0])
    code = read_currency(sign)
    if told and told != code:
        raise BadValueError(f"is in {code}, but the row's currency is {told}", "make the two agree")
    return code
