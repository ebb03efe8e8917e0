"""From numpy columns to arrow tables in the columns of the canonical facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from holdfast.domain.fact_table import Column
from holdfast.domain.facts import TABLES
from holdfast.sources.demo.world import NONE, US_DAY, B, F, I

TYPES: dict[str, pa.DataType] = {
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


def schema(name: str) -> pa.Schema:
    """The arrow schema of a demo table: the fact table's columns and `learned_at`."""
    fields = [pa.field(column.name, TYPES[column.kind]) for column in TABLES[name].columns]
    return pa.schema([*fields, pa.field("learned_at", pa.timestamp("us"))])


def table(name: str, columns: Mapping[str, pa.Array], learned: I) -> pa.Table:
    """An arrow table of the fact table `name`; columns not given take their default."""
    fact, rows = TABLES[name], len(learned)
    unknown = set(columns) - set(fact.names)
    assert not unknown, f"{name} has no column {unknown}"
    arrays = [columns[c.name] if c.name in columns else _default(c, rows) for c in fact.columns]
    return pa.Table.from_arrays([*arrays, pa.array(learned).view(pa.timestamp("us"))], schema=schema(name))


def _default(column: Column, rows: int) -> pa.Array:
    if column.default is None:
        return pa.nulls(rows, TYPES[column.kind])
    return pa.repeat(pa.scalar(column.default, TYPES[column.kind]), rows)


def days(values: I) -> pa.Array:
    """Days from 1970 as dates; NONE is missing."""
    array = pa.array(values.astype(np.int32), mask=values == NONE)
    return array.view(pa.date32())


def times(values: I, missing: B | None = None) -> pa.Array:
    """Microseconds from 1970 as times."""
    return pa.array(values, mask=missing).view(pa.timestamp("us"))


def ints(values: I, missing: B | None = None) -> pa.Array:
    return pa.array(values.astype(np.int64), mask=missing)


def pick(words: Sequence[str], codes: I, missing: B | None = None) -> pa.Array:
    """The word of each code."""
    return pa.array(words, pa.string()).take(pa.array(codes.astype(np.int32), mask=missing))


Part = str | tuple[I, int] | NDArray[np.uint8]


def text(rows: int, *parts: Part) -> pa.Array:
    """Fixed-width texts from constants, zero-padded (number, width) pairs and single characters."""
    pieces: list[NDArray[np.uint8]] = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(np.broadcast_to(np.frombuffer(part.encode(), np.uint8), (rows, len(part))))
        elif isinstance(part, tuple):
            number, width = part
            powers = 10 ** np.arange(width - 1, -1, -1)
            pieces.append((number[:, None] // powers % 10 + ord("0")).astype(np.uint8))
        else:
            pieces.append(part[:, None])
    letters = np.ascontiguousarray(np.concatenate(pieces, axis=1))
    offsets = np.arange(rows + 1, dtype=np.int32) * letters.shape[1]
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(letters))


def account_ids(numbers: I) -> pa.Array:
    return text(len(numbers), "ac", (numbers, 7))


def running(owner: I) -> I:
    """0, 1, 2... within each run of equal values."""
    if not len(owner):
        return owner.astype(np.int64)
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    return np.arange(len(owner)) - np.repeat(first, np.diff(np.r_[first, len(owner)]))


def spread(counts: I) -> I:
    """Each position repeated as often as its count says."""
    return np.repeat(np.arange(len(counts)), counts)


def learn(rng: np.random.Generator, day: I, end_day: int, late: float = 0.03) -> I:
    """When we learned what was true on `day`: the same day, but some days late for a few."""
    lag = rng.uniform(1 / 24, 23 / 24, day.size)
    slow = rng.random(day.size) < late
    lag = np.where(slow, 1.0 + np.minimum(rng.exponential(2.2, day.size), 20.0), lag)
    return known(day, lag, end_day)


def known(day: I, lag_days: F, end_day: int) -> I:
    """Microseconds of `day` + lag, never after the world's end: what is learned later is not there yet."""
    when = (day.astype(np.float64) + lag_days) * US_DAY
    return np.minimum(when.astype(np.int64), end_day * US_DAY - 1_000_000)
