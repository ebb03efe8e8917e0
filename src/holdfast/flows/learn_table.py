"""Learn from a table without dates: read a file, say how well its target can be told from its other columns, cross-validated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from pathlib import Path

import duckdb
import numpy as np

from holdfast.learning import table
from holdfast.learning.panel import Floats, Texts
from holdfast.learning.table import TableScores
from holdfast.warehouse.sql import literal

#: pairs of values, the second of which is taken to be the one to foresee
PAIRS = (("no", "yes"), ("false", "true"), ("0", "1"), ("n", "y"), ("f", "t"), ("0.0", "1.0"), ("retained", "churned"))

#: a column is numbers where all but so many of its values read as such
MISREAD = 0.02
#: a text that is nearly always another is a name, and tells nothing of other rows
NAMES = 0.5
LEAST_OF_EACH = 10


class TableError(Exception):
    """What is wrong with the file or the question, and how to put it right."""


@dataclass(frozen=True)
class Learned:
    """What a table's target can be told from, and how well."""

    target: str
    #: the value that is foreseen
    positive: str
    scores: TableScores
    ids: tuple[str, ...]
    #: columns that were left out, with the reason
    ignored: Mapping[str, str]


def learn_table(file: Path, id: str, target: str, folds: int = 5, positive: str | None = None) -> Learned:
    """Cross-validate the learner on a CSV, TSV or Parquet file. The id's column is not learned from."""
    columns = _read(file)
    for name in (id, target):
        if name not in columns:
            raise TableError(f"no column '{name}' in {file.name}; it has: {', '.join(columns)}")
    if id == target:
        raise TableError(f"'{id}' cannot be both the id and the target")
    hit, wanted = _target(target, columns[target], positive)
    _enough(target, hit, folds)
    numbers, texts, ignored = _typed({name: told for name, told in columns.items() if name not in (id, target)})
    if not numbers and not texts:
        raise TableError(f"nothing to learn from: {file.name} has no usable column beside '{id}' and '{target}'")
    panel = table.panel_of(numbers, texts, len(hit))
    scores = table.cross_validate(panel, hit, folds)
    return Learned(target, wanted, scores, tuple(value or "" for value in columns[id]), ignored)


Column = list[str | None]


def _read(file: Path) -> dict[str, Column]:
    """Every value as text, blank ones as None."""
    if not file.is_file():
        raise TableError(f"no file {file}")
    place = literal(str(file))
    source = f"read_csv({place}, all_varchar = true, header = true, sample_size = -1)"
    if file.suffix.lower() in (".parquet", ".pq"):
        source = f"read_parquet({place})"
    with duckdb.connect() as connection:
        try:
            found = connection.sql(f"SELECT columns(*)::varchar FROM {source}").to_arrow_table()
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise TableError(f"{file.name} cannot be read as CSV, TSV or Parquet: {first}") from None
    names = found.column_names
    return {name: [_told(value) for value in found.column(name).to_pylist()] for name in names}


def _told(value: str | None) -> str | None:
    return (value.strip() or None) if value is not None else None


def _target(name: str, column: Sequence[str | None], positive: str | None) -> tuple[Floats, str]:
    """1 for the value to foresee, 0 for the other."""
    if None in column:
        raise TableError(f"'{name}' is blank in {column.count(None):,} rows; leave those rows out")
    values = sorted({value for value in column if value is not None})
    shown = ", ".join(f"'{value}'" for value in values[:8]) + (" …" if len(values) > 8 else "")
    if len(values) != 2:
        raise TableError(f"'{name}' must have two values; it has {len(values):,}: {shown}")
    if positive is not None and positive not in values:
        raise TableError(f"'{positive}' is not a value of '{name}'; its values are {shown}")
    lower = [value.lower() for value in values]
    pair = next((pair for pair in PAIRS if set(pair) == set(lower)), None)
    if positive is None and pair is None:
        raise TableError(f"which value of '{name}' is to be foreseen? Name it by --positive; its values are {shown}")
    wanted = positive if positive is not None else values[lower.index(pair[1])] if pair else values[1]
    return np.array([value == wanted for value in column], dtype=np.float64), wanted


def _enough(name: str, hit: Floats, folds: int) -> None:
    least = max(LEAST_OF_EACH, 2 * folds)
    fewest = int(min(hit.sum(), len(hit) - hit.sum()))
    if fewest < least:
        raise TableError(
            f"not enough to learn from: the rarer value of '{name}' has {fewest:,} rows, {least} are needed"
        )


def _typed(columns: Mapping[str, Column]) -> tuple[dict[str, Floats], dict[str, Texts], dict[str, str]]:
    """Numbers and days as numbers; the rest as texts, without what tells nothing."""
    numbers: dict[str, Floats] = {}
    texts: dict[str, Texts] = {}
    ignored: dict[str, str] = {}
    for name, column in columns.items():
        distinct = {value for value in column if value is not None}
        read = _numbers(column, distinct)
        if len(distinct) + (None in column) < 2:
            ignored[name] = "always the same"
        elif read is not None:
            numbers[name] = read
        elif len(distinct) > NAMES * len(column):
            ignored[name] = "nearly every row has another text"
        else:
            texts[name] = np.array(column, dtype=object)
    return numbers, texts, ignored


def _numbers(column: Column, distinct: set[str]) -> Floats | None:
    """A column that is numbers, or days, as such; None for texts."""
    if not distinct:
        return None
    for reading in (_number, _day):
        read = {value: reading(value) for value in distinct}
        if sum(number is None for number in read.values()) <= MISREAD * len(distinct):
            told = [None if value is None else read[value] for value in column]
            return np.array([np.nan if number is None else number for number in told])
    return None


def _number(value: str) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) else None


def _day(value: str) -> float | None:
    try:
        return float(date.fromisoformat(value[:10]).toordinal())
    except ValueError:
        return None
