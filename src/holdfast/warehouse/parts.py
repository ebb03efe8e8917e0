"""Parts: rows in Parquet files of about a million rows, sorted, each whole under its name and durable before it has it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

#: The unit in which DuckDB reads Parquet in parallel; eight of them make a part.
ROW_GROUP_ROWS = 122_880
PART_ROWS = 8 * ROW_GROUP_ROWS


def in_parts(tables: Iterable[pa.Table], key: str | None) -> Iterator[pa.Table]:
    """The same rows in tables of about PART_ROWS; the last one takes up to half a part more instead of a stump.

    Rows with one value of `key` that lie together stay together, so that the parts of a sorted load do not overlap.
    """
    waiting: list[pa.Table] = []
    held = 0
    for table in tables:
        waiting.append(table)
        held += table.num_rows
        if held < PART_ROWS + PART_ROWS // 2:
            continue
        whole = pa.concat_tables(waiting)
        start = 0
        while held - start >= PART_ROWS + PART_ROWS // 2:
            end = _cut(whole, start + PART_ROWS, key)
            yield whole.slice(start, end - start)
            start = end
        waiting, held = [whole.slice(start)], held - start
    if held:
        yield pa.concat_tables(waiting)


def _cut(table: pa.Table, end: int, key: str | None) -> int:
    """The place at or a little after `end` where another value of `key` begins; `end` where none does nearby."""
    if key is None:
        return end
    near = table[key].slice(end - 1, PART_ROWS // 16).to_pylist()
    return end - 1 + next((place for place, value in enumerate(near) if value != near[0]), 1)


def sorted_part(table: pa.Table, keys: Sequence[str]) -> pa.Table:
    """The table ordered by keys (missing first), then as rows were learned, then as they lay in the file."""
    order = [*keys, "learned_at", "source_row"]
    if _is_sorted(table, order):
        return table
    by = [(key, "ascending", "at_start") for key in order]
    return table.take(pc.sort_indices(table, sort_keys=by))


def _is_sorted(table: pa.Table, keys: Sequence[str]) -> bool:
    """Whether no row is before its predecessor: cheaper than sorting, and large loads mostly are in order."""
    if table.num_rows < 2:
        return True
    tied: pa.Array | None = None
    for key in keys:
        before, after = table[key].slice(0, table.num_rows - 1), table[key].slice(1)
        less, equal = pc.less(before, after), pc.equal(before, after)
        if table[key].null_count:
            first, second = pc.is_null(before), pc.is_null(after)
            less = pc.coalesce(less, pc.and_not(first, second))
            equal = pc.coalesce(equal, pc.and_(first, second))
        fits = pc.or_(less, equal)
        if not pc.all(fits if tied is None else pc.or_(fits, pc.invert(tied))).as_py():
            return False
        tied = equal if tied is None else pc.and_(tied, equal)
        if not pc.any(tied).as_py():
            return True
    return True


def write_part(path: Path, table: pa.Table, key: str | None = None) -> None:
    """Write beside, make it durable, then rename: a name without `.tmp` is always a whole file.

    With `key`, of rows in its order, the rows of one value of it share a row group where they are not very many.
    """
    beside = path.with_name(path.name + ".tmp")
    try:
        with beside.open("wb") as out:
            # landing is read by every booking and written once: quick to unpack counts for more than a tenth of its size
            with pq.ParquetWriter(out, table.schema, compression="lz4", **_encoding(table.schema)) as writer:
                for group in _row_groups(table, key):
                    writer.write_table(group, row_group_size=max(1, group.num_rows))
            out.flush()
            os.fsync(out.fileno())
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _encoding(schema: pa.Schema) -> dict[str, Any]:
    """What mostly grows from row to row is written as differences: a third smaller, and far quicker to read, than words of its own."""
    growing = [name for name in ("source_row", "learned_at") if name in schema.names]
    others = [path for field in schema if field.name not in growing for path in _leaves(field)]
    return {"use_dictionary": others, "column_encoding": dict.fromkeys(growing, "DELTA_BINARY_PACKED")}


def _leaves(field: pa.Field) -> list[str]:
    """The columns that a field has in a file."""
    if pa.types.is_map(field.type):
        return [f"{field.name}.key_value.{part}" for part in ("key", "value")]
    return [field.name]


def _row_groups(table: pa.Table, key: str | None) -> Iterator[pa.Table]:
    start = 0
    while table.num_rows - start > ROW_GROUP_ROWS:
        end = _cut(table, start + ROW_GROUP_ROWS, key)
        yield table.slice(start, end - start)
        start = end
    yield table.slice(start)


def fsync_folder(folder: Path) -> None:
    """Make renames in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
