"""Facts told by programs: rows of a fact table land like the rows of a file. Good rows land, bad ones are told, each with its reason.

What a row leaves out stays as it was. What is said already lands nothing. What landed shows after the next booking.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pyarrow as pa

from holdfast.domain.fact_table import Column, FactTable
from holdfast.domain.facts import TABLES
from holdfast.flows.home import Home
from holdfast.flows.upsert import SOURCE, known_accounts
from holdfast.sources.files.amounts import read_currency
from holdfast.sources.files.parse import BadValueError
from holdfast.warehouse.booking import scan_whole
from holdfast.warehouse.landed import complete, unchanged_filter
from holdfast.warehouse.landing import Landing, fact_schema

#: tables that can be told row by row; accounts have an address of their own, and what is billed comes from billing
TELLABLE = ("outcome", "launch", "spend", "target", "ticket", "survey", "limit", "touch", "opportunity", "contact")
#: rows of one call
MOST_ROWS = 1_000
#: characters of a text, and of one that may have lines
LINE, TEXT = 400, 20_000
LONG = frozenset({"body", "comment", "description", "subject"})
#: the largest whole number and amount, and the largest other number
MOST_INT, MOST_RATE = 10**14, 1e15

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DAY = re.compile(r"(19[7-9]\d|20\d\d)-\d{2}-\d{2}")
#: what may be told with seconds and zone after the day
_MOMENT = re.compile(_DAY.pattern + r"[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")

Row = Mapping[str, Any]


class _WrongError(ValueError):
    """A value that cannot be; the message is the reason."""


@dataclass(frozen=True)
class Rejected:
    """A row that did not land. `row`: its place in what was given, from 0; `field` is "" where the whole row is meant."""

    row: int
    field: str
    reason: str


@dataclass
class FactsUpserted:
    """What became of some rows: how many said something new, how many did not, the load they are in, and the bad ones."""

    changed: int = 0
    unchanged: int = 0
    load_no: int | None = None
    rejected: list[Rejected] = field(default_factory=list)


def upsert_facts(home: Home, table: str, rows: Sequence[Row], now: datetime) -> FactsUpserted:
    """Land rows of a table of TELLABLE; fields are its columns, values as JSON writes them: days and moments as ISO texts, amounts in
    minor units. A row names its key; null takes a value away."""
    fact = TABLES[table]
    done = FactsUpserted()
    read = _readable(fact, rows, done.rejected)
    landing = home.landing
    with landing.locked():
        read = _of_known_accounts(home, fact, read, done.rejected)
        whole = _merged(landing, fact, read, done.rejected)
        if whole:
            told = complete(table, _arrow(fact, list(whole.values())))
            news = unchanged_filter(landing, table, told)
            done.changed, done.unchanged = news.num_rows, told.num_rows - news.num_rows
            if news.num_rows:
                load = landing.append(table, [news], source=SOURCE, source_kind="crm", loaded_at=now)
                done.load_no = load.load_no
    done.rejected.sort(key=lambda one: one.row)
    return done


# -- one row after the other -----------------------------------------------------------------------------------


def _readable(fact: FactTable, rows: Sequence[Row], rejected: list[Rejected]) -> dict[int, dict[str, Any]]:
    """The rows whose values can be read and whose key is whole and told once, by their place."""
    found: dict[int, dict[str, Any]] = {}
    keys: set[tuple[Any, ...]] = set()
    for place, row in enumerate(rows):
        wrong = [(name, reason) for name in row if (reason := _unknown(fact, name))]
        values: dict[str, Any] = {}
        for name in [] if wrong else row:
            try:
                values[name] = _value(fact.column(name), row[name])
            except _WrongError as error:
                wrong.append((name, str(error)))
        if not wrong:
            wrong = [(name, "is missing: it is part of the row's key") for name in _needed_key(fact, values)]
        key = tuple(values.get(name) for name in fact.key)
        if not wrong and key in keys:
            wrong = [(fact.key[0], f"the same {', '.join(fact.key)} is told by an earlier row")]
        rejected += [Rejected(place, name, reason) for name, reason in wrong]
        if not wrong:
            keys.add(key)
            found[place] = values
    return found


def _unknown(fact: FactTable, name: str) -> str:
    """Why a field is none of the table's; "" where it is."""
    return "" if name in fact.names else f"{fact.name} has no such field; it has {', '.join(fact.names)}"


def _needed_key(fact: FactTable, values: dict[str, Any]) -> list[str]:
    """Columns of the key that have neither a value nor a default; defaults are filled in."""
    for name in fact.key:
        if values.get(name) is None and fact.column(name).default is not None:
            values[name] = fact.column(name).default
    return [name for name in fact.key if values.get(name) is None]


def _value(column: Column, given: Any) -> Any:
    """A value in the column's own kind. _WrongError: it is not of that kind."""
    if given is None:
        return None
    value = _READERS[column.kind](column, given)
    if column.choices and value not in column.choices:
        raise _WrongError(f"is one of {', '.join(column.choices)}")
    return value


