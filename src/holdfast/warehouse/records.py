"""Reading a publish's records: what is known of accounts besides the ledger, and one summary row for each account.

The files lie beside the ledger in the generation's folder. They stay as they were when they were opened.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import pyarrow as pa

from holdfast.warehouse.reads import Reads
from holdfast.warehouse.sql import literal, quoted
from holdfast.warehouse.watched import TABLES as WATCHED

#: the form of the files; another number means that they have to be built anew
RECORDS_SCHEMA = "4"
USAGE_FILE = "usage.duckdb"
#: reads of one account's rows of a table that are kept for all readers of a file, which never changes
READS_KEPT = 2_000

#: a watch's file is attached by one thread at a time
_attaching = threading.Lock()


class OutdatedRecordsError(RuntimeError):
    """Records in a form of another version of Holdfast; they are built anew when they are asked for."""


def opened(path: Path) -> Records | None:
    """The records at a path; None where there are none, or none in the form of this version."""
    if not path.exists() or not path.with_name(USAGE_FILE).exists():
        return None
    try:
        return Records(path)
    except OutdatedRecordsError:
        return None


class Records:
    """A publish's records, open for reading. One thread at a time: others take a `fork`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._given: dict[str, int] = {}
        self._read: Reads[tuple[Path | None, str, str], list[dict[str, Any]]] = Reads(READS_KEPT)
        self._seen: Path | None = None
        #: the settings of the watch that is read beside the facts; None: there is none
        self.watch: Mapping[str, str] | None = None
        self.connection = duckdb.connect(str(path), read_only=True)
        self.connection.execute("set enable_progress_bar = false")
        if self.settings.get("schema") != RECORDS_SCHEMA:
            self.connection.close()
            raise OutdatedRecordsError(f"{path.name} was built by another version of Holdfast")
        usage = literal(str(path.with_name(USAGE_FILE)))
        self.connection.execute(f"attach if not exists {usage} as usage (read_only)")

    def __enter__(self) -> Records:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def fork(self) -> Records:
        """Another reader of the same open files, for another thread; what one is given, the other does not see."""
        other = object.__new__(Records)
        other.path = self.path
        other._given = {}
        other._read = self._read
        other._seen, other.watch = None, None
        other.connection = self.connection.cursor()
        other.settings = self.settings
        other.see(self._seen)
        return other

    def see(self, path: Path | None) -> None:
        """Read a watch's tables beside the facts, each by its name; None: none. One in another currency is not seen."""
        if path == self._seen:
            return
        self._seen, self.watch = path, None
        if path is None:
            return
        name = quoted(f"watch_{path.parent.name}")
        with _attaching:
            self.connection.execute(f"attach if not exists {literal(str(path))} as {name} (read_only)")
        told = dict(self.rows(f"select name, value from {name}.setting"))
        if told.get("currency") != self.currency:
            return
        self.watch = told
        for table in WATCHED:
            if table != "setting":
                self.connection.execute(f"create or replace temp view {quoted(table)} as from {name}.{quoted(table)}")

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query, list(parameters)).fetchall()

    def told(self, query: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """All rows of a query, by column."""
        result = self.connection.execute(query, list(parameters))
        names = [column[0] for column in result.description or []]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]

    def of_account(self, table: str, account_id: str) -> list[dict[str, Any]]:
        """One account's rows of a table, as they lie; read once for all forks."""
        query = f"select * from {quoted(table)} where account_id = ?"
        return self._read.get((self._seen, table, account_id), lambda: self.told(query, [account_id]))

    def give(self, name: str, table: pa.Table) -> None:
        """Make a table of the caller's readable under a name; the same table again costs nothing."""
        if self._given.get(name) != id(table):
            self.connection.register(name, table)
            self._given[name] = id(table)

    @cached_property
    def settings(self) -> Mapping[str, str]:
        if not self.rows("select 1 from duckdb_tables() where table_name = 'setting'"):
            return {}
        return dict(self.rows("select name, value from setting"))

    @cached_property
    def related(self) -> frozenset[str]:
        """Accounts that have another above, below or counted with them."""
        found = self.rows(
            "select unnest([account_id, parent_id, counted_with]) as id from summary "
            "where parent_id is not null or counted_with is not null"
        )
        return frozenset(line[0] for line in found if line[0])

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.settings["as_of"])

    @property
    def until(self) -> datetime:
        """The first moment after the as-of day, UTC without a zone."""
        return datetime.fromisoformat(self.settings["until"])

    @property
    def tomorrow(self) -> date:
        return self.as_of + timedelta(days=1)

    @property
    def currency(self) -> str:
        """The reporting currency of the summary's amounts."""
        return self.settings["currency"]

    @property
    def policy(self) -> str:
        return self.settings["policy"]

    @property
    def last_load_no(self) -> int:
        return int(self.settings["last_load_no"])

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The accounts' own attributes; owner and parent are columns of their own."""
        return tuple(json.loads(self.settings["segments"]))
