"""How numbers are written on axes, bars and tooltips: babel says how the locale writes them, the drawing does it by hand.

A format stands in an option as {"$format": {kind, symbol, …}}; options.js makes a function of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from babel import Locale
from babel.numbers import get_currency_symbol, get_decimal_symbol, get_group_symbol

from holdfast.domain.money import decimals

Option = dict[str, Any]


@dataclass(frozen=True)
class Format:
    """A way to write numbers; `exponent` is the number of digits of the minor unit that amounts arrive in."""

    kind: str
    spec: Option = field(default_factory=dict)
    exponent: int = 0

    def drawn(self, amount: float | None) -> float | None:
        """What is drawn for an amount: major units of minor ones."""
        return amount if amount is None or not self.exponent else amount / 10**self.exponent

    def bare(self, **changes: Any) -> Option:
        """The spec itself, as tooltips take it."""
        return {"kind": self.kind, **self.spec, **changes}

    def formatter(self, **changes: Any) -> Option:
        """What stands where ECharts wants a function."""
        return {"$format": self.bare(**changes)}


@cache
def fmt_money(currency: str, locale: str = "en_US") -> Format:
    """Amounts in minor units of a currency, as a locale writes them."""
    of = Locale.parse(locale)
    pattern = str(of.currency_formats["standard"].pattern).split(";")[0]
    exponent = decimals(currency)
    spec = {
        **_signs(of),
        "symbol": get_currency_symbol(currency, locale=of),
        "symbol_after": pattern.index("¤") > pattern.index("0"),
        "space": "¤\xa0" in pattern or "\xa0¤" in pattern,
        "digits": exponent,
    }
    return Format("money", spec, exponent)


@cache
def fmt_count(locale: str = "en_US") -> Format:
    """Whole numbers as a locale writes them."""
    return Format("count", {**_signs(Locale.parse(locale)), "digits": 0})


@cache
def fmt_percent(locale: str = "en_US", digits: int = 1) -> Format:
    """Fractions of 1 as percent, as a locale writes them."""
    of = Locale.parse(locale)
    return Format(
        "percent", {**_signs(of), "digits": digits, "space": "\xa0%" in str(of.percent_formats[None].pattern)}
    )


def _signs(of: Locale) -> Option:
    return {"decimal": get_decimal_symbol(of), "group": get_group_symbol(of)}
