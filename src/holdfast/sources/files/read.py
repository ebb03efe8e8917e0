"""Files as they come: CSV, TSV, JSON lines, Parquet and Excel, read as texts with their row numbers.

This half meets the world and decides nothing about meaning: every cell stays the text it was. A row is named
by its place among the data rows of its file, the first being 1 (blank lines and the header are not counted).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import python_calamine

from holdfast.sources.files.rejects import NOTE_COLUMNS, Reject
from holdfast.sources.files.sniff import (
    DELIMITERS,
    clean_header,
    find_header,
    first_lines,
    sniff_delimiter,
    to_utf8,
)

CSV_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
JSON_SUFFIXES = (".jsonl", ".ndjson", ".json")
EXCEL_SUFFIXES = (".xlsx", ".xls", ".xlsb", ".xlsm", ".ods")
SUFFIXES = (*CSV_SUFFIXES, *JSON_SUFFIXES, ".parquet", *EXCEL_SUFFIXES)


class UnreadableFileError(ValueError):
    """A file that cannot be read at all; the message names the file and the remedy."""


@dataclass(frozen=True)
class Raw:
    """The rows of one file (or worksheet): text columns, and the number of each row."""

    name: str
    table: pa.Table
    rows: npt.NDArray[np.int64]
    #: what the file was taken for, for people: "CSV with semicolons, cp1252"
    how: str
    #: rows whose shape is wrong, as (row number, cells), and why
    broken: list[tuple[int, list[str]]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(self.table.column_names)

    @property
    def sheet(self) -> str:
        """The worksheet's name, where its workbook has several."""
        return self.name.partition("#")[2]

    @property
    def count(self) -> int:
        """Data rows in the file, broken ones included."""
        return int(self.table.num_rows) + len(self.broken)


def data_files(paths: Iterable[Path]) -> list[Path]:
    """The files named, and those of folders named (with their subfolders), each once, in name order.

    UnreadableFileError: a path that does not exist, or a file of a kind that is not read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (each for each in path.rglob("*") if each.is_file() and each.suffix.lower() in SUFFIXES)
            found.update(dict.fromkeys(sorted(each for each in inside if not _is_hidden(each, path))))
        elif not path.exists():
            raise UnreadableFileError(f"{path}: there is no such file or folder")
        elif path.suffix.lower() not in SUFFIXES:
            raise UnreadableFileError(f"{path}: not a kind of file that is read ({' '.join(SUFFIXES)})")
        else:
            found[path] = None
    return list(found)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "~$")) for part in path.relative_to(folder).parts)


def read_file(path: Path) -> list[Raw]:
    """The tables of a file: one, or one per filled worksheet. UnreadableFileError names file and remedy."""
    try:
        raws = [raw for raw in _read(path) if raw.count]
    except UnreadableFileError:
        raise
    except (OSError, ValueError, csv.Error, pa.ArrowException, python_calamine.CalamineError) as error:
        kind = path.suffix.lower().lstrip(".")
        raise UnreadableFileError(f"{path.name}: cannot be read as {kind} ({error})") from error
    if not raws:
        raise UnreadableFileError(f"{path.name}: has no rows")
    return raws


def _read(path: Path) -> Iterable[Raw]:
    suffix = path.suffix.lower()
    if suffix in EXCEL_SUFFIXES:
        return _read_workbook(path)
    if suffix == ".parquet":
        return [_read_parquet(path)]
    return [_read_json(path) if suffix in JSON_SUFFIXES else _read_csv(path)]


# -- text files ----------------------------------------------------------------------------------------------


def _read_csv(path: Path) -> Raw:
    data, encoding = to_utf8(path.read_bytes())
    told = None
    if data[:4].lower() == b"sep=":  # a line that Excel writes and reads
        first, _, data = data.partition(b"\n")
        told = first[4:].strip(b"\r").decode() or None
    head = first_lines(data)
    if not head.strip():
        raise UnreadableFileError(f"{path.name}: the file is empty")
    delimiter = told or sniff_delimiter(head)
    names, before = find_header(head, delimiter)
    data = data.split(b"\n", before)[-1] if before else data
    header = clean_header(names)
    table, invalid = _parse_csv(data, header, delimiter)
    broken = [(row.number - 1, _cells(row.text, delimiter, len(header))) for row in invalid]
    rejects = [
        Reject(
            row.number - 1,
            "",
            row.text[:200],
            f"has {row.actual_columns} cells instead of {len(header)}",
            "quote cells that contain the delimiter, or add the missing cells",
        )
        for row in invalid
    ]
    everyone = np.arange(1, table.num_rows + len(broken) + 1, dtype=np.int64)
    rows = np.delete(everyone, [number - 1 for number, _ in broken]) if broken else everyone
    how = f"CSV with {DELIMITERS.get(delimiter, delimiter)}, {encoding}"
    said = _says_something(table)
    table, rows = _without_notes(table.filter(pa.array(said))), rows[said]
    return Raw(path.name, table, rows, how, broken, rejects)


def _says_something(table: pa.Table) -> npt.NDArray[np.bool_]:
    """Which rows have a filled cell: spreadsheets write rows of nothing but delimiters."""
    said = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        said |= pc.not_equal(column, "").to_numpy()
        if said.all():
            break
    return said


def _cells(text: str, delimiter: str, width: int) -> list[str]:
    """The cells of a row of the wrong shape, cut or filled up to the header's width."""
    cells = next(csv.reader(io.StringIO(text), delimiter=delimiter), [])
    return (cells + [""] * width)[:width]


