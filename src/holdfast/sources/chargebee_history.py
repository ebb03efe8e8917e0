"""The whole history of a Chargebee subscription: what was seen of it, and before that what invoices witness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from holdfast.sources.chargebee_invoices import Seen, witnessed
from holdfast.sources.chargebee_prices import Catalogue, Item, discounted, items_of
from holdfast.sources.source import Object, Row, State
from holdfast.sources.times import day_in, moment

STATUSES = {"in_trial": "trialing", "active": "active", "non_renewing": "active", "paused": "paused"}
ENDED = ("cancelled", "transferred")
#: reasons of a cancellation that are the payment's, not the customer's
UNPAID = ("not_paid", "no_card")
#: days between two invoices that are no gap
GAP = 3


@dataclass(frozen=True)
class Held:
    """An item that held from a day on, and until when if that is known."""

    item: Item
    status: str
    start: date
    end: date | None
    #: columns of renewal and cancellation, as far as they are told
    term: Row


@dataclass(frozen=True)
class History:
    """What is known of a subscription. `whole_from`: the first day from which that is certain; None: all of it."""

    held: list[Held]
    whole_from: date | None = None


def history(
    states: Sequence[State],
    invoices: Sequence[Object],
    credit_notes: Sequence[Object],
    catalogue: Catalogue,
    timezone: str,
) -> History:
    """The history of one subscription. PriceError: its newest state has an item without a price."""
    told = [state for state in states if state.obj.get("status") != "future"]
    if not told:
        return History([])
    first = told[0].obj
    born = _born(first, timezone)
    since = _since(told[0], born, timezone)
    items = _items(first, catalogue, timezone)
    before, whole_from = _before(first, items, born, since, invoices, credit_notes, catalogue, timezone)
    held = [*before, *_told(told, since, catalogue, timezone)]
    ended = _ended(told[-1], timezone)
    if ended:
        held = _until(held, ended, str(told[-1].obj.get("cancel_reason")) in UNPAID)
    return History(_joined(held), whole_from)


def _day(obj: Object, names: Iterable[str], timezone: str) -> date | None:
    return next((day for name in names if (day := day_in(moment(obj.get(name)), timezone))), None)


def _born(obj: Object, timezone: str) -> date:
    found = [_day(obj, (name,), timezone) for name in ("trial_start", "started_at", "start_date", "activated_at")]
    days = [day for day in found if day] or [_day(obj, ("created_at", "updated_at"), timezone) or date(1970, 1, 1)]
    return min(days)


def _since(state: State, born: date, timezone: str) -> date:
    """The day from which the first state that was seen is known to hold."""
    day = day_in(state.changed_at or state.seen_at, timezone) or born
    ended = _ended(state, timezone)
    return max(born, min(day, ended) if ended else day)


def _ended(state: State, timezone: str) -> date | None:
    """The day on which a subscription ended; None: it goes on."""
    obj = state.obj
    changed = day_in(state.changed_at or state.seen_at, timezone)
    if obj.get("status") == "cancelled":
        return _day(obj, ("cancelled_at",), timezone) or changed
    return changed if obj.get("status") == "transferred" or state.is_deleted else None


def _items(obj: Object, catalogue: Catalogue, timezone: str) -> list[Item]:
    return discounted(items_of(obj, catalogue), obj, catalogue, timezone)


# -- before anything was seen --------------------------------------------------------------------------------


def _before(
    first: Object, items: Sequence[Item], born: date, since: date, invoices: Sequence[Object], credit_notes: Sequence[Object],
    catalogue: Catalogue, timezone: str,
) -> tuple[list[Held], date | None]:  # fmt: skip
    """What held before the first state that was seen, and from when on that is certain."""
    if born >= since:
        return [], None
    trial, paid_from = _trial(first, items, since, timezone)
    start = max(born, paid_from)
    if start >= since:
        return trial, None
    seen = witnessed(str(first.get("id")), invoices, credit_notes, catalogue, items, timezone)
    seen = [replace(one, end=min(one.end, since)) for one in seen if one.start < since]
    priced = any(item.billing_minor and not item.is_metered for item in items)
    if not seen:
        unseen = [Held(item, "active", start, since, {}) for item in items]
        return [*trial, *unseen], since if priced else None
    whole_from = min(one.start for one in seen)
    late = (whole_from - start).days > GAP
    found = [
        Held(one.item, "active", start if one.start == whole_from else one.start, one.end, {"term_end": one.term_end})
        for one in _bridged(seen, since)
    ]
    metered = [Held(item, "active", start, since, {}) for item in items if item.is_metered]
    return [*trial, *found, *metered, *_term(first, items, seen, since, timezone)], whole_from if late else None


def _trial(first: Object, items: Sequence[Item], since: date, timezone: str) -> tuple[list[Held], date]:
    """The trial that was over when the subscription was first seen, at today's prices, and the day after it."""
    start, end = _day(first, ("trial_start",), timezone), _day(first, ("trial_end",), timezone)
    if start is None or end is None or start >= since:
        return [], date.min
    end = min(end, since)
    return [Held(item, "trialing", start, end, {}) for item in items if end > start], end


def _bridged(seen: Sequence[Seen], since: date) -> list[Seen]:
    """Small gaps between invoices of one item, and before the first state, are none."""
    found = []
    for one in seen:
        later = [other.start for other in seen if other.slot == one.slot and other.start >= one.end]
        next_start = min([*later, since])
        found.append(replace(one, end=next_start) if 0 <= (next_start - one.end).days <= GAP else one)
    return found


