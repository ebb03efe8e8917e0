"""Upsert: accounts and contacts as another system knows them land as facts, like the rows of a file; nothing is changed in place.

What is not said stays as it was. What is said already lands nothing. What landed shows after the next booking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.flows.erased import Guard
from holdfast.flows.home import Home
from holdfast.warehouse.booking import scan
from holdfast.warehouse.landed import account_states, complete, unchanged_filter
from holdfast.warehouse.landing import Landing, fact_schema, utc_naive

SOURCE = "api"
#: what facts of an account can be set; the others follow from files and connections
ACCOUNT_FIELDS = ("name", "domain", "parent_id", "owner", "created_on")
CONTACT_FIELDS = (
    "account_id", "name", "email", "title", "department", "role", "joined_on", "left_on", "left_noticed_on",
)  # fmt: skip
#: attributes that all accounts together may have: each is a column of the ledger
MOST_ATTRIBUTES = 100
ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_ .-]{0,39}")
#: names that stand for columns of their own
TAKEN = frozenset({"owner", "parent"})

Change = Mapping[str, Any]


class UpsertError(ValueError):
    """Something that may not be landed; `field` says where, the message what."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Upserted:
    """What became of some rows: the ids that said something new, and the load they are in."""

    changed: frozenset[str]
    load_no: int | None


def upsert_accounts(home: Home, changes: Mapping[str, Change], now: datetime) -> Upserted:
    """Land accounts by id. A change names fields of ACCOUNT_FIELDS, and `attributes`; null takes a value away.

    The first state of an account holds since ever, a later one from the company's today on. UpsertError: a name or value that cannot be.
    """
    landing = home.landing
    with landing.locked():
        for account_id, change in changes.items():
            if change.get("parent_id") == account_id:
                raise UpsertError("parent_id", "an account is not its own parent")
        news = states_of(home, changes, now)
        return _land(landing, "account", [table for table in news if table.num_rows], "account_id", now)


def upsert_contacts(home: Home, changes: Mapping[str, Change], now: datetime) -> Upserted:
    """Land contacts by id; a change names fields of CONTACT_FIELDS, and `account_id` where the contact is new.

    UpsertError: a contact without account, or of an account that there is not.
    """
    landing = home.landing
    with landing.locked():
        held = _held_contacts(landing, changes)
        rows = [{"contact_id": key, **held.get(key, {}), **change} for key, change in changes.items()]
        _require_accounts(home, rows)
        table = _table("contact", [{name: value for name, value in row.items() if value is not None} for row in rows])
        news = unchanged_filter(landing, "contact", Guard(home.path).rows("contact", complete("contact", table)))
        return _land(landing, "contact", [news] if news.num_rows else [], "contact_id", now)


def _land(landing: Landing, table: str, batches: Sequence[pa.Table], key: str, now: datetime) -> Upserted:
    if not batches:
        return Upserted(frozenset(), None)
    whole = pa.concat_tables(batches)
    load = landing.append(table, [whole], source=SOURCE, source_kind="crm", loaded_at=now)
    return Upserted(frozenset(whole[key].to_pylist()), load.load_no)


# -- accounts --------------------------------------------------------------------------------------------------


def states_of(home: Home, changes: Mapping[str, Change], now: datetime) -> list[pa.Table]:
    """States of accounts by id that say something new, as rows to land; what a change does not speak of stays as it was."""
    told = _with_known_names(home.landing, changes)
    return [_states(home, group, now) for group in _alike(told)]


def _with_known_names(landing: Landing, changes: Mapping[str, Change]) -> dict[str, dict[str, Any]]:
    """The changes with attributes under the names that are known already, however they are capitalised."""
    asked = {name for change in changes.values() for name in change.get("attributes") or {}}
    if not asked:
        return {key: dict(change) for key, change in changes.items()}
    known = {name.lower(): name for name in attribute_names(landing)}
    for name in sorted(asked):
        if name.lower() not in known:
            if not is_attribute(name):
                raise UpsertError(
                    f"attributes.{name}",
                    "an attribute's name begins with a letter, has up to 40, and is not owner or parent",
                )
            if len(known) >= MOST_ATTRIBUTES:
                raise UpsertError(f"attributes.{name}", f"accounts have {MOST_ATTRIBUTES} attributes already")
            known[name.lower()] = name
    return {
        key: dict(change)
        | (
            {"attributes": {known[n.lower()]: v for n, v in change["attributes"].items()}}
            if change.get("attributes")
            else {}
        )
        for key, change in changes.items()
    }


