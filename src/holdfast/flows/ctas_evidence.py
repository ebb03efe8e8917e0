"""The landed row that a CTA's evidence names by its table and key, found when somebody asks for it."""

from __future__ import annotations

from collections.abc import Collection

import duckdb

from holdfast.domain.facts import TABLES
from holdfast.flows.home import Home
from holdfast.warehouse.booking import scan_whole
from holdfast.warehouse.links import links_in_force
from holdfast.warehouse.sql import quoted


def place(home: Home, accounts: Collection[str], table: str, row_id: str) -> tuple[int, int] | None:
    """Load and row number of what was learned last of a key; None: there is no such row of these accounts.

    A key of several columns is written with `|` between them, with or without the account; its first column alone finds the newest.
    """
    fact = TABLES.get(table)
    if fact is None or "account_id" not in fact.names or not row_id:
        return None
    links = links_in_force(home.landing.files("account_link")).to_pylist()
    ids = [*accounts, *(link["external_id"] for link in links if link["account_id"] in accounts)]
    rest = [name for name in fact.key if name != "account_id"]
    spellings = [_joined(fact.key), _joined(rest), _joined(rest[:1])]
    wanted = " or ".join(f"{spelling} = $key" for spelling in dict.fromkeys(filter(None, spellings)))
    files = home.landing.files(table)
    with duckdb.connect() as c:
        found = c.execute(
            f"select load_no, source_row from {scan_whole(fact, files)} where account_id in (select unnest($ids::varchar[])) "
            f"and ({wanted}) order by learned_at desc, load_no desc, source_row desc limit 1",
            {"ids": ids, "key": row_id},
        ).fetchone()
    return (int(found[0]), int(found[1])) if found and None not in found else None


def _joined(names: Collection[str]) -> str:
    return f"concat_ws('|', {', '.join(map(quoted, names))})" if names else ""
