"""Stripe's objects in both shapes they come in, as one. Which shape it is, is seen from the object.

Today: period dates and discounts on the items, `discounts`, an invoice's and a line's `parent`, a line's `pricing`, `taxes`.
Before: plans, period dates on the subscription, `discount`, `subscription` and `proration` on the line, `tax_amounts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from holdfast.sources.source import Object


def ident(told: Any) -> str:
    """The id of what is told by its id or written out; "" where there is nothing."""
    if isinstance(told, dict):
        return str(told.get("id") or "")
    return str(told or "")


def moment(told: Any) -> datetime | None:
    """Seconds since 1970 as UTC; None where it is not a time."""
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    try:
        return datetime.fromtimestamp(int(told), UTC)
    except (OverflowError, ValueError, OSError):
        return None


def seconds(told: Any) -> int | None:
    """Seconds since 1970; None where it is not a time."""
    return int(told) if moment(told) is not None else None


def day_of(at: int, zone: ZoneInfo) -> date:
    """The day of a moment at the company."""
    return datetime.fromtimestamp(at, UTC).astimezone(zone).date()


def fraction(told: Any) -> Fraction | None:
    """A number, as text or not; None where it is none."""
    try:
        return None if told is None else Fraction(str(told))
    except (ValueError, ZeroDivisionError):
        return None


def customer_of(obj: Object) -> str:
    """The customer an object belongs to; a refund says it by its charge at times."""
    charge = obj.get("charge")
    return ident(obj.get("customer")) or (ident(charge.get("customer")) if isinstance(charge, dict) else "")


def listed(told: Any) -> list[Object]:
    """The objects of a list, whether it is one of Stripe's list objects or plain."""
    data = told.get("data") if isinstance(told, dict) else told
    return [obj for obj in data if isinstance(obj, dict)] if isinstance(data, list) else []


def part(obj: Any, *names: str) -> Object:
    """The object within an object, by the names that lead to it; {} where there is none."""
    for name in names:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj if isinstance(obj, dict) else {}


def count(told: Any) -> int:
    """A whole number; 0 where it is none."""
    return told if isinstance(told, int) and not isinstance(told, bool) else 0


# -- discounts -----------------------------------------------------------------------------------------------


def discounts_told(obj: Object) -> list[str | Object]:
    """Discounts of a subscription, item or customer, each as its id or written out."""
    several = obj.get("discounts")
    if isinstance(several, list) and several:
        return [told for told in several if told and isinstance(told, str | dict)]
    one = obj.get("discount")
    return [one] if one and isinstance(one, str | dict) else []


def coupon_told(discount: Object) -> Any:
    """The coupon of a discount: its id, or written out."""
    source = discount.get("source")
    return (source.get("coupon") if isinstance(source, dict) else None) or discount.get("coupon")


# -- subscriptions -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Item:
    """A line of a subscription as one state of it tells it."""

    id: str
    #: the price or plan
    price: Object
    quantity: int
    created: int | None
    period: tuple[int, int] | None
    discounts: tuple[str | Object, ...] = field(compare=False, default=())
    tax_rates: tuple[Object, ...] = field(compare=False, default=())


def items_of(sub: Object) -> list[Item]:
    """The items of a subscription; one of old has a plan and no items."""
    told = listed(sub.get("items"))
    if not told and isinstance(sub.get("plan"), dict):
        told = [{"id": sub.get("id"), "plan": sub["plan"], "quantity": sub.get("quantity")}]
    found = []
    for item in told:
        price = item.get("price") or item.get("plan")
        if not isinstance(price, dict) or item.get("deleted"):
            continue
        rates = listed(item.get("tax_rates")) or listed(sub.get("default_tax_rates"))
        quantity = item.get("quantity")
        found.append(
            Item(
                ident(item), price, quantity if isinstance(quantity, int) else 1, seconds(item.get("created")), _period(item) or _period(sub),
                tuple(discounts_told(item)), tuple(rates),
            )
        )  # fmt: skip
    return found


def _period(obj: Object) -> tuple[int, int] | None:
    start, end = seconds(obj.get("current_period_start")), seconds(obj.get("current_period_end"))
    return None if start is None or end is None else (start, end)


def period_end(sub: Object) -> int | None:
    """The end of the period paid for, the last of its items'."""
    return max((item.period[1] for item in items_of(sub) if item.period), default=None)


def begins(sub: Object) -> int | None:
    """When it began: `start_date`, which may lie before it was entered."""
    told = [sub.get("start_date"), sub.get("created"), sub.get("start")]
    return next((at for one in told if (at := seconds(one)) is not None), None)


