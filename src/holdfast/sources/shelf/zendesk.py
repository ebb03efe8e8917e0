"""Zendesk Support: organisations, people and tickets, read with the incremental exports.

People and the tickets they asked for are one group, so that a ticket without an organisation is its requester's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.domain.companies import company_domain
from holdfast.domain.matching import PartyTold
from holdfast.sources.access import Access
from holdfast.sources.shapes import key, number, part, parts, text
from holdfast.sources.source import Bad, Checked, Facts, Field, Object, Source, SourceError, Span, Stream, Told
from holdfast.sources.times import day_in, moment
from holdfast.sources.zendesk_words import SATISFACTION, first_response, priority

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient
    from requests import Response

#: the most that one page of an export holds
PAGE = 1_000
SCOPES = "an API token of an admin, or an OAuth token with the scope 'read' of one (the exports are for admins only)"
MAKE_TOKEN = "Make one in Admin Center > Apps and integrations > APIs > API tokens"


def _client(access: Access) -> RESTClient:
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth, HttpBasicAuth

    base = access.value("base_url") or f"https://{_subdomain(access)}.zendesk.com"
    token, email = access.value("token"), access.value("email")
    auth = HttpBasicAuth(f"{email}/token", token) if email else BearerTokenAuth(token)
    return access.client(f"{base}/api/v2", auth=auth)


def _subdomain(access: Access) -> str:
    """What stands before .zendesk.com, also where the whole address was typed in."""
    typed = access.value("subdomain").strip().lower().removeprefix("https://")
    return typed.split("/")[0].removesuffix(".zendesk.com")


# -- reading -------------------------------------------------------------------------------------------------


def _start(span: Span) -> int:
    """The export's start_time. It is never within the last minute, which Zendesk refuses: the overlap is longer."""
    return int(span.since.timestamp()) if span.since else 0


def _by_cursor(what: str, **more: str) -> Any:
    """A reader of an export that goes on by cursor. The cursor is always there; `end_of_stream` says when to stop."""

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

        class UntilTheEnd(JSONResponseCursorPaginator):
            def update_state(self, response: Response, data: list[Any] | None = None) -> None:
                super().update_state(response, data)
                self._has_next_page = self._has_next_page and not response.json().get("end_of_stream", True)

            def update_request(self, request: Any) -> None:
                super().update_request(request)
                request.params.pop("start_time", None)

        pages = _client(access).paginate(
            f"incremental/{what}/cursor.json", params={"start_time": _start(span), "per_page": PAGE, **more},
            paginator=UntilTheEnd(cursor_path="after_cursor", cursor_param="cursor"), data_selector=f"{what}[*]",
        )  # fmt: skip
        for page in pages:
            yield _with_metrics(list(page), page.response.json())

    return read


def _with_metrics(objects: list[Object], answer: Object) -> list[Object]:
    """Tickets with their metric sets, which come within them or beside them."""
    beside = {told.get("ticket_id"): told for told in parts(answer, "metric_sets")}
    return [obj | {"metric_set": beside[obj["id"]]} if obj.get("id") in beside else obj for obj in objects]


def _by_time(what: str) -> Any:
    """A reader of an export that goes on by time; pages overlap. `next_page` is always there, too."""

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        from dlt.sources.helpers.rest_client.paginators import SinglePagePaginator

        client, start = _client(access), _start(span)
        before: set[tuple[Any, Any]] = set()
        while True:
            path, params = f"incremental/{what}.json", {"start_time": start, "per_page": PAGE}
            page = next(
                client.paginate(path, params=params, paginator=SinglePagePaginator(), data_selector=f"{what}[*]")
            )
            told = {(obj.get("id"), obj.get("updated_at")): obj for obj in page}
            yield [obj for mark, obj in told.items() if mark not in before]
            before = set(told)
            answer = page.response.json()
            end = answer.get("end_time")
            if answer.get("end_of_stream", True) or not end or end <= start:
                return
            start = end

    return read


def _changed(obj: Object) -> datetime | None:
    """Tickets change by the system's own hand, too, which only `generated_timestamp` tells."""
    return moment(obj.get("generated_timestamp")) or moment(obj.get("updated_at"))


def _person_gone(obj: Object) -> bool:
    return obj.get("active") is False


STREAMS = (
    Stream(
        "organizations", _by_time("organizations"), group=lambda obj: f"organization:{obj.get('id')}", changed=_changed,
        is_deleted=lambda obj: bool(obj.get("deleted_at")), whole_every=None,
    ),
    Stream(
        "users", _by_cursor("users"), group=lambda obj: f"user:{obj.get('id')}", changed=_changed, is_deleted=_person_gone,
        whole_every=None,
    ),
    Stream(
        "tickets", _by_cursor("tickets", include="metric_sets"), group=lambda obj: f"user:{obj.get('requester_id')}",
        changed=_changed, is_deleted=lambda obj: obj.get("status") == "deleted", whole_every=None,
        overlap=timedelta(minutes=15),
    ),
)  # fmt: skip


# -- saying --------------------------------------------------------------------------------------------------


