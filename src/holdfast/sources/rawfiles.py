"""Raw files of a stream: which of them are read, and how many small ones become few large ones.

    <stream>/<load_id>.<file_id>.parquet     as they came
    <stream>/compacted-<n>.<m>.parquet       states out of many of them
    <stream>/_files.json                     which compacted files count, and which files they replace; the commit point

A replaced file stays for a while, for who is about to read it. One that comes again, because its load was repeated after a crash,
is still replaced.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

LISTED = "_files.json"
PREFIX = "compacted-"
#: a replaced file stays for so long
GRACE = timedelta(hours=6)
#: names of files that are gone are remembered for so long: a load is repeated within that time or never
REMEMBERED = timedelta(days=90)
#: rows of a compacted file, and of what is in memory at once
FILE_ROWS, BATCH_ROWS = 500_000, 50_000
#: a file is taken along if it is no more than so many times larger than all smaller ones together, or small
RATIO, SMALL_BYTES = 3, 1_000_000
MEMORY = "1GB"

#: the order of an object's states, as raw.py reads them
_OLDEST_FIRST = "coalesce(changed_at, seen_at), seq"


@dataclass
class _Listed:
    """What _files.json says."""

    compacted: list[str] = field(default_factory=list)
    #: name of a replaced file → when it was replaced (ISO, UTC)
    replaced: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class CompactedRaw:
    """What a compaction made of a stream."""

    files_before: int
    files_after: int
    rows: int
    #: states that were let go: older than what is kept, and not the newest of their object
    dropped: int


def files(folder: Path) -> list[Path]:
    """The Parquet files of a stream that count: the compacted ones, and every other that they do not replace."""
    listed = _read(folder)
    others = sorted(
        path
        for path in folder.glob("*.parquet")
        if not path.name.startswith(PREFIX) and path.name not in listed.replaced
    )
    return [*(folder / name for name in listed.compacted), *others]


def load_id(file: Path) -> str | None:
    """The load that wrote a file: its name without file id and ending. None: a compacted file, of loads that are all done."""
    return None if file.name.startswith(PREFIX) else file.name.rsplit(".", 2)[0]


def compact_raw(
    folder: Path, keep_since: datetime | None, load_ids: Collection[str], now: datetime, least_files: int = 2
) -> CompactedRaw | None:
    """Merge the files of the loads `load_ids` and let go of states superseded before `keep_since`; None: nothing to do.

    The newest state of an object always stays. `keep_since`, `now`: UTC; None keeps every state. Fewer small files than `least_files`
    are left as they are.
    """
    with _alone(folder):
        _sweep(folder, now)
        there = [path for path in files(folder) if (load := load_id(path)) is None or load in load_ids]
        if not there:
            return None
        since = keep_since.astimezone(UTC).replace(tzinfo=None) if keep_since else None
        old = _files_with_old(there, since) if since else set()
        small = _small(there)
        chosen = sorted({*(small if len(small) >= max(2, least_files) else ()), *old})
        return _compact(folder, there, chosen, since, now) if chosen else None


def _small(there: Sequence[Path]) -> list[Path]:
    """The files worth merging: the smallest, up to one that is much larger than all before it."""
    by_size = sorted((path.stat().st_size, path) for path in there)
    taken, total = list[Path](), 0
    for size, path in by_size:
        if taken and size > max(SMALL_BYTES, RATIO * total):
            break
        taken.append(path)
        total += size
    return taken


def _compact(
    folder: Path, there: Sequence[Path], chosen: Sequence[Path], since: datetime | None, now: datetime
) -> CompactedRaw:
    listed = _read(folder)
    number = 1 + max((int(p.name[len(PREFIX) :].split(".")[0]) for p in folder.glob(f"{PREFIX}*")), default=0)
    before = sum(int(pq.read_metadata(path).num_rows) for path in chosen)
    made, rows = _write(folder, number, _states(there, chosen, since))
    gone = {path.name for path in chosen}
    listed.compacted = [name for name in listed.compacted if name not in gone] + made
    listed.replaced |= dict.fromkeys(gone, now.astimezone(UTC).isoformat())
    _commit(folder, listed)
    return CompactedRaw(len(chosen), len(made), rows, before - rows)


def _kept(there: Sequence[Path], columns: str) -> str:
    """SQL over states of all files, each with the time from which on a newer one was there."""
    names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in there)
    return f"""
        select {columns}, filename, lead(seen_at) over (partition by object_id order by {_OLDEST_FIRST}) as followed_at
        from read_parquet([{names}], union_by_name = true, filename = true)
    """


def _old(since: datetime | None) -> str:
    """The SQL condition of states that are let go."""
    return f"greatest(seen_at, followed_at) < timestamp '{since}' and followed_at is not null" if since else "false"


def _files_with_old(there: Sequence[Path], since: datetime) -> set[Path]:
    with _database() as c:
        states = _kept(there, "seen_at")
        return {
            Path(row[0]) for row in c.sql(f"select distinct filename from ({states}) where {_old(since)}").fetchall()
        }


def _states(there: Sequence[Path], chosen: Sequence[Path], since: datetime | None) -> Iterator[pa.Table]:
    """The states of the chosen files that stay, one group's together, oldest first."""
    schema = pa.unify_schemas([pq.read_schema(path).remove_metadata() for path in chosen], promote_options="permissive")
    with _database() as c:
        # other files matter only for what is superseded
        states = _kept(there if since else chosen, "*")
        names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in chosen)
        columns = ", ".join(f'"{name}"' for name in schema.names)
        asked = c.sql(
            f"select {columns} from ({states}) where filename in ({names}) and not coalesce({_old(since)}, false) "
            f"order by group_id, object_id, {_OLDEST_FIRST}"
        )
        for batch in asked.to_arrow_reader(BATCH_ROWS):
            yield pa.Table.from_batches([batch]).cast(schema)


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as c:
        c.execute(f"set memory_limit = '{MEMORY}'")
        c.execute("set enable_progress_bar = false")
        c.execute("set timezone = 'UTC'")
        yield c


