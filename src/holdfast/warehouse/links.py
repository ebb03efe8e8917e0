"""Links at a booking: which of our accounts the ids of other systems are. The newest that was learned of an id holds, until it is undone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.warehouse.booking import scan_whole

#: tables of a connection: the links in force (external_id, account_id), and the ids that are another account than in the publish before
#: (external_id, from_account, to_account; null: none but themselves)
IN_FORCE, CHANGED = "link", "changed_link"

SCHEMA = pa.schema([("external_id", pa.string()), ("account_id", pa.string())])


def links_in_force(files: Sequence[Path]) -> pa.Table:
    """external_id, account_id of the landed links that hold."""
    if not files:
        return SCHEMA.empty_table()
    with duckdb.connect() as c:
        found = c.sql(
            f"select external_id, account_id from (select * from {scan_whole(TABLES['account_link'], files)} "
            "qualify row_number() over (partition by external_id order by learned_at desc, load_no desc, source_row desc) = 1) "
            "where not coalesce(deleted, false) and external_id <> account_id order by external_id"
        ).to_arrow_table()
    return found.cast(SCHEMA)


def set_links(c: duckdb.DuckDBPyConnection, links: pa.Table) -> int:
    """Bring the tables IN_FORCE and CHANGED up to date; how many ids are another account than before."""
    c.execute(f"create table if not exists {IN_FORCE} (external_id varchar, account_id varchar)")
    c.register("links_now", links)
    c.execute(
        f"create or replace temp table {CHANGED} as select coalesce(now.external_id, held.external_id) as external_id, "
        "held.account_id as from_account, now.account_id as to_account "
        f"from links_now as now full join {IN_FORCE} as held on held.external_id = now.external_id "
        "where now.account_id is distinct from held.account_id"
    )
    changed = int(c.execute(f"select count(*) from {CHANGED}").fetchall()[0][0])
    if changed:
        c.execute(f"delete from {IN_FORCE}")
        c.execute(f"insert into {IN_FORCE} from links_now")
    c.unregister("links_now")
    return changed


def resolved(query: str) -> str:
    """SQL: the rows of a query under the accounts that they are; told_account_id is what they said where that is another id."""
    return (
        f"select told.* replace (coalesce({IN_FORCE}.account_id, told.account_id) as account_id), "
        f"case when {IN_FORCE}.account_id is not null then told.account_id end as told_account_id "
        f"from ({query}) as told left join {IN_FORCE} on {IN_FORCE}.external_id = told.account_id"
    )