def facts(told: Told) -> Facts:
    """An organisation; or a person with the tickets they asked for."""
    found = Facts()
    for obj in told.newest("organizations"):
        found.parties.append(_organization(obj))
    for state in told.gone("organizations"):
        found.parties.append(PartyTold(key(state.obj, "id"), text(state.obj, "name"), is_gone=True))
    home = ""
    for state in (states[-1] for states in told.states("users").values()):
        home = _home(state.obj)
        if home.startswith("domain:"):
            domain = home.removeprefix("domain:")
            found.parties.append(PartyTold(home, domain, domain))
        if home and state.obj.get("role") == "end-user":
            found.add("contact", _contact(state.obj, home, state.is_deleted, told.timezone))
    for states in told.states("tickets").values():
        # what is deleted for good has lost its words and its organisation
        obj = states[-1].obj
        account = next((of for s in reversed(states) if (of := key(s.obj, "organization_id"))), home)
        if not account:
            continue
        if moment(obj.get("created_at")) is None:
            found.bad.append(
                Bad("tickets", str(obj.get("id")), "created_at", str(obj.get("created_at")), "it is not a time", "look at the ticket in Zendesk")
            )  # fmt: skip
            continue
        found.add("ticket", _ticket(obj, account, states[-1].is_deleted))
    return found


def _organization(obj: Object) -> PartyTold:
    told = obj.get("domain_names")
    domains = [name for name in told if isinstance(name, str)] if isinstance(told, list) else []
    external = key(obj, "external_id")
    return PartyTold(
        key(obj, "id"), text(obj, "name"), company_domain(domains[0]) if domains else "",
        (external,) if external else (),
    )  # fmt: skip


def _home(person: Object) -> str:
    """The account of a person: their organisation, or the company that owns the domain of their address."""
    organization = key(person, "organization_id")
    if organization:
        return organization
    domain = company_domain(text(person, "email"))
    return f"domain:{domain}" if domain and person.get("role") == "end-user" else ""


def _contact(obj: Object, account: str, is_deleted: bool, timezone: str) -> dict[str, Any]:
    return {
        "contact_id": key(obj, "id"),
        "account_id": account,
        "name": text(obj, "name") or None,
        "email": text(obj, "email").lower() or None,
        "joined_on": day_in(moment(obj.get("created_at")), timezone),
        "deleted": is_deleted,
    }


def _ticket(obj: Object, account: str, is_deleted: bool) -> dict[str, Any]:
    metrics = part(obj, "metric_set")
    is_done = obj.get("status") in ("solved", "closed")
    rating = part(obj, "satisfaction_rating").get("score")
    return {
        "ticket_id": key(obj, "id"),
        "account_id": account,
        "contact_id": key(obj, "requester_id") or None,
        "opened_at": moment(obj.get("created_at")),
        "first_response_at": first_response(obj, metrics),
        # where metrics are missing the last change of a finished ticket is the best that is known
        "closed_at": moment(metrics.get("solved_at")) or moment(obj.get("updated_at")) if is_done else None,
        "priority": priority(obj),
        "subject": text(obj, "subject") or text(obj, "raw_subject") or None,
        "body": text(obj, "description") or None,
        "reopened": max(0, number(metrics, "reopens") or 0),
        "satisfaction": SATISFACTION.get(str(rating)),
        "deleted": is_deleted,
    }


# -- trying --------------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Who the token belongs to, and the first page of each export."""
    client = _client(access)
    me = client.get("users/me.json")
    _require(me.status_code, _subdomain(access))
    person = me.json().get("user") or {}
    # without a key that holds, Zendesk answers as to somebody unknown
    if not person.get("id"):
        raise SourceError(
            "Zendesk does not take the token", f"See whether e-mail and token belong together. {MAKE_TOKEN}"
        )
    seen: dict[str, int] = {}
    for stream in STREAMS:
        way = "organizations.json" if stream.name == "organizations" else f"{stream.name}/cursor.json"
        answer = client.get(f"incremental/{way}", params={"start_time": 0, "per_page": 1})
        if answer.status_code == 403:
            raise SourceError(
                f"{person.get('email') or person.get('name')} is '{person.get('role')}' and may not export {stream.name}",
                f"Connect with {SCOPES}",
            )
        _require(answer.status_code, _subdomain(access))
        seen[stream.name] = len(answer.json().get(stream.name) or ())
    return Checked(f"{person.get('name')} <{person.get('email')}>", seen)


def _require(status: int, subdomain: str) -> None:
    if status == 401:
        raise SourceError(
            "Zendesk does not take the token (401)", f"See whether e-mail and token belong together. {MAKE_TOKEN}"
        )
    if status == 403:
        raise SourceError(
            "Zendesk refuses this address or this token (403)",
            "Allow API access, and this machine's address where addresses are limited",
        )
    if status == 404:
        raise SourceError(
            f"there is no Zendesk at '{subdomain}'", "Write what stands before .zendesk.com in your address"
        )
    if status == 429:
        raise SourceError("Zendesk lets us wait (429)", "Try again in a minute")
    if status >= 400:
        raise SourceError(f"Zendesk answered {status}", "Try again later")


SOURCE = Source(
    name="zendesk",
    title="Zendesk",
    kind="support",
    fields=(
        Field("subdomain", "Subdomain", "what stands before .zendesk.com"),
        Field("email", "E-mail", "of the admin whose API token it is; empty for an OAuth token", is_required=False),
        Field("token", "Token", "API token or OAuth token", is_secret=True),
        Field("base_url", "Address", "only if it is not https://SUBDOMAIN.zendesk.com", is_required=False),
    ),
    streams=STREAMS,
    facts=facts,
    check=check,
    scopes=SCOPES,
)
