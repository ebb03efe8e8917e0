"""What landing knows of who is who: our accounts, the e-mail domains of their people, links; and what matching lands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from holdfast.domain.companies import company_domain
from holdfast.domain.facts import TABLES
from holdfast.domain.matching import Known
from holdfast.flows.book import open_records
from holdfast.flows.home import Home
from holdfast.flows.upsert import MOST_ATTRIBUTES, attribute_names, is_attribute, states_of
from holdfast.warehouse.booking import scan, scan_whole
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.links import links_in_force

SOURCE = "matching"
#: usage counts as there if there is some within so many days
RECENT_DAYS = 30
_ORDER = "learned_at desc, load_no desc, source_row desc"


def accounts(home: Home) -> list[Known]:
    """Every account that facts of accounts or subscriptions name, but those merged into another: their ids are the other's."""
    domains = contact_domains(home)
    told = _newest_accounts(home)
    into = {row[0]: row[4] for row in told if row[4]}
    merged: dict[str, list[str]] = {}
    for account_id in into:
        top, seen = account_id, set[str]()
        while top in into and top not in seen:
            seen.add(top)
            top = into[top]
        if top != account_id:
            merged.setdefault(top, []).append(account_id)
    return [
        Known(
            account_id, name or "", company_domain(domain) or domains.get(account_id, ""), tuple(merged.get(account_id, ())),
            attributes or {},
        )
        for account_id, name, domain, attributes, merged_into in told if not merged_into
    ]  # fmt: skip


def _newest_accounts(home: Home) -> list[tuple[str, str | None, str | None, dict[str, str] | None, str | None]]:
    """account_id, name, domain, attributes, merged_into as they stand last, in the order of the ids."""
    landing = home.landing
    known = scan_whole(TABLES["account"], landing.files("account"))
    items = landing.files("subscription_item")
    with duckdb.connect() as c:
        return c.execute(
            f"with state as (select * from {known} qualify row_number() over ("
            f"partition by account_id order by valid_from desc nulls last, {_ORDER}) = 1), "
            "ids as (select account_id from state"
            + (f" union select account_id from {scan(items)}" if items else "")
            + ") select account_id, name, domain, attributes, nullif(merged_into, '') from ids left join state using (account_id) order by 1"
        ).fetchall()


def contact_domains(home: Home) -> dict[str, str]:
    """By account, and by `system:id`, the e-mail domain that most of its people share."""
    files = home.landing.files("contact")
    if not files:
        return {}
    with duckdb.connect() as c:
        rows = c.execute(
            "with person as (select account_id, lower(split_part(email, '@', 2)) as host, coalesce(deleted, false) as is_gone "
            f"from {scan_whole(TABLES['contact'], files)} qualify row_number() over (partition by contact_id order by {_ORDER}) = 1) "
            "select account_id, host, count(*) from person where host <> '' and not is_gone group by all"
        ).fetchall()
    counted: dict[str, dict[str, int]] = {}
    known: dict[str, str] = {}
    for account_id, host, people in rows:
        domain = known.setdefault(host, company_domain(host))
        if domain:
            here = counted.setdefault(account_id, {})
            here[domain] = here.get(domain, 0) + people
    found = {}
    for account_id, here in counted.items():
        domain = max(here, key=lambda one: (here[one], one))
        if 2 * here[domain] > sum(here.values()):
            found[account_id] = domain
    return found


def links(home: Home) -> dict[str, str]:
    """The landed links that hold: `system:id` → account."""
    found = links_in_force(home.landing.files("account_link"))
    return dict(zip(found["external_id"].to_pylist(), found["account_id"].to_pylist(), strict=True))


