"""Asking Stripe: lists page by page in the version we know, what came lately as events, and whether a key may do what we need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.source import Also, Checked, Object, SourceError, Span
from holdfast.sources.stripe_shape import count, moment, part

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient
    from requests import Response

VERSION = "2026-10-28.endive"
ADDRESS = "https://api.stripe.com"
PAGE = 100

#: stream → path, fixed parameters, what is asked to be written out in full, and the permission of a restricted key
LISTS: Mapping[str, tuple[str, Mapping[str, str], tuple[str, ...], str]] = {
    "customers": ("/v1/customers", {}, (), "Customers"),
    "subscriptions": (
        "/v1/subscriptions", {"status": "all"}, ("data.discounts", "data.items.data.discounts"), "Subscriptions",
    ),
    "prices": ("/v1/prices", {}, ("data.tiers", "data.currency_options"), "Prices"),
    "products": ("/v1/products", {}, (), "Products"),
    "coupons": ("/v1/coupons", {}, ("data.applies_to", "data.currency_options"), "Coupons"),
    "invoices": (
        "/v1/invoices", {}, ("data.total_discount_amounts.discount", "data.payments"), "Invoices",
    ),
    "invoice_items": ("/v1/invoiceitems", {"pending": "true"}, (), "Invoices"),
    "credit_notes": ("/v1/credit_notes", {}, (), "Credit notes"),
    "refunds": ("/v1/refunds", {}, ("data.charge",), "Charges and Refunds"),
}  # fmt: skip

#: what a connection can do without, and what is missed by it
OPTIONAL = {
    "prices": "prices by tiers cannot be computed",
    "products": "the plan is not told by its name",
    "coupons": "discounts whose coupon Stripe writes as an id only are left out",
    "invoice_items": "changes since the last invoice of a yearly plan, from before the first reading, are not known",
    "credit_notes": "credits are not told",
    "refunds": "refunds are not told",
}

#: events that tell a state of something we keep; Stripe takes at most twenty names at once
EVENT_TYPES: tuple[tuple[str, ...], ...] = (
    (
        "customer.created", "customer.updated", "customer.deleted",
        "customer.discount.created", "customer.discount.updated", "customer.discount.deleted",
        "customer.subscription.created", "customer.subscription.updated", "customer.subscription.deleted",
        "customer.subscription.paused", "customer.subscription.resumed", "customer.subscription.trial_will_end",
        "customer.subscription.pending_update_applied", "customer.subscription.pending_update_expired",
        "coupon.created", "coupon.updated", "coupon.deleted",
    ),
    (
        "invoice.created", "invoice.updated", "invoice.finalized", "invoice.paid", "invoice.payment_failed", "invoice.voided",
        "invoice.marked_uncollectible", "invoice.deleted", "credit_note.created", "credit_note.updated", "credit_note.voided",
        "refund.created", "refund.updated", "refund.failed", "price.created", "price.updated",
        "product.created", "product.updated",
    ),
)  # fmt: skip
#: so long Stripe keeps events
EVENTS_KEPT = timedelta(days=30)

#: object type → stream
STREAM_OF = {
    "customer": "customers", "subscription": "subscriptions", "invoice": "invoices", "credit_note": "credit_notes",
    "refund": "refunds", "price": "prices", "product": "products", "coupon": "coupons", "invoiceitem": "invoice_items",
}  # fmt: skip


def lister(stream: str) -> Callable[[Access, Span], Iterator[Sequence[Object]]]:
    """The `read` of a stream that is listed whole."""
    path, fixed, expand, _ = LISTS[stream]

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        try:
            for page in pages(access, path, fixed, expand):
                yield [whole_lines(access, obj) for obj in page]
        except _UnknownParameterError:
            for page in pages(access, path):
                yield page

    return read


def read_events(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """Events since the span's beginning, the newest first; at most those of the last thirty days."""
    since = int(span.since.timestamp()) if span.since else 0
    for types in EVENT_TYPES:
        asked: dict[str, str | list[str]] = {"types[]": list(types)}
        if since:
            asked["created[gte]"] = str(since)
        try:
            yield from _events(access, asked, since)
        except _UnknownParameterError:
            # an older server takes no list of names: everything at once then, to be sorted out here
            yield from _events(access, {}, since)
            return


def _events(access: Access, asked: Mapping[str, Any], since: int) -> Iterator[Sequence[Object]]:
    for page in pages(access, "/v1/events", asked):
        wanted = [event for event in page if count(event.get("created")) >= since and told_object(event) is not None]
        yield [_with_lines(access, event) for event in wanted]
        if page and all(count(event.get("created")) < since for event in page):
            return


def told_object(event: Object) -> Object | None:
    """The object an event tells, if it is one that we keep; None otherwise."""
    obj = part(event, "data").get("object")
    if not isinstance(obj, dict):
        return None
    return obj if obj.get("object") in STREAM_OF or obj.get("object") == "discount" else None


