"""A published watch: what signals, health and risk said of every account on a day. Written once, whole; then only read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from holdfast.warehouse.sql import quoted

#: the form of the file; one of another form is made anew
WATCH_SCHEMA = "1"

_CENTS = pa.int64()

#: every table, and its columns
TABLES: dict[str, pa.Schema] = {
    "setting": pa.schema([("name", pa.string()), ("value", pa.string())]),
    # one row per account that pays, and a book's row for what is said of all of them (account_id '')
    "standing": pa.schema(
        [
            ("account_id", pa.string()), ("mrr_minor", _CENTS), ("health", pa.float64()), ("health_before", pa.float64()),
            ("band", pa.string()), ("scorecard", pa.string()), ("known_share", pa.float64()), ("sentiment", pa.int64()),
            ("churn_90", pa.float64()), ("contraction_90", pa.float64()), ("expansion_90", pa.float64()),
            ("at_risk_minor", _CENTS), ("expected_90_minor", _CENTS), ("severity", pa.int64()), ("signals", pa.int64()),
        ]
    ),
    "health_part": pa.schema(
        [
            ("account_id", pa.string()), ("place", pa.int64()), ("part", pa.string()), ("label", pa.string()), ("feature", pa.string()),
            ("value", pa.float64()), ("score", pa.float64()), ("weight", pa.float64()), ("points", pa.float64()),
        ]
    ),
    "health_day": pa.schema([("account_id", pa.string()), ("day", pa.date32()), ("score", pa.float64())]),
    "health_move": pa.schema(
        [
            ("account_id", pa.string()), ("place", pa.int64()), ("feature", pa.string()), ("points", pa.float64()),
            ("sentence", pa.string()), ("since", pa.date32()),
        ]
    ),
    "risk": pa.schema(
        [
            ("account_id", pa.string()), ("target", pa.string()), ("horizon_days", pa.int64()), ("probability", pa.float64()),
            ("model", pa.string()),
        ]
    ),
    "expected": pa.schema(
        [
            ("account_id", pa.string()), ("horizon_days", pa.int64()), ("mrr_minor", _CENTS), ("expected_minor", _CENTS),
            ("low_minor", _CENTS), ("high_minor", _CENTS),
        ]
    ),
    "reason": pa.schema(
        [
            ("account_id", pa.string()), ("target", pa.string()), ("horizon_days", pa.int64()), ("place", pa.int64()),
            ("feature", pa.string()), ("contribution", pa.float64()), ("sentence", pa.string()),
        ]
    ),
    "judgement": pa.schema(
        [
            ("account_id", pa.string()), ("signal", pa.string()), ("kind", pa.string()), ("severity", pa.int64()),
            ("sentence", pa.string()), ("evidence", pa.string()), ("since", pa.date32()), ("about", pa.string()),
        ]
    ),
    "feature": pa.schema([("account_id", pa.string()), ("name", pa.string()), ("value", pa.float64())]),
}  # fmt: skip


def write_watch(path: Path, tables: Mapping[str, pa.Table], settings: Mapping[str, str]) -> None:
    """Write a watch; a table that is not given is empty. KeyError: there is no table of that name."""
    said = {**settings, "schema": WATCH_SCHEMA}
    given = dict(tables) | {"setting": pa.table({"name": list(said), "value": list(said.values())}, TABLES["setting"])}
    unknown = set(given) - set(TABLES)
    if unknown:
        raise KeyError(f"a watch has no table {sorted(unknown)[0]}")
    with duckdb.connect(str(path)) as c:
        for name, schema in TABLES.items():
            rows = given.get(name, schema.empty_table()).select(schema.names).cast(schema)
            c.register("given", rows)
            order = " order by account_id" if "account_id" in schema.names else ""
            c.execute(f"create table {quoted(name)} as from given{order}")
            c.unregister("given")


class Watched:
    """A watch's file, open for reading. One thread at a time: others take a `fork`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.connection = duckdb.connect(str(path), read_only=True)
        self.connection.execute("set enable_progress_bar = false")

    def __enter__(self) -> Watched:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def fork(self) -> Watched:
        """Another reader of the same open file, for another thread."""
        other = object.__new__(Watched)
        other.path = self.path
        other.connection = self.connection.cursor()
        return other

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query, list(parameters)).fetchall()

    def told(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of a query, by column."""
        result = self.connection.execute(query, list(parameters))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    @cached_property
    def settings(self) -> Mapping[str, str]:
        return dict(self.rows("select name, value from setting"))

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.settings["as_of"])
