"""Accounts in the ledger: segment attributes as columns, their dated changes, and who belongs to whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.belonging import Belonging, LinkState, belongings
from holdfast.domain.facts import TABLES
from holdfast.domain.policy import Policy
from holdfast.warehouse.booking import Linked, scan
from holdfast.warehouse.landing import landing_schema
from holdfast.warehouse.sql import literal, quoted, run

#: attributes that every account has besides its own
BUILT_IN = ("owner", "parent")


def prepare(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Path], policy: Policy, known: str
) -> tuple[tuple[str, ...], Linked]:
    """Make the tables account, attribute and attribute_change.

    Returns the names of the segment attributes, and the accounts that are linked to others.
    """
    segments = _segments(connection, files, known)
    _land(connection, files, segments, known)
    run(connection, "account")
    columns = _columns(segments)
    connection.execute(f"create or replace table account as select {columns} from account_now")
    connection.executemany("insert into attribute values (?)", [[name] for name in segments])
    _write_changes(connection, segments)
    linked = _belongings(connection, policy)
    _clear(connection)
    return segments, linked


def _clear(connection: duckdb.DuckDBPyConnection) -> None:
    """Forget the rows as they were landed: they would take memory from the booking."""
    connection.execute("drop view account_now")
    for table in ("landed_account", "several", "account_history", "link_state"):
        connection.execute(f"drop table {table}")


def _source(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> str:
    connection.register("no_accounts", landing_schema(TABLES["account"]).empty_table())
    return scan(files) if files else "no_accounts"


def _segments(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], known: str) -> tuple[str, ...]:
    rows = connection.execute(
        "select distinct unnest(map_keys(attributes)) as name "
        f"from {_source(connection, files)} where attributes is not null and {known} order by name"
    ).fetchall()
    return tuple(row[0] for row in rows if row[0] not in BUILT_IN) + BUILT_IN


def _land(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], segments: Sequence[str], known: str) -> None:
    """Temp table landed_account: the rows known, each attribute in a column of its own."""
    own = "account_id, name, domain, created_on, merged_into, parent_id, valid_from, learned_at, load_no, source_row"
    values = "".join(f", {value_of(name)} as {quoted('seg_' + name)}" for name in segments)
    connection.execute(
        f"create or replace temp table landed_account as select {own}{values} from {_source(connection, files)} where {known}"
    )


def value_of(name: str) -> str:
    """The SQL expression of an attribute in a landed account row; an empty text says nothing."""
    if name == "owner":
        return "nullif(owner, '')"
    if name == "parent":
        return "nullif(parent_id, '')"
    return f"nullif(attributes[{literal(name)}], '')"


def _columns(segments: Sequence[str]) -> str:
    return ", ".join(["account_id, name, domain, created_on, merged_into", *(quoted("seg_" + s) for s in segments)])


def _write_changes(connection: duckdb.DuckDBPyConnection, segments: Sequence[str]) -> None:
    """Where an attribute of an account changed on a day."""
    for name in segments:
        column = quoted("seg_" + name)
        connection.execute(
            f"insert into attribute_change select account_id, {literal(name)}, from_day, before, after from ("
            f"select account_id, from_day, nth, lag({column}) over w as before, {column} as after from account_history "
            "window w as (partition by account_id order by nth)) where nth > 1 and before is distinct from after"
        )


def retell(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[Path],
    segments: Sequence[str],
    changed: Sequence[str],
    known: str,
) -> None:
    """Account rows and attribute changes of some accounts anew; `segments` are the columns that the ledger has."""
    _land(connection, files, segments, known)
    run(connection, "account")
    connection.register("changed", pa.table({"account_id": pa.array(changed, pa.string())}))
    for table in ("account", "attribute_change"):
        connection.execute(f"delete from {table} where account_id in (select account_id from changed)")
    connection.unregister("changed")
    connection.execute(f"insert into account by name select {_columns(segments)} from account_now")
    _write_changes(connection, segments)


def _belongings(connection: duckdb.DuckDBPyConnection, policy: Policy) -> Linked:
    if policy.grain == "subscription":
        return Linked()
    rows = connection.execute("select account_id, from_day, merged_into, parent_id from link_state").fetchall()
    return Linked(tuple(belongings((LinkState(*row) for row in rows), policy.grain)))


def register_belongings(connection: duckdb.DuckDBPyConnection, spans: Sequence[Belonging]) -> None:
    """Temp tables belonging_day (account_id, from_day, to_day, entity_id) and passage_day (account_id, day, from and to)."""
    connection.register(
        "spans",
        pa.table(
            {
                "account_id": pa.array([span.account_id for span in spans], pa.string()),
                "from_day": pa.array([span.start for span in spans], pa.date32()),
                "to_day": pa.array([span.end for span in spans], pa.date32()),
                "entity_id": pa.array([span.entity_id for span in spans], pa.string()),
            }
        ),
    )
    # the last day there is ends no span: what lies at the end of time belongs to the last entity
    connection.execute(
        "create or replace temp table belonging_day as select account_id, from_day, "
        f"case when to_day = date '{date.max}' then 'infinity'::date else to_day end as to_day, entity_id from spans"
    )
    connection.execute(
        "create or replace temp table passage_day as "
        "select account_id, from_day as day, from_entity_id, entity_id as to_entity_id from ("
        "select *, lag(entity_id) over (partition by account_id order by from_day) as from_entity_id from belonging_day) "
        "where from_entity_id is not null"
    )
    connection.unregister("spans")
