"""Taking a person out of landed facts: each row stays and counts, what tells of the person goes.

A file is written anew beside and takes its name in one step, so a crash leaves whole files, and doing it again finishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.domain.erased import ERASED, Person
from holdfast.domain.fact_table import FactTable
from holdfast.domain.facts import TABLES
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.parts import sorted_part, write_part
from holdfast.warehouse.sql import literal, quoted

#: what is put in place of what a person's own rows say; None: nothing
BLANKS: dict[str, dict[str, str | None]] = {
    "contact": {"name": ERASED, "email": None, "title": None, "department": None},
    "ticket": {"subject": None, "body": None},
    "touch": {"subject": None},
    "survey": {"comment": None},
}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """What is to be taken out of rows."""

    #: regular expression of the texts that may have to change
    pattern: str
    #: a text without the addresses that are erased
    taken_out: Callable[[str], str]
    #: whether an address, in small letters, is erased
    is_erased: Callable[[str], bool]
    #: whether the contact of an id is erased
    is_contact: Callable[[str], bool]


def rule_of(person: Person, contacts: frozenset[str]) -> Rule:
    """The rule for one person, who is these contacts."""
    return Rule(person.sql, person.taken_out, person.address.__eq__, contacts.__contains__)


def contacts_of(landing: Landing, address: str) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of contacts that have, or had, an address (small letters), and the full names they had, in small letters."""
    files = _files(landing, "contact")
    if not files:
        return frozenset(), frozenset()
    source = _source(files)
    with duckdb.connect() as c:
        rows = c.execute(
            f"select distinct contact_id, lower(trim(name)) from {source} where contact_id in "
            f"(select contact_id from {source} where lower(trim(email)) = ?)",
            [address],
        ).fetchall()
    return frozenset(row[0] for row in rows), frozenset(row[1] for row in rows if row[1] and row[1] != ERASED)


def erase(landing: Landing, person: Person, contacts: frozenset[str], *, write: bool = True) -> dict[str, int]:
    """Take a person out of every landing file; rows changed by table. Without `write` they are only counted.

    The caller holds the landing (`rewriting`, and `locked` against appends).
    """
    rule, found = rule_of(person, contacts), dict[str, int]()
    for fact in TABLES.values():
        for file in _files_with(landing, fact, person, contacts):
            rows, changed = cleaned(fact.name, pq.ParquetFile(file).read(), rule)
            if changed:
                found[fact.name] = found.get(fact.name, 0) + changed
                if write:
                    write_part(file, sorted_part(rows, fact.sort), fact.sort[0] if fact.sort else None)
    return found


def cleaned(table: str, rows: pa.Table, rule: Rule) -> tuple[pa.Table, int]:
    """Rows of a fact table without what the rule takes out, and how many were changed. Columns may be missing."""
    theirs = _theirs(table, rows, rule)
    changed: Mask = np.zeros(rows.num_rows, dtype=bool)
    for place, field in enumerate(rows.schema):
        if pa.types.is_map(field.type):
            column, differs = _clean_maps(rows[field.name], rule)
        elif pa.types.is_string(field.type):
            blanks = BLANKS.get(table, {})
            own = theirs if field.name in blanks else np.zeros(rows.num_rows, dtype=bool)
            column, differs = _clean_texts(rows[field.name], rule, own, blanks.get(field.name))
        else:
            continue
        if differs.any():
            changed |= differs
            rows = rows.set_column(place, field, column)
    return rows, int(changed.sum())


def _theirs(table: str, rows: pa.Table, rule: Rule) -> Mask:
    """Which rows are an erased contact's own."""
    found: Mask = np.zeros(rows.num_rows, dtype=bool)
    if table in BLANKS and "contact_id" in rows.column_names:
        found |= _where(rows["contact_id"], rule.is_contact)
    if table == "contact" and "email" in rows.column_names:
        found |= _where(rows["email"], lambda text: rule.is_erased(text.strip().lower()))
    return found


def _where(column: pa.ChunkedArray, holds: Callable[[str], bool]) -> Mask:
    wanted = [text for text in pc.unique(column).to_pylist() if text and holds(text)]
    mask: Mask = pc.is_in(column, pa.array(wanted, pa.string())).to_numpy().astype(bool)
    return mask


def _clean_texts(column: pa.ChunkedArray, rule: Rule, own: Mask, blank: str | None) -> tuple[pa.ChunkedArray, Mask]:
    chunks, differs, start = [], np.zeros(len(column), dtype=bool), 0
    for chunk in column.chunks:
        end = start + len(chunk)
        may: Mask = pc.fill_null(pc.match_substring_regex(chunk, rule.pattern), False).to_numpy(zero_copy_only=False)
        places = np.flatnonzero(may | own[start:end])
        before = chunk.take(pa.array(places)).to_pylist()
        after = [
            text if text is None else blank if own[start + place] else rule.taken_out(text)
            for place, text in zip(places.tolist(), before, strict=True)
        ]
        moved = np.zeros(len(chunk), dtype=bool)
        moved[[place for place, a, b in zip(places.tolist(), before, after, strict=True) if a != b]] = True
        new = [b for a, b in zip(before, after, strict=True) if a != b]
        chunks.append(pc.replace_with_mask(chunk, pa.array(moved), pa.array(new, chunk.type)) if new else chunk)
        differs[start:end] = moved
        start = end
    return pa.chunked_array(chunks, column.type), differs


def _clean_maps(column: pa.ChunkedArray, rule: Rule) -> tuple[pa.ChunkedArray, Mask]:
    differs = np.zeros(len(column), dtype=bool)
    texts = [part for chunk in column.chunks for part in (chunk.keys, chunk.items)]
    if not any(pc.any(pc.match_substring_regex(text, rule.pattern)).as_py() for text in texts):
        return column, differs
    after: list[list[tuple[str, str | None]] | None] = []
    for place, told in enumerate(column.to_pylist()):
        new = told and [(rule.taken_out(name), value and rule.taken_out(value)) for name, value in told]
        differs[place] = new != told
        after.append(new)
    return pa.chunked_array([pa.array(after, column.type)], column.type), differs


def _files(landing: Landing, table: str) -> list[Path]:
    """Every file of a table, whether a load names it or not."""
    return sorted((landing.root / table).glob("*.parquet"))


def _source(files: Sequence[Path]) -> str:
    names = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{names}], union_by_name = true, filename = true)"


def _files_with(landing: Landing, fact: FactTable, person: Person, contacts: frozenset[str]) -> list[Path]:
    """The files of a table in which there may be something to change."""
    files = _files(landing, fact.name)
    if not files:
        return []
    with duckdb.connect() as c:
        there = set(c.sql(f"select * from {_source(files)}").columns)
        clauses = [
            f"regexp_matches({quoted(column.name)}::varchar, $pattern)"
            for column in fact.columns
            if column.kind in ("text", "map") and column.name in there
        ]
        if fact.name in BLANKS and contacts:
            clauses.append("contact_id in (select unnest($contacts::varchar[]))")
        query = f"select distinct filename from {_source(files)} where {' or '.join(clauses)} order by 1"
        told: dict[str, object] = {"pattern": person.sql}
        if "$contacts" in query:
            told["contacts"] = sorted(contacts)
        return [Path(row[0]) for row in c.execute(query, told).fetchall()]
