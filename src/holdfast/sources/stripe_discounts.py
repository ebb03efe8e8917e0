"""Stripe's discounts as the columns of an item: what is taken off without end, for a time, and once, and until when.

Stripe takes an item's own discounts off first, then those of the subscription, each in the order given; an amount off a subscription
is shared among the items it applies to, by what they cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from holdfast.domain.money import half_even
from holdfast.sources.source import Object, Row
from holdfast.sources.stripe_prices import minor
from holdfast.sources.stripe_shape import count, coupon_told, ident, part, seconds

KINDS = ("forever", "repeating")


@dataclass(frozen=True)
class Discount:
    """A discount as it is applied to a customer, a subscription or an item."""

    id: str
    coupon: str
    #: forever, repeating or once
    duration: str
    start: int
    #: for a time only: when it ends
    end: int | None
    #: part of the price
    part: Fraction | None
    #: upper-case currency → amount off in Stripe's minor units
    amounts: Mapping[str, int] = field(compare=False)
    #: products it is for; empty: all
    products: frozenset[str] = frozenset()
    item: str = ""

    def holds(self, at: int) -> bool:
        return self.end is None or at < self.end


@dataclass
class Discounts:
    """Every discount of a customer that was ever told, by id."""

    coupons: Mapping[str, Object]
    known: dict[str, Discount] = field(default_factory=dict)
    #: ids that could not be read → why
    bad: dict[str, str] = field(default_factory=dict)
    #: ids of those that are the customer's, which are told of the customer
    of_customer: set[str] = field(default_factory=set)

    def learn(self, told: Any) -> None:
        """Take note of a discount that is written out."""
        if not isinstance(told, dict) or ident(told) in self.known:
            return
        coupon = coupon_told(told)
        coupon = coupon if isinstance(coupon, dict) else self.coupons.get(ident(coupon))
        # before discounts had ids, the coupon's and the time were all there was to tell them apart
        name = ident(told) or f"{ident(coupon_told(told))}@{told.get('start')}"
        if coupon is None:
            self.bad[name] = f"the coupon '{ident(coupon_told(told))}' is not told"
            return
        try:
            self.known[name] = _discount(name, told, coupon)
            self.bad.pop(name, None)
        except (ValueError, InvalidOperation, TypeError) as error:
            self.bad[name] = str(error)

    def named(self, told: Iterable[str | Object]) -> tuple[str, ...]:
        """The ids of discounts as a state tells them, those that count by the invoice (once) left out."""
        found = []
        for one in told:
            self.learn(one)
            name = one if isinstance(one, str) else ident(one) or f"{ident(coupon_told(one))}@{one.get('start')}"
            discount = self.known.get(name)
            if discount is None:
                self.bad.setdefault(name, "the discount was told by its id only")
            elif discount.duration in KINDS:
                found.append(name)
        return tuple(found)


def _discount(name: str, told: Object, coupon: Object) -> Discount:
    percent, amount = coupon.get("percent_off"), coupon.get("amount_off")
    amounts: dict[str, int] = {}
    if amount is not None:
        amounts[str(coupon.get("currency") or "").upper()] = int(amount)
        options = part(coupon, "currency_options")
        amounts |= {currency.upper(): count(part(options, currency).get("amount_off")) for currency in options}
    if percent is None and not amounts:
        raise ValueError("the coupon says neither a percentage nor an amount")
    duration = str(coupon.get("duration") or "forever")
    if duration not in (*KINDS, "once"):
        raise ValueError(f"the duration '{duration}' is not known")
    applies = part(coupon, "applies_to").get("products")
    products = frozenset(ident(one) for one in applies) if isinstance(applies, list) else frozenset()
    return Discount(
        name, ident(coupon), duration, seconds(told.get("start")) or 0, seconds(told.get("end")) if duration == "repeating" else None,
        None if percent is None else Fraction(Decimal(str(percent))) / 100, amounts, products,
        ident(told.get("subscription_item")),
    )  # fmt: skip


@dataclass
class Priced:
    """An item at a moment: what it costs for one billing in the currency's minor units, and its own discounts."""

    item: str
    product: str
    currency: str
    amount: int
    own: Sequence[Discount] = ()


@dataclass
class _Taken:
    """What was taken off so far, by kind: what part is left, and the amount."""

    left: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(KINDS, Fraction(1)))
    minus: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(KINDS, Fraction(0)))

    def remaining(self, amount: int) -> Fraction:
        value = Fraction(amount)
        for kind in KINDS:
            value *= self.left[kind]
        return max(value - sum(self.minus.values()), Fraction(0))

    def part(self, kind: str, part: Fraction) -> None:
        self.left[kind] *= 1 - part
        # an amount that was taken off before is less of a reduction once a part of the rest is off, too
        self.minus[kind] *= 1 - part


def columns(items: Sequence[Priced], shared: Sequence[Discount]) -> dict[str, Row]:
    """The discount columns of each item; `shared`: those of the subscription. `*_until` are moments yet."""
    taken = {item.item: _Taken() for item in items}
    for item in items:
        for discount in item.own:
            _take(discount, [item], taken)
    for discount in shared:
        _take(discount, [item for item in items if not discount.products or item.product in discount.products], taken)
    return {item.item: _said(taken[item.item]) for item in items}


def _take(discount: Discount, items: Sequence[Priced], taken: Mapping[str, _Taken]) -> None:
    kind = discount.duration
    if discount.part is not None:
        for item in items:
            taken[item.item].part(kind, discount.part)
        return
    here = [item for item in items if item.currency in discount.amounts]
    if not here:
        return
    off = minor(discount.amounts[here[0].currency], here[0].currency)
    for item, share in zip(here, shares(off, [taken[i.item].remaining(i.amount) for i in here]), strict=True):
        taken[item.item].minus[kind] += share


def shares(amount: int, weights: Sequence[Fraction | int]) -> list[int]:
    """A whole amount dealt out by weights, to the last unit; all to the first where there is no weight."""
    total = sum(weights, Fraction(0))
    if not weights:
        return []
    if total <= 0:
        return [amount] + [0] * (len(weights) - 1)
    exact = [amount * Fraction(weight) / total for weight in weights]
    whole = [int(part) for part in exact]
    rest = amount - sum(whole)
    step = 1 if rest > 0 else -1
    order = sorted(range(len(weights)), key=lambda place: -abs(exact[place] - whole[place]))
    for place in order[: abs(rest)]:
        whole[place] += step
    return whole


def _said(taken: _Taken) -> Row:
    said: Row = {}
    for kind in KINDS:
        said[f"{kind}_off_ppm"] = half_even((1 - taken.left[kind]) * 1_000_000)
        said[f"{kind}_off_minor"] = half_even(taken.minus[kind])
    return said


def until(discounts: Iterable[Discount], day: Any) -> date | None:
    """The first day without one of the discounts for a time; `day` makes a moment a day."""
    ends = [d.end for d in discounts if d.duration == "repeating" and d.end is not None]
    return day(min(ends)) if ends else None
