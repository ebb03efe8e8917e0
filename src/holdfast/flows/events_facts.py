"""The counts of events told as facts: use by day, contacts, and the parties that are matched with accounts.

Only what says something new is landed. A crash between two steps leaves the same to be told again, which then is no news.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import duckdb
import pyarrow as pa

from holdfast.events import facts
from holdfast.events.counts import Counts
from holdfast.events.facts import PREFIX, Group, Person, Used
from holdfast.flows.home import Home
from holdfast.warehouse.booking import scan
from holdfast.warehouse.landed import complete, unchanged_filter
from holdfast.warehouse.landing import Landing

#: the system of parties, and the source of loads
SYSTEM = "events"
#: groups and people of one step
AT_ONCE = 5_000
#: traits of a group, by the names under which clients send them
NAME = ("name", "company_name", "companyName", "company")
DOMAIN = ("domain", "website", "company_domain", "companyDomain", "url")
#: systems whose id of a company a trait may carry (`stripe_customer_id`, `hubspotCompanyId`), and names of plain ids
SYSTEMS = ("stripe", "chargebee", "hubspot", "salesforce", "zendesk", "intercom", "posthog")
PLAIN = frozenset({"id", "accountid", "externalid", "customerid", "companyid", "organizationid", "crmid"})


def tell(home: Home, held: Counts, now: datetime) -> int:
    """Land what changed; how many rows. The caller holds the counts for writing."""
    told = _tell_groups(held, now)
    return _tell_usage(home.landing, held, now) + _tell_people(home.landing, held, now) + told


# -- use -----------------------------------------------------------------------------------------------------------


def _tell_usage(landing: Landing, held: Counts, now: datetime) -> int:
    days = facts.dirty_days(held.db)
    if not days:
        return 0
    with landing.locked():
        used = list(facts.usage(held.db, days))
        rows = [*used, *_gone(landing, [date.fromordinal(day) for day in days], used)]
        news = unchanged_filter(landing, "usage_day", complete("usage_day", _usage_table(rows)))
        if news.num_rows:
            landing.append("usage_day", [news], source=SYSTEM, source_kind="usage", loaded_at=now)
    with held.transaction():
        facts.told_of_days(held.db, days)
    return int(news.num_rows)


def _usage_table(rows: Sequence[Used]) -> pa.Table:
    return pa.table(
        {
            "account_id": pa.array([row.account_id for row in rows], pa.string()), "day": pa.array([row.day for row in rows], pa.date32()),
            "feature": pa.array([row.feature for row in rows], pa.string()), "events": pa.array([row.events for row in rows], pa.int64()),
            "active_users": pa.array([row.active_users for row in rows], pa.int64()),
            "source_row": pa.array(range(1, len(rows) + 1), pa.int64()),
        }
    )  # fmt: skip


def _gone(landing: Landing, days: Sequence[date], used: Iterable[Used]) -> list[Used]:
    """Rows of landing for which nothing counts any more: they hold nothing from now on."""
    files = landing.files("usage_day")
    if not files:
        return []
    with duckdb.connect() as db:
        held = db.execute(
            f"select distinct account_id, day, feature from {scan(files)} "
            "where starts_with(account_id, ?) and day in (select unnest(?::date[])) order by all",
            [PREFIX, list(days)],
        ).fetchall()
    there = {(row.account_id, row.day, row.feature) for row in used}
    return [Used(account, day, feature, 0, 0) for account, day, feature in held if (account, day, feature) not in there]


# -- people --------------------------------------------------------------------------------------------------------


def _tell_people(landing: Landing, held: Counts, now: datetime) -> int:
    landed = 0
    while people := facts.people_to_tell(held.db, AT_ONCE):
        known = [one for one in people if one.account_id and any(one.traits.values())]
        with landing.locked():
            news = unchanged_filter(landing, "contact", complete("contact", _contact_table(known)))
            if news.num_rows:
                landing.append("contact", [news], source=SYSTEM, source_kind="usage", loaded_at=now)
        with held.transaction():
            facts.told_of_people(held.db, people)
        landed += int(news.num_rows)
    return landed


def _contact_table(people: Sequence[Person]) -> pa.Table:
    names = [
        one.traits.get("name") or " ".join(filter(None, (one.traits.get("first"), one.traits.get("last")))) or None
        for one in people
    ]
    mails = [one.traits.get("email", "").lower() or None for one in people]
    return pa.table(
        {
            "contact_id": pa.array([one.contact_id for one in people], pa.string()), "account_id": pa.array([one.account_id for one in people], pa.string()),
            "name": pa.array(names, pa.string()), "email": pa.array(mails, pa.string()),
            "title": pa.array([one.traits.get("title") for one in people], pa.string()),
            "source_row": pa.array(range(1, len(people) + 1), pa.int64()),
        }
    )  # fmt: skip


# -- parties -------------------------------------------------------------------------------------------------------


def _tell_groups(held: Counts, now: datetime) -> int:
    """Groups as parties of the desk, which are matched with accounts there."""
    from holdfast.desk.models import Party

    told = 0
    while groups := facts.groups_to_tell(held.db, AT_ONCE):
        for group in groups:
            Party.objects.update_or_create(
                system=SYSTEM, external_id=group.name, defaults={**_party(group), "seen_at": now, "is_gone": False}
            )
        with held.transaction():
            facts.told_of_groups(held.db, groups)
        told += len(groups)
    return told


def _party(group: Group) -> dict[str, object]:
    traits = group.traits
    keys = (_key(name, value) for name, value in sorted(traits.items()))
    return {
        "name": _first(traits, NAME),
        "domain": _domain(_first(traits, DOMAIN)),
        "keys": sorted({one for one in keys if one}),
    }


def _first(traits: dict[str, str], names: Sequence[str]) -> str:
    return next((traits[name] for name in names if traits.get(name)), "")


def _domain(told: str) -> str:
    """`https://www.Acme.com/about` → `acme.com`; what is no domain is none."""
    host = told.lower().split("//")[-1].split("/")[0].split("@")[-1].split("?")[0].split(":")[0].removeprefix("www.")
    return host[:255] if "." in host.strip(".") and " " not in host else ""


def _key(name: str, value: str) -> str:
    """An id of the company in another system, as `stripe:cus_1`, or plain; empty: the trait is no id."""
    bare = name.lower().replace("_", "").replace("-", "").replace(" ", "")
    if not bare.endswith("id"):
        return ""
    system = next((one for one in SYSTEMS if bare.startswith(one)), "")
    return f"{system}:{value}" if system else value if bare in PLAIN else ""
