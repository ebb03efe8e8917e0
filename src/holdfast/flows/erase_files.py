"""Taking a person out of every other file of a home: raw objects, rejected rows, uploads, signed months, caches.

Each file is written anew beside and takes its name in one step. What cannot be written anew, such as an old Excel workbook, is removed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pickle
import shutil
import sqlite3
import zipfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.domain.erased import COMPANIES, Person
from holdfast.domain.facts import TABLES
from holdfast.flows.home import write_whole

#: files that are texts, by their ending
TEXTS = frozenset(".csv .tsv .txt .tab .json .jsonl .ndjson .toml .log .xml .html .md .yaml .yml .typed-jsonl".split())  # noqa: SIM905
CONTAINERS = frozenset({".xlsx", ".xlsm", ".ods", ".zip"})
LINES = frozenset({".jsonl", ".ndjson", ".typed-jsonl"})
#: columns of Parquet files that hold JSON
JSONS = frozenset({"body", "event", "traits"})
#: what others see to: the facts, the publications, the desk and the events
NOT_HERE = ("warehouse", "watch", "events", "erased.json")
SQLITE = b"SQLite format 3\0"


def scrub(home: Path, person: Person, *, write: bool = True) -> dict[str, int]:
    """Take a person out of the files; how many files by place. Without `write` they are only counted."""
    found: dict[str, int] = {}
    for path in sorted(path for path in home.rglob("*") if path.is_file()):
        place = _place(path.relative_to(home), write)
        if place is None:
            continue
        try:
            changed = _scrub(path, person, write)
        except FileNotFoundError:  # somebody was done with it
            continue
        if changed:
            found[place] = found.get(place, 0) + 1
    return found


def scrub_events(home: Path, person: Person) -> int:
    """Take a person out of what events tell besides who did them; how many files. The caller holds the events.

    Who did them is the events' own matter, and done before; of that, too, nothing stays in the free pages of the counts.
    """
    kept = sorted((home / "landing" / "raw" / "events").glob("*.parquet"))
    counts = home / "events" / "events.sqlite3"
    found = sum(_parquet(path, person, True) for path in kept)
    if counts.exists():
        found += _sqlite(counts, person, True)
        _vacuum(counts)
    return found


def _vacuum(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=20)) as db:
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")


def _place(path: Path, write: bool) -> str | None:
    """Under which name a file is counted; None: it is not looked at here. Events are counted, and written by their own flow."""
    top = path.parts[0]
    if not write and path.parts[:3] == ("landing", "raw", "events"):
        return "landing/raw/events"
    if path.parts[:3] == ("landing", "raw", "events"):
        return None
    if (
        top in NOT_HERE
        or top.startswith(("desk.sqlite3", "secret.key"))
        or path.suffix == ".lock"
        or path.name[0] == "."
    ):
        return None
    if top == "landing":
        inside = path.parts[1]
        return None if inside in TABLES or inside.startswith((".", "loads.")) else f"landing/{inside}"
    return top if len(path.parts) > 1 else path.name


def _scrub(path: Path, person: Person, write: bool) -> bool:
    """Whether the file had the person in it."""
    if path.suffix == ".parquet":
        return _parquet(path, person, write)
    data = path.read_bytes()
    if path.suffix == ".djcache":
        return _cached(path, data, person, write)
    if data.startswith(SQLITE):
        return _sqlite(path, person, write)
    new = _new(path.suffix, data, person, path.parent.name in COMPANIES)
    if new == data:
        return False
    if write and new is None:
        path.unlink()
    elif write and new is not None:
        _replace(path, new)
    return True


def _new(suffix: str, data: bytes, person: Person, of_companies: bool) -> bytes | None:
    """The file's bytes without the person; None: it holds them, and cannot be written anew."""
    if suffix == ".gz":
        plain = gzip.decompress(data)
        new = _new(".jsonl" if plain[:1] in b"{[" else ".txt", plain, person, of_companies)
        return data if new == plain or new is None else gzip.compress(new)
    if suffix in CONTAINERS and zipfile.is_zipfile(io.BytesIO(data)):
        return _container(data, person)
    if suffix in TEXTS:
        return _text(suffix, data, person, of_companies)
    # sixteen bits to a letter, as old workbooks have it
    flat = data.decode("latin-1")
    return None if person.may_be_in(flat) or person.may_be_in(flat.replace("\0", "")) else data


