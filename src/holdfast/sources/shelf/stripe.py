"""Stripe: customers, subscriptions, invoices. Its API tells how things are; how they were is rebuilt from events and invoices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from holdfast.sources.source import Also, Bad, Facts, Field, Object, Source, Stream, Told
from holdfast.sources.stripe_accounts import account_row, gone_at, newest_customer
from holdfast.sources.stripe_api import (
    ADDRESS,
    check,
    lister,
    read_events,
    told_object,
    told_states,
)
from holdfast.sources.stripe_discounts import Discounts
from holdfast.sources.stripe_history import History, Steps, history, metered_of
from holdfast.sources.stripe_hook import hook
from holdfast.sources.stripe_invoices import add_credits, add_invoices, add_refunds, invoices_of
from holdfast.sources.stripe_rows import Writer
from holdfast.sources.stripe_shape import (
    Line,
    customer_of,
    day_of,
    discounts_told,
    ident,
    lines_of,
    listed,
    moment,
    part,
    pending_line,
)
from holdfast.sources.stripe_sightings import Told as Event
from holdfast.sources.stripe_sightings import looks, sightings, told_by

FIELDS = (
    Field("api_key", "Restricted key", "Developers, API keys, Create restricted key; it begins with rk_live_.", is_secret=True),
    Field(
        "webhook_secret", "Signing secret", "Of the webhook endpoint; it begins with whsec_. While it is rolled over: both, with a comma.",
        is_secret=True, is_required=False,
    ),
    Field("base_url", "Address", "Another address than Stripe's own, for tests.", is_required=False, default=ADDRESS),
)  # fmt: skip

SCOPES = (
    "A restricted key with Read for Customers, Subscriptions, Invoices, Events, Prices, Products, Coupons, Credit notes, "
    "and Charges and Refunds. It writes nothing."
)


# -- streams -------------------------------------------------------------------------------------------------


def _event_group(event: Object) -> str:
    obj = told_object(event)
    if obj is None:
        return ""
    return ident(obj) if obj.get("object") == "customer" else customer_of(obj)


def _event_time(event: Object) -> datetime | None:
    return moment(event.get("created"))


def _listed(name: str, every: timedelta, *, is_shared: bool = False) -> Stream:
    """A list without times of change: it is read whole now and then, and events tell what happens between."""
    group = ident if name == "customers" else (lambda obj: "") if is_shared else customer_of
    return Stream(
        name, lister(name), key=ident, group=group, is_deleted=lambda obj: bool(obj.get("deleted")),
        is_incremental=False, whole_every=every, is_shared=is_shared,
    )  # fmt: skip


def _also(event: Object) -> Iterable[Also]:
    return told_states(event)


DAILY, WEEKLY, HOURLY = timedelta(days=1), timedelta(days=7), timedelta(hours=1)

STREAMS = (
    _listed("products", HOURLY, is_shared=True),
    _listed("prices", HOURLY, is_shared=True),
    _listed("coupons", HOURLY, is_shared=True),
    _listed("customers", WEEKLY),
    _listed("subscriptions", DAILY),
    _listed("invoices", WEEKLY),
    _listed("invoice_items", DAILY),
    _listed("credit_notes", WEEKLY),
    _listed("refunds", WEEKLY),
    # last, so that what changes while the lists are read is told after all
    Stream(
        "events", read_events, key=ident, group=_event_group, changed=_event_time, also=_also, is_incremental=True,
        overlap=timedelta(hours=1), whole_every=None,
    ),
)  # fmt: skip


# -- facts ---------------------------------------------------------------------------------------------------


def facts(told: Told) -> Facts:
    """What Stripe knows of one customer."""
    found = Facts()
    zone = ZoneInfo(told.timezone)

    def day(at: int) -> date:
        return day_of(at, zone)

    invoices = invoices_of(told)
    prices, subs = told.shared.get("prices", {}), told.states("subscriptions")
    metered = metered_of({**_line_prices(invoices), **_item_prices(told), **prices})
    known = _discounts(told, invoices)
    products = told.shared.get("products", {})
    if newest_customer(told) or subs:
        found.add("account", account_row(told, told.newest("subscriptions"), products, day))
    lines = _lines(told, invoices)
    customer = _customer_discounts(told, known)
    sure: list[int] = []
    for sub_id, events in _events_of_subscriptions(told).items():
        try:
            one = _history(told, sub_id, events, invoices, lines.get(sub_id, []), known, metered)
            if one is not None:
                writer = Writer(told.group, one, prices, lines.get(sub_id, []), known, customer, day, found.bad)
                for row in writer.rows():
                    found.add("subscription_item", row)
                sure += [one.sure_from] if one.sure_from is not None else []
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError) as error:
            found.bad.append(Bad("subscriptions", sub_id, "", "", f"it cannot be read: {error}", "see it in Stripe"))
    found.complete_from = day(max(sure)) if sure else None
    by_id = {ident(invoice): invoice for invoice in invoices}
    add_invoices(found, told.group, told, invoices, metered, day)
    add_credits(found, told.group, told, by_id, day)
    add_refunds(found, told.group, told, by_id, day)
    _complain(found, told, known)
    return found


def _events_of_subscriptions(told: Told) -> dict[str, list[Event]]:
    """All subscriptions of a customer by id, each with its events; of one there may be events only, or none."""
    events = told_by((s[0].obj for s in told.states("events").values()), "subscription")
    names = sorted({*events, *told.states("subscriptions")})
    return {name: events.get(name, []) for name in names if name}


def _history(
    told: Told, sub_id: str, events: list[Event], invoices: list[Object], lines: list[Line], known: Discounts, metered: frozenset[str]
) -> History | None:  # fmt: skip
    """The history of one subscription; where it or its customer is gone without a word of its end, it ended then."""
    states = told.states("subscriptions").get(sub_id, ())
    one = history(sub_id, sightings(looks(states), events), invoices, lines, known, metered, int(told.now.timestamp()))
    if one is None or one.ended_at is not None:
        return one
    gone = gone_at(told)
    if gone is None and states and states[-1].is_deleted:
        gone = int(states[-1].seen_at.timestamp())
    if gone is not None:
        one.ended_at = max(gone, one.begin)
        one.status.put(one.ended_at, "canceled")
    return one


def _line_prices(invoices: list[Object]) -> dict[str, Object]:
    return {line.price_id: line.price for one in invoices for line in lines_of(one) if line.price is not None}


def _item_prices(told: Told) -> dict[str, Object]:
    found: dict[str, Object] = {}
    for states in told.states("subscriptions").values():
        for item in listed(states[-1].obj.get("items")):
            price = item.get("price") or item.get("plan")
            if isinstance(price, dict):
                found[ident(price)] = price
    return found


def _lines(told: Told, invoices: list[Object]) -> dict[str, list[Line]]:
    """Lines of issued invoices, and prorations still to be invoiced, by subscription, in order of time."""
    found: dict[str, list[Line]] = {}
    for invoice in invoices:
        if invoice.get("status") not in ("draft", None):
            for line in lines_of(invoice):
                found.setdefault(line.subscription, []).append(line)
    done = {name for one in invoices for line in listed(one.get("lines")) for name in _invoice_items(line)}
    for item in told.newest("invoice_items"):
        pending = pending_line(item)
        if pending is not None and pending.id not in done:
            found.setdefault(pending.subscription, []).append(pending)
    return {name: sorted(lines, key=lambda line: (line.start, line.id)) for name, lines in found.items()}


def _invoice_items(line: Object) -> set[str]:
    """The invoice items that a line of an invoice was."""
    details = [part(line, "parent", name) for name in ("invoice_item_details", "subscription_item_details")]
    return {ident(one.get("invoice_item")) for one in (line, *details)}


def _discounts(told: Told, invoices: list[Object]) -> Discounts:
    """Every discount of the customer that is written out anywhere, listings before events."""
    known = Discounts(told.shared.get("coupons", {}))
    for stream in ("customers", "subscriptions"):
        for states in told.states(stream).values():
            for state in states:
                for one in (*discounts_told(state.obj), *_item_discounts(state.obj)):
                    known.learn(one)
    for invoice in invoices:
        for off in listed(invoice.get("total_discount_amounts")):
            known.learn(off.get("discount"))
    for states in told.states("events").values():
        obj = told_object(states[0].obj) or {}
        if obj.get("object") == "discount":
            known.learn(obj)
    return known


def _item_discounts(sub: Object) -> list[str | Object]:
    return [one for item in listed(sub.get("items")) for one in discounts_told(item)]


def _customer_discounts(told: Told, known: Discounts) -> Steps[tuple[str, ...]]:
    """Discounts of the customer itself over time, from when they began."""
    steps: Steps[tuple[str, ...]] = Steps()
    for state in told.states("customers").get(told.group, ()):
        names = known.named(discounts_told(state.obj))
        known.of_customer.update(names)
        if (steps.last() or ()) == names:
            continue
        at = int((state.changed_at or state.seen_at).timestamp())
        begun = [known.known[name].start for name in names if name not in (steps.last() or ())]
        steps.put(min([at, *begun]) if state.changed_at is None else at, names)
    return steps


def _complain(found: Facts, told: Told, known: Discounts) -> None:
    """Say which discounts could not be taken off."""
    used: Mapping[str, str] = known.bad
    for name, reason in sorted(used.items()):
        found.bad.append(
            Bad("subscriptions", told.group, "discounts", name, reason, 'let the key read coupons ("Coupons: Read") and sync anew')
        )  # fmt: skip


SOURCE = Source(
    name="stripe", title="Stripe", kind="billing", fields=FIELDS, streams=STREAMS, facts=facts, check=check, scopes=SCOPES,
    has_unique_ids=True, hook=hook, begins=datetime(2011, 1, 1, tzinfo=UTC),
)  # fmt: skip
