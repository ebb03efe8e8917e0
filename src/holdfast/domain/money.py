"""Money: integer minor units of a currency, and exchange at dated rates. Nothing here is ever a float."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

#: ISO 4217 currencies without minor unit, and with thousandths; all others have hundredths
NO_DECIMALS = frozenset(
    [
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ]
)
THREE_DECIMALS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])

#: rates are carried with nine decimals
RATE_DECIMALS = 9


class FxError(LookupError):
    """A rate is missing; the message names currency, day and what to load."""


def decimals(currency: str) -> int:
    """Decimals of the currency's minor unit."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def half_even(value: Fraction) -> int:
    """Rounded to a whole number, halves to even."""
    return round(value)


def major(minor: int, currency: str) -> Decimal:
    """1050 USD → 10.50; exact."""
    return Decimal(minor).scaleb(-decimals(currency))


@dataclass
class Rates:
    """Dated rates: units of the quote currency for one unit of a currency, holding until the next known day."""

    _days: dict[tuple[str, str], list[date]] = field(default_factory=dict)
    #: as they were told: of very many rates few are asked for
    _rates: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    @classmethod
    def listed(cls, pairs: Iterable[tuple[str, str, list[date], list[float]]]) -> Rates:
        """Rates from (currency, quote, days, rates): the days of each pair in order, its rates above 0."""
        rates = cls()
        for currency, quote, days, told in pairs:
            rates._days[currency, quote] = days
            rates._rates[currency, quote] = told
        return rates

    def known(self, currency: str, quote: str, day: date) -> Fraction | None:
        """The rate of a pair as given, or its inverse, on or before a day."""
        for pair, inverse in (((currency, quote), False), ((quote, currency), True)):
            place = bisect_right(self._days.get(pair, []), day)
            if place:
                rate = Fraction(str(self._rates[pair][place - 1]))
                return 1 / rate if inverse else rate
        return None

    def rate(self, currency: str, quote: str, day: date) -> Fraction:
        """Major units of quote for one major unit of currency; through a third currency where need be.

        FxError: no rate on or before that day.
        """
        if currency == quote:
            return Fraction(1)
        found = self.known(currency, quote, day)
        if found is None:
            for middle in sorted({one for pair in self._days for one in pair}):
                first, second = self.known(currency, middle, day), self.known(middle, quote, day)
                if first is not None and second is not None:
                    found = first * second
                    break
        if found is None:
            raise FxError(
                f"no exchange rate from {currency} to {quote} on or before {day}; load one as fx_rate "
                f"(columns currency, quote, day, rate)"
            )
        scale = 10**RATE_DECIMALS
        return Fraction(round(found * scale), scale)

    def minor_rate(self, currency: str, quote: str, day: date) -> Fraction:
        """Minor units of quote for one minor unit of currency."""
        return self.rate(currency, quote, day) * Fraction(10) ** (decimals(quote) - decimals(currency))

    def latest(self, currency: str, quote: str) -> date | None:
        """The last day for which a rate of this pair is known, either way round."""
        days = self._days.get((currency, quote)) or self._days.get((quote, currency))
        return days[-1] if days else None


def convert(minor: int, rate: Fraction) -> int:
    """Minor units at a minor rate, rounded half-even."""
    return half_even(minor * rate)