def land_links(landing: Landing, wanted: Mapping[str, str], before: Mapping[str, str], now: datetime) -> int:
    """Land the links that are otherwise than `before`; how many."""
    rows = [(one, to, False) for one, to in sorted(wanted.items()) if before.get(one) != to]
    rows += [(one, was, True) for one, was in sorted(before.items()) if one not in wanted]
    if rows:
        ids, to, deleted = zip(*rows, strict=True)
        table = pa.table(
            {
                "external_id": pa.array(ids, pa.string()),
                "account_id": pa.array(to, pa.string()),
                "deleted": pa.array(deleted),
            }
        )
        landing.append("account_link", [table], source=SOURCE, source_kind="crm", loaded_at=now)
    return len(rows)


def land_merges(
    home: Home, landing: Landing, merges: Mapping[str, str], decided: Collection[str], now: datetime
) -> int:
    """Merge accounts of ours, and part those of `decided` that matching merged and nobody wants merged any more."""
    if not decided:
        return 0
    held = {row[0]: row[4] for row in _newest_accounts(home) if row[0] in decided}
    own = _own(home)
    changes: dict[str, dict[str, Any]] = {one: {"merged_into": to} for one, to in merges.items() if held.get(one) != to}
    for one, into in held.items():
        if into and one not in merges and (one, "merged_into") in own:
            changes[one] = {"merged_into": None}
    return _land_states(home, landing, changes, now)


def land_told(
    home: Home, landing: Landing, wanted: Mapping[str, Mapping[str, str]], now: datetime
) -> tuple[int, list[str]]:
    """Make attributes, and under "" the owner, of accounts what is wanted; how many states were landed, and attributes left out.

    What another source told of an account stands; what matching alone brought and is not wanted any more is taken back.
    """
    accounts = {*wanted, *_told_before(home)}
    if not accounts:
        return 0, []
    known = {name.lower(): name for name in attribute_names(home.landing)}
    names = sorted({name for told in wanted.values() for name in told if name})
    left_out = [name for name in names if not is_attribute(name)]
    fresh = [name for name in names if name not in left_out and name.lower() not in known]
    left_out += fresh[max(0, MOST_ATTRIBUTES - len(known)) :]
    held, others = _standing(home, accounts)
    changes: dict[str, dict[str, Any]] = {}
    for account_id in sorted(accounts):
        told = {
            known.get(name.lower(), name): value
            for name, value in wanted.get(account_id, {}).items()
            if name not in left_out
        }
        now_held, theirs = held.get(account_id, {}), others.get(account_id, set())
        told = {name: value for name, value in told.items() if name not in theirs and now_held.get(name) != value}
        back = {
            name: ""
            for name in now_held
            if name not in theirs and known.get(name.lower(), name) not in _named(wanted, account_id, known)
        }
        change = told | back
        if change:
            changes[account_id] = _change(change)
    return _land_states(home, landing, changes, now), left_out


def _named(wanted: Mapping[str, Mapping[str, str]], account_id: str, known: Mapping[str, str]) -> set[str]:
    return {known.get(name.lower(), name) for name in wanted.get(account_id, ())}


def _change(told: Mapping[str, str]) -> dict[str, Any]:
    attributes = {name: value for name, value in told.items() if name}
    change: dict[str, Any] = {"attributes": attributes} if attributes else {}
    if "" in told:
        change["owner"] = told[""] or None
    return change


def _land_states(home: Home, landing: Landing, changes: Mapping[str, Mapping[str, Any]], now: datetime) -> int:
    if not changes:
        return 0
    tables = [table for table in states_of(home, changes, now) if table.num_rows]
    if not tables:
        return 0
    whole = pa.concat_tables(tables)
    landing.append("account", [whole], source=SOURCE, source_kind="crm", loaded_at=now)
    return int(whole.num_rows)


def _own_loads(home: Home) -> list[int]:
    return [load.load_no for load in home.landing.loads("account") if load.source == SOURCE]