def ends(sub: Object) -> int | None:
    """When it is agreed to end; None where it goes on."""
    at = seconds(sub.get("cancel_at"))
    return period_end(sub) if at is None and sub.get("cancel_at_period_end") else at


# -- invoices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of an invoice. Amounts in Stripe's minor units."""

    id: str
    invoice: str
    subscription: str
    item: str
    price_id: str
    #: the price or plan, where the line has it written out
    price: Object | None
    product: str
    quantity: int | None
    unit: Fraction | None
    amount: int
    #: what each discount takes off, by its id
    discounts: Mapping[str, int]
    #: tax that is part of the amount, and what it was reckoned from
    tax_within: int
    taxed: int
    is_proration: bool
    is_recurring: bool
    start: int
    end: int
    currency: str

    @property
    def net(self) -> int:
        """Without discounts and tax."""
        return self.amount - sum(self.discounts.values()) - self.tax_within


#: where `parsed` keeps the lines in its copy of an invoice; no name of Stripe's
PARSED = "(lines)"


def subscription_of(invoice: Object) -> str:
    """The subscription an invoice is for; "" where it is for none."""
    parent = part(invoice, "parent", "subscription_details")
    return ident(parent.get("subscription")) or ident(invoice.get("subscription"))


def lines_of(invoice: Object) -> Sequence[Line]:
    """The lines of an invoice that can be read; others are skipped."""
    known: Sequence[Line] | None = invoice.get(PARSED)
    if known is not None:
        return known
    return tuple(line for told in listed(invoice.get("lines")) if (line := line_of(told, invoice)) is not None)


def parsed(invoice: Object) -> Object:
    """The invoice with its lines parsed once: they are asked for many times."""
    return {**invoice, PARSED: lines_of(invoice)}


def line_of(told: Object, invoice: Object) -> Line | None:
    """One line; None where it has no amount or period."""
    of_item, of_sub = part(told, "parent", "invoice_item_details"), part(told, "parent", "subscription_item_details")
    details = of_sub or of_item
    pricing = part(told, "pricing")
    by_price = part(pricing, "price_details")
    price = told.get("price") or told.get("plan") or by_price.get("price")
    period = part(told, "period")
    start, end = seconds(period.get("start")), seconds(period.get("end"))
    if start is None or end is None or not isinstance(told.get("amount"), int):
        return None
    within, taxed = _tax_within(listed(told.get("taxes")) or listed(told.get("tax_amounts")))
    unit = pricing.get("unit_amount_decimal")
    is_proration = bool(details.get("proration") or told.get("proration"))
    return Line(
        id=ident(told), invoice=ident(invoice),
        subscription=ident(details.get("subscription")) or ident(told.get("subscription")) or (
            subscription_of(invoice) if of_sub or told.get("type") == "subscription" else ""),
        item=ident(of_sub.get("subscription_item")) or ident(told.get("subscription_item")),
        price_id=ident(price), price=price if isinstance(price, dict) else None,
        product=ident(by_price.get("product")), quantity=told.get("quantity") if isinstance(told.get("quantity"), int) else None, unit=fraction(unit),
        amount=told["amount"], discounts={ident(d.get("discount")): count(d.get("amount")) for d in listed(told.get("discount_amounts"))},
        tax_within=within, taxed=taxed, is_proration=is_proration,
        is_recurring=bool(of_sub or told.get("type") == "subscription") and not is_proration,
        start=start, end=end, currency=str(told.get("currency") or invoice.get("currency") or "").upper(),
    )  # fmt: skip


def pending_line(item: Object) -> Line | None:
    """A proration that is on no invoice yet, as the line that it will be."""
    parent = part(item, "parent", "subscription_details")
    sub = ident(parent.get("subscription")) or ident(item.get("subscription"))
    if item.get("invoice") or not item.get("proration") or not sub:
        return None
    inner = {
        "subscription": sub,
        "subscription_item": ident(parent.get("subscription_item")) or ident(item.get("subscription_item")),
        "proration": True,
    }
    return line_of({**item, "parent": {"subscription_item_details": inner}}, {"currency": item.get("currency")})


def _tax_within(taxes: Sequence[Object]) -> tuple[int, int]:
    """Tax that is part of the amount, and the amount it was reckoned from."""
    within = [t for t in taxes if t.get("tax_behavior") == "inclusive" or t.get("inclusive")]
    return sum(count(t.get("amount")) for t in within), max((count(t.get("taxable_amount")) for t in within), default=0)


def issued(invoice: Object) -> int | None:
    """When an invoice was issued."""
    moves = part(invoice, "status_transitions")
    told = (invoice.get("effective_at"), moves.get("finalized_at"), invoice.get("created"), invoice.get("date"))
    return next((at for one in told if (at := seconds(one)) is not None), None)
