"""Chargebee's invoices and credit notes: as rows, and as witnesses of what a subscription cost before anything else tells it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from holdfast.sources.chargebee_prices import ADDON, PLAN, Catalogue, Item, discount_of
from holdfast.sources.source import Object, Row
from holdfast.sources.times import day_in, moment

RECURRING = {"plan_item_price": PLAN, "addon_item_price": ADDON, "plan": PLAN, "addon": ADDON}
STATUSES = {
    "paid": "paid",
    "posted": "open",
    "payment_due": "open",
    "not_paid": "uncollectible",
    "voided": "void",
    "pending": "draft",
}
#: discounts of a line that are no discounts but money of the customer
CREDITS = ("promotional_credits", "prorated_credits")
DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25}


# -- rows ----------------------------------------------------------------------------------------------------


def invoice_row(obj: Object, is_deleted: bool, timezone: str) -> Row:
    """An invoice; `issued_on` is None where it has no date yet."""
    total, off = obj.get("total") or 0, obj.get("write_off_amount") or 0
    status = "uncollectible" if total and off >= total else STATUSES.get(str(obj.get("status")), "open")
    tried = [one for one in obj.get("linked_payments") or () if one.get("txn_status") in ("success", "failure")]
    return {
        "invoice_id": str(obj.get("id")),
        "account_id": str(obj.get("customer_id") or ""),
        "currency": str(obj.get("currency_code") or "").upper(),
        "issued_on": day_in(moment(obj.get("date")), timezone),
        "due_on": day_in(moment(obj.get("due_date")), timezone),
        "paid_on": day_in(moment(obj.get("paid_at")), timezone) if status == "paid" else None,
        "status": status,
        "total_minor": total,
        "tax_minor": obj.get("tax") or 0,
        "attempts": max(len(tried), len(obj.get("dunning_attempts") or ())),
        "deleted": is_deleted,
    }


def line_rows(obj: Object, is_deleted: bool, catalogue: Catalogue, timezone: str, *, is_credit: bool) -> Iterable[Row]:
    """The lines of an invoice or a credit note, without tax and after discounts."""
    issued = day_in(moment(obj.get("date")), timezone)
    # void and draft invoices ask for no money
    counts = not is_deleted and obj.get("status") not in ("voided", "pending")
    for line in obj.get("line_items") or ():
        amount = _net(line, obj)
        subscription = line.get("subscription_id") or obj.get("subscription_id")
        price_id = str(line.get("entity_id") or "")
        kind = RECURRING.get(str(line.get("entity_type")))
        item = str(subscription or "") if kind == PLAN else catalogue.product(price_id)
        yield {
            "line_id": str(line.get("id")),
            "invoice_id": str(obj.get("id")),
            "account_id": str(obj.get("customer_id") or ""),
            "subscription_id": str(subscription) if subscription else None,
            "item_id": item or None,
            "kind": _credit_kind(obj) if is_credit else _kind(line, kind, catalogue, timezone),
            "amount_minor": -amount if is_credit else amount,
            "currency": str(obj.get("currency_code") or "").upper(),
            "period_start": day_in(moment(line.get("date_from")), timezone),
            "period_end": _end(line, timezone),
            "issued_on": issued,
            "deleted": not counts,
        }


def _net(line: Object, obj: Object) -> int:
    told = [one for one in obj.get("line_item_discounts") or () if one.get("line_item_id") == line.get("id")]
    off = sum(one.get("discount_amount") or 0 for one in told if one.get("discount_type") not in CREDITS)
    if not told:
        off = line.get("discount_amount") or 0
    tax = (line.get("tax_amount") or 0) if obj.get("price_type") == "tax_inclusive" else 0
    return int((line.get("amount") or 0) - off - tax)


def _kind(line: Object, kind: str | None, catalogue: Catalogue, timezone: str) -> str:
    if kind is None:
        return "one_off"
    if is_metered(line, catalogue):
        return "metered"
    if catalogue.prices.get(str(line.get("entity_id")), {}).get("charge_type") == "non_recurring":
        return "one_off"
    return "recurring" if _is_full(line, catalogue, timezone) else "proration"


def _credit_kind(obj: Object) -> str:
    """Money that went back is a refund; what was taken off an invoice, or kept for the next one, is a credit."""
    return "refund" if obj.get("type") == "refundable" and (obj.get("amount_refunded") or 0) > 0 else "credit"


def is_metered(line: Object, catalogue: Catalogue) -> bool:
    return bool(line.get("metered")) or catalogue.is_metered(str(line.get("entity_id")))


def _end(line: Object, timezone: str) -> date | None:
    """The first day after the line's period: a period may end a second before midnight."""
    end = moment(line.get("date_to"))
    return None if end is None else day_in(end + timedelta(seconds=1), timezone)


