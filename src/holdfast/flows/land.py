"""Landing what a source says: rows of the fact tables become landed facts, the ones that say something new.

A row that does not fit its table is told and left out; the others are landed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from holdfast.domain.fact_table import Column, FactTable
from holdfast.domain.facts import TABLES
from holdfast.flows.erased import Guard
from holdfast.flows.home import Home
from holdfast.flows.upsert import MOST_ATTRIBUTES, attribute_names, is_attribute, states_of
from holdfast.sources.source import Bad, Row
from holdfast.warehouse.landed import complete, items_filter, unchanged_filter
from holdfast.warehouse.landing import fact_schema, utc_naive

#: columns that hold ids of the other system
IDS = frozenset(
    {
        "account_id", "parent_id", "contact_id", "ticket_id", "response_id", "opportunity_id", "touch_id", "subscription_id", "item_id",
        "invoice_id", "line_id",
    }
)  # fmt: skip
LARGEST_INT = 2**62


@dataclass
class Landed:
    """Rows landed by fact table, and what did not fit."""

    rows: dict[str, int] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)


def land(
    home: Home, rows: Mapping[str, Sequence[Row]], *, source: str, source_kind: str, now: datetime, prefix: str = ""
) -> Landed:
    """Land rows by fact table as told by `source`. `prefix` goes before every id, `hubspot:` for instance."""
    landed = Landed()
    landing, guard = home.landing, Guard(home.path)
    with landing.locked():
        for name, fact in TABLES.items():
            told = [_prefixed(row, prefix) for row in rows.get(name, ())]
            good = list(_good(fact, told, landed.bad))
            if not good:
                continue
            news = _news(home, fact, good, now, landed.bad, guard)
            if news.num_rows:
                landing.append(name, [news], source=source, source_kind=source_kind, loaded_at=now)
            landed.rows[name] = news.num_rows
    return landed


def _prefixed(row: Row, prefix: str) -> Row:
    if not prefix:
        return row
    return {name: f"{prefix}{value}" if name in IDS and value else value for name, value in row.items()}


def _news(home: Home, fact: FactTable, rows: Sequence[Row], now: datetime, bad: list[Bad], guard: Guard) -> pa.Table:
    """The rows that say something new, without people who were erased."""
    if fact.name == "account":
        return guard.rows(fact.name, _account_news(home, rows, now, bad))
    table = guard.rows(fact.name, complete(fact.name, _table(fact, rows)))
    if fact.name == "subscription_item":
        return items_filter(home.landing, table)
    return unchanged_filter(home.landing, fact.name, table)


def _account_news(home: Home, rows: Sequence[Row], now: datetime, bad: list[Bad]) -> pa.Table:
    """States of accounts: what is not said of one stays as it was, what is said holds from today on."""
    unfit = sorted({name for row in rows for name in row.get("attributes") or {} if not is_attribute(name)})
    known = {name.lower() for name in attribute_names(home.landing)}
    fit = sorted(
        {name for row in rows for name in row.get("attributes") or {}} - set(unfit),
        key=lambda name: (name.lower() not in known, name),
    )
    over = [name for name in fit[MOST_ATTRIBUTES:] if name.lower() not in known]
    for name in unfit:
        bad.append(
            Bad(
                "account",
                "",
                "attributes",
                name[:100],
                "this cannot be the name of an attribute",
                "rename it in the other system",
            )
        )
    for name in over:
        bad.append(
            Bad(
                "account",
                "",
                "attributes",
                name,
                f"accounts have up to {MOST_ATTRIBUTES} attributes",
                "leave some out in the other system",
            )
        )
    left_out = {*unfit, *over}
    rows = [
        row | {"attributes": {n: v for n, v in row["attributes"].items() if n not in left_out}}
        if row.get("attributes")
        else row
        for row in rows
    ]
    changes = {row["account_id"]: {name: value for name, value in row.items() if name != "account_id"} for row in rows}
    tables = [table for table in states_of(home, changes, now) if table.num_rows]
    return pa.concat_tables(tables) if tables else pa.table({})


def _table(fact: FactTable, rows: Sequence[Row]) -> pa.Table:
    schema = fact_schema(fact)
    used = [one for one in schema if any(one.name in row for row in rows)]
    columns = {one.name: pa.array([row.get(one.name) for row in rows], one.type) for one in used}
    return pa.table({**columns, "source_row": pa.array(range(1, len(rows) + 1), pa.int64())})


# -- what fits -----------------------------------------------------------------------------------------------


def _good(fact: FactTable, rows: Iterable[Row], bad: list[Bad]) -> Iterable[Row]:
    """The rows that fit, with values of the right kind; of a key that comes twice the last one."""
    found: dict[tuple[Any, ...], Row] = {}
    columns = {column.name: column for column in fact.columns}
    for row in rows:
        problem = _problem(columns, row)
        if problem is None:
            kept = {name: _plain(columns[name], value) for name, value in row.items()}
            found[tuple(kept.get(name) for name in fact.key)] = kept
        else:
            name, reason, remedy = problem
            key = " ".join(str(row.get(part)) for part in fact.key if row.get(part) is not None)
            bad.append(Bad(fact.name, key, name, str(row.get(name))[:100], reason, remedy))
    return found.values()


def _problem(columns: Mapping[str, Column], row: Row) -> tuple[str, str, str] | None:
    """Column, reason and remedy where a row does not fit."""
    for name in row:
        if name not in columns:
            return name, "there is no such column", "this is a fault of the source; please report it"
    for name, column in columns.items():
        value = row.get(name)
        if value is None:
            if column.required:
                return name, "it is missing", "complete it in the other system; it is read again at the next run"
        elif not _fits(column, value):
            return (
                name,
                f"it is not of the kind '{column.kind}'",
                "correct it in the other system; it is read again at the next run",
            )
        elif column.choices and value not in column.choices:
            return (
                name,
                f"it is not one of {', '.join(column.choices)}",
                "this is a fault of the source; please report it",
            )
    return None


def _fits(column: Column, value: Any) -> bool:
    match column.kind:
        case "text":
            return isinstance(value, str)
        case "int" | "money" | "ppm":
            return isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_INT
        case "rate":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "date":
            return isinstance(value, date) and not isinstance(value, datetime)
        case "time":
            return isinstance(value, datetime)
        case "flag":
            return isinstance(value, bool)
        case "map":
            return isinstance(value, Mapping) and all(
                isinstance(k, str) and isinstance(v, str) for k, v in value.items()
            )


def _plain(column: Column, value: Any) -> Any:
    """A value as landing takes it."""
    if column.kind == "time" and isinstance(value, datetime):
        return utc_naive(value if value.tzinfo else value.replace(tzinfo=UTC))
    if column.kind == "map" and isinstance(value, Mapping) and column.name != "attributes":
        return sorted(value.items())
    return value
