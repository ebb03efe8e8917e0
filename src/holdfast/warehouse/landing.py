"""Landing: every row we were ever told, in Parquet, with the time we learned it.

A load becomes visible all at once, when its line is in the manifest; a crash before that leaves nothing
to see. No row is taken back afterwards: landing and the desk database are the whole backup. Only two things write anew what is here:
compaction.py puts the rows of many loads into fewer files, and erasing.py takes a person out of them.

    HOME/landing/loads.jsonl                                one line per load, the commit point
    HOME/landing/<table>/<load_no>-<part>.parquet           about a million rows each, sorted for the ledger
    HOME/landing/<table>/<load_no>-c<n>-<part>.parquet      rows of several loads, of which this is the newest
"""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.domain.fact_table import Column, FactTable
from holdfast.domain.facts import SOURCE_KINDS, TABLES
from holdfast.warehouse.parts import PART_ROWS, ROW_GROUP_ROWS, fsync_folder, in_parts, sorted_part, write_part

__all__ = [
    "BOOKKEEPING", "PART_ROWS", "ROW_GROUP_ROWS", "Landing", "LandingError", "Load", "fact_schema", "landing_schema", "load_no_of", "utc_naive",
]  # fmt: skip

_TYPES: dict[str, pa.DataType] = {
    "text": pa.string(),
    "int": pa.int64(),
    "money": pa.int64(),
    "ppm": pa.int64(),
    "rate": pa.float64(),
    "date": pa.date32(),
    "time": pa.timestamp("us"),
    "flag": pa.bool_(),
    "map": pa.map_(pa.string(), pa.string()),
}

#: What landing itself says about a row, after the columns of the fact table.
BOOKKEEPING: tuple[pa.Field, ...] = (
    pa.field("learned_at", pa.timestamp("us"), nullable=False),
    pa.field("load_no", pa.int32(), nullable=False),
    pa.field("source_row", pa.int64(), nullable=False),
    pa.field("source_kind", pa.string(), nullable=False),
)


class LandingError(ValueError):
    """Rows that may not be landed; the message names table, column and what is wrong."""


@dataclass(frozen=True)
class Load:
    """One committed load: what the manifest says about it. `loaded_at` is UTC without a zone.

    After a compaction its rows may lie in the `parts` of a later load; then it has none of its own.
    """

    load_no: int
    table: str
    source: str
    source_kind: str
    file: str
    fingerprint: str
    mapping: str
    rows: int
    parts: tuple[str, ...]
    loaded_at: datetime

    def to_line(self) -> str:
        """The manifest line, with its newline."""
        told = asdict(self) | {"parts": list(self.parts), "loaded_at": self.loaded_at.isoformat() + "Z"}
        return json.dumps(told, ensure_ascii=False) + "\n"

    @classmethod
    def from_line(cls, line: str) -> Load:
        """The load a manifest line tells of. Fields of later versions are ignored."""
        told = {name: value for name, value in json.loads(line).items() if name in cls.__dataclass_fields__}
        told["parts"] = tuple(told["parts"])
        told["loaded_at"] = utc_naive(datetime.fromisoformat(told["loaded_at"]))
        return cls(**told)


def utc_naive(moment: datetime) -> datetime:
    """`moment` in UTC without a zone; a moment without a zone is taken to be UTC already."""
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


def load_no_of(file: Path) -> int:
    """The newest load of which a landing file has rows."""
    return int(file.name.split("-")[0])


@lru_cache(maxsize=8)
def _read_manifest(manifest: Path, inode: int, size: int, changed_ns: int) -> tuple[Load, ...]:
    """The loads of a manifest's whole lines; read once for as long as the file stays as it is.

    A line without its newline was cut off by a crash: it never happened.
    """
    return tuple(Load.from_line(line) for line in manifest.read_text(encoding="utf-8").split("\n")[:-1])


