"""Batches: landing files cut into ranges of accounts, from the statistics in their footers alone.

A batch is small enough to be worked on in memory, and whole: all rows of an account are in one batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq

#: about this many rows of subscription items make a batch: the smaller it is, the less memory two workers take
BATCH_ROWS = 100_000


@dataclass(frozen=True)
class Batch:
    """Accounts with low ≤ id < high (None: no bound), and the files that may hold rows of theirs."""

    low: str | None
    high: str | None
    files: tuple[Path, ...]
    #: whether the rows lie in order, newest last, when the files are read one after the other
    in_order: bool


@dataclass(frozen=True)
class _Group:
    """One row group: its first and last account, and whether rows in it supersede others of their item."""

    file: Path
    low: str
    high: str
    rows: int
    replacing: bool


def _groups(files: Sequence[Path]) -> list[_Group]:
    found = []
    for file in files:
        footer = pq.ParquetFile(file).metadata
        place = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
        for index in range(footer.num_row_groups):
            group = footer.row_group(index)
            account = group.column(place["account_id"]).statistics
            learned = group.column(place["learned_at"]).statistics
            whole = group.column(place["replaces_item"]).statistics
            replacing = (whole is None or bool(whole.max)) and learned.min != learned.max
            if group.num_rows:
                found.append(_Group(file, account.min, account.max, group.num_rows, replacing))
    return found


def plan_batches(files: Sequence[Path], rows: int = BATCH_ROWS) -> list[Batch]:
    """Cut the files' accounts into batches of about `rows` rows."""
    groups = sorted(_groups(files), key=lambda group: (group.low, str(group.file)))
    cuts: list[str] = []
    gathered = 0
    for group in groups:
        if gathered >= rows and (not cuts or group.low > cuts[-1]) and group.low > groups[0].low:
            cuts.append(group.low)
            gathered = 0
        gathered += group.rows
    edges: list[str | None] = [None, *cuts, None]
    return [_batch(low, high, groups) for low, high in pairwise(edges)] if groups else []


def _batch(low: str | None, high: str | None, groups: list[_Group]) -> Batch:
    inside = [g for g in groups if (low is None or g.high >= low) and (high is None or g.low < high)]
    files: list[Path] = []
    for group in inside:
        if group.file not in files:
            files.append(group.file)
    spans = [(min(g.low for g in inside if g.file == f), max(g.high for g in inside if g.file == f)) for f in files]
    in_order = all(before[1] < after[0] for before, after in pairwise(spans))
    return Batch(low, high, tuple(files), in_order and not any(group.replacing for group in inside))