def _term(first: Object, items: Sequence[Item], seen: Sequence[Seen], since: date, timezone: str) -> list[Held]:
    """The term that runs when the subscription is first seen, where no invoice tells it yet."""
    if first.get("status") not in ("active", "non_renewing"):
        return []
    last = {slot: max(one.end for one in seen if one.slot == slot) for slot in {one.slot for one in seen}}
    term = _day(first, ("current_term_start",), timezone)
    found = []
    for item in items:
        start = max(filter(None, (term, last.get(item.item_id))), default=since)
        if not item.is_metered and item.item_id in last and (since - last[item.item_id]).days > GAP and start < since:
            found.append(Held(item, "active", start, since, {}))
    return found


# -- what was seen -------------------------------------------------------------------------------------------


def _told(told: Sequence[State], since: date, catalogue: Catalogue, timezone: str) -> list[Held]:
    """What the states say, each until the next one."""
    days = [max(since, day_in(state.changed_at or state.seen_at, timezone) or since) for state in told]
    days[0] = since
    found: list[Held] = []
    for n, state in enumerate(told):
        end = days[n + 1] if n + 1 < len(told) else None
        if state.obj.get("status") in ENDED or (end is not None and end <= days[n]):
            continue
        for item in _items(state.obj, catalogue, timezone):
            found += _phases(item, state.obj, days[n], end, timezone)
    return found


def _phases(item: Item, obj: Object, start: date, end: date | None, timezone: str) -> list[Held]:
    """One state of an item: paid, then overdue or on pause from the day that is told."""
    status = STATUSES.get(str(obj.get("status")), "active")
    turn, later = None, status
    if status == "active" and obj.get("due_invoices_count") and not item.is_metered:
        turn, later = _day(obj, ("due_since",), timezone), "past_due"
    elif status == "active" and (_day(obj, ("pause_date",), timezone) or start) > start:
        turn, later = _day(obj, ("pause_date",), timezone), "paused"
    stop = _day(obj, ("cancelled_at", "current_term_end"), timezone) if obj.get("status") == "non_renewing" else None
    end = min(filter(None, (end, stop)), default=None)
    parts = (
        [(start, turn, status), (max(start, turn), end, later)]
        if turn and (end is None or turn < end)
        else [(start, end, status)]
    )
    term = _term_of(obj, timezone)
    return [Held(item, word, one, two, term) for one, two, word in parts if two is None or two > one]


def _until(held: Sequence[Held], ended: date, is_unpaid: bool) -> list[Held]:
    """What held before the end. A last day overdue says that the payment failed, where nothing else does."""
    found: list[Held] = []
    for one in held:
        if one.start >= ended:
            continue
        if one.end is not None and one.end < ended:
            found.append(one)
        elif is_unpaid and one.status == "active" and one.start < ended - timedelta(days=1):
            eve = ended - timedelta(days=1)
            found += [replace(one, end=eve), replace(one, status="past_due", start=eve, end=ended)]
        else:
            found.append(replace(one, end=ended))
    return found


def _joined(held: Sequence[Held]) -> list[Held]:
    """In order by item, each before the next one of its item; those that say the same are one."""
    found: list[Held] = []
    for one in sorted(held, key=lambda one: (one.item.item_id, one.start)):
        last = found[-1] if found and found[-1].item.item_id == one.item.item_id else None
        if last and last.start == one.start:
            found.pop()
            last = found[-1] if found and found[-1].item.item_id == one.item.item_id else None
        if last and (last.end is None or last.end > one.start):
            found[-1] = last = replace(last, end=one.start)
        if last and last.end == one.start and _says(last) == _says(one):
            found[-1] = replace(one, start=last.start)
        else:
            found.append(one)
    return found


def _says(held: Held) -> tuple[Any, ...]:
    return held.item, held.status, held.term


# -- rows ----------------------------------------------------------------------------------------------------


def rows(subscription: Object, found: History, timezone: str) -> Iterable[Row]:
    """The history as rows that replace what was said of each item before."""
    for held in found.held:
        item = held.item
        yield {
            "account_id": str(subscription.get("customer_id") or ""),
            "subscription_id": str(subscription.get("id")),
            "item_id": item.item_id,
            "product_id": item.product_id,
            "plan_id": item.price_id,
            "quantity": item.quantity,
            "unit_amount_minor": item.unit_minor,
            "currency": str(subscription.get("currency_code") or "").upper(),
            "interval": item.interval,
            "interval_count": item.count,
            "usage_type": "metered" if item.is_metered else "licensed",
            **item.off,
            "status": held.status,
            "valid_from": held.start,
            "valid_to": held.end,
            **held.term,
            "replaces_item": True,
        }


def _term_of(obj: Object, timezone: str) -> Row:
    """Renewal and cancellation, as the state told them."""
    contract = obj.get("contract_term") or {}
    leaving = obj.get("status") == "non_renewing"
    asked = _day(obj, ("cancel_schedule_created_at", "updated_at"), timezone) if leaving else None
    renews = not leaving and contract.get("action_at_term_end") != "cancel"
    end = day_in(moment(contract.get("contract_end")) or moment(obj.get("current_term_end")), timezone)
    return {"term_end": end, "auto_renew": renews, "cancel_requested_on": asked}