def _write(folder: Path, number: int, tables: Iterator[pa.Table]) -> tuple[list[str], int]:
    """Write the states into files of about FILE_ROWS; their names, durable, and the number of rows."""
    made, rows, held = list[str](), 0, 0
    waiting: list[pa.Table] = []

    def put() -> None:
        name = f"{PREFIX}{number}.{len(made) + 1}.parquet"
        beside = folder / f"{name}.tmp"
        with beside.open("wb") as out:
            pq.write_table(pa.concat_tables(waiting), out, compression="zstd", row_group_size=BATCH_ROWS)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(folder / name)
        made.append(name)

    for table in tables:
        waiting.append(table)
        held += table.num_rows
        rows += table.num_rows
        if held >= FILE_ROWS:
            put()
            waiting, held = [], 0
    if held:
        put()
    return made, rows


# -- the list ------------------------------------------------------------------------------------------------


def _read(folder: Path) -> _Listed:
    path = folder / LISTED
    return _Listed(**json.loads(path.read_text())) if path.exists() else _Listed()


def _commit(folder: Path, listed: _Listed) -> None:
    beside = folder / f"{LISTED}.tmp"
    with beside.open("w") as out:
        json.dump({"compacted": listed.compacted, "replaced": listed.replaced}, out)
        out.flush()
        os.fsync(out.fileno())
    _sync(folder)
    beside.replace(folder / LISTED)
    _sync(folder)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path, now: datetime) -> None:
    """Remove files replaced more than GRACE ago and what was interrupted; forget names that are gone for long."""
    listed = _read(folder)
    for path in folder.glob(f"{PREFIX}*"):
        if path.name not in listed.compacted and path.name not in listed.replaced:
            path.unlink()
    remembered: dict[str, str] = {}
    for name, at in listed.replaced.items():
        age = now.astimezone(UTC) - datetime.fromisoformat(at)
        if age > GRACE:
            (folder / name).unlink(missing_ok=True)
        if age <= REMEMBERED:
            remembered[name] = at
    if remembered != listed.replaced:
        listed.replaced = remembered
        _commit(folder, listed)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One compaction of a stream at a time."""
    with (folder / ".compacting").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
