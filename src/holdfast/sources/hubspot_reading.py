"""Reading HubSpot: whole lists, what changed since a moment, and which company each object belongs to.

The search pages by position, over a list that changes while it is read, and ends at 10,000. So it is never paged: each question asks
for what comes after the last one that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from holdfast.sources.access import Access
from holdfast.sources.crm import listed, moment
from holdfast.sources.source import Object, SourceError, Span

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient

BASE = "https://api.hubapi.com"
#: objects on a page of a list, with the history of properties, and of a search
PAGE, PAGE_WITH_HISTORY, SEARCH_PAGE = 100, 50, 200
#: objects whose associations are asked for at once
ASSOCIATED = 1000
#: types of associations that mark the primary company: of contacts, deals and tickets
PRIMARY = frozenset({1, 5, 26})
#: properties that often hold the company's id in another system
ID_PROPERTIES = (
    "stripe_customer_id", "chargebee_customer_id", "customer_id", "external_id", "account_id", "zendesk_organization_id",
    "intercom_company_id",
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """Objects of one kind, as the API names them."""

    name: str
    scope: str
    properties: tuple[str, ...]
    #: what else it is associated with
    to: tuple[str, ...] = ()
    #: properties whose earlier values are read
    history: tuple[str, ...] = ()
    changed: str = "hs_lastmodifieddate"


KINDS = {
    kind.name: kind
    for kind in (
        Kind(
            "companies", "crm.objects.companies.read",
            ("name", "domain", "website", "industry", "country", "numberofemployees", "lifecyclestage", "hubspot_owner_id",
             "hs_parent_company_id", "createdate", *ID_PROPERTIES),
        ),
        Kind(
            "contacts", "crm.objects.contacts.read",
            ("firstname", "lastname", "email", "jobtitle", "job_function", "hs_buying_role", "createdate"),
            ("companies",), changed="lastmodifieddate",
        ),
        Kind(
            "deals", "crm.objects.deals.read",
            ("dealname", "dealstage", "pipeline", "amount", "deal_currency_code", "dealtype", "closedate", "createdate"),
            ("companies",), ("dealstage", "closedate"),
        ),
        Kind(
            "calls", "crm.objects.contacts.read",
            ("hs_timestamp", "hs_call_title", "hs_call_status", "hubspot_owner_id"), ("companies", "contacts"),
        ),
        Kind(
            "meetings", "crm.objects.contacts.read",
            ("hs_timestamp", "hs_meeting_title", "hs_meeting_start_time", "hs_meeting_outcome", "hubspot_owner_id"),
            ("companies", "contacts"),
        ),
        Kind(
            "emails", "crm.objects.contacts.read",
            ("hs_timestamp", "hs_email_subject", "hs_email_direction", "hs_email_status", "hs_email_thread_id", "hubspot_owner_id"),
            ("companies", "contacts"),
        ),
        Kind(
            "tickets", "tickets",
            ("subject", "content", "createdate", "closed_date", "first_agent_reply_date", "hs_ticket_priority"),
            ("companies", "contacts"),
        ),
    )
}  # fmt: skip


# -- asking --------------------------------------------------------------------------------------------------


def client(access: Access) -> RESTClient:
    """A client with the connection's token."""
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    return access.client(access.value("base_url") or BASE, auth=BearerTokenAuth(token=access.value("token")))


def hooks() -> dict[str, Any]:
    """What looks at each answer: a limit that waiting does not help with ends the reading at once."""
    return {"response": [_look]}


def _look(response: Any, *args: Any, **kwargs: Any) -> None:
    if response.status_code == 429 and told(response).get("policyName") == "DAILY":
        raise SourceError(
            "HubSpot's daily limit of API calls is used up",
            "It begins anew at midnight in the portal's time zone; see which other apps use it under Settings, Integrations",
        )
    if response.status_code >= 400:
        response.raise_for_status()


def told(response: Any) -> dict[str, Any]:
    """The body of an answer; empty where it is not an object."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def post(api: RESTClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The answer to a question. HTTPError: it is refused."""
    return told(api.post(path, json=body, hooks=hooks()))


# -- objects -------------------------------------------------------------------------------------------------


def read(access: Access, span: Span, kind: Kind) -> Iterator[Sequence[Object]]:
    """Pages of objects, each with the ids of its companies and contacts. What belongs to no company is left out."""
    api = client(access)
    pages = whole(api, access, kind) if span.is_whole else changed(api, access, kind, span)
    for page in pages:
        yield page if not kind.to else list(_belonging(api, kind, page))


def properties(access: Access, kind: Kind) -> list[str]:
    """The properties that are asked for; those that the portal lacks are not answered."""
    more: tuple[str, ...] = ()
    if kind.name == "companies":
        more = listed(access.value("id_property")) + listed(access.value("attributes"))
    if kind.name == "deals":
        more = (access.value("amount_property") or "amount",)
    return list(dict.fromkeys((*kind.properties, kind.changed, *more)))


def _history(access: Access, kind: Kind) -> list[str]:
    return [*kind.history, access.value("amount_property") or "amount"] if kind.history else []


def whole(api: RESTClient, access: Access, kind: Kind) -> Iterator[list[Object]]:
    """All objects that are not archived."""
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    history = _history(access, kind)
    asked: dict[str, Any] = {
        "limit": PAGE_WITH_HISTORY if history else PAGE,
        "archived": "false",
        "properties": ",".join(properties(access, kind)),
    }
    if history:
        asked["propertiesWithHistory"] = ",".join(history)
    yield from api.paginate(
        f"/crm/v3/objects/{kind.name}", params=asked, data_selector="results", hooks=hooks(),
        paginator=JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after"),
    )  # fmt: skip