def _text(suffix: str, data: bytes, person: Person, of_companies: bool) -> bytes:
    text, encoding = _decoded(data)
    if suffix == ".json":
        new = person.taken_out_of_json(text, of_companies=of_companies)
    elif suffix in LINES:
        new = "\n".join(person.taken_out_of_json(line, of_companies=of_companies) for line in text.split("\n"))
    else:
        new = person.taken_out(text)
    return data if new == text else new.encode(encoding)


def _decoded(data: bytes) -> tuple[str, str]:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16"), "utf-16"
    try:
        return data.decode(), "utf-8"
    except UnicodeDecodeError:
        # every byte is a letter there, so what is not touched stays as it is
        return data.decode("latin-1"), "latin-1"


def _container(data: bytes, person: Person) -> bytes:
    """A workbook or archive with texts inside."""
    made, is_changed = io.BytesIO(), False
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as after:
        for one in before.infolist():
            inside = before.read(one)
            new = _new(Path(one.filename).suffix.replace(".rels", ".xml"), inside, person, False)
            is_changed = is_changed or new != inside
            if new is not None:
                after.writestr(one, new)
    return made.getvalue() if is_changed else data


def _cached(path: Path, data: bytes, person: Person, write: bool) -> bool:
    """An entry of the cache is let go."""
    stream = io.BytesIO(data)
    pickle.load(stream)  # when it ends; the rest is the entry
    try:
        inside = zlib.decompress(stream.read()).decode("latin-1")
    except zlib.error:
        return False
    if person.may_be_in(inside) and write:
        path.unlink(missing_ok=True)
    return person.may_be_in(inside)


def _sqlite(path: Path, person: Person, write: bool) -> bool:
    """Every text of a database that belongs to something else, and none left in its free pages."""
    with closing(sqlite3.connect(path, timeout=20)) as db:
        db.create_function("taken_out", 1, lambda v: person.taken_out_of_json(v) if isinstance(v, str) else v)
        found = False
        for (table,) in db.execute(
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        ).fetchall():
            for column in [row[1] for row in db.execute(f'pragma table_info("{table}")')]:
                where = f'where typeof("{column}") = \'text\' and taken_out("{column}") <> "{column}"'
                if db.execute(f'select 1 from "{table}" {where} limit 1').fetchone():
                    found = True
                    if write:
                        db.execute(f'update or replace "{table}" set "{column}" = taken_out("{column}") {where}')
        db.commit()
    if found and write:
        _vacuum(path)
    return found


# -- Parquet -------------------------------------------------------------------------------------------------


def _parquet(path: Path, person: Person, write: bool) -> bool:
    rows = pq.ParquetFile(path).read()
    of_companies, is_changed = path.parent.name in COMPANIES, False
    for place, field in enumerate(rows.schema):
        if not _has_texts(field.type):
            continue

        def change(text: str, name: str = field.name) -> str:
            return (
                person.taken_out_of_json(text, of_companies=of_companies) if name in JSONS else person.taken_out(text)
            )

        before = rows[field.name].to_pylist()
        after = [_changed(value, change) for value in before]
        if after != before:
            is_changed = True
            rows = rows.set_column(place, field, pa.chunked_array([pa.array(after, field.type)], field.type))
    if is_changed and write:
        made = io.BytesIO()
        pq.write_table(rows, made, compression="zstd")
        if path.parent.name == "closes":
            _sign_again(path, made.getvalue())
        _replace(path, made.getvalue())
    return is_changed


def _has_texts(kind: pa.DataType) -> bool:
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind):
        return True
    return any(_has_texts(kind.field(n).type) for n in range(kind.num_fields)) if pa.types.is_nested(kind) else False


def _changed(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)(_changed(one, change) for one in value)
    if isinstance(value, dict):
        return {name: _changed(one, change) for name, one in value.items()}
    return value


def _sign_again(path: Path, data: bytes) -> None:
    """The checksum of a signed month whose account was called by the address; its amounts are the same."""
    told = path.with_suffix(".json")
    if told.exists():
        signed = json.loads(told.read_text()) | {"sha256": hashlib.sha256(data).hexdigest()}
        write_whole(told, json.dumps(signed, indent=2))


def _replace(path: Path, data: bytes) -> None:
    beside = path.with_name(f"{path.name}.tmp")
    with beside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    shutil.copymode(path, beside)
    beside.replace(path)
