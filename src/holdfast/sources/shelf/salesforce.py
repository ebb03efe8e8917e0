"""Salesforce by an app of the org's own (client credentials, or a refresh token): accounts, people with their roles, opportunities
with their history, and activities. Fields that an org lacks are left out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from holdfast.sources import crm
from holdfast.sources.access import Access
from holdfast.sources.salesforce_facts import facts
from holdfast.sources.salesforce_reading import (
    DATA,
    TABLES,
    client,
    errors,
    fields_of,
    look,
    read,
    selected,
    told,
)
from holdfast.sources.salesforce_writing import ours, write
from holdfast.sources.source import Checked, Field, Object, Source, SourceError, Stream

#: at check no more is read than that
FIRST = 200


def _id(obj: Object) -> str:
    return str(obj.get("Id", ""))


def _account(obj: Object) -> str:
    return str(obj.get("AccountId") or "")


def _account_of_deal(obj: Object) -> str:
    deal = obj.get("Opportunity")
    return str(deal.get("AccountId") or "") if isinstance(deal, dict) else ""


def _changed(obj: Object) -> datetime | None:
    return crm.moment(obj.get("SystemModstamp"))


def _is_deleted(obj: Object) -> bool:
    return obj.get("IsDeleted") is True


def _stream(
    name: str,
    group: Callable[[Object], str],
    *,
    whole_every: timedelta = timedelta(days=1),
    is_shared: bool = False,
) -> Stream:
    return Stream(
        name, partial(read, name=name), key=_id, group=group, changed=_changed, is_deleted=_is_deleted, whole_every=whole_every,
        is_shared=is_shared,
    )  # fmt: skip


STREAMS = (
    _stream("users", lambda obj: "", is_shared=True),
    _stream("accounts", _id),
    _stream("contacts", _account),
    _stream("roles", _account_of_deal),
    _stream("relations", _account),
    _stream("opportunities", _account),
    _stream("opportunity_history", _account_of_deal, whole_every=timedelta(days=7)),
    # these are many; a deleted one is told by itself
    _stream("tasks", _account, whole_every=timedelta(days=7)),
    _stream("events", _account, whole_every=timedelta(days=7)),
)


# -- trying it -----------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Try to sign in, and a page of everything."""
    base = access.value("base_url")
    if "login.salesforce.com" in base and not access.value("refresh_token"):
        raise SourceError(
            "The client credentials flow works on the org's own domain only",
            "Give the address under Setup, My Domain, as https://acme.my.salesforce.com",
        )
    api = client(access)
    seen: dict[str, int] = {}
    warnings: list[str] = []
    for name, table in TABLES.items():
        there = fields_of(api, table)
        if there is None:
            warnings.append(f"The org has no {table.name}, or the user may not read it: {_missed(name)}")
            continue
        response = api.get(
            f"{DATA}/query", params={"q": f"SELECT {', '.join(selected(access, table, there))} FROM {table.name} LIMIT {FIRST}"}
        )  # fmt: skip
        look(response)
        seen[name] = len(told(response).get("records") or [])
    if access.value("write_back") == "yes":
        warnings += ours(api, list(crm.WRITTEN))[1]
    return Checked(_who(api), seen, tuple(warnings))


def _missed(name: str) -> str:
    return {
        "roles": "roles of people in opportunities are not known",
        "relations": "who left an account is not known",
        "opportunity_history": "earlier stages are known only since the connection was made",
    }[name]


def _who(api: Any) -> str:
    response = api.get(f"{DATA}/query", params={"q": "SELECT Id, Name, IsSandbox FROM Organization"})
    if response.status_code != 200:
        return f"Salesforce ({errors(response)[0] or response.status_code} for the name of the organisation)"
    org: dict[str, Any] = next(iter(told(response).get("records") or ()), {})
    return f"{org.get('Name')} on Salesforce{', a sandbox' if org.get('IsSandbox') else ''}"


SOURCE = Source(
    name="salesforce",
    title="Salesforce",
    kind="crm",
    fields=(
        Field("base_url", "My Domain", "as https://acme.my.salesforce.com: Setup, My Domain"),
        Field("client_id", "Consumer key", "of the app: Setup, External Client App Manager", is_secret=True),
        Field("client_secret", "Consumer secret", is_secret=True),
        Field("refresh_token", "Refresh token", "where the app does not use client credentials", is_secret=True, is_required=False),
        Field("id_field", "Id field", "fields of Account that hold its id elsewhere, with commas", is_required=False),
        Field("attributes", "Attributes", "fields of Account to cut numbers by, with commas", is_required=False),
        Field("amount_field", "Amount field", "an opportunity's yearly amount", is_required=False, default="Amount"),
        Field("currency", "Currency", "of an org with one currency; empty: the company's", is_required=False),
        Field("renewal_types", "Renewal types", "values of Type, with commas, besides those with “renew” in them", is_required=False),
        Field("write_back", "Write back", "writes Holdfast's fields into accounts", is_required=False, default="no", choices=("no", "yes")),
    ),
    streams=STREAMS,
    facts=facts,
    check=check,
    scopes="the OAuth scope api, and Read on Account, Contact, Opportunity, Task, Event and User",
    write=write,
)  # fmt: skip
