"""Stripe's prices: what a quantity costs in the currency's own minor units, whichever way the price is written.

Amounts are in Stripe's minor units (Fraction) until `minor` makes them ISO 4217's (int).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from holdfast.domain.money import decimals, half_even
from holdfast.sources.source import Object
from holdfast.sources.stripe_shape import count, fraction, listed, part

#: Stripe writes these without minor units, and these in thousandths; all others in hundredths: ISK and UGX too, for old times' sake
NO_DECIMALS = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THREE_DECIMALS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])

INTERVALS = ("day", "week", "month", "year")


class PriceError(ValueError):
    """A price that cannot be said in money; the message says why."""


def scale(currency: str) -> Fraction:
    """ISO minor units for one of Stripe's minor units; `currency` upper case."""
    theirs = 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
    return Fraction(10) ** (decimals(currency) - theirs)


def minor(amount: Fraction | int, currency: str) -> int:
    """Stripe's minor units as the currency's own, rounded half-even once."""
    return half_even(Fraction(amount) * scale(currency))


@dataclass(frozen=True)
class Tier:
    #: the last unit of the tier; None: without end
    up_to: int | None
    unit: Fraction
    flat: Fraction


@dataclass(frozen=True)
class Price:
    """A price (or a plan, as it was called) in one currency."""

    id: str
    product: str
    #: upper case
    currency: str
    interval: str
    count: int
    is_metered: bool
    #: for one unit, in Stripe's minor units; None: by tiers, or not known
    unit: Fraction | None
    tiers: tuple[Tier, ...] = ()
    is_volume: bool = False
    #: units that are sold together, and whether a part of a pack is rounded up
    pack: int = 1
    packs_up: bool = True
    is_recurring: bool = True

    @property
    def months(self) -> Fraction:
        """About how many months are billed at once."""
        return self.count * {"day": Fraction(12, 365), "week": Fraction(12, 52), "year": Fraction(12)}.get(
            self.interval, Fraction(1)
        )

    def amount(self, quantity: int) -> Fraction:
        """What a quantity costs for one billing, in Stripe's minor units. PriceError: it is not known."""
        if self.pack > 1:
            quantity = -(-quantity // self.pack) if self.packs_up else quantity // self.pack
        if self.unit is not None:
            return self.unit * quantity
        if not self.tiers:
            raise PriceError("the amount of the price is not told")
        return self._volume(quantity) if self.is_volume else self._graduated(quantity)

    def _volume(self, quantity: int) -> Fraction:
        for tier in self.tiers:
            if tier.up_to is None or quantity <= tier.up_to:
                return tier.unit * quantity + tier.flat
        raise PriceError(f"no tier of the price is for {quantity} units")

    def _graduated(self, quantity: int) -> Fraction:
        total, below = Fraction(0), 0
        for tier in self.tiers:
            top = quantity if tier.up_to is None else min(quantity, tier.up_to)
            # the first tier's flat amount is due for no unit at all, too
            if top > below or below == 0:
                total += tier.unit * (top - below) + tier.flat
            below = max(below, top)
            if below >= quantity:
                return total
        raise PriceError(f"no tier of the price is for {quantity} units")


def price_of(told: Object, known: Mapping[str, Object], currency: str = "") -> Price:
    """A price or plan as one value. `known`: prices written out in full; `currency`: that of the subscription, if it is another.

    PriceError: it is not one that can be read.
    """
    whole = {**told, **known.get(str(told.get("id")), {})}
    own = str(whole.get("currency") or currency).upper()
    wanted = (currency or own).upper()
    if wanted != own:
        option = part(whole, "currency_options").get(wanted.lower())
        if not isinstance(option, dict):
            raise PriceError(f"the price is in {own} and its amount in {wanted} is not told")
        whole = {**whole, "tiers": None, **option}
    timing: Mapping[str, Any] = part(whole, "recurring") or whole
    interval = str(timing.get("interval") or "month")
    if interval not in INTERVALS:
        raise PriceError(f"the interval '{interval}' is not known")
    packs = part(whole, "transform_quantity") or part(whole, "transform_usage")
    product = whole.get("product")
    return Price(
        id=str(whole.get("id") or ""), product=str(product.get("id") if isinstance(product, dict) else product or ""), currency=wanted,
        interval=interval, count=count(timing.get("interval_count")) or 1, is_metered=timing.get("usage_type") == "metered",
        unit=None if whole.get("billing_scheme") == "tiered" else _number(whole, "unit_amount", "amount"),
        tiers=_tiers(listed(whole.get("tiers"))), is_volume=whole.get("tiers_mode") == "volume",
        pack=count(packs.get("divide_by")) or 1, packs_up=packs.get("round") != "down", is_recurring=whole.get("type") != "one_time",
    )  # fmt: skip


def with_unit(price: Price, unit: Fraction) -> Price:
    """The price at another amount for a unit, as a line of an invoice tells it."""
    return replace(price, unit=unit, tiers=())


def _tiers(told: Sequence[Object]) -> tuple[Tier, ...]:
    return tuple(
        Tier(
            None if tier.get("up_to") in (None, "inf") else int(tier["up_to"]),
            _number(tier, "unit_amount") or Fraction(0), _number(tier, "flat_amount") or Fraction(0),
        )
        for tier in told
    )  # fmt: skip


def _number(told: Mapping[str, Any], *names: str) -> Fraction | None:
    """The first of these amounts that is told; the exact one before the rounded one."""
    for name in names:
        for key in (f"{name}_decimal", name):
            value = fraction(told.get(key))
            if value is not None:
                return value
    return None