def _text(column: Column, given: Any) -> str | None:
    if not isinstance(given, str):
        raise _WrongError("is a text")
    is_long = column.name in LONG
    most, control = (TEXT, _CONTROL_IN_TEXT) if is_long else (LINE, _CONTROL)
    if len(given) > most:
        raise _WrongError(f"has up to {most} characters")
    if control.search(given):
        raise _WrongError("has a control character in it")
    if column.required and column.default is None and not given.strip():
        raise _WrongError("is empty")
    if column.name == "currency":
        return _currency(given)
    return given.lower() if column.name == "email" else given


def _currency(given: str) -> str:
    try:
        return read_currency(given)
    except BadValueError as error:
        raise _WrongError(f"{error.reason}; {error.remedy}") from None


def _whole(column: Column, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise _WrongError("is a whole number" + (" of minor units" if column.kind == "money" else ""))
    if abs(given) > MOST_INT:
        raise _WrongError("is too large")
    return given


def _number(column: Column, given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        raise _WrongError("is a number")
    if abs(given) > MOST_RATE or not math.isfinite(given):
        raise _WrongError("is too large")
    return float(given)


def _day(column: Column, given: Any) -> date:
    if not isinstance(given, str) or not _DAY.fullmatch(given):
        raise _WrongError("is a day from 1970 to 2099, as 2026-03-31")
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise _WrongError("is not a day that the calendar has") from None
    return day.replace(day=1) if column.name == "month" else day


def _moment(column: Column, given: Any) -> datetime:
    if not isinstance(given, str) or not _MOMENT.fullmatch(given):
        raise _WrongError("is a moment from 1970 to 2099, as 2026-03-31T09:30:00Z")
    try:
        moment = datetime.fromisoformat(given)
    except ValueError:
        raise _WrongError("is not a moment that the calendar has") from None
    return moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _flag(column: Column, given: Any) -> bool:
    if not isinstance(given, bool):
        raise _WrongError("is true or false")
    return given


_READERS: dict[str, Callable[[Column, Any], Any]] = {
    "text": _text, "int": _whole, "ppm": _whole, "money": _whole, "rate": _number, "date": _day, "time": _moment, "flag": _flag,
}  # fmt: skip


# -- with what is known ----------------------------------------------------------------------------------------


def _of_known_accounts(
    home: Home, fact: FactTable, rows: dict[int, dict[str, Any]], rejected: list[Rejected]
) -> dict[int, dict[str, Any]]:
    """The rows that name no account, or one that there is."""
    named = {str(row["account_id"]) for row in rows.values() if row.get("account_id") is not None}
    missing = named - known_accounts(home, named) if named else set()
    for place, row in rows.items():
        if row.get("account_id") in missing:
            rejected.append(Rejected(place, "account_id", f"there is no account '{row['account_id']}'"))
    return {place: row for place, row in rows.items() if row.get("account_id") not in missing}


def _merged(
    landing: Landing, fact: FactTable, rows: dict[int, dict[str, Any]], rejected: list[Rejected]
) -> dict[int, dict[str, Any]]:
    """The rows over what holds of them; those that then lack what is required are rejected."""
    held = _held(landing, fact, rows.values())
    found: dict[int, dict[str, Any]] = {}
    for place, row in rows.items():
        whole = {"deleted": False} if "deleted" in fact.names else {}
        whole |= held.get(tuple(row[name] for name in fact.key), {}) | row
        lacking = [c.name for c in fact.columns if c.required and c.default is None and whole.get(c.name) is None]
        if any(c.kind == "money" and whole.get(c.name) is not None for c in fact.columns) and not whole.get("currency"):
            lacking.append("currency")
        rejected += [Rejected(place, name, "is missing") for name in dict.fromkeys(lacking)]
        if not lacking:
            found[place] = whole
    return found


def _held(landing: Landing, fact: FactTable, rows: Iterable[Row]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What holds of some keys; what was deleted does not."""
    files = landing.files(fact.name)
    wanted = _arrow(fact, [{name: row[name] for name in fact.key} for row in rows])
    if not files or not wanted.num_rows:
        return {}
    same = " and ".join(f"h.{name} is not distinct from wanted.{name}" for name in fact.key)
    with duckdb.connect() as db:
        db.register("wanted", wanted)
        result = db.execute(
            f"select {', '.join(fact.names)} from {scan_whole(fact, files)} h semi join wanted on {same} "
            f"qualify row_number() over (partition by {', '.join(fact.key)} "
            "order by learned_at desc, load_no desc, source_row desc) = 1"
        ).fetchall()
    held = [dict(zip(fact.names, row, strict=True)) for row in result]
    return {tuple(row[name] for name in fact.key): row for row in held if not row.get("deleted")}


def _arrow(fact: FactTable, rows: Sequence[Row]) -> pa.Table:
    """Rows as a table with the fact table's types, of the columns that any of them has."""
    used = [one for one in fact_schema(fact) if any(one.name in row for row in rows)]
    columns = {one.name: pa.array([row.get(one.name) for row in rows], one.type) for one in used}
    return pa.table({**columns, "source_row": pa.array(range(1, len(rows) + 1), pa.int64())})