def _told_before(home: Home) -> set[str]:
    """Accounts of which matching landed states."""
    files, own = home.landing.files("account"), _own_loads(home)
    if not own:
        return set()
    with duckdb.connect() as c:
        rows = c.execute(
            f"select distinct account_id from {scan(files)} where load_no in (select unnest(?::integer[]))", [own]
        )
        return {row[0] for row in rows.fetchall()}


def _told_values(home: Home, accounts: Collection[str]) -> tuple[str, dict[str, Any]]:
    """SQL: of accounts every value of every row, with the one before it: account_id, name ("" is the owner), value, was, is_ours, nth."""
    files = home.landing.files("account")
    query = (
        f"with state as (select *, row_number() over (partition by account_id order by learned_at, load_no, source_row) as nth "
        f"from {scan_whole(TABLES['account'], files)} where account_id in (select unnest($accounts::varchar[]))), "
        "spoken as (select distinct account_id, unnest(map_keys(attributes)) as label from state where attributes is not null "
        "union select distinct account_id, '' from state), "
        "value as (select account_id, nth, label as name, load_no in (select unnest($own::integer[])) as is_ours, "
        "nullif(case when label = '' then owner else attributes[label] end, '') as value from state join spoken using (account_id)) "
        "select *, lag(value) over (partition by account_id, name order by nth) as was from value"
    )
    return query, {"own": _own_loads(home), "accounts": sorted(accounts)}


def _standing(home: Home, accounts: Collection[str]) -> tuple[dict[str, dict[str, str]], dict[str, set[str]]]:
    """By account the values that hold, by name, and the names of which another source told something.

    Rows repeat what held before; so a source told what its row has otherwise than the row before.
    """
    query, parameters = _told_values(home, accounts)
    held: dict[str, dict[str, str]] = {}
    others: dict[str, set[str]] = {}
    with duckdb.connect() as c:
        rows = c.execute(
            f"select account_id, name, arg_max(coalesce(value, ''), nth), "
            f"coalesce(bool_or(not is_ours and value is not null and value is distinct from was), false) from ({query}) group by all",
            parameters,
        ).fetchall()
    for account_id, name, value, is_theirs in rows:
        if value:
            held.setdefault(account_id, {})[name] = value
        if is_theirs:
            others.setdefault(account_id, set()).add(name)
    return held, others


def _own(home: Home) -> set[tuple[str, str]]:
    """Accounts that matching merged: (account_id, "merged_into") where the last row that changed it is matching's own."""
    files, own = home.landing.files("account"), _own_loads(home)
    if not own:
        return set()
    with duckdb.connect() as c:
        rows = c.execute(
            "with state as (select account_id, nullif(merged_into, '') as value, load_no, "
            "row_number() over (partition by account_id order by learned_at, load_no, source_row) as nth "
            f"from {scan_whole(TABLES['account'], files)}), "
            "changed as (select *, lag(value) over (partition by account_id order by nth) as was from state) "
            "select account_id from changed where value is distinct from was "
            "qualify row_number() over (partition by account_id order by nth desc) = 1 and load_no in (select unnest(?::integer[]))",
            [own],
        ).fetchall()
    return {(row[0], "merged_into") for row in rows}


def coverage(home: Home) -> dict[str, dict[str, int]]:
    """See `identity.coverage`."""
    with open_records(home) as records:
        paying = "(select account_id from summary where mrr_minor > 0)"
        of = int(records.rows(f"select count(*) from {paying}")[0][0])

        def having(source: str) -> int:
            return int(
                records.rows(f"select count(*) from {paying} semi join ({source}) as there using (account_id)")[0][0]
            )

        recent = f"day > date '{records.as_of}' - {RECENT_DAYS} and day <= date '{records.as_of}'"
        return {
            "usage": {
                "accounts": having(f"select account_id from usage.usage_total where {recent} and events > 0"),
                "of": of,
            },
            "crm": {
                "accounts": having("select account_id from contact union select account_id from opportunity"),
                "of": of,
            },
            "support": {"accounts": having("select account_id from ticket"), "of": of},
        }