def changed(api: RESTClient, access: Access, kind: Kind, span: Span) -> Iterator[list[Object]]:
    """Objects changed within a span, in the order of their changes; one may come twice."""
    start = _milliseconds(span.since)
    seen: set[str] = set()
    while True:
        found = _found(api, access, kind, [(kind.changed, "GTE", start), *_before(kind, span)], kind.changed)
        yield _whole_of(api, access, kind, [one for one in found if one["id"] not in seen])
        if len(found) < SEARCH_PAGE:
            return
        last = _milliseconds(moment(found[-1]["properties"].get(kind.changed)))
        if last > start:
            start, seen = last, {one["id"] for one in found}
            continue
        # so many changed at one moment that they fill a page: they are read by their ids
        seen |= {one["id"] for one in found}
        for page in _of_moment(api, access, kind, start):
            yield _whole_of(api, access, kind, [one for one in page if one["id"] not in seen])
        start, seen = start + 1, set()


def _of_moment(api: RESTClient, access: Access, kind: Kind, at: int) -> Iterator[list[Object]]:
    after = 0
    while True:
        asked = [(kind.changed, "EQ", at), ("hs_object_id", "GT", after)]
        found = _found(api, access, kind, asked, "hs_object_id")
        yield found
        if len(found) < SEARCH_PAGE:
            return
        after = int(found[-1]["id"])


def _found(api: RESTClient, access: Access, kind: Kind, asked: list[tuple[str, str, int]], by: str) -> list[Object]:
    """The first page of a search, in the order of a property."""
    answer = post(
        api,
        f"/crm/v3/objects/{kind.name}/search",
        {
            "filterGroups": [
                {
                    "filters": [
                        {"propertyName": name, "operator": how, "value": str(value)} for name, how, value in asked
                    ]
                }
            ],
            "sorts": [{"propertyName": by, "direction": "ASCENDING"}],
            "properties": properties(access, kind),
            "limit": SEARCH_PAGE,
        },
    )
    return list(answer.get("results") or [])


def _before(kind: Kind, span: Span) -> list[tuple[str, str, int]]:
    return [(kind.changed, "LT", _milliseconds(span.until))] if span.until else []


def _whole_of(api: RESTClient, access: Access, kind: Kind, found: list[Object]) -> list[Object]:
    """The objects with the history that a search does not tell."""
    history = _history(access, kind)
    if not history:
        return found
    objects: list[Object] = []
    for start in range(0, len(found), PAGE_WITH_HISTORY):
        some = found[start : start + PAGE_WITH_HISTORY]
        answer = post(
            api,
            f"/crm/v3/objects/{kind.name}/batch/read",
            {
                "properties": properties(access, kind),
                "propertiesWithHistory": history,
                "inputs": [{"id": one["id"]} for one in some],
            },
        )
        objects += answer.get("results") or []
    return objects


def _milliseconds(at: datetime | None) -> int:
    return round(at.timestamp() * 1000) if at else 0


# -- associations --------------------------------------------------------------------------------------------


def _belonging(api: RESTClient, kind: Kind, page: Sequence[Object]) -> Iterator[Object]:
    """The objects of a page that belong to a company: their own, or that of the people they are with."""
    ids = [str(one["id"]) for one in page]
    linked = {to: associated(api, kind.name, to, ids) for to in kind.to}
    lone = [key for key in ids if not linked["companies"].get(key)]
    people = sorted({person for key in lone for person in linked.get("contacts", {}).get(key, [])[:1]})
    employers = associated(api, "contacts", "companies", people) if people else {}
    for one in page:
        key = str(one["id"])
        contacts = linked.get("contacts", {}).get(key, [])
        companies = linked["companies"].get(key) or [
            company for person in contacts[:1] for company in employers.get(person, [])
        ]
        if companies:
            yield {**one, "companies": companies, **({"contacts": contacts} if "contacts" in kind.to else {})}


def associated(api: RESTClient, kind: str, to: str, ids: Sequence[str]) -> dict[str, list[str]]:
    """By id the ids of what it is associated with: the primary one first, then in their order."""
    found: dict[str, set[tuple[bool, int]]] = {}
    for start in range(0, len(ids), ASSOCIATED):
        inputs: list[dict[str, str]] = [{"id": key} for key in ids[start : start + ASSOCIATED]]
        while inputs:
            answer = post(api, f"/crm/v4/associations/{kind}/{to}/batch/read", {"inputs": inputs})
            inputs = []
            for one in answer.get("results") or []:
                key = str(one["from"]["id"])
                found.setdefault(key, set()).update(
                    (not _is_primary(other), int(other["toObjectId"])) for other in one["to"]
                )
                after = one.get("paging", {}).get("next", {}).get("after")
                if after:
                    inputs.append({"id": key, "after": after})
    return {key: list(dict.fromkeys(str(other) for _, other in sorted(others))) for key, others in found.items()}


def _is_primary(other: dict[str, Any]) -> bool:
    types = other.get("associationTypes") or []
    return any(
        one.get("category") == "HUBSPOT_DEFINED" and (one.get("label") == "Primary" or one.get("typeId") in PRIMARY)
        for one in types
    )
