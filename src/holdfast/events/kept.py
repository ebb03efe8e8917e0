"""Single events in landing: each that counted, once, as Parquet, from which ids, counts, groups and people are made again.

A part names the journal files and earlier parts that it holds, so that after a crash nothing is read twice.

    HOME/landing/raw/events/<day of receipt>-<number>.parquet     what was kept of some journal files
    HOME/landing/raw/events/<day of receipt>-aged-….parquet       the same past its time: ids, counts, groups; no single events
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.events.journal import sync_folder

#: a row with `n` is a count of that many events without ids; one with an id alone is an id
SCHEMA = pa.schema(
    [
        pa.field("id", pa.binary(16)), pa.field("kind", pa.string()), pa.field("at", pa.timestamp("us")),
        pa.field("received_at", pa.timestamp("us")), pa.field("actor", pa.string()), pa.field("also", pa.string()),
        pa.field("grp", pa.string()), pa.field("feature", pa.string()), pa.field("n", pa.int64()), pa.field("traits", pa.string()),
        pa.field("event", pa.string()), pa.field("is_redated", pa.bool_()),
    ]
)  # fmt: skip
ROWS = 50_000
_ABOUT = b"holdfast"


@dataclass(frozen=True)
class About:
    """What a part says of itself: what it holds, and the totals of that."""

    of: tuple[str, ...]
    totals: Mapping[str, int]


def folder_of(home: Path) -> Path:
    """Where single events are kept."""
    return home / "landing" / "raw" / "events"


def parts(folder: Path) -> list[Path]:
    """Whole parts that no other part holds, the oldest first."""
    found = sorted(folder.glob("*.parquet"))
    held = {name for path in found for name in about(path).of}
    return [path for path in found if path.name not in held]


def held_journals(folder: Path) -> set[str]:
    """Names of the journal files, and parts, that the parts hold."""
    return {name for path in folder.glob("*.parquet") for name in about(path).of}


def about(path: Path) -> About:
    """What a part says of itself."""
    told = json.loads((pq.read_schema(path).metadata or {}).get(_ABOUT, b"{}"))
    return About(tuple(told.get("of", ())), told.get("totals", {}))


def write(path: Path, rows: Iterable[Mapping[str, Any]], of: Sequence[str], totals: Mapping[str, int]) -> int:
    """Write rows as a part, durable and whole or not at all; how many there are."""
    return write_tables(path, (pa.Table.from_pylist(some, SCHEMA) for some in _some(rows)), of, totals)


def write_tables(path: Path, some: Iterable[pa.Table], of: Sequence[str], totals: Mapping[str, int]) -> int:
    """Write tables of SCHEMA as a part, durable and whole or not at all; how many rows there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"of": sorted(of), "totals": dict(totals)}).encode()
    schema = SCHEMA.with_metadata({_ABOUT: told})
    beside = path.with_suffix(".tmp")
    count = 0
    with beside.open("wb") as file:
        with pq.ParquetWriter(file, schema, compression="zstd") as writer:
            for table in some:
                writer.write_table(table.cast(schema))
                count += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    sync_folder(path.parent)
    return count


def _some(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    whole = iter(rows)
    while some := list(islice(whole, ROWS)):
        yield some


def tables(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """The rows of some parts as tables, one after the other."""
    for path in paths:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS):
                yield pa.Table.from_batches([batch]).replace_schema_metadata(None)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a part."""
    for table in tables([path]):
        yield from table.to_pylist()


def remove(paths: Iterable[Path]) -> None:
    """Remove files whose content is durable elsewhere, or was to be forgotten."""
    folders = set()
    for path in paths:
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in folders:
        sync_folder(folder)