def _is_full(line: Object, catalogue: Catalogue, timezone: str) -> bool:
    """Whether a line is for a whole period of its price."""
    start, end = day_in(moment(line.get("date_from")), timezone), _end(line, timezone)
    interval = catalogue.interval(str(line.get("entity_id")))
    if start is None or end is None or interval is None:
        return True
    days = DAYS[interval[0]] * interval[1]
    return (end - start).days >= days - max(3.0, days * 0.02) or days <= 7 <= (end - start).days


# -- witnesses -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """An item as an invoice saw it: from `start` on and before `end`."""

    start: date
    end: date
    item: Item
    #: the first day after the term that was billed, even where the item ended sooner
    term_end: date
    is_full: bool = True

    @property
    def slot(self) -> str:
        return self.item.item_id


def witnessed(
    subscription_id: str, invoices: Sequence[Object], credit_notes: Sequence[Object], catalogue: Catalogue, now_at: Sequence[Item],
    timezone: str,
) -> list[Seen]:  # fmt: skip
    """What invoices say that a subscription had, in order; `now_at`: its items as they are told first, for prices of parts of a period."""
    seen: list[Seen] = []
    for invoice in invoices:
        if invoice.get("status") in ("voided", "pending"):
            continue
        for line in invoice.get("line_items") or ():
            if str(line.get("subscription_id") or invoice.get("subscription_id")) == subscription_id:
                found = _seen(subscription_id, line, invoice, catalogue, timezone)
                if found:
                    seen.append(found)
    seen.sort(key=lambda one: (one.start, one.end))
    seen = _cut_by_next(_priced(seen, now_at, catalogue))
    for day, slot in _credited(subscription_id, credit_notes, catalogue, timezone):
        seen = _cut_by_credit(seen, day, slot)
    return sorted(seen, key=lambda one: (one.start, one.slot))


def _seen(subscription_id: str, line: Object, invoice: Object, catalogue: Catalogue, timezone: str) -> Seen | None:
    kind = RECURRING.get(str(line.get("entity_type")))
    start, end = day_in(moment(line.get("date_from")), timezone), _end(line, timezone)
    if (
        kind is None
        or start is None
        or end is None
        or end <= start
        or _kind(line, kind, catalogue, timezone) in ("metered", "one_off")
    ):
        return None
    price_id = str(line.get("entity_id"))
    quantity, unit, amount = line.get("quantity"), line.get("unit_amount"), line.get("amount") or 0
    if not (isinstance(quantity, int) and isinstance(unit, int) and quantity > 0 and quantity * unit == amount):
        quantity, unit = 1, amount
    interval, count = catalogue.interval(price_id) or _length((end - start).days)
    product = catalogue.product(price_id)
    item_id = subscription_id if kind == PLAN else product
    item = Item(
        kind, item_id, price_id, product, quantity, unit, interval, count, off=_off(line, invoice, catalogue, end)
    )
    return Seen(start, end, item, end, _is_full(line, catalogue, timezone))


