"""HubSpot by the token of a private app: companies, people, deals with all their stages, calls, meetings, e-mails without their
text, and tickets where they are asked for. Follows version 3 of the CRM's objects and version 4 of its associations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from holdfast.sources import crm
from holdfast.sources.access import Access
from holdfast.sources.hubspot_facts import facts, of
from holdfast.sources.hubspot_reading import BASE, KINDS, Kind, client, hooks, properties, read, told
from holdfast.sources.hubspot_writing import SCOPES, write
from holdfast.sources.source import Checked, Field, Object, Source, SourceError, Span, Stream

#: without it HubSpot leaves out the subjects of e-mails
EMAIL_SCOPE = "sales-email-read"


def _owners(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """People of the portal, those that left too: old objects still name them."""
    from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

    for archived in ("false", "true"):
        yield from client(access).paginate(
            "/crm/v3/owners", params={"limit": 100, "archived": archived}, data_selector="results", hooks=hooks(),
            paginator=JSONResponseCursorPaginator(cursor_path="paging.next.after", cursor_param="after"),
        )  # fmt: skip


def _pipelines(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    answer = told(client(access).get("/crm/v3/pipelines/deals", hooks=hooks()))
    yield list(answer.get("results") or [])


def _tickets(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    if access.value("tickets") == "yes":
        yield from read(access, span, KINDS["tickets"])


def _changed(kind: Kind, obj: Object) -> datetime | None:
    return crm.moment(of(obj).get(kind.changed)) or crm.moment(obj.get("updatedAt"))


def _company(obj: Object) -> str:
    return str(next(iter(obj.get("companies") or []), ""))


def _stream(kind: Kind, whole_every: timedelta) -> Stream:
    return Stream(
        kind.name, _tickets if kind.name == "tickets" else partial(read, kind=kind), changed=partial(_changed, kind),
        group=_company if kind.to else lambda obj: str(obj.get("id", "")), whole_every=whole_every,
    )  # fmt: skip


#: people come and go slowly, but a new one's name is wanted at once
SOON, DAILY, WEEKLY = timedelta(hours=1), timedelta(days=1), timedelta(days=7)

STREAMS = (
    Stream("owners", _owners, is_incremental=False, whole_every=SOON, is_shared=True),
    Stream("pipelines", _pipelines, is_incremental=False, whole_every=SOON, is_shared=True),
    *(_stream(KINDS[name], DAILY) for name in ("companies", "contacts", "deals", "tickets")),
    # these are many, and are hardly ever deleted
    *(_stream(KINDS[name], WEEKLY) for name in ("calls", "meetings", "emails")),
)


# -- trying it -----------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Try the token, its scopes, and a page of everything."""
    api = client(access)
    about = _about(api, access)
    granted = set(about.get("scopes") or ())
    seen = {"owners": _first(api, "/crm/v3/owners", {"limit": 100}, "crm.objects.owners.read")}
    seen["pipelines"] = _first(api, "/crm/v3/pipelines/deals", {}, KINDS["deals"].scope)
    for kind in KINDS.values():
        if kind.name == "tickets" and access.value("tickets") != "yes":
            continue
        asked = {"limit": 50, "properties": ",".join(properties(access, kind))}
        seen[kind.name] = _first(api, f"/crm/v3/objects/{kind.name}", asked, kind.scope)
    portal = about.get("hubId")
    return Checked(f"HubSpot portal {portal}" if portal else "HubSpot", seen, tuple(_warnings(access, granted)))


def _about(api: Any, access: Access) -> dict[str, Any]:
    """Whose token it is and what it may do; empty where HubSpot does not tell it of this kind of token."""
    response = api.post("/oauth/v2/private-apps/get/access-token-info", json={"tokenKey": access.value("token")})
    return told(response) if response.status_code == 200 else {}


def _first(api: Any, path: str, asked: dict[str, Any], scope: str) -> int:
    """How many objects the first page has. SourceError: it may not be read."""
    response = api.get(path, params=asked)
    if response.status_code == 401:
        raise SourceError(
            "HubSpot does not take the token",
            "Copy the access token anew: Settings, Integrations, Private Apps, your app, Auth, Show token",
        )
    if response.status_code == 403:
        raise SourceError(
            f"The token lacks the scope {scope}",
            f"Add {scope} to the private app under Scopes and commit the change; the token stays the same",
        )
    hooks()["response"][0](response)
    return len(told(response).get("results") or [])


def _warnings(access: Access, granted: set[str]) -> Iterator[str]:
    if granted and EMAIL_SCOPE not in granted:
        yield f"Subjects of e-mails are not read: the token lacks the scope {EMAIL_SCOPE}"
    if access.value("write_back") == "yes":
        missing = [scope for scope in SCOPES if scope not in granted] if granted else []
        if missing:
            yield f"Nothing is written back: the token lacks the scopes {', '.join(missing)}"


SOURCE = Source(
    name="hubspot",
    title="HubSpot",
    kind="crm",
    fields=(
        Field("token", "Access token", "of a private app: Settings, Integrations, Private Apps", is_secret=True),
        Field("id_property", "Id property", "company properties that hold its id elsewhere, with commas", is_required=False),
        Field("attributes", "Attributes", "company properties to cut numbers by, with commas", is_required=False),
        Field("amount_property", "Amount property", "a deal's yearly amount", is_required=False, default="amount"),
        Field("currency", "Currency", "of deals that name none; empty: the company's", is_required=False),
        Field("renewal_pipelines", "Renewal pipelines", "names, with commas; empty: those with “renew” in them", is_required=False),
        Field("tickets", "Tickets", "needs the scope tickets", is_required=False, default="no", choices=("no", "yes")),
        Field("write_back", "Write back", "writes Holdfast's fields into companies", is_required=False, default="no", choices=("no", "yes")),
        Field("base_url", "Address", is_required=False, default=BASE),
    ),
    streams=STREAMS,
    facts=facts,
    check=check,
    scopes="crm.objects.companies.read, crm.objects.contacts.read, crm.objects.deals.read, crm.objects.owners.read",
    write=write,
)  # fmt: skip
