"""The pure half of the SQL source: rows of a database become rows of a fact table, by the same mapping as those of a file.

What a row said before and no row says any more is taken back, where its fact table can say so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from holdfast.domain.facts import TABLES
from holdfast.sources.files.facts import to_facts
from holdfast.sources.files.mapping import Mapping
from holdfast.sources.source import Bad, Facts, Object, Row, State, Told
from holdfast.sources.sql_reading import NOBODY, Plan, as_texts

#: the stream of rows, and the one that says how they are read
ROWS, LAYOUT = "row", "layout"


def layout(how: Plan) -> Object:
    """How rows are read, to be kept beside them."""
    told = json.loads(how.mapping.key())
    del told["timezone"]
    if not how.has_currency:
        del told["currency"]
    return {"id": LAYOUT, "mapping": told}


def facts(told: Told) -> Facts:
    """The fact rows of one account's rows. A row that cannot be read is told as bad, once."""
    kept = told.shared.get(LAYOUT, {}).get(LAYOUT)
    found = Facts()
    if kept is None:
        return found
    mapping = Mapping(**{"currency": told.currency, "timezone": told.timezone, **kept["mapping"]})
    mapping = replace(mapping, replaces_item=mapping.table == "subscription_item")
    states = told.states(ROWS)
    live = {key: known[-1].obj for key, known in sorted(states.items()) if not known[-1].is_deleted}
    if mapping.table == "account" and "valid_from" not in mapping.columns:
        _add_accounts(found, mapping, states, told)
        _note_bad(found, live, mapping)
        return found
    rows = _note_bad(found, live, mapping)
    for row in [*rows, *_past(mapping, states, rows, told.settings.get("gone") or _gone_by_default(told))]:
        found.add(mapping.table, row)
    along = mapping.of_accounts()
    if along is not None:
        _add_accounts(found, along, states, told)
    return found


def _gone_by_default(told: Told) -> str:
    """A table that lacks a row lost it; a query may only look at some."""
    return "kept" if told.settings.get("query") else "deleted"


def _note_bad(found: Facts, objects: Map[str, Object], mapping: Mapping) -> list[Row]:
    """The rows of some objects; what is bad in them is added to what was found."""
    keys = list(objects)
    rows, rejects = _translated([objects[key]["row"] for key in keys], mapping)
    found.bad += [Bad(ROWS, keys[one.row - 1], one.column, one.value, one.reason, one.remedy) for one in rejects]
    return rows


def _translated(rows: Sequence[Map[str, Any]], mapping: Mapping) -> tuple[list[Row], list[Any]]:
    """Rows in the columns of the fact table, and those that could not be read, numbered from 1."""
    if not rows:
        return [], []
    header = list(dict.fromkeys([*mapping.columns.values(), *mapping.attributes.values(), *mapping.months]))
    table = as_texts(rows, header)
    told = to_facts(table, np.arange(1, len(rows) + 1, dtype=np.int64), mapping)
    fine = told.rows.drop_columns(["source_row"]) if "source_row" in told.rows.column_names else told.rows
    found = [_plain(row) for row in fine.to_pylist()]
    return found, told.rejects


def _plain(row: dict[str, Any]) -> Row:
    """A row of values that were told; segment attributes by name."""
    kept = {name: value for name, value in row.items() if value is not None}
    if "attributes" in kept:
        kept["attributes"] = dict(kept["attributes"])
    return kept


# -- what is not said any more ---------------------------------------------------------------------------------


def _past(mapping: Mapping, states: Map[str, Sequence[State]], now: Sequence[Row], gone: str) -> list[Row]:
    """Rows that were told once and are not now: as they were where they are to be kept, else taken back."""
    names = ("item_id",) if mapping.table == "subscription_item" else TABLES[mapping.table].key
    told = {_identity(row, names, mapping.table): row for row in now}
    past: dict[tuple[Any, ...], Row] = {}
    if gone == "kept":
        last = [known[-1].obj["row"] for _, known in sorted(states.items()) if known[-1].is_deleted]
        for row in _translated(last, mapping)[0]:
            if (key := _identity(row, names, mapping.table)) not in told:
                past[key] = row
    for layer in _superseded(states, with_gone=gone != "kept"):
        for row in _translated(layer, mapping)[0]:
            key = _identity(row, names, mapping.table)
            taken = _taken_back(mapping.table, row)
            if key not in told and key not in past and taken is not None:
                past[key] = taken
    return list(past.values())


def _identity(row: Row, names: Sequence[str], table: str) -> tuple[Any, ...]:
    return tuple(row.get(name, TABLES[table].column(name).default) for name in names)


def _superseded(states: Map[str, Sequence[State]], with_gone: bool) -> Iterator[list[Map[str, Any]]]:
    """States that a later one took the place of, and those of rows that are gone: in each layer one of a row, the newest first."""
    old: list[list[State]] = []
    for _, known in sorted(states.items()):
        there = [state for state in known if not state.is_deleted]
        is_gone = known[-1].is_deleted
        old.append((there if is_gone and with_gone else there[:-1])[::-1])
    for depth in range(max(map(len, old), default=0)):
        yield [each[depth].obj["row"] for each in old if depth < len(each)]


def _taken_back(table: str, row: Row) -> Row | None:
    """The row that takes one back; None where the fact table has no such row."""
    if "deleted" in TABLES[table].names:
        return row | {"deleted": True}
    if table == "usage_day":
        return row | {"events": 0} | ({"active_users": 0} if "active_users" in row else {})
    return None


# -- accounts --------------------------------------------------------------------------------------------------


def _add_accounts(found: Facts, mapping: Mapping, states: Map[str, Sequence[State]], told: Told) -> None:
    """An account's states, each from the day on which its row said it; the first since ever."""
    if told.group == NOBODY:
        return
    zone = ZoneInfo(told.timezone)
    last: Row | None = None
    by_day: dict[Any, Row] = {}
    for moment in sorted({_when(state, mapping) for known in states.values() for state in known}):
        rows, _ = _translated(_as_of(states, moment, mapping), mapping)
        if not rows or rows[-1] == last:
            continue
        day = moment.astimezone(zone).date() if last is not None else None
        last = rows[-1]
        by_day[day] = last
    for day, row in by_day.items():
        found.add("account", row | ({"valid_from": day} if day is not None else {}))


def _when(state: State, mapping: Mapping) -> datetime:
    """When a state began: told by a table of accounts, else by when we saw it."""
    return (
        state.changed_at or state.seen_at
        if mapping.table == "account" and "account_id" in mapping.columns
        else state.seen_at
    )


def _as_of(states: Map[str, Sequence[State]], moment: datetime, mapping: Mapping) -> list[Map[str, Any]]:
    """The rows that were there at a moment, in the order of their keys."""
    found = []
    for _, known in sorted(states.items()):
        until = [state for state in known if _when(state, mapping) <= moment]
        if until and not until[-1].is_deleted:
            found.append(until[-1].obj["row"])
    return found