def fact_schema(table: FactTable) -> pa.Schema:
    """The Arrow schema of the fact table's own columns."""
    return pa.schema([pa.field(column.name, _TYPES[column.kind]) for column in table.columns])


def landing_schema(table: FactTable) -> pa.Schema:
    """The Arrow schema of a landing file: the fact table's columns, then the bookkeeping."""
    return pa.schema([*fact_schema(table), *BOOKKEEPING])


class Landing:
    """The landing of one home. Many may read while one appends; appends wait for one another."""

    def __init__(self, home: Path) -> None:
        self.root = Path(home) / "landing"
        self.manifest = self.root / "loads.jsonl"
        self._inside = threading.RLock()
        self._depth = 0

    # -- reading ---------------------------------------------------------------------------------------------

    def loads(self, table: str | None = None) -> list[Load]:
        """Committed loads in order, of one table or of all."""
        try:
            now = self.manifest.stat()
        except FileNotFoundError:
            return []
        loads = _read_manifest(self.manifest, now.st_ino, now.st_size, now.st_mtime_ns)
        return [load for load in loads if table is None or load.table == table]

    def files(self, table: str, *, since_load: int = 0) -> list[Path]:
        """The Parquet files of a table that are committed, of loads with a number above `since_load`."""
        return [
            self.root / table / part for load in self.loads(table) if load.load_no > since_load for part in load.parts
        ]

    def files_with(self, table: str, load_no: int) -> list[Path]:
        """The files that hold the rows of one load, and perhaps those of others."""
        later = (load for load in self.loads(table) if load.load_no >= load_no and load.parts)
        holder = next(later, None)
        return [self.root / table / part for part in holder.parts] if holder else []

    def has(self, fingerprint: str) -> bool:
        """Whether a load with this fingerprint was committed."""
        return any(load.fingerprint == fingerprint for load in self.loads()) if fingerprint else False

    def last_load_no(self) -> int:
        """The number of the newest load; 0 where there is none."""
        return max((load.load_no for load in self.loads()), default=0)

    # -- writing ---------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the landing for writing, against other threads and processes; may be nested.

        A flow that first compares with what is here and then appends does both inside one lock.
        """
        with self._inside:
            self.root.mkdir(parents=True, exist_ok=True)
            if self._depth:
                self._depth += 1
                try:
                    yield
                finally:
                    self._depth -= 1
                return
            with (self.root / ".lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._depth = 1
                try:
                    yield
                finally:
                    self._depth = 0

    def append(
        self,
        table: str,
        batches: Iterable[pa.Table],
        *,
        source: str,
        source_kind: str,
        loaded_at: datetime,
        file: str = "",
        fingerprint: str = "",
        mapping: str = "",
    ) -> Load:
        """Land the batches as one load: all of it becomes visible, or nothing.

        A batch has columns of the fact table and may bring `learned_at`, `source_row` and `source_kind`;
        what is missing is filled with the column's default, `loaded_at`, a running number and the argument.
        LandingError: unknown table, kind or column, or a required value missing.
        """
        fact = TABLES.get(table)
        if fact is None:
            raise LandingError(f"there is no fact table {table!r}; there are: {', '.join(TABLES)}")
        if source_kind not in SOURCE_KINDS:
            raise LandingError(f"source kind {source_kind!r} is not one of {', '.join(SOURCE_KINDS)}")
        moment = utc_naive(loaded_at)
        with self.locked():
            self._sweep()
            load_no = self.last_load_no() + 1
            folder = self.root / table
            folder.mkdir(exist_ok=True)
            rows, parts = 0, list[str]()
            # the rows of an account share a row group, so that a booking reads none twice
            key = fact.sort[0] if fact.sort else None
            for part in in_parts(_complete(fact, batches, load_no, moment, source_kind), key):
                name = f"{load_no:08d}-{len(parts) + 1:04d}.parquet"
                write_part(folder / name, sorted_part(part, fact.sort), key)
                rows += part.num_rows
                parts.append(name)
            fsync_folder(folder)
            load = Load(load_no, table, source, source_kind, file, fingerprint, mapping, rows, tuple(parts), moment)
            self._commit(load)
            return load

    def _commit(self, load: Load) -> None:
        new = not self.manifest.exists()
        with self.manifest.open("ab") as manifest:
            manifest.write(load.to_line().encode())
            manifest.flush()
            os.fsync(manifest.fileno())
        if new:
            fsync_folder(self.root)

    def replace_manifest(self, loads: Sequence[Load]) -> None:
        """Put other lines in the manifest's place, all at once; the landing is locked."""
        beside = self.manifest.with_suffix(".tmp")
        with beside.open("w", encoding="utf-8") as out:
            out.writelines(load.to_line() for load in loads)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(self.manifest)
        fsync_folder(self.root)

    def unlisted(self) -> list[Path]:
        """Part files that no load names: those that a compaction replaced, and what was interrupted."""
        listed = {(load.table, part) for load in self.loads() for part in load.parts}
        found = (path for table in TABLES for path in (self.root / table).glob("*.parquet"))
        return [path for path in found if (path.parent.name, path.name) not in listed]

    def _sweep(self) -> None:
        """Remove what an interrupted append left: parts of no load, and half a line in the manifest.

        Parts that a compaction replaced stay: somebody may be about to read them.
        """
        if self.manifest.exists():
            whole = self.manifest.read_bytes()
            end = whole.rfind(b"\n") + 1
            if end < len(whole):
                os.truncate(self.manifest, end)
        last = self.last_load_no()
        for path in self.unlisted():
            if load_no_of(path) > last:
                path.unlink()
        for table in TABLES:
            for path in (self.root / table).glob("*.parquet.tmp"):
                path.unlink()


