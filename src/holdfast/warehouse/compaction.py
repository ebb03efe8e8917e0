"""Compaction: the rows of many small loads move into a few large files, and every answer stays the same.

Each row keeps its learned_at, load_no, source_row and source_kind; the manifest keeps every load's line. Only loads that are in the
publication are moved, so a booking of what came since reads what it read before. Replaced files stay for a while: somebody may be
about to open them. A crash at any point leaves the files before or the files after, never both.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.domain.fact_table import FactTable
from holdfast.domain.facts import TABLES
from holdfast.warehouse.landing import Landing, LandingError, Load, landing_schema, load_no_of
from holdfast.warehouse.parts import ROW_GROUP_ROWS, fsync_folder, in_parts, write_part
from holdfast.warehouse.sql import literal, quoted

#: a replaced file stays for so long: longer than anybody takes from asking for names to having read the files
GRACE = timedelta(hours=6)
#: a load is moved if it is no more than so many times larger than all that came after it: so a row is rewritten a few times, not every time
RATIO = 3
#: a load of fewer rows is moved in any case
SMALL_ROWS = ROW_GROUP_ROWS
#: what sorting may take; beyond it is put aside on disk
MEMORY = "1GB"


@dataclass(frozen=True)
class Run:
    """Loads of a table, one after the other, whose rows go into common files."""

    table: str
    loads: tuple[Load, ...]

    @property
    def parts(self) -> list[str]:
        return [part for load in self.loads for part in load.parts]


@dataclass(frozen=True)
class Compacted:
    """What a compaction made of a table."""

    table: str
    files_before: int
    files_after: int
    rows: int


@contextmanager
def rewriting(landing: Landing) -> Iterator[None]:
    """Hold the landing against others who write anew what is landed. Appends go on."""
    landing.root.mkdir(parents=True, exist_ok=True)
    with (landing.root / ".rewriting").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def plan(landing: Landing, table: str, upto: int) -> Run | None:
    """The loads of a table, none after load `upto`, that are worth moving together; None where they lie well as they are."""
    return _plan(
        landing.root / table, table, [one for one in landing.loads(table) if one.parts and one.load_no <= upto]
    )


def _plan(folder: Path, table: str, loads: list[Load]) -> Run | None:
    start, behind = len(loads), 0
    for place in reversed(range(len(loads))):
        rows = _rows(folder, loads[place])
        if rows <= max(SMALL_ROWS, RATIO * behind):
            start = place
        behind += rows
    run = Run(table, tuple(loads[start:]))
    return run if len(run.loads) > 1 else None


def _rows(folder: Path, load: Load) -> int:
    """The rows in a load's parts: its own, or after a compaction those of others too."""
    if "-c" not in load.parts[0]:
        return load.rows
    return sum(int(pq.read_metadata(folder / part).num_rows) for part in load.parts)


def compact(landing: Landing, upto: int, now: datetime, least_files: int = 2) -> list[Compacted]:
    """Move loads up to `upto` (the publication's last) together, in tables where at least so many files become fewer.

    LandingError: rows would be missing; nothing is changed then.
    """
    with rewriting(landing):
        sweep(landing, now)
        runs = [plan(landing, table, upto) for table in TABLES]
        return [_compact(landing, run, now) for run in runs if run is not None and len(run.parts) >= least_files]


def sweep(landing: Landing, now: datetime) -> int:
    """Remove files replaced more than GRACE ago, and what was interrupted; how many. The caller holds `rewriting`."""
    shutil.rmtree(landing.root / ".compacting", ignore_errors=True)
    with landing.locked():
        last, before = landing.last_load_no(), (now - GRACE).timestamp()
        old = [path for path in landing.unlisted() if load_no_of(path) <= last and path.stat().st_mtime < before]
        for path in old:
            path.unlink()
    return len(old)


def _compact(landing: Landing, run: Run, now: datetime) -> Compacted:
    making, folder = landing.root / ".compacting", landing.root / run.table
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    try:
        made, rows = _write(making, landing, run)
        expected = sum(_rows(folder, load) for load in run.loads)
        if rows != expected:
            raise LandingError(f"compaction of {run.table}: {rows} rows instead of {expected}")
        with landing.locked():
            _put_in_place(landing, run, made, now)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Compacted(run.table, len(run.parts), len(made), rows)


def _write(making: Path, landing: Landing, run: Run) -> tuple[list[Path], int]:
    """The rows of a run, in order, in parts that do not overlap."""
    fact, made, rows = TABLES[run.table], list[Path](), 0
    key = fact.sort[0] if fact.sort else None
    files = [landing.root / run.table / part for part in run.parts]
    for part in in_parts(_merged(fact, files, making), key):
        path = making / f"{len(made) + 1:04d}.parquet"
        write_part(path, part, key)
        made.append(path)
        rows += part.num_rows
    return made, rows


def _merged(fact: FactTable, files: list[Path], spill: Path) -> Iterator[pa.Table]:
    schema = landing_schema(fact)
    source = f"read_parquet([{', '.join(literal(str(file)) for file in files)}], union_by_name = true)"
    order = ", ".join(f"{quoted(name)} nulls first" for name in [*fact.sort, "learned_at", "load_no", "source_row"])
    with duckdb.connect() as c:
        c.execute(f"set memory_limit = '{MEMORY}'")
        c.execute(f"set temp_directory = {literal(str(spill / 'spill'))}")
        c.execute("set enable_progress_bar = false")
        there = set(c.sql(f"select * from {source}").columns)
        # files of an earlier version may lack a column
        names = [quoted(name) if name in there else f"null as {quoted(name)}" for name in schema.names]
        asked = c.sql(f"select {', '.join(names)} from {source} order by {order}")
        for batch in asked.to_arrow_reader(ROW_GROUP_ROWS):
            yield pa.Table.from_batches([batch]).cast(schema)


def _put_in_place(landing: Landing, run: Run, made: list[Path], now: datetime) -> None:
    folder, last = landing.root / run.table, run.loads[-1]
    names = [f"{last.load_no:08d}-c{_next(folder, last)}-{n + 1:04d}.parquet" for n in range(len(made))]
    for path, name in zip(made, names, strict=True):
        path.rename(folder / name)
    fsync_folder(folder)
    moment = now.timestamp()
    for part in run.parts:
        # from now on, not from when they were written, they are kept for those who may be about to read them
        os.utime(folder / part, (moment, moment))
    moved = {load.load_no for load in run.loads}
    parts = {last.load_no: tuple(names)}
    landing.replace_manifest(
        [
            replace(load, parts=parts.get(load.load_no, ())) if load.load_no in moved else load
            for load in landing.loads()
        ]
    )


def _next(folder: Path, load: Load) -> int:
    """A number that no file of this load has had."""
    found = [int(path.name.split("-")[1][1:]) for path in folder.glob(f"{load.load_no:08d}-c*-*.parquet")]
    return max(found, default=0) + 1
