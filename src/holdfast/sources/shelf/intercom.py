"""Intercom: companies, contacts and conversations.

A contact and their conversations are one group; a company is one of its own. What is said of a contact needs only the company's id.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from holdfast.domain.companies import company_domain
from holdfast.domain.matching import PartyTold
from holdfast.sources.access import Access
from holdfast.sources.intercom_words import rated, text_of
from holdfast.sources.shapes import key, number, part, parts, text
from holdfast.sources.source import Bad, Checked, Facts, Field, Object, Source, SourceError, Span, Stream, Told
from holdfast.sources.times import day_in, moment

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.client import RESTClient
    from requests import Response

VERSION = "2.14"
#: the most that one page of a search holds
PAGE = 150
ADDRESSES = {"us": "https://api.intercom.io", "eu": "https://api.eu.intercom.io", "au": "https://api.au.intercom.io"}
SCOPES = "Read and list users and companies; Read conversations; Read one admin"


def _client(access: Access) -> RESTClient:
    from dlt.sources.helpers.rest_client.auth import BearerTokenAuth

    base = access.value("base_url") or ADDRESSES.get(access.value("region").lower(), ADDRESSES["us"])
    headers = {"Intercom-Version": VERSION, "Accept": "application/json"}
    return access.client(base, auth=BearerTokenAuth(access.value("token")), headers=headers)


# -- reading -------------------------------------------------------------------------------------------------


def _search(what: str, selector: str) -> Any:
    """A reader of a search: everything, or what was updated after a moment."""

    def read(access: Access, span: Span) -> Iterator[Sequence[Object]]:
        from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

        field, since = ("updated_at", int(span.since.timestamp())) if span.since else ("created_at", 0)
        asked = {
            "query": {"field": field, "operator": ">", "value": since},
            "sort": {"field": field, "order": "ascending"},
            "pagination": {"per_page": PAGE},
        }
        paginator = JSONResponseCursorPaginator(
            cursor_path="pages.next.starting_after", cursor_body_path="pagination.starting_after"
        )
        for page in _client(access).paginate(
            f"{what}/search", "POST", json=asked, paginator=paginator, data_selector=f"{selector}[*]"
        ):
            yield list(page)

    return read


def _scroll(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """All companies. A workspace has one scroll at a time; it ends with an empty page, and cannot be gone on with after a failure."""
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator
    from requests import HTTPError

    paginator = JSONResponseCursorPaginator(
        cursor_path="scroll_param", cursor_param="scroll_param", stop_after_empty_page=True
    )
    try:
        for page in _client(access).paginate("companies/scroll", paginator=paginator, data_selector="data[*]"):
            yield list(page)
    except HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        if status == 400 and error.response is not None and "scroll_exists" in error.response.text:
            raise SourceError(
                "another program is listing this workspace's companies, and Intercom allows one at a time",
                "It is tried again by itself; a list that was left lying is free again after a minute",
            ) from error
        if status == 404 or status >= 500:
            raise SourceError(
                f"Intercom broke off the list of companies ({status})",
                "It has to begin from the start, which the next run does by itself",
            ) from error
        raise


def _changed(obj: Object) -> datetime | None:
    return moment(obj.get("updated_at"))


def _asker(conversation: Object) -> str:
    """The group of the contact whose conversation it is."""
    first = next((found for one in parts(part(conversation, "contacts"), "contacts") if (found := key(one, "id"))), "")
    return f"contact:{first}" if first else ""


STREAMS = (
    Stream(
        "companies", _scroll, group=lambda obj: f"company:{obj.get('id')}", changed=_changed, is_incremental=False,
        whole_every=timedelta(hours=12),
    ),
    Stream(
        # the search knows days only, in the workspace's time zone
        "contacts", _search("contacts", "data"), group=lambda obj: f"contact:{obj.get('id')}", changed=_changed,
        overlap=timedelta(days=2), whole_every=timedelta(days=7),
    ),
    Stream(
        "conversations", _search("conversations", "conversations"), group=_asker, changed=_changed,
        whole_every=timedelta(days=30),
    ),
)  # fmt: skip


# -- saying --------------------------------------------------------------------------------------------------


def facts(told: Told) -> Facts:
    """A company; or a contact with their conversations."""
    found = Facts()
    for states in told.states("companies").values():
        found.parties.append(_company(states[-1].obj, states[-1].is_deleted))
    home = ""
    for states in told.states("contacts").values():
        obj = states[-1].obj
        home = _home(obj)
        if home.startswith("domain:"):
            domain = home.removeprefix("domain:")
            found.parties.append(PartyTold(home, domain, domain))
        if home:
            found.add("contact", _contact(obj, home, states[-1].is_deleted, told.timezone))
    for states in told.states("conversations").values():
        obj = states[-1].obj
        if not home or not _is_asked(obj):
            continue
        row = _ticket(obj, home, told.group.removeprefix("contact:"), states[-1].is_deleted)
        if row["opened_at"] is None:
            found.bad.append(
                Bad("conversations", str(obj.get("id")), "created_at", str(obj.get("created_at")), "it is not a time", "look at the conversation in Intercom")
            )  # fmt: skip
        else:
            found.add("ticket", row)
    return found


def _company(obj: Object, is_gone: bool) -> PartyTold:
    told = {"plan": text(part(obj, "plan"), "name"), "industry": text(obj, "industry"), "size": key(obj, "size")}
    ours = key(obj, "company_id")
    return PartyTold(
        key(obj, "id"), text(obj, "name"), company_domain(text(obj, "website")), (ours,) if ours else (),
        {name: value for name, value in told.items() if value and value != "0"}, is_gone=is_gone,
    )  # fmt: skip


def _home(contact: Object) -> str:
    """The account of a contact: the first of their companies, or the one that owns the domain of their address."""
    for company in parts(part(contact, "companies"), "data"):
        if key(company, "id"):
            return key(company, "id")
    domain = company_domain(text(contact, "email"))
    return f"domain:{domain}" if domain else ""


def _contact(obj: Object, account: str, is_deleted: bool, timezone: str) -> dict[str, Any]:
    return {
        "contact_id": key(obj, "id"),
        "account_id": account,
        "name": text(obj, "name") or None,
        "email": text(obj, "email").lower() or None,
        "joined_on": day_in(moment(obj.get("signed_up_at")) or moment(obj.get("created_at")), timezone),
        "deleted": is_deleted,
    }


def _is_asked(obj: Object) -> bool:
    """Whether a customer asked something: they began it, or answered what was sent to them."""
    begun = part(obj, "source").get("delivered_as") == "customer_initiated"
    return begun or bool(part(obj, "statistics").get("first_contact_reply_at"))


def _ticket(obj: Object, account: str, contact: str, is_deleted: bool) -> dict[str, Any]:
    source, counted = part(obj, "source"), part(obj, "statistics")
    begun = source.get("delivered_as") == "customer_initiated"
    return {
        "ticket_id": key(obj, "id"),
        "account_id": account,
        "contact_id": contact,
        "opened_at": moment(obj.get("created_at") if begun else counted.get("first_contact_reply_at")),
        "first_response_at": moment(counted.get("first_admin_reply_at")),
        "closed_at": moment(counted.get("last_close_at")) or _changed(obj) if obj.get("state") == "closed" else None,
        "priority": "high" if obj.get("priority") == "priority" else "normal",
        "subject": text(obj, "title") or text_of(source.get("subject")) or None,
        "body": text_of(source.get("body")) or None,
        "reopened": max(0, number(counted, "count_reopens") or 0),
        "satisfaction": rated(obj.get("conversation_rating")),
        "deleted": is_deleted,
    }


# -- trying --------------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Who the token belongs to, and a first page of each stream. Companies are not scrolled for it: that would be in the way of a run."""
    client = _client(access)
    me = client.get("me")
    _require(me, "Read one admin")
    person = me.json()
    query = {"query": {"field": "created_at", "operator": ">", "value": 0}, "pagination": {"per_page": 1}}
    seen = {}
    for name, listed in (("contacts", "data"), ("conversations", "conversations")):
        answer = client.post(f"{name}/search", json=query)
        _require(answer, "Read conversations" if name == "conversations" else "Read and list users and companies")
        seen[name] = len(answer.json().get(listed) or ())
    answer = client.post("companies/list", params={"per_page": 1})
    _require(answer, "Read and list users and companies")
    seen["companies"] = len(answer.json().get("data") or ())
    workspace = (person.get("app") or {}).get("name") or ""
    return Checked(f"{person.get('name')} <{person.get('email')}> of {workspace}".removesuffix(" of "), seen)


def _require(answer: Response, scope: str) -> None:
    status = answer.status_code
    if status == 403 or (status == 401 and "token_unauthorized" in answer.text):
        raise SourceError(
            f"the token lacks the permission '{scope}'",
            "Add it in the Developer Hub: Your app > Configure > Authentication > Permissions",
        )
    if status == 401:
        raise SourceError(
            "Intercom does not take the token (401)",
            "Copy it again from the Developer Hub, and see whether the region (us, eu, au) is right",
        )
    if status == 429:
        raise SourceError("Intercom lets us wait (429)", "Try again in a minute")
    if status >= 400:
        raise SourceError(f"Intercom answered {status}", "Try again later")


SOURCE = Source(
    name="intercom",
    title="Intercom",
    kind="support",
    fields=(
        Field("token", "Access token", "of an app of your workspace", is_secret=True),
        Field(
            "region",
            "Region",
            "where the workspace is hosted",
            is_required=False,
            default="us",
            choices=tuple(ADDRESSES),
        ),
        Field("base_url", "Address", "only if it is none of Intercom's own", is_required=False),
    ),
    streams=STREAMS,
    facts=facts,
    check=check,
    scopes=SCOPES,
)
