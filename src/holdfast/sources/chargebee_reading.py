"""How Chargebee is listed and tried: API v2, pages of 100, both product catalogues."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.source import Checked, Object, SourceError, Span

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient
    from requests import Response

PAGE = 100
SCOPES = "a read-only API key with access to all data"
MAKE_KEY = "Make one in Chargebee: Settings > Configure Chargebee > API Keys > Add API Key > Read-Only Key > All"

#: events that tell a subscription as it was; Chargebee keeps them for 90 days
EVENT_TYPES = (
    "subscription_created", "subscription_created_with_backdating", "subscription_started", "subscription_activated",
    "subscription_activated_with_backdating", "subscription_changed", "subscription_changed_with_backdating",
    "subscription_cancellation_scheduled", "subscription_scheduled_cancellation_removed", "subscription_cancelled",
    "subscription_canceled_with_backdating", "subscription_reactivated", "subscription_reactivated_with_backdating",
    "subscription_renewed", "subscription_paused", "subscription_resumed", "subscription_pause_scheduled",
    "subscription_scheduled_pause_removed", "subscription_resumption_scheduled", "subscription_scheduled_resumption_removed",
    "subscription_deleted",
)  # fmt: skip

#: lists of the one or the other product catalogue; a site has one of them
CATALOGUE = {"items", "item_prices", "plans", "addons"}


def client(access: Access) -> RESTClient:
    from dlt.sources.helpers.rest_client.auth import HttpBasicAuth

    base = access.value("base_url") or f"https://{site(access)}.chargebee.com"
    # the key is the user name; there is no password
    return access.client(f"{base}/api/v2", auth=HttpBasicAuth(access.value("api_key"), ""))


def site(access: Access) -> str:
    """The site's name, also where the whole address was typed in."""
    typed = access.value("site").strip().lower().removeprefix("https://")
    return typed.split("/")[0].removesuffix(".chargebee.com")


def _pages(access: Access, path: str, name: str, params: Mapping[str, Any]) -> Iterator[list[Object]]:
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    paginator = JSONResponseCursorPaginator(cursor_path="next_offset", cursor_param="offset")
    asked = {"limit": PAGE, **params}
    for page in client(access).paginate(path, params=asked, paginator=paginator, data_selector="list[*]"):
        yield [entry[name] for entry in page if isinstance(entry.get(name), dict)]


def catalogue(path: str, name: str) -> Callable[[Access, Span], Iterator[Sequence[Object]]]:
    """A reader of a list of the product catalogue; empty where the site has the other one."""

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        from requests import HTTPError

        try:
            yield from _pages(access, path, name, {})
        except HTTPError as error:
            if error.response is None or not is_other_catalogue(error.response):
                raise

    return read


def is_other_catalogue(answer: Response) -> bool:
    """Whether the site answers that it has the other product catalogue."""
    return answer.status_code == 400 and "configuration_incompatible" in answer.text


def listing(path: str, name: str, more: Mapping[str, str] = {}) -> Callable[[Access, Span], Iterator[Sequence[Object]]]:
    """A reader of a list by the time of the last change; deleted objects are listed as such."""

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        params = {"include_deleted": "true", "sort_by[asc]": "updated_at", **more, **_bounds("updated_at", span)}
        yield from _pages(access, path, name, params)

    return read


def read_subscriptions(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """Subscriptions as they are now, then as events of the last 90 days tell that they were; a state is told once."""
    told: set[str] = set()
    for page in listing("subscriptions", "subscription")(access, span):
        told |= {_state(one) for one in page}
        yield page
    # the newest first: two states of one second are kept in the order in which they are told
    params = {"sort_by[desc]": "occurred_at", "event_type[in]": json.dumps(EVENT_TYPES), **_bounds("occurred_at", span)}
    for page in _pages(access, "events", "event", params):
        found = {_state(one): one for one in filter(None, map(told_by, page)) if _state(one) not in told}
        told |= set(found)
        yield list(found.values())


def _state(subscription: Object) -> str:
    """What tells one state from another; a second may have several."""
    return json.dumps(subscription, sort_keys=True)


def _bounds(field: str, span: Span) -> dict[str, int]:
    """`after` and `before` leave their own second out."""
    told = {}
    if span.since:
        told[f"{field}[after]"] = int(span.since.timestamp()) - 1
    if span.until:
        told[f"{field}[before]"] = int(span.until.timestamp()) + 1
    return told


def told_by(event: Object) -> Object | None:
    """The subscription as it was when an event happened."""
    content = event.get("content")
    told = content.get("subscription") if isinstance(content, dict) else None
    if not isinstance(told, dict) or not told.get("id"):
        return None
    return {"updated_at": event.get("occurred_at")} | told


# -- trying --------------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """The first page of each list; a read-only key has no owner that could be told."""
    asked = client(access)
    seen: dict[str, int] = {}
    for name in ("customers", "subscriptions", "invoices", "credit_notes", "coupons", "events", "item_prices", "plans"):
        answer = asked.get(name, params={"limit": 1})
        if name in CATALOGUE and is_other_catalogue(answer):
            continue
        _require(answer, name, site(access))
        seen[name] = len(answer.json().get("list") or ())
    return Checked(f"site {site(access)}", seen)


def _require(answer: Response, name: str, at: str) -> None:
    status = answer.status_code
    if status == 401:
        raise SourceError(
            "Chargebee does not take the API key (401)",
            f"Keys belong to one site, test or live: see whether it is one of '{at}'. {MAKE_KEY}",
        )
    if status == 403:
        raise SourceError(f"the API key may not read {name} (403)", MAKE_KEY)
    if status == 404:
        raise SourceError(
            f"there is no Chargebee site '{at}'", "Write what stands before .chargebee.com in your address"
        )
    if status == 429:
        raise SourceError("Chargebee lets us wait (429)", "Try again in a minute")
    if status >= 400:
        raise SourceError(f"Chargebee answered {status} for {name}", "Try again later")
