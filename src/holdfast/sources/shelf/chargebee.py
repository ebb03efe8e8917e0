"""Chargebee: customers, subscriptions and invoices, in both product catalogues.

A customer is a group. Prices and coupons are of use to all of them. Events of the last 90 days tell subscriptions as they were before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from holdfast.domain.companies import company_domain
from holdfast.sources.chargebee_history import history, rows
from holdfast.sources.chargebee_invoices import invoice_row, line_rows
from holdfast.sources.chargebee_prices import Catalogue, PriceError
from holdfast.sources.chargebee_reading import SCOPES, catalogue, check, listing, read_subscriptions
from holdfast.sources.source import Bad, Facts, Field, Object, Row, Source, State, Stream, Told
from holdfast.sources.times import day_in, moment


def _customer(obj: Object) -> str:
    return str(obj.get("customer_id") or "")


def _changed(obj: Object) -> datetime | None:
    return moment(obj.get("updated_at"))


def _is_deleted(obj: Object) -> bool:
    return bool(obj.get("deleted"))


def _shared(name: str, one: str) -> Stream:
    return Stream(
        name,
        catalogue(name, one),
        changed=_changed,
        is_incremental=False,
        whole_every=timedelta(hours=6),
        is_shared=True,
    )


def _bills(name: str, one: str, piece: timedelta | None = None) -> Stream:
    return Stream(
        name, listing(name, one), group=_customer, changed=_changed, is_deleted=_is_deleted, whole_every=None, piece=piece
    )  # fmt: skip


STREAMS = (
    _shared("item_prices", "item_price"),
    _shared("items", "item"),
    _shared("plans", "plan"),
    _shared("addons", "addon"),
    _shared("coupons", "coupon"),
    Stream(
        "customers", listing("customers", "customer"), group=lambda obj: str(obj.get("id") or ""), changed=_changed,
        is_deleted=_is_deleted, whole_every=timedelta(days=7),
    ),
    Stream(
        "subscriptions", read_subscriptions, group=_customer, changed=_changed, is_deleted=_is_deleted,
        whole_every=timedelta(days=7),
    ),
    _bills("invoices", "invoice", timedelta(days=365)),
    _bills("credit_notes", "credit_note"),
)  # fmt: skip


def facts(told: Told) -> Facts:
    """A customer as an account, with the whole history of their subscriptions, and their invoices."""
    found, catalogue = Facts(), Catalogue.of(told.shared)
    for states in told.states("customers").values():
        found.add("account", _account(states[-1].obj, told.timezone))
        if states[-1].obj.get("email"):
            found.add("contact", _contact(states[-1], told.timezone))
    invoices, notes = told.newest("invoices"), told.newest("credit_notes")
    for key, states in told.states("subscriptions").items():
        _subscription(found, key, states, invoices, notes, catalogue, told.timezone)
    for stream in ("invoices", "credit_notes"):
        for states in told.states(stream).values():
            _billed(found, stream, states[-1], catalogue, told.timezone)
    return found


def _account(obj: Object, timezone: str) -> Row:
    address, relation = obj.get("billing_address") or {}, obj.get("relationship") or {}
    person = " ".join(str(obj[name]) for name in ("first_name", "last_name") if obj.get(name))
    email = str(obj.get("email") or "").lower()
    parent = str(relation.get("parent_id") or "")
    country = str(address.get("country") or "")
    return {
        "account_id": str(obj.get("id")),
        "name": obj.get("company") or address.get("company") or person or email or str(obj.get("id")),
        "domain": company_domain(email) or None,
        "parent_id": parent if parent and parent != str(obj.get("id")) else None,
        "created_on": day_in(moment(obj.get("created_at")), timezone),
        "attributes": {"country": country} if country else {},
    }


def _contact(state: State, timezone: str) -> Row:
    obj = state.obj
    name = " ".join(str(obj[part]) for part in ("first_name", "last_name") if obj.get(part))
    return {
        "contact_id": str(obj.get("id")), "account_id": str(obj.get("id")), "name": name or None, "email": str(obj["email"]).lower(),
        "role": "billing", "joined_on": day_in(moment(obj.get("created_at")), timezone), "deleted": state.is_deleted,
    }  # fmt: skip


def _subscription(
    found: Facts, key: str, states: Sequence[State], invoices: Sequence[Object], notes: Sequence[Object], catalogue: Catalogue,
    timezone: str,
) -> None:  # fmt: skip
    try:
        known = history(states, invoices, notes, catalogue, timezone)
        told = list(rows(states[-1].obj, known, timezone))
    except PriceError as error:
        found.bad.append(_bad("subscriptions", key, error.field, error.value, error.reason))
        return
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        found.bad.append(_bad("subscriptions", key, "", "", f"it is not as Chargebee describes it: {error}"[:200]))
        return
    for row in told:
        found.add("subscription_item", row)
    found.complete_from = max(filter(None, (found.complete_from, known.whole_from)), default=None)


def _billed(found: Facts, stream: str, state: State, catalogue: Catalogue, timezone: str) -> None:
    obj, key = state.obj, str(state.obj.get("id"))
    try:
        row = invoice_row(obj, state.is_deleted, timezone)
        lines = list(line_rows(obj, state.is_deleted, catalogue, timezone, is_credit=stream == "credit_notes"))
    except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
        found.bad.append(_bad(stream, key, "", "", f"it is not as Chargebee describes it: {error}"[:200]))
        return
    if row["issued_on"] is None:
        found.bad.append(_bad(stream, key, "date", obj.get("date"), "it has no date"))
        return
    if stream == "invoices":
        found.add("invoice", row)
    for line in lines:
        found.add("invoice_line", line)


def _bad(stream: str, key: str, field: str, value: Any, reason: str) -> Bad:
    return Bad(
        stream, key, field, str(value)[:100], reason, "look at it in Chargebee; it is read again when it changes"
    )


SOURCE = Source(
    name="chargebee",
    title="Chargebee",
    kind="billing",
    fields=(
        Field("site", "Site", "what stands before .chargebee.com"),
        Field("api_key", "API key", "a read-only key of that site", is_secret=True),
        Field("base_url", "Address", "only if it is not https://SITE.chargebee.com", is_required=False),
    ),
    streams=STREAMS,
    facts=facts,
    check=check,
    scopes=SCOPES,
    begins=datetime.combine(date(2011, 1, 1), datetime.min.time(), UTC),
)
