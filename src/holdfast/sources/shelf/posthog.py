"""PostHog: what each account did, counted by day and event, its groups, and people with an e-mail address where that is wanted.

Events come late: the last days are counted again each time, and a count that changed is a new state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from holdfast.domain.companies import company_domain
from holdfast.domain.matching import PartyTold
from holdfast.sources import posthog_query as ask
from holdfast.sources.access import Access
from holdfast.sources.source import Bad, Checked, Facts, Field, Object, Source, SourceError, Span, Stream, Told
from holdfast.sources.times import moment

#: before the first PostHog
BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
FIELDS = (
    Field("key", "Personal API key", "phx_…; Settings > Personal API keys", is_secret=True),
    Field("project", "Project ID", "a number; Settings > Project > General"),
    Field("base_url", "Address", "https://eu.posthog.com in the EU, or your own", is_required=False, default=ask.HOME),
    Field("by", "Accounts are", "groups, or the e-mail domains of people", is_required=False, default="group", choices=("group", "domain")),
    Field("group_type", "Group type", "as company; empty: the usual names are tried", is_required=False),
    Field("only", "Only these events", "with commas; empty: all", is_required=False),
    Field("without", "Without these events", "with commas", is_required=False),
    Field("persons", "People", "yes: people with an e-mail address become contacts", is_required=False, choices=("", "yes")),
    Field("timezone", "Time zone", "in which days are counted, as Europe/Berlin; empty: the project's", is_required=False),
)  # fmt: skip

NAMES = ("name", "company_name", "company", "organization", "title")
DOMAINS = ("domain", "website", "email_domain", "company_domain", "url")
#: properties in which groups carry ids of other systems → what is put before the id
KEYS = {
    "stripe_customer_id": "stripe:", "stripe_id": "stripe:", "hubspot_id": "hubspot:", "hubspot_company_id": "hubspot:",
    "salesforce_id": "salesforce:", "salesforce_account_id": "salesforce:", "customer_id": "", "account_id": "", "external_id": "", "id": "",
}  # fmt: skip


# -- reading -------------------------------------------------------------------------------------------------


def read_groups(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """Groups of the type that accounts are, by PostHog's own cursor."""
    from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

    api = ask.client(access)
    index = ask.account_index(access, api)
    if index is None:
        return
    pager = JSONLinkPaginator(next_url_path="next")
    params = {"group_type_index": index}
    for page in api.paginate("/groups/", params=params, paginator=pager, data_selector="results"):
        yield list(page)


