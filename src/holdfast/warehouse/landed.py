"""What landing already holds, compared with what a file says: so that only news is landed.

"Holding" is rule 4 of docs/definitions.md: of the rows of a key the newest learned, unless a later row that
tells its item's whole history superseded it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.fact_table import FactTable
from holdfast.domain.facts import TABLES
from holdfast.warehouse.booking import scan_whole
from holdfast.warehouse.landing import Landing, LandingError, fact_schema

_ORDER = "learned_at, load_no, source_row"


def complete(table: str, rows: pa.Table) -> pa.Table:
    """The rows with every column of the fact table (defaults where missing), and `source_row`."""
    fact = TABLES[table]
    schema = fact_schema(fact)
    columns = {}
    for column in fact.columns:
        wanted = schema.field(column.name).type
        if column.name not in rows.column_names:
            missing = pa.scalar(column.default, wanted)
            columns[column.name] = pa.repeat(missing, rows.num_rows)
            continue
        values = rows[column.name].cast(wanted)
        columns[column.name] = values if column.default is None else values.fill_null(column.default)
    return pa.table({**columns, "source_row": rows["source_row"]})


def unchanged_filter(landing: Landing, table: str, rows: pa.Table) -> pa.Table:
    """The rows that say something new: without those equal, in all columns, to what holds for their key.

    `rows` has every column of the fact table and `source_row`. Where a key comes several times its last row
    counts, and all or none of its rows are kept. The order of the rows is kept.
    """
    files = landing.files(table)
    if not files or not rows.num_rows:
        return rows
    fact = TABLES[table]
    changed = " or ".join(f"n.{name} is distinct from h.{name}" for name in fact.names)
    held_key = " and ".join(f"n.{name} is not distinct from h.{name}" for name in fact.key)
    keys = ", ".join(fact.key)
    on_key = " and ".join(f"n.{name} is not distinct from k.{name}" for name in fact.key)
    superseded = "or (n.replaces_item and not h.is_items_newest)" if "replaces_item" in fact.names else ""
    query = f"""
        with holding as ({_holding(fact, files)}),
        last_told as (
            select * from told qualify row_number() over (partition by {keys} order by source_row desc) = 1
        ),
        news as (
            select {", ".join(f"n.{name}" for name in fact.key)}
            from last_told n left join (select *, true as is_held from holding) h on {held_key}
            where h.is_held is null or {changed} {superseded}
        )
        select n.place from told n where exists (select 1 from news k where {on_key}) order by n.place
    """
    places = pa.array(range(rows.num_rows), pa.int64())
    with duckdb.connect() as db:
        db.register("told", rows.append_column("place", places))
        kept = db.sql(query).to_arrow_table()
    return rows if kept.num_rows == rows.num_rows else rows.take(kept["place"])


def items_filter(landing: Landing, rows: pa.Table) -> pa.Table:
    """The rows of subscription items whose whole history, as told here, differs from what holds.

    `rows` has every column of subscription_item and `source_row`; every row tells its item's whole history (`replaces_item`). All rows of
    an item are kept, or none.
    """
    files = landing.files("subscription_item")
    if not files or not rows.num_rows:
        return rows
    fact = TABLES["subscription_item"]
    item = "account_id, subscription_id, item_id"
    columns = ", ".join(name for name in fact.names if name != "replaces_item")
    query = f"""
        with source as (select * from {scan_whole(fact, files)} semi join told using ({item})),
        whole as (select {item}, max(learned_at) as newest from source where replaces_item group by all),
        holding as (
            select source.* from source left join whole using ({item}) where newest is null or learned_at >= newest
            qualify row_number() over (partition by {item}, valid_from order by {_descending()}) = 1
        ),
        different as (
            select {item} from (select {columns} from told except select {columns} from holding)
            union select {item} from (select {columns} from holding except select {columns} from told)
        )
        select place from told semi join different using ({item}) order by place
    """
    places = pa.array(range(rows.num_rows), pa.int64())
    with duckdb.connect() as db:
        db.register("told", rows.append_column("place", places))
        kept = db.sql(query).to_arrow_table()
    return rows if kept.num_rows == rows.num_rows else rows.take(kept["place"])


def _holding(fact: FactTable, files: Sequence[Path]) -> str:
    """SQL for the rows of a table that hold; `is_items_newest`: nothing of its item was learned later."""
    source = scan_whole(fact, files)
    if "replaces_item" not in fact.names:
        known = " replace (coalesce(deleted, false) as deleted)" if "deleted" in fact.names else ""
        return (
            f"select *{known} from {source} "
            f"qualify row_number() over (partition by {', '.join(fact.key)} order by {_descending()}) = 1"
        )
    return f"""
        with ordered as (
            select *, row_number() over (partition by item_id order by {_ORDER}) as nth,
                   dense_rank() over (partition by item_id order by learned_at) as telling
            from {source}
        ),
        placed as (
            select *, max(telling * cast(replaces_item as int)) over (partition by item_id) as replaced,
                   nth = max(nth) over (partition by item_id) as is_items_newest
            from ordered
        )
        select * from placed where telling >= replaced
        qualify row_number() over (partition by {", ".join(fact.key)} order by nth desc) = 1
    """


def _descending() -> str:
    return ", ".join(f"{name} desc" for name in _ORDER.split(", "))


def account_states(
    landing: Landing,
    rows: pa.Table,
    *,
    today: date,
    today_began: datetime,
    spoken: frozenset[str],
    attributes: frozenset[str],
    corrects: bool,
) -> pa.Table:
    """Accounts that a file tells without saying since when, as states: only those that say something new.

    The first state of an account holds since ever (`valid_from` missing). A later one holds from `today` on,
    unless the file `corrects`, or the state before was learned today (since `today_began`, UTC): it takes
    that state's place. What the file does not speak of (columns not in `spoken`, attributes not in
    `attributes`) stays as it was.
    """
    fact = TABLES["account"]
    if set(fact.names) - set(rows.column_names):
        raise LandingError("account_states needs every column of account")
    files = landing.files("account")
    if not files or not rows.num_rows:
        return rows
    told = {
        "attributes": sorted(attributes),
        "corrects": corrects,
        "today": today,
        "today_began": today_began,
    }
    with duckdb.connect() as db:
        db.register("told", rows)
        result = db.sql(_account_query(fact, files, spoken), params=told).to_arrow_table()
    source_row = pa.field("source_row", pa.int64())
    return result.select([*fact.names, "source_row"]).cast(pa.schema([*fact_schema(fact), source_row]))


def _account_query(fact: FactTable, files: Sequence[Path], spoken: frozenset[str]) -> str:
    """SQL for the states of `told` accounts, merged with what each was last, if that is new."""
    plain = [name for name in fact.names if name not in ("account_id", "attributes", "valid_from")]
    columns = ", ".join(f"n.{name}" if name in spoken else f"coalesce(n.{name}, h.{name}) as {name}" for name in plain)
    changed = " or ".join(f"m.{name} is distinct from m.was.{name}" for name in [*plain, "attributes"])
    in_order = ", ".join(f"m.{name}" for name in fact.names if name != "valid_from")
    return f"""
        with held as (
            select * from ({_holding(fact, files)})
            qualify row_number() over (
                partition by account_id order by valid_from desc nulls last, {_descending()}) = 1
        ),
        merged as (
            select n.account_id, n.source_row, {columns},
                   map_from_entries(list_sort(map_entries(map_concat(
                       map_from_entries(list_filter(
                           coalesce(map_entries(h.attributes), []),
                           lambda entry: not list_contains($attributes, entry.key))),
                       n.attributes)))) as attributes,
                   h as was, h.account_id is not null as is_known
            from told n left join held h using (account_id)
        )
        select {in_order}, m.source_row,
               case when not is_known then null
                    when $corrects or m.was.learned_at >= $today_began then m.was.valid_from
                    else $today end as valid_from
        from merged m where not is_known or {changed} order by m.source_row
    """


def subscription_accounts(landing: Landing) -> pa.Table:
    """subscription_id, account_id of every landed subscription, each once, as learned last."""
    files = landing.files("subscription_item")
    if not files:
        return pa.table({"subscription_id": pa.array([], pa.string()), "account_id": pa.array([], pa.string())})
    with duckdb.connect() as db:
        return db.sql(
            """
            select subscription_id, arg_max(account_id, (learned_at, load_no, source_row)) as account_id
            from read_parquet($files, union_by_name = true) group by all order by subscription_id
            """,
            params={"files": [str(path) for path in files]},
        ).to_arrow_table()