def _length(days: int) -> tuple[str, int]:
    """The billing period that a number of days is nearest to."""
    months = round(days / DAYS["month"])
    if months == 0:
        return ("week", round(days / 7)) if days >= 7 else ("day", max(1, days))
    return ("year", months // 12) if months % 12 == 0 else ("month", months)


def _off(line: Object, invoice: Object, catalogue: Catalogue, end: date) -> dict[str, Any]:
    """The discounts that were taken off a line."""
    off: dict[str, Any] = {}
    for told in invoice.get("line_item_discounts") or ():
        coupon = catalogue.coupons.get(str(told.get("coupon_id") or told.get("entity_id")))
        if told.get("line_item_id") != line.get("id") or coupon is None:
            continue
        for discount in discount_of(coupon, end):
            name = f"{discount.lasts}_off_{'ppm' if discount.ppm else 'minor'}"
            off[name] = off.get(name, 0) + (discount.ppm or told.get("discount_amount") or 0)
            if discount.lasts != "forever":
                off[f"{discount.lasts}_until"] = end
    return off


def _priced(seen: Sequence[Seen], now_at: Sequence[Item], catalogue: Catalogue) -> list[Seen]:
    """Lines for a part of a period at the price of a whole one: that of the next whole line, else as told first, else the list's."""
    whole: dict[tuple[str, str], Item] = {(item.item_id, item.price_id): item for item in now_at}
    found = []
    for one in reversed(seen):
        key = (one.slot, one.item.price_id)
        if one.is_full:
            whole[key] = one.item
        else:
            known = whole.get(key)
            listed = catalogue.prices.get(one.item.price_id, {}).get("price")
            if known:
                # a quantity that the line does not tell is that of the whole price
                quantity = (
                    one.item.quantity
                    if one.item.quantity > 1
                    else known.quantity
                    if known.quantity == 1
                    else one.item.quantity
                )
                one = replace(one, item=replace(known, quantity=quantity, off=known.off))
            elif isinstance(listed, int):
                one = replace(one, item=replace(one.item, unit_minor=listed))
        found.append(one)
    return found[::-1]


def _cut_by_next(seen: Sequence[Seen]) -> list[Seen]:
    """Each ends where the next of its slot begins; of those that begin on one day the last counts."""
    found: list[Seen] = []
    for slot in dict.fromkeys(one.slot for one in seen):
        of_slot = [one for one in seen if one.slot == slot]
        for one, later in zip(of_slot, [*of_slot[1:], None], strict=True):
            end = min(one.end, later.start) if later else one.end
            if end > one.start:
                found.append(replace(one, end=end))
    return found


def _credited(
    subscription_id: str, credit_notes: Sequence[Object], catalogue: Catalogue, timezone: str
) -> Iterable[tuple[date, str]]:
    """Days from which an item was credited because the subscription changed, and its slot."""
    reasons = ("subscription_change", "subscription_cancellation", "subscription_pause")
    for note in credit_notes:
        if note.get("status") == "voided" or note.get("reason_code") not in reasons:
            continue
        for line in note.get("line_items") or ():
            kind = RECURRING.get(str(line.get("entity_type")))
            day = day_in(moment(line.get("date_from")), timezone)
            if kind and day and str(line.get("subscription_id") or note.get("subscription_id")) == subscription_id:
                yield day, subscription_id if kind == PLAN else catalogue.product(str(line.get("entity_id")))


def _cut_by_credit(seen: Sequence[Seen], day: date, slot: str) -> list[Seen]:
    """An item that was credited ended that day. Where it goes on with the next term, that is what it has been since."""
    found = list(seen)
    for n, one in enumerate(found):
        if one.slot == slot and one.start < day < one.end:
            found[n] = replace(one, end=day)
            later = next(
                (m for m, other in enumerate(found) if other.slot == slot and 0 <= (other.start - one.end).days <= 2),
                None,
            )
            if later is not None:
                found[later] = replace(found[later], start=day)
    return found