def read_counts(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    yield from ask.counts(access, span, BEGINS.date())


def read_people(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    if access.value("persons") == "yes":
        yield from ask.people(access, span)


def counted_on(obj: Object) -> datetime | None:
    """The day, as the time up to which counts are known."""
    return moment(obj.get("day"))


# -- saying --------------------------------------------------------------------------------------------------


def facts(told: Told) -> Facts:
    """Usage by day and feature of one account, who it is, and its people."""
    found = Facts()
    if told.settings.get("by") == "domain" and not company_domain(told.group):
        return found
    found.parties.append(_party(told))
    _add_usage(found, told)
    for obj in [*told.newest("person"), *(state.obj for state in told.gone("person"))]:
        _add_person(found, told, obj)
    return found


def _party(told: Told) -> PartyTold:
    if told.settings.get("by") == "domain":
        return PartyTold(told.group, domain=company_domain(told.group))
    states = told.states("group").get(told.group, ())
    properties: Mapping[str, Any] = (states[-1].obj.get("group_properties") if states else None) or {}
    if not isinstance(properties, dict):
        properties = {}
    keys = tuple(
        dict.fromkeys(f"{before}{properties[name]}" for name, before in KEYS.items() if _is_id(properties.get(name)))
    )
    domain = company_domain(_first(properties, DOMAINS))
    return PartyTold(
        told.group, _first(properties, NAMES), domain, keys, is_gone=bool(states) and states[-1].is_deleted,
    )  # fmt: skip


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool) and str(value).strip() != ""


def _first(properties: Mapping[str, Any], names: Sequence[str]) -> str:
    values = (properties.get(name) for name in names)
    return next((value.strip() for value in values if isinstance(value, str) and value.strip()), "")


def _add_usage(found: Facts, told: Told) -> None:
    only, without = (set(ask.names(told.settings.get(name, ""))) for name in ("only", "without"))
    rows: dict[tuple[date, str], dict[str, Any]] = {}
    for obj in told.newest("count"):
        event = str(obj.get("event") or "")
        if event != "*" and ((only and event not in only) or event in without):
            continue
        try:
            day, events, persons = date.fromisoformat(str(obj["day"])), int(obj["events"]), int(obj["persons"])
        except (KeyError, TypeError, ValueError):
            found.bad.append(
                Bad(
                    "count", _count_key(obj), "events", str(obj)[:200], "is no count of a day", "tell PostHog's support"
                )
            )
            continue
        feature = "page" if event == ask.PAGEVIEW else event
        row = rows.setdefault(
            (day, feature),
            {"account_id": told.group, "day": day, "feature": feature, "events": 0, "active_users": 0},
        )
        row["events"] += events
        row["active_users"] = max(row["active_users"], persons)
    for row in rows.values():
        found.add("usage_day", row)


def _add_person(found: Facts, told: Told, obj: Object) -> None:
    """Somebody who was not seen for long is no longer listed, and a contact all the same."""
    email = str(obj.get("email") or "").strip().lower()
    if not email or "@" not in email:
        found.bad.append(
            Bad("person", str(obj.get("id")), "email", email, "is no e-mail address", "correct it in PostHog")
        )
        return
    row: dict[str, Any] = {"contact_id": str(obj["id"]), "account_id": told.group, "email": email}
    if isinstance(obj.get("name"), str) and obj["name"].strip():
        row["name"] = obj["name"].strip()
    first = moment(obj.get("first_day"))
    if first is not None:
        row["joined_on"] = first.date()
    found.add("contact", row)


def _count_key(obj: Object) -> str:
    return f"{obj.get('day')}|{obj.get('account')}|{obj.get('event')}"


# -- trying --------------------------------------------------------------------------------------------------


def check(access: Access) -> Checked:
    """Tries the key, its scopes, the group type, and a first question. SourceError: it cannot be connected, and why."""
    api, warnings, groups = ask.client(access), list[str](), 0
    if access.value("by") != "domain":
        index = ask.group_index(access, ask.group_types(api))
        page = ask.asked(api, "GET", "/groups/", params={"group_type_index": index})
        groups = len(page.get("results") or [])
        if not groups:
            warnings.append("no group is there yet: events must name their group, or accounts be told by e-mail domain")
    [[events, first]] = ask.answer(api, "select count(), toString(toDate(min(timestamp))) from events", {})
    if not events:
        raise SourceError("the project has no events", "check the project's number")
    return Checked(
        f"project {ask.project(access)}: {int(events):,} events since {first}", {"group": groups}, tuple(warnings)
    )


SOURCE = Source(
    name="posthog",
    title="PostHog",
    kind="usage",
    fields=FIELDS,
    streams=(
        Stream("group", read_groups, key=lambda obj: str(obj["group_key"]), group=lambda obj: str(obj["group_key"]), is_incremental=False),
        Stream(
            "count", read_counts, key=_count_key, group=lambda obj: str(obj.get("account") or ""), changed=counted_on,
            overlap=timedelta(days=3), whole_every=None, piece=timedelta(days=730),
        ),
        Stream("person", read_people, group=lambda obj: str(obj.get("account") or ""), is_incremental=False),
    ),
    facts=facts,
    check=check,
    scopes="A personal API key with the scopes query:read and group:read, for one project.",
    begins=BEGINS,
)  # fmt: skip
