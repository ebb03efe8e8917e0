"""A day later: one in a thousand accounts has a new state; the home is booked again, and once more from nothing.

Both ledgers must be the same to the last unit, whatever numbers they give their entities.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from bench.measure import Spent, median, spend
from holdfast.flows.book import published
from holdfast.flows.home import Home, open_home
from holdfast.warehouse.booking import scan
from holdfast.warehouse.sql import literal, quoted

ONE_IN = 1000

#: the ledger's tables of rows by entity
TABLES = ("movement", "change", "aside", "term", "position")


@dataclass(frozen=True)
class Day:
    """The day's booking beside a full one; and where their ledgers differ."""

    changed: int
    again: Spent
    full: Spent
    differences: tuple[str, ...]


def measure(home: Home, label: str, runs: int) -> Day:
    """Book up to the day before, learn the day's changes, book again; then all of it from nothing, and compare.

    Both are measured so many times, in turns.
    """
    today = date.fromisoformat(home.settings.as_of)
    folder = home.path.with_name("day")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        own = _copy(home, folder)
        yesterday = str(today - timedelta(days=1))
        spend("bench.booking", folder, f"{label} · booking up to the day before", yesterday)
        changed = _learn(own, today)
        own.warehouse.rename(folder / "before")
        again, full, differences = [], [], list[str]()
        for turn in range(1, runs + 1):
            told = f"{label} · run {turn} of {runs} · booking"
            shutil.copytree(folder / "before", own.warehouse)
            again.append(spend("bench.booking", folder, f"{told} a day's changes", str(today)))
            ledger = _ledger(own).replace(folder / "again.duckdb")
            shutil.rmtree(own.warehouse)
            full.append(spend("bench.booking", folder, f"{told} all of it", str(today)))
            differences += compare(ledger, _ledger(own))
            shutil.rmtree(own.warehouse)
        return Day(changed, median(again), median(full), tuple(differences))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _copy(home: Home, folder: Path) -> Home:
    """The same home with nothing booked; landing files are linked, not copied."""
    for part in ("landing", "policies"):
        shutil.copytree(home.path / part, folder / part, copy_function=_link)
    shutil.copy(home.path / "holdfast.toml", folder)
    return open_home(folder)


def _link(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        os.link(source, target)
    else:
        shutil.copy(source, target)


def _learn(home: Home, today: date) -> int:
    """Land the day's changes: the chosen accounts' last states with one unit more, from today on."""
    with duckdb.connect() as c:
        rows = c.sql(
            "select * exclude (learned_at, load_no, source_row, source_kind) replace ("
            "quantity + 1 as quantity, 'active' as status, "
            f"date '{today}' as valid_from, null::date as valid_to) "
            f"from {scan(home.landing.files('subscription_item'))} where hash(account_id) % {ONE_IN} = 0 "
            "qualify row_number() over ("
            "partition by account_id order by valid_from desc, learned_at desc, item_id) = 1"
        ).to_arrow_table()
    learned = datetime.combine(today, datetime.max.time(), UTC)
    home.landing.append("subscription_item", [rows], source="bench", source_kind="billing", loaded_at=learned)
    return int(rows.num_rows)


def _ledger(home: Home) -> Path:
    current = published(home)
    assert current is not None
    return home.warehouse / current.folder / f"{home.settings.policy}.duckdb"


def compare(one: Path, other: Path) -> list[str]:
    """The tables in which two ledgers differ: rows counted and their hashes summed, entities by id, not number."""
    sources = {
        name: f"select {name}.* exclude (entity_key), entity_id from {name} join entity using (entity_key)"
        for name in TABLES
    }
    sources |= {"entity": "select * exclude (entity_key) from entity"}
    found = []
    with duckdb.connect() as c:
        c.execute(f"attach {literal(str(one))} as one (read_only)")
        c.execute(f"attach {literal(str(other))} as other (read_only)")
        for table, source in sources.items():
            sums = []
            for book in ("one", "other"):
                c.execute(f"use {book}")
                names = sorted(str(row[0]) for row in c.execute(f"describe {source}").fetchall())
                columns = ", ".join(f"{quoted(name)}::varchar" for name in names)
                sums.append(c.execute(f"select count(*), sum(hash({columns})) from ({source})").fetchone())
            if sums[0] != sums[1]:
                found.append(f"{table}: the day's booking {sums[0]} ≠ a full one {sums[1]} (rows, sum of hashes)")
    return found
