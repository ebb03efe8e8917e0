"""The landed row behind a statement: what a source said, in which load, and when we learned it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from holdfast.domain.facts import TABLES
from holdfast.flows.home import Home
from holdfast.warehouse.booking import scan
from holdfast.warehouse.links import links_in_force

#: columns that say where the row comes from, and not what it says
ORIGIN = ("learned_at", "load_no", "source_row", "source_kind")


@dataclass(frozen=True)
class Landed:
    """A row as it was landed; `values` by column as text, in the order of the fact table."""

    table: str
    load_no: int
    source_row: int
    source: str
    file: str
    loaded_at: datetime
    learned_at: datetime | None
    values: dict[str, str | None]
    #: what the columns mean
    docs: dict[str, str]


def find(home: Home, accounts: Collection[str], table: str, load_no: int, row: int) -> Landed | None:
    """A row of one of these accounts; None where there is none."""
    fact = TABLES.get(table)
    load = next((load for load in home.landing.loads(table) if load.load_no == load_no), None) if fact else None
    if fact is None or load is None or "account_id" not in fact.names:
        return None
    files = home.landing.files_with(table, load_no)
    with duckdb.connect() as c:
        result = c.execute(
            f"select * from {scan(files)} where load_no = ? and source_row = ? "
            "and account_id in (select unnest(?::varchar[]))",
            [load_no, row, _ids(home, accounts)],
        )
        names = [column[0] for column in result.description or []]
        found = result.fetchone()
    if found is None:
        return None
    values = dict(zip(names, found, strict=True))
    told = {name: _text(values[name]) for name in fact.names if name in values}
    docs = {column.name: column.doc for column in fact.columns}
    return Landed(table, load_no, row, load.source, load.file, load.loaded_at, values.get("learned_at"), told, docs)


def _ids(home: Home, accounts: Collection[str]) -> list[str]:
    """The accounts, and the ids under which other systems know them."""
    links = links_in_force(home.landing.files("account_link")).to_pylist()
    return [*accounts, *(link["external_id"] for link in links if link["account_id"] in accounts)]


def _text(value: Any) -> str | None:
    """As the source's files would write it; a map as name=value."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dict):
        return ", ".join(f"{name}={one}" for name, one in value.items())
    return str(value)