def _complete(
    fact: FactTable, batches: Iterable[pa.Table], load_no: int, moment: datetime, source_kind: str
) -> Iterator[pa.Table]:
    """Each batch with all columns of a landing file, in their order and types."""
    schema = landing_schema(fact)
    done = 0
    for batch in batches:
        count = batch.num_rows
        unknown = sorted(set(batch.column_names) - set(schema.names))
        if unknown:
            raise LandingError(f"{fact.name} has no column {', '.join(unknown)}")
        arrays = [_column(fact, column, batch) for column in fact.columns]
        same_for_all = {"learned_at": moment, "load_no": load_no, "source_kind": source_kind}
        for field in BOOKKEEPING:
            if field.name in batch.column_names and field.name != "load_no":
                values = batch[field.name].cast(field.type)
            elif field.name == "source_row":
                values = pa.array(np.arange(done + 1, done + count + 1, dtype=np.int64))
            else:
                values = pa.repeat(pa.scalar(same_for_all[field.name], field.type), count)
            if values.null_count:
                raise LandingError(f"{fact.name}.{field.name} is missing in {values.null_count} rows")
            arrays.append(values)
        done += count
        yield pa.table(arrays, schema=schema)


def _column(fact: FactTable, column: Column, batch: pa.Table) -> pa.ChunkedArray | pa.Array:
    """One column of a batch in its landing type, or its default where the batch does not bring it."""
    wanted = _TYPES[column.kind]
    if column.name not in batch.column_names:
        if column.required:
            raise LandingError(f"{fact.name}.{column.name} is required and missing")
        if column.default is None:
            return pa.nulls(batch.num_rows, wanted)
        return pa.repeat(pa.scalar(column.default, wanted), batch.num_rows)
    values = batch[column.name]
    if values.type != wanted:
        try:
            values = values.cast(wanted)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise LandingError(f"{fact.name}.{column.name} does not fit {wanted}: {error}") from error
    if values.null_count and column.default is not None:
        values = pc.fill_null(values, pa.scalar(column.default, wanted))
    if values.null_count and column.required:
        raise LandingError(f"{fact.name}.{column.name} is required and missing in {values.null_count} rows")
    return values
