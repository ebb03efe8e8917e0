"""Rows that could not be loaded: what is wrong, what to do, and a file in which to put it right.

The file holds the rows' original columns as they were, and four more that say what is wrong. Those four are
ignored when the corrected file is loaded.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa

#: The columns added to rejected rows, and ignored on load.
NOTE_COLUMNS = ("_row", "_column", "_reason", "_remedy")


@dataclass(frozen=True)
class Reject:
    """One thing wrong in one row. `row` is the number of the data row in the file, the first being 1."""

    row: int
    column: str
    value: str
    reason: str
    remedy: str

    def sentence(self, file: str) -> str:
        """For people: file, row, column, value, reason, remedy."""
        shown = f" {self.value!r}" if self.value else ""
        where = f", column {self.column}" if self.column else ""
        return f"{file}, row {self.row}{where}:{shown} {self.reason}; {self.remedy}"


_STAMP = re.compile(r"\d{8}T\d{6}Z(-\d+)?")


def rejected_path(folder: Path, stem: str, now: datetime) -> Path:
    """Where the rejected rows of a file are kept: `<stem>.<time>.csv`; never a file that is there already."""
    name = f"{stem}.{now:%Y%m%dT%H%M%SZ}"
    path, count = folder / f"{name}.csv", 1
    while path.exists():
        count += 1
        path = folder / f"{name}-{count}.csv"
    return path


def original_stem(path: Path) -> str:
    """The stem of the file that a path's rows came from: rejected rows belong to the file they were in."""
    stem, dot, stamp = path.stem.rpartition(".")
    return stem if dot and _STAMP.fullmatch(stamp) else path.stem


def write_rejected(path: Path, raw: pa.Table, rows: Sequence[int], rejects: Sequence[Reject]) -> None:
    """Write the rejected rows: original columns, then the notes. `rows` are the numbers of `raw`'s rows."""
    by_row: dict[int, list[Reject]] = {}
    for reject in rejects:
        by_row.setdefault(reject.row, []).append(reject)
    kept = [position for position, row in enumerate(rows) if row in by_row]
    columns = [column.to_pylist() for column in raw.take(pa.array(kept, pa.int64())).columns]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*raw.column_names, *NOTE_COLUMNS])
        for index, position in enumerate(kept):
            said = by_row[rows[position]]
            notes = [
                "; ".join(dict.fromkeys(getattr(one, name) for one in said if getattr(one, name)))
                for name in ("column", "reason", "remedy")
            ]
            writer.writerow([*("" if c[index] is None else c[index] for c in columns), rows[position], *notes])
    beside.rename(path)
