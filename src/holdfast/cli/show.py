"""Showing results: a table for people, JSON and CSV for machines. Nothing is computed here."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from holdfast.domain.money import major
from holdfast.metrics.retention import Segment

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Format(StrEnum):
    """How results are written."""

    table = "table"
    json = "json"
    csv = "csv"


def money(minor: int | None, currency: str) -> str:
    """1,234.50; thousands grouped; a dash for nothing known."""
    return "–" if minor is None else f"{major(minor, currency):,f}"


def percent(value: Fraction | None, digits: int = 1) -> str:
    """104.2 %; a dash where there is nothing to divide by."""
    return "–" if value is None else f"{float(value * 100):.{digits}f} %"


def plain(value: Fraction | None, digits: int = 2) -> str:
    return "–" if value is None else f"{float(value):.{digits}f}"


def segment_name(segment: Segment) -> str:
    return " · ".join(value if value is not None else "(none)" for _, value in segment) or "all"


#: columns that a narrow terminal can do without, least wanted first; these only where nothing is in them
OPTIONAL = ("net new ARR", "quick ratio")
OPTIONAL_IF_EMPTY = ("transfer", "entering", "leaving", "reactivation", "fx", "on hold", "past due")

_AMOUNT = re.compile(r"-?[\d,]+\.\d{2,3}")


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", left: int = 1) -> None:
    """A table; the first `left` columns are texts, the others numbers.

    Where the terminal is too narrow, first the cents go, then columns that can be done without. Numbers never wrap and are never cut.
    """
    kept, cells = list(columns), [list(row) for row in rows]
    if _width(kept, cells, left) > out.width:
        cells = [[*row[:left], *map(_whole, row[left:])] for row in cells]
    for name in (*OPTIONAL_IF_EMPTY, *OPTIONAL):
        if name in kept and _width(kept, cells, left) > out.width:
            at = kept.index(name)
            if name in OPTIONAL or all(row[at] in ("0", "0.00") for row in cells):
                kept.pop(at)
                for row in cells:
                    row.pop(at)
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for place, column in enumerate(kept):
        text = place < left
        least = min(max([len(column), *(len(row[place]) for row in cells)]), 12) if text else None
        shown.add_column(
            column if text else column.replace(" ", "\n"),
            justify="left" if text else "right", overflow="fold", no_wrap=not text, min_width=least, vertical="bottom",
        )  # fmt: skip
    for row in cells:
        shown.add_row(*row)
    needed = _width(kept, cells, left)
    (out if needed <= out.width else Console(width=needed, highlight=False)).print(shown)
    if caption:
        out.print(caption, style="dim", markup=False)


def _whole(cell: str) -> str:
    """An amount without its decimals, rounded half-even."""
    if not _AMOUNT.fullmatch(cell):
        return cell
    return f"{Decimal(cell.replace(',', '')).quantize(Decimal(1), ROUND_HALF_EVEN):,f}"


def _width(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> int:
    """Cells needed: numbers in full, texts at least a dozen; headings may wrap at spaces."""
    width = 0
    for place, column in enumerate(columns):
        natural = max([len(word) for word in column.split()] + [len(row[place]) for row in rows] + [1])
        width += (min(natural, 12) if place < left else natural) + 2
    return width + 2


def as_json(document: Mapping[str, Any]) -> None:
    print(json.dumps(document, indent=2, default=str, ensure_ascii=False))


def as_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the same keys; nested objects become columns of their own."""
    flat = [_flat(row) for row in rows]
    buffer = io.StringIO()
    if flat:
        names = list(dict.fromkeys(name for row in flat for name in row))
        writer = csv.DictWriter(buffer, names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(flat)
    sys.stdout.write(buffer.getvalue())


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": _safe(one) for inner, one in value.items()}
        else:
            flat[name] = _safe(value)
    return flat


def _safe(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula is kept a text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


@contextmanager
def progress(text: str) -> Iterator[Any]:
    """A bar on the error stream; gives a function to be called with (done, total)."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err,
        transient=True,
    ) as bar:
        task = bar.add_task(text, total=None)

        def step(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield step