def told_states(event: Object) -> Iterator[Also]:
    """The state of a customer, subscription, invoice… that an event tells."""
    obj = told_object(event)
    stream = STREAM_OF.get(str(obj.get("object"))) if obj else None
    if obj is None or stream is None or not obj.get("id"):
        return
    # an ended subscription is told as deleted by its event's name, and is listed all the same
    is_deleted = str(event.get("type", "")).endswith(".deleted") and stream != "subscriptions"
    yield Also(stream, obj, moment(event.get("created")), is_deleted)


# -- lists ---------------------------------------------------------------------------------------------------


class _UnknownParameterError(Exception):
    """The server does not know a parameter."""


def pages(
    access: Access, path: str, asked: Mapping[str, Any] | None = None, expand: Sequence[str] = ()
) -> Iterator[list[Object]]:
    """Pages of a list, in Stripe's order (newest first). A list that an older server does not have is empty."""
    params: dict[str, Any] = {"limit": PAGE, **(asked or {})}
    if expand:
        params["expand[]"] = list(expand)
    client = _client(access)
    while True:
        answer: Response = client.get(path, params=dict(params))
        if answer.status_code == 404:
            return
        if answer.status_code == 400:
            if "expand[]" not in params:
                raise _UnknownParameterError(path)
            # an older server cannot write out what it does not have
            del params["expand[]"]
            continue
        if answer.status_code >= 500 and "pending" in params:
            # an old server breaks on this one; without it more is listed, and sorted out later
            raise _UnknownParameterError(path)
        answer.raise_for_status()
        told = answer.json()
        page = [obj for obj in told.get("data") or [] if isinstance(obj, dict)]
        yield page
        if not told.get("has_more") or not page:
            return
        params["starting_after"] = page[-1]["id"]


def _client(access: Access) -> RESTClient:
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    key: Any = access.value("api_key").strip()
    return access.client(
        access.value("base_url") or ADDRESS, auth=BearerTokenAuth(token=key), headers={"Stripe-Version": VERSION}
    )


def _get(access: Access, path: str, params: Mapping[str, Any]) -> Response:
    answer: Response = _client(access).get(path, params=dict(params))
    return answer


def whole_lines(access: Access, obj: Object) -> Object:
    """An invoice or credit note with all its lines: a list of invoices has the first ten of each."""
    lines = obj.get("lines")
    if not isinstance(lines, dict) or not lines.get("has_more") or not lines.get("data"):
        return obj
    kind = "invoices" if obj.get("object") == "invoice" else "credit_notes"
    rest = list(lines["data"])
    for page in pages(access, f"/v1/{kind}/{obj['id']}/lines", {"starting_after": rest[-1]["id"]}):
        rest += page
    return {**obj, "lines": {**lines, "data": rest, "has_more": False}}


def _with_lines(access: Access, event: Object) -> Object:
    obj = told_object(event)
    if obj is None or obj.get("object") not in ("invoice", "credit_note"):
        return event
    return {**event, "data": {**event["data"], "object": whole_lines(access, obj)}}


# -- the key -------------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Try the key on the first page of every list. SourceError: what is wrong, in plain words."""
    key = access.value("api_key").strip()
    if key.startswith("pk_"):
        raise SourceError("that is a publishable key, which cannot read", "give a restricted key; it begins with rk_")
    seen: dict[str, int] = {}
    missing: list[str] = []
    warnings: list[str] = []
    for stream, (path, _, _, permission) in {**LISTS, "events": ("/v1/events", {}, (), "Events")}.items():
        answer = _get(access, path, {"limit": PAGE})
        if answer.status_code == 403:
            if stream in OPTIONAL:
                warnings.append(f'the key has not "{permission}: Read": {OPTIONAL[stream]}')
            else:
                missing.append(permission)
            continue
        _explain(answer, path)
        seen[stream] = len(answer.json().get("data") or []) if answer.status_code == 200 else 0
    if missing:
        names = ", ".join(f'"{name}: Read"' for name in dict.fromkeys(missing))
        raise SourceError(
            f"the key may not read everything that is needed; missing: {names}",
            "in Stripe: Developers, API keys, the key's … menu, Edit key, and set these to Read",
        )
    if key.startswith("sk_"):
        warnings.append("this is a secret key that may do everything; a restricted key (rk_) with Read is enough")
    if "_test_" in key:
        warnings.append("this is a test key: what is read is test data")
    return Checked(_who(access), seen, tuple(warnings))


def _explain(answer: Response, path: str) -> None:
    """SourceError: the key does not work at all."""
    if answer.status_code == 401:
        raise SourceError("Stripe does not know this key", "copy it anew; keys of test and live data differ")
    if answer.status_code == 429:
        raise SourceError("Stripe answers that it was asked too often", "wait a minute and try again")
    if answer.status_code >= 500:
        raise SourceError(f"Stripe has a fault ({answer.status_code})", "try again later; see status.stripe.com")
    if answer.status_code not in (200, 404):
        raise SourceError(f"Stripe refuses {path} ({answer.status_code})", "see whether the address is right")


def _who(access: Access) -> str:
    """Whose account it is, as far as the key may know."""
    answer = _get(access, "/v1/account", {})
    if answer.status_code != 200:
        return "Stripe account"
    told = answer.json()
    name = part(told, "settings", "dashboard").get("display_name")
    return str(name or part(told, "business_profile").get("name") or told.get("id") or "Stripe account")