def is_attribute(name: str) -> bool:
    """Whether an attribute may be called so."""
    return bool(ATTRIBUTE.fullmatch(name)) and name == name.strip() and name.lower() not in TAKEN


def attribute_names(landing: Landing) -> list[str]:
    """The names of all attributes there are."""
    files = landing.files("account")
    if not files:
        return []
    with duckdb.connect() as db:
        rows = db.execute(
            f"select distinct unnest(map_keys(attributes)) as name from {scan(files)} order by 1"
        ).fetchall()
    return [row[0] for row in rows]


def _alike(changes: Mapping[str, Change]) -> Iterable[dict[str, Change]]:
    """Changes that speak of the same fields, together: what is not spoken of is filled in from what holds."""
    groups: dict[tuple[Any, ...], dict[str, Change]] = {}
    for key, change in changes.items():
        spoken = (
            tuple(sorted(name for name in change if name != "attributes")),
            tuple(sorted(change.get("attributes") or ())),
        )
        groups.setdefault(spoken, {})[key] = change
    return groups.values()


def _states(home: Home, changes: Mapping[str, Change], now: datetime) -> pa.Table:
    """The states of accounts that say something new."""
    first = next(iter(changes.values()))
    rows = [
        {
            "account_id": key,
            **{name: change[name] for name in (*ACCOUNT_FIELDS, "merged_into") if name in change},
            "attributes": sorted((n, v) for n, v in (change.get("attributes") or {}).items() if v),
        }
        for key, change in changes.items()
    ]
    zone, today = ZoneInfo(home.settings.timezone), home.today(now)
    states = account_states(
        home.landing, Guard(home.path).rows("account", complete("account", _table("account", rows))), today=today,
        today_began=utc_naive(datetime.combine(today, time(), zone)), spoken=frozenset(name for name in first if name != "attributes"),
        attributes=frozenset(first.get("attributes") or ()), corrects=False,
    )  # fmt: skip
    return unchanged_filter(home.landing, "account", states)


def _table(name: str, rows: Sequence[Change]) -> pa.Table:
    """Rows as a table with the fact table's types, of the columns that any of them has."""
    schema = fact_schema(TABLES[name])
    used = [field for field in schema if any(field.name in row for row in rows)]
    columns = {field.name: pa.array([row.get(field.name) for row in rows], field.type) for field in used}
    return pa.table({**columns, "source_row": pa.array(range(1, len(rows) + 1), pa.int64())})


# -- contacts --------------------------------------------------------------------------------------------------


def _held_contacts(landing: Landing, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What holds of some contacts."""
    files = landing.files("contact")
    if not files:
        return {}
    names = TABLES["contact"].names
    with duckdb.connect() as db:
        rows = db.execute(
            f"select {', '.join(names)} from {scan(files)} where contact_id in (select unnest(?::varchar[])) "
            "qualify row_number() over (partition by contact_id order by learned_at desc, load_no desc, source_row desc) = 1",
            [list(ids)],
        ).fetchall()
    return {row[0]: dict(zip(names, row, strict=True)) for row in rows}


def _require_accounts(home: Home, rows: Sequence[Change]) -> None:
    wanted = {str(row["account_id"]) for row in rows if row.get("account_id")}
    if any(not row.get("account_id") for row in rows):
        raise UpsertError("account_id", "a new contact names its account")
    missing = wanted - known_accounts(home, wanted)
    if missing:
        raise UpsertError("account_id", f"there is no account '{min(missing)}'")


def known_accounts(home: Home, wanted: Iterable[str]) -> set[str]:
    """Those of some account ids that any landed fact of accounts, subscriptions or invoices names."""
    found: set[str] = set()
    ids = set(wanted)
    for table in ("account", "subscription_item", "invoice_line"):
        files = home.landing.files(table)
        if files and ids - found:
            with duckdb.connect() as db:
                rows = db.execute(
                    f"select distinct account_id from {scan(files)} where account_id in (select unnest(?::varchar[]))",
                    [list(ids - found)],
                ).fetchall()
            found |= {row[0] for row in rows}
    return found
