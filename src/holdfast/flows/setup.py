"""What a home holds, for the people who set it up: sources and their state, rejected rows, segments, owners."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from holdfast.flows.book import published
from holdfast.flows.home import Home, HomeError
from holdfast.metrics.accounts import NOBODY, Owners, choices, reachable
from holdfast.sources.files.rejects import NOTE_COLUMNS, original_stem
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records


@dataclass(frozen=True)
class SourceTold:
    """What came into one fact table from one file or source."""

    source: str
    kind: str
    table: str
    file: str
    mapping: str
    rows: int
    loads: int
    last_at: datetime
    #: everything of it is in the published numbers
    booked: bool
    file_name: str
    rejected_file: str
    rejected_rows: int


def sources(home: Home) -> list[SourceTold]:
    """What was loaded, the newest first."""
    told: dict[tuple[str, str, str], list[Any]] = {}
    for load in home.landing.loads():
        told.setdefault((load.source, load.table, load.file), []).append(load)
    current = published(home)
    booked_to = current.last_load_no if current else 0
    bad = {one.stem: one for one in reversed(rejected(home))}
    found = []
    for (source, table, file), loads in told.items():
        last = loads[-1]
        name = Path(file).name
        kept = bad.get(original_stem(Path(name))) if name else None
        found.append(
            SourceTold(
                source, last.source_kind, table, file, Path(last.mapping).stem if last.mapping else "",
                sum(load.rows for load in loads), len(loads), last.loaded_at.replace(tzinfo=UTC), last.load_no <= booked_to, name,
                kept.name if kept else "", kept.rows if kept else 0,
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: one.last_at, reverse=True)


@dataclass(frozen=True)
class RejectedFile:
    """One file of rows that could not be loaded."""

    name: str
    stem: str
    at: datetime
    rows: int


@dataclass(frozen=True)
class RejectedRow:
    """One bad row: where, what, why, and what to do."""

    row: str
    column: str
    value: str
    reason: str
    remedy: str


def rejected(home: Home) -> list[RejectedFile]:
    """The files of rejected rows, the newest first."""
    found = []
    for path in (home.path / "rejected").glob("*.csv"):
        stamp = re.search(r"\.(\d{8}T\d{6})Z", path.name)
        at = datetime.strptime(stamp[1], "%Y%m%dT%H%M%S") if stamp else datetime.fromtimestamp(path.stat().st_mtime)  # noqa: DTZ006, DTZ007
        found.append(RejectedFile(path.name, original_stem(path), at, sum(1 for _ in _lines(path))))
    return sorted(found, key=lambda one: (one.at, one.name), reverse=True)


def rejected_path(home: Home, name: str) -> Path:
    """The file of rejected rows by name. HomeError: there is none."""
    path = home.path / "rejected" / name
    if path.parent != home.path / "rejected" or path.suffix != ".csv" or not path.is_file():
        raise HomeError(f"there is no file of rejected rows called '{name}'")
    return path


def rejected_rows(home: Home, name: str, limit: int, offset: int = 0) -> list[RejectedRow]:
    """Some rejected rows of a file, in the file's order."""
    rows = []
    for number, line in enumerate(_lines(rejected_path(home, name))):
        if number >= offset + limit:
            break
        if number >= offset:
            row, column, reason, remedy = (line.get(note) or "" for note in NOTE_COLUMNS)
            named = [part for part in column.split("; ") if part in line]
            rows.append(RejectedRow(row, column, "; ".join((line[part] or "")[:80] for part in named), reason, remedy))
    return rows


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as inside:
        yield from csv.DictReader(inside)


# -- segments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SegmentTold:
    """One attribute of accounts."""

    name: str
    accounts: int
    #: accounts that have no value
    without: int
    values: tuple[tuple[str, int], ...]
    changes: int

    @property
    def coverage(self) -> float:
        """Accounts that have a value, as a share."""
        return (self.accounts - self.without) / self.accounts if self.accounts else 0.0


@dataclass(frozen=True)
class Change:
    """An attribute that became another on a day."""

    account_id: str
    name: str
    attribute: str
    day: date
    before: str | None
    after: str | None


def segments(records: Records, ledger: Ledger) -> list[SegmentTold]:
    """The attributes with their values, the most frequent first."""
    changes = dict(ledger.rows("select attribute, count(*) from attribute_change group by attribute"))
    told = []
    for name in records.segments:
        found = choices(records, name)
        values = tuple((one.value, one.accounts) for one in found if one.value is not None)
        without = sum(one.accounts for one in found if one.value is None)
        told.append(SegmentTold(name, without + sum(n for _, n in values), without, values, changes.get(name, 0)))
    return told


def changes(ledger: Ledger, attribute: str, limit: int, offset: int = 0) -> tuple[list[Change], int]:
    """Dated changes of an attribute, or of all where it is empty; the newest first, and how many there are."""
    where, told = ("where attribute = ?", [attribute]) if attribute else ("", [])
    total = ledger.rows(f"select count(*) from attribute_change {where}", told)[0][0]
    rows = ledger.rows(
        "select account_id, coalesce(name, account_id), attribute, day, before, after "
        f"from attribute_change left join account using (account_id) {where} order by day desc, account_id, attribute limit ? offset ?",
        [*told, limit, offset],
    )
    return [Change(*row) for row in rows], total


# -- owners --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OwnerTold:
    """What an owner carries on the day of the numbers. An empty name is nobody."""

    name: str
    accounts: int
    customers: int
    mrr_minor: int


def owners(records: Records, today: Owners) -> list[OwnerTold]:
    """Every owner that the facts or a hand-over name, the largest book first; those without an owner last."""
    rows = records.rows(
        "select coalesce(owner, '') as carried, count(*), count(*) filter (status = 'customer'), coalesce(sum(mrr_minor), 0)::bigint "
        f"from {reachable(records, today)} group by carried order by carried = '', 4 desc, carried"
    )
    return [OwnerTold(*row) for row in rows]


def book_of(records: Records, today: Owners, owner: str) -> list[str]:
    """The accounts of an owner's book; of nobody's where it is empty."""
    source = reachable(records, today)
    return [
        row[0]
        for row in records.rows(f"select account_id from {source} where coalesce(owner, '') = ?", [owner or NOBODY])
    ]
