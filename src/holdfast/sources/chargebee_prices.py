"""What an item of a Chargebee subscription costs for one interval, in either product catalogue, and which discounts are on it.

Chargebee writes money in the currency's minor unit: cents, and yen for JPY.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

from holdfast.domain.money import decimals
from holdfast.sources.source import Object
from holdfast.sources.times import day_in, moment

PPM = 1_000_000
PLAN, ADDON = "plan", "addon"
#: pricing models in which one unit costs the same whichever it is
BY_UNIT = ("per_unit", "volume")
DURATIONS = {"forever": "forever", "one_time": "once", "limited_period": "repeating", "limited_month": "repeating"}


class PriceError(ValueError):
    """An item whose price cannot be said."""

    def __init__(self, field: str, value: object, reason: str) -> None:
        super().__init__(reason)
        self.field, self.value, self.reason = field, str(value), reason


@dataclass(frozen=True)
class Catalogue:
    """Prices by id, of whichever catalogue the site has, and coupons."""

    prices: Mapping[str, Object]
    items: Mapping[str, Object]
    coupons: Mapping[str, Object]

    @classmethod
    def of(cls, shared: Mapping[str, Mapping[str, Object]]) -> Catalogue:
        prices = {**shared.get("plans", {}), **shared.get("addons", {}), **shared.get("item_prices", {})}
        return cls(prices, shared.get("items", {}), shared.get("coupons", {}))

    def product(self, price_id: str) -> str:
        """The item of an item price; plans and addons of the older catalogue are products themselves."""
        return str(self.prices.get(price_id, {}).get("item_id") or price_id)

    def is_metered(self, price_id: str) -> bool:
        price = self.prices.get(price_id, {})
        return bool(price.get("metered") or self.items.get(self.product(price_id), {}).get("metered"))

    def interval(self, price_id: str) -> tuple[str, int] | None:
        price = self.prices.get(price_id, {})
        return interval_of(price.get("period"), price.get("period_unit"))


@dataclass(frozen=True)
class Item:
    """A priced line of a subscription."""

    #: PLAN or ADDON
    kind: str
    item_id: str
    price_id: str
    product_id: str
    quantity: int
    unit_minor: int
    interval: str
    count: int
    is_metered: bool = False
    #: columns of the discounts on it
    off: Mapping[str, Any] = field(default_factory=dict)

    @property
    def billing_minor(self) -> int:
        return self.quantity * self.unit_minor


def interval_of(period: Any, unit: Any) -> tuple[str, int] | None:
    """A billing period; None where it is not one."""
    if (
        unit in ("day", "week", "month", "year")
        and isinstance(period, int)
        and not isinstance(period, bool)
        and period > 0
    ):
        return str(unit), period
    return None


def items_of(subscription: Object, catalogue: Catalogue) -> list[Item]:
    """The recurring items, discounts not yet on them. PriceError: one has no price or no period."""
    found = []
    currency = str(subscription.get("currency_code") or "").upper()
    own = interval_of(subscription.get("billing_period"), subscription.get("billing_period_unit"))
    for kind, told in _lines(subscription, catalogue):
        price_id = str(told["price_id"])
        # an addon is priced for its own period, a plan for the subscription's
        interval = catalogue.interval(price_id) or own if kind == ADDON else own or catalogue.interval(price_id)
        if interval is None:
            raise PriceError(
                "billing_period", subscription.get("billing_period"), f"the period of {price_id} is not known"
            )
        quantity, unit = _price(told, catalogue.prices.get(price_id, {}), _tiers(subscription, price_id), currency)
        product = catalogue.product(price_id)
        item_id = str(subscription.get("id")) if kind == PLAN else product
        metered = catalogue.is_metered(price_id)
        found.append(Item(kind, item_id, price_id, product, quantity, unit, *interval, metered))
    return found


def _lines(subscription: Object, catalogue: Catalogue) -> Iterable[tuple[str, Object]]:
    """Plans and addons as `price_id`, quantity, unit price and amount; charges are paid once and left out."""
    for told in subscription.get("subscription_items") or ():
        if told.get("item_type") in (PLAN, ADDON) and told.get("item_price_id"):
            yield str(told["item_type"]), told | {"price_id": told["item_price_id"]}
    if subscription.get("plan_id"):
        names = ("quantity", "unit_price", "amount", "free_quantity", "quantity_in_decimal",
                 "unit_price_in_decimal", "amount_in_decimal")  # fmt: skip
        yield PLAN, {name: subscription.get(f"plan_{name}") for name in names} | {"price_id": subscription["plan_id"]}
        for told in subscription.get("addons") or ():
            is_once = catalogue.prices.get(str(told.get("id")), {}).get("charge_type") == "non_recurring"
            if told.get("id") and not is_once:
                yield ADDON, told | {"price_id": told["id"]}


def _tiers(subscription: Object, price_id: str) -> list[Object]:
    """Tiers that the subscription has of its own."""
    return [tier for tier in subscription.get("item_tiers") or () if tier.get("item_price_id") == price_id]


def _price(told: Object, price: Object, tiers: Sequence[Object], currency: str) -> tuple[int, int]:
    """Quantity and unit price. Where units do not cost the same, or are no whole number: 1 and the amount."""
    model = told.get("pricing_model") or price.get("pricing_model") or price.get("charge_model")
    quantity = whole(told.get("quantity_in_decimal") or told.get("quantity") or 1)
    free = whole(told.get("free_quantity") or price.get("free_quantity") or 0)
    paid = None if quantity is None or free is None else max(0, quantity - free)
    unit = amount_of(told, "unit_price", currency)
    if unit is None and model in (None, "flat_fee", "per_unit"):
        unit = amount_of(price, "price", currency)
    amount = amount_of(told, "amount", currency)
    if amount is None:
        amount = _computed(model, unit, paid, tiers or price.get("tiers") or ())
    if amount is None:
        raise PriceError("unit_price", told.get("unit_price"), f"the price of {told.get('price_id')} is not known")
    if paid and unit is not None and paid * unit == amount:
        return paid, unit
    if paid and model in BY_UNIT and amount % paid == 0:
        return paid, amount // paid
    return 1, amount


def _computed(model: Any, unit: int | None, quantity: int | None, tiers: Sequence[Object]) -> int | None:
    """The amount where none is told."""
    if quantity is None:
        return None
    if model in ("tiered", "volume", "stairstep") and tiers:
        return tier_amount(str(model), quantity, tiers)
    if unit is None:
        return None
    return unit if model == "flat_fee" else unit * quantity


def tier_amount(model: str, quantity: int, tiers: Sequence[Object]) -> int:
    """What a quantity costs by tiers: each unit by its own tier, all by the last one's, or the last one's price for all."""
    steps = sorted(tiers, key=lambda tier: tier.get("starting_unit") or 0)
    reached = [tier for tier in steps if (tier.get("starting_unit") or 1) <= max(quantity, 1)] or steps[:1]
    last = reached[-1].get("price") or 0
    if model == "volume":
        return int(quantity * last)
    if model == "stairstep":
        return int(last) if quantity else 0
    total = 0
    for tier in reached:
        first, end = max(tier.get("starting_unit") or 1, 1), tier.get("ending_unit")
        units = min(quantity, end if isinstance(end, int) else quantity) - first + 1
        total += max(0, units) * (tier.get("price") or 0)
    return total


def amount_of(told: Object, name: str, currency: str) -> int | None:
    """Money in minor units. What is told in decimals of the major unit only counts where that is a whole number of them."""
    plain = told.get(name)
    if isinstance(plain, int) and not isinstance(plain, bool):
        return plain
    try:
        return whole(Decimal(str(told.get(f"{name}_in_decimal"))).scaleb(decimals(currency)))
    except InvalidOperation:
        return None


def whole(value: Any) -> int | None:
    """A whole number, also one written with decimals."""
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


# -- discounts -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Discount:
    """A coupon or a discount on a subscription."""

    #: forever, repeating or once
    lasts: str
    ppm: int
    minor: int
    until: date | None
    #: prices and products it is for; None: the whole invoice
    on: frozenset[str] | None
    each: str = ""


def discounted(items: Sequence[Item], subscription: Object, catalogue: Catalogue, timezone: str) -> list[Item]:
    """The items with what is off of each."""
    offs: list[dict[str, Any]] = [{} for _ in items]
    for discount in _discounts(subscription, catalogue, timezone):
        places = [n for n, item in enumerate(items) if _is_on(item, discount)]
        if discount.ppm:
            for n in places:
                _percent(offs[n], discount)
        elif discount.minor:
            for n, share in _shares(items, places, discount):
                _amount(offs[n], discount, share)
    return [Item(**{**vars(item), "off": off}) for item, off in zip(items, offs, strict=True)]


def _is_on(item: Item, discount: Discount) -> bool:
    return not item.is_metered and (
        discount.on is None or bool({item.price_id, item.product_id, item.kind} & discount.on)
    )


def _percent(off: dict[str, Any], discount: Discount) -> None:
    """Several percentages are taken one after the other."""
    name = f"{discount.lasts}_off_ppm"
    left = Fraction(PPM - off.get(name, 0), PPM) * Fraction(PPM - discount.ppm, PPM)
    off[name] = PPM - round(left * PPM)
    _until(off, discount)


def _amount(off: dict[str, Any], discount: Discount, share: int) -> None:
    name = f"{discount.lasts}_off_minor"
    off[name] = off.get(name, 0) + share
    _until(off, discount)


def _until(off: dict[str, Any], discount: Discount) -> None:
    name = f"{discount.lasts}_until"
    if discount.lasts != "forever" and discount.until:
        off[name] = max(off.get(name, discount.until), discount.until)


def _shares(items: Sequence[Item], places: Sequence[int], discount: Discount) -> Iterable[tuple[int, int]]:
    """An amount that is off of an invoice, split over the items that are billed with the plan, by what they cost."""
    if discount.each:
        return [(n, discount.minor * (items[n].quantity if discount.each == "unit" else 1)) for n in places]
    rhythm = next(((item.interval, item.count) for item in items if item.kind == PLAN), None)
    places = [n for n in places if rhythm in (None, (items[n].interval, items[n].count))] or list(places)
    total = sum(items[n].billing_minor for n in places)
    if not total:
        return []
    left, rest = min(discount.minor, total), total
    shares = []
    for n in places:
        share = round(Fraction(left * items[n].billing_minor, rest)) if rest else 0
        shares.append((n, share))
        left, rest = left - share, rest - items[n].billing_minor
    return shares


def _discounts(subscription: Object, catalogue: Catalogue, timezone: str) -> Iterable[Discount]:
    for applied in subscription.get("coupons") or ():
        coupon = catalogue.coupons.get(str(applied.get("coupon_id")))
        if coupon:
            yield from discount_of(coupon, _end(applied, subscription, timezone))
    for told in subscription.get("discounts") or ():
        if not told.get("coupon_id"):
            named = told | {
                "discount_type": told.get("type"),
                "discount_percentage": told.get("percentage"),
                "discount_amount": told.get("amount"),
            }
            only = {"item_price_ids": [told["item_price_id"]]} if told.get("item_price_id") else {}
            yield from discount_of(named | only, _end(told, subscription, timezone))


def _end(applied: Object, subscription: Object, timezone: str) -> date | None:
    """Until when a discount that ends is taken off: the day that is told, or the end of the term it is applied in."""
    return day_in(moment(applied.get("apply_till")) or moment(subscription.get("current_term_end")), timezone)


def discount_of(coupon: Object, until: date | None) -> Iterable[Discount]:
    """What a coupon takes off; nothing where it gives things instead of money."""
    lasts = DURATIONS.get(str(coupon.get("duration_type")))
    if lasts is None:
        return
    each = {"each_specified_item": "item", "each_unit_of_specified_items": "unit"}.get(str(coupon.get("apply_on")), "")
    if coupon.get("discount_type") == "percentage":
        try:
            ppm = min(PPM, max(0, round(Decimal(str(coupon.get("discount_percentage") or 0)) * 10_000)))
        except InvalidOperation:
            return
        yield Discount(lasts, ppm, 0, until, _targets(coupon))
    elif coupon.get("discount_type") == "fixed_amount" and isinstance(coupon.get("discount_amount"), int):
        yield Discount(lasts, 0, int(coupon["discount_amount"]), until, _targets(coupon), each)


def _targets(coupon: Object) -> frozenset[str] | None:
    """Ids, or kinds, of what a coupon is for; None: everything."""
    if coupon.get("item_price_ids"):
        return frozenset(str(one) for one in coupon["item_price_ids"])
    if coupon.get("apply_on") in (None, "invoice_amount"):
        return None
    found: set[str] = set()
    for rule in coupon.get("item_constraints") or ():
        kind, how = str(rule.get("item_type")), rule.get("constraint")
        found |= (
            {kind}
            if how == "all"
            else {str(one) for one in rule.get("item_price_ids") or ()}
            if how == "specific"
            else set()
        )
    for kind in (PLAN, ADDON):
        how = coupon.get(f"{kind}_constraint")
        found |= (
            {kind}
            if how == "all"
            else {str(one) for one in coupon.get(f"{kind}_ids") or ()}
            if how == "specific"
            else set()
        )
    return frozenset(found)