def _parse_csv(data: bytes, header: list[str], delimiter: str) -> tuple[pa.Table, list[Any]]:
    """All cells as text, and the rows whose number of cells is wrong.

    Only the single-threaded reader knows row numbers, so it takes a second reading where rows are wrong.
    """
    invalid: list[Any] = []

    def keep(row: Any) -> str:
        invalid.append(row)
        return "skip"

    def read(threads: bool) -> pa.Table:
        invalid.clear()
        options = arrow_csv.ReadOptions(
            column_names=header, skip_rows_after_names=1, use_threads=threads, block_size=4 << 20
        )
        return arrow_csv.read_csv(
            pa.BufferReader(data),
            options,
            arrow_csv.ParseOptions(
                delimiter=delimiter,
                invalid_row_handler=keep,
                newlines_in_values=b'"' in data,
            ),
            arrow_csv.ConvertOptions(column_types=dict.fromkeys(header, pa.string()), strings_can_be_null=False),
        )

    table = read(threads=True)
    if invalid:
        table = read(threads=False)
    return table, list(invalid)


def _without_notes(table: pa.Table) -> pa.Table:
    """Without the columns that we add to rejected rows."""
    return table.drop_columns([name for name in table.column_names if name in NOTE_COLUMNS])


# -- JSON ----------------------------------------------------------------------------------------------------


def _read_json(path: Path) -> Raw:
    """One object per line, or one array of objects. Numbers keep the digits they are written with."""
    data, encoding = to_utf8(path.read_bytes())
    text = data.decode().strip()
    objects: list[tuple[int, dict[str, Any]]] = []
    broken: list[tuple[int, str]] = []
    if text.startswith("["):
        entries = enumerate(_DECODER.decode(text), 1)
    else:
        lines = (line for line in text.split("\n") if line.strip())
        entries = enumerate((_try_line(line) for line in lines), 1)
    for number, entry in entries:
        if isinstance(entry, dict):
            objects.append((number, _flattened(entry)))
        else:
            broken.append((number, str(entry)))
    if not objects:
        raise UnreadableFileError(f"{path.name}: holds no JSON object; one object per line is expected")
    header = list(dict.fromkeys(name for _, entry in objects for name in entry if name not in NOTE_COLUMNS))
    table = pa.table({name: pa.array([entry.get(name) for _, entry in objects], pa.string()) for name in header})
    rejects = [
        Reject(number, "", line[:200], "is not a JSON object", "write one {...} per line") for number, line in broken
    ]
    rows = np.array([number for number, _ in objects], dtype=np.int64)
    kept = [(number, [line, *[""] * (len(header) - 1)]) for number, line in broken]
    return Raw(path.name, table, rows, f"JSON lines, {encoding}", kept, rejects)


#: Numbers stay the texts they are.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str)


def _try_line(line: str) -> Any:
    try:
        entry = _DECODER.decode(line)
    except ValueError:
        return line
    return entry if isinstance(entry, dict) else line


def _flattened(entry: dict[str, Any]) -> dict[str, str | None]:
    if all(value is None or isinstance(value, str) for value in entry.values()):
        return entry
    return dict(_flat(entry))


def _flat(entry: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str | None]]:
    """Cells of an object; objects inside are named with dots, lists stay JSON."""
    for name, value in entry.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str):
            yield prefix + name, value
        else:
            yield prefix + name, json.dumps(value, ensure_ascii=False)


# -- Parquet and workbooks -----------------------------------------------------------------------------------


def _read_parquet(path: Path) -> Raw:
    table = pq.read_table(path)
    header = clean_header(table.column_names)
    columns = [_as_text(table.column(place)) for place in range(table.num_columns)]
    rows = np.arange(1, table.num_rows + 1, dtype=np.int64)
    return Raw(path.name, _without_notes(pa.table(columns, names=header)), rows, "Parquet")


def _as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A typed column in the texts a person would write: true, 2024-01-31, 12.5."""
    if pa.types.is_nested(column.type):
        return pa.chunked_array(
            [
                pa.array(
                    [None if v is None else json.dumps(v, default=str) for v in column.to_pylist()],
                    pa.string(),
                )
            ]
        )
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_timestamp(column.type) and column.type.tz:
        column = column.cast(pa.timestamp("us", "UTC"))  # written with a Z at its end
    return column.cast(pa.string())


def _read_workbook(path: Path) -> Iterator[Raw]:
    """Each worksheet that has a header and rows. Formulas have the value last calculated."""
    book = python_calamine.CalamineWorkbook.from_path(str(path))
    for sheet in book.sheet_names:
        grid = book.get_sheet_by_name(sheet).to_python(skip_empty_area=True)
        grid = [row for row in grid if any(cell not in ("", None) for cell in row)]
        while len(grid) > 1 and sum(cell not in ("", None) for cell in grid[0]) < 2 <= len(grid[0]):
            del grid[0]  # a title above the table
        if len(grid) < 2:
            continue
        header = clean_header([_cell(cell) for cell in grid[0]])
        columns = [pa.array([_cell(row[place]) for row in grid[1:]], pa.string()) for place in range(len(header))]
        name = path.name if len(book.sheet_names) == 1 else f"{path.name}#{sheet}"
        rows = np.arange(1, len(grid), dtype=np.int64)
        yield Raw(name, _without_notes(pa.table(columns, names=header)), rows, f"Excel, sheet {sheet}")


def _cell(value: Any) -> str | None:
    """A cell's value as text; whole numbers without the ".0" that Excel gives them."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
