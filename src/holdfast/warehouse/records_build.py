"""Building a publish's records: of every key of the landed facts the newest learned row, one account's rows together.

A publish that follows another takes over what is there and changes the keys of which something was learned since.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from holdfast.domain.fact_table import FactTable
from holdfast.domain.facts import TABLES
from holdfast.warehouse.booking import scan, scan_whole
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.links import CHANGED, links_in_force, resolved, set_links
from holdfast.warehouse.records import RECORDS_SCHEMA, USAGE_FILE
from holdfast.warehouse.records_summary import write_summary
from holdfast.warehouse.records_usage import bring_usage
from holdfast.warehouse.sql import literal, model, quoted

RECORDS_FILE = "records.duckdb"

#: fact tables that are kept row by row, and what they are called here
KEPT = {
    "account": "account_history",
    "contact": "contact",
    "invoice": "invoice",
    "invoice_line": "invoice_line",
    "limit": "limit",
    "ticket": "ticket",
    "survey": "survey",
    "opportunity": "opportunity",
    "touch": "touch",
    "outcome": "outcome",
    "launch": "launch",
}
#: every fact table that records are made of
READ = (*KEPT, "subscription_item", "usage_day", "account_link")
#: those whose account_id may be another system's: it is resolved by the links in force, and kept as told_account_id.
#: Accounts and subscriptions are the accounts themselves.
RESOLVED = frozenset(KEPT) - {"account", "launch"}

#: rows put behind the others, as a share of a table, after which it is put in order anew
UNSORTED_SHARE = 0.2
#: what a build may take; beyond it is put aside on disk
MEMORY = "2GB"

_NEWEST = "learned_at desc, load_no desc, source_row desc"


@dataclass(frozen=True)
class Sources:
    """Landing files by fact table, up to the publish's last load."""

    files: Mapping[str, tuple[Path, ...]]
    last_load_no: int

    def of(self, table: str, since_load: int = 0) -> tuple[Path, ...]:
        """A table's files, of loads with a number above `since_load`."""
        return tuple(f for f in self.files.get(table, ()) if int(f.name.split("-")[0]) > since_load)


def build_records(
    path: Path, sources: Sources, ledger: Ledger, currency: str, until: datetime, before: Path | None = None
) -> None:
    """Build the records file at `path`, and the usage file beside it where there is none.

    `currency`: what the summary reports in. `until`: the first moment after the as-of day, UTC. `before`: the records of
    an earlier publish, from which what did not change is taken.
    LedgerError: the summary does not sum up to the ledger. Nothing is left behind then.
    """
    old, since = _taken_over(before)
    links = links_in_force(sources.of("account_link"))
    usage = path.with_name(USAGE_FILE)
    if not has_this_form(usage):
        usage.unlink(missing_ok=True)
        with _beside(usage) as made:
            news = sources.of("usage_day", since)
            bring_usage(made, sources.of("usage_day"), news, ledger.as_of, links, _usage_of(old))
    with _beside(path) as made:
        if old is not None:
            shutil.copyfile(old, made)
        with _writing(made) as c:
            c.execute(f"attach {literal(str(usage))} as usage (read_only)")
            if set_links(c, links):
                for table in (KEPT[fact] for fact in RESOLVED) if old is not None else ():
                    _put_elsewhere(c, table)
            for fact, table in KEPT.items():
                _bring(c, TABLES[fact], table, sources.of(fact), sources.of(fact, since), old is not None)
            _bring_items(c, sources, since, old is not None)
            c.execute("checkpoint")
            # the summary is small and read all the time: what is not packed need not be unpacked
            c.execute("set force_compression = 'uncompressed'")
            write_summary(c, ledger, currency, until)
            _write_settings(c, sources, ledger, currency, until)


def _taken_over(before: Path | None) -> tuple[Path | None, int]:
    """The records that can be brought up to date, and their last load."""
    if before is None or not has_this_form(before) or not has_this_form(before.with_name(USAGE_FILE)):
        return None, 0
    with duckdb.connect(str(before), read_only=True) as c:
        last = c.execute("select value from setting where name = 'last_load_no'").fetchall()[0][0]
    return before, int(last)


def has_this_form(path: Path) -> bool:
    """Whether there is a file that this version of Holdfast built."""
    if not path.exists():
        return False
    with duckdb.connect(str(path), read_only=True) as c:
        if not c.execute("select 1 from duckdb_tables() where table_name = 'setting'").fetchall():
            return False
        return bool(c.execute("select 1 from setting where name = 'schema' and value = ?", [RECORDS_SCHEMA]).fetchall())


def _usage_of(records: Path | None) -> Path | None:
    return records.with_name(USAGE_FILE) if records else None


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A path to build at; what is there in the end takes its name, or goes away with an error."""
    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    try:
        yield making
        making.rename(path)
    finally:
        making.unlink(missing_ok=True)
        shutil.rmtree(making.with_suffix(".spill"), ignore_errors=True)


@contextmanager
def _writing(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect(str(path))
    try:
        connection.execute(f"set memory_limit = '{MEMORY}'")
        connection.execute(f"set temp_directory = {literal(str(path.with_suffix('.spill')))}")
        connection.execute("set enable_progress_bar = false")
        yield connection
        connection.execute("checkpoint")
    finally:
        connection.close()


def _columns(fact: FactTable) -> str:
    names = [quoted(name) for name in fact.names if name != "attributes"]
    return ", ".join([*names, "learned_at", "load_no", "source_row"])


def _key(fact: FactTable, alias: str) -> dict[str, str]:
    """SQL: the columns of a kept row's key; the account as its source told it."""
    told = f"coalesce({alias}.told_account_id, {alias}.account_id)"
    return {name: told if name == "account_id" and fact.name in RESOLVED else f"{alias}.{name}" for name in fact.key}


def _is_same(fact: FactTable, one: str, other: str) -> str:
    pairs = zip(_key(fact, one).values(), _key(fact, other).values(), strict=True)
    return " and ".join(f"{here} is not distinct from {there}" for here, there in pairs)


def _order(fact: FactTable) -> str:
    first = ["account_id"] if "account_id" in fact.names else []
    return ", ".join(dict.fromkeys([*first, *fact.sort, *fact.key]))


def _newest(fact: FactTable, source: str) -> str:
    """SQL: of each key the newest learned row of landing, under the account that it is."""
    newest = (
        f"select {_columns(fact)} from {source} "
        f"qualify row_number() over (partition by {', '.join(fact.key)} order by {_NEWEST}) = 1"
    )
    return resolved(newest) if fact.name in RESOLVED else newest


def _is_gone(fact: FactTable) -> str:
    """SQL: whether a row says that its source deleted it."""
    return "coalesce(deleted, false)" if "deleted" in fact.names else "false"


def _bring(
    c: duckdb.DuckDBPyConnection,
    fact: FactTable,
    table: str,
    files: Sequence[Path],
    news: Sequence[Path],
    exists: bool,
) -> None:
    """A table as its landing files say. What was deleted is kept apart: a row learned earlier may still come."""
    name = quoted(table)
    if exists and not news:
        return
    if exists:
        c.execute(f"create or replace temp table news as {_newest(fact, scan_whole(fact, news))}")
        if _stays_sorted(c, table):
            _replace(c, fact, table)
            return
    c.execute(f"create or replace temp table newest as {_newest(fact, scan_whole(fact, files))}")
    c.execute(f"create or replace table {name} as from newest where not {_is_gone(fact)} order by {_order(fact)}")
    if "deleted" in fact.names:
        c.execute(f"create or replace table {quoted('gone_' + table)} as from newest where deleted")
    c.execute("drop table newest")
    _mark_unsorted(c, table, 0)


def _replace(c: duckdb.DuckDBPyConnection, fact: FactTable, table: str) -> None:
    """Rows of the keys in `news` anew; what was held may have been learned later than what came now."""
    same = _is_same(fact, "held", "news")
    places = [quoted(table), *([quoted("gone_" + table)] if "deleted" in fact.names else [])]
    for place in places:
        c.execute(f"insert into news select held.* from {place} as held semi join news on {same}")
    keys = ", ".join(_key(fact, "news").values())
    c.execute(
        "create or replace temp table newest as from news "
        f"qualify row_number() over (partition by {keys} order by {_NEWEST}) = 1"
    )
    for place, wanted in zip(places, ("not " + _is_gone(fact), "deleted"), strict=False):
        c.execute(f"delete from {place} as held using news where {same}")
        c.execute(f"insert into {place} from newest where {wanted} order by {_order(fact)}")
    c.execute("drop table newest")
    c.execute("drop table news")


def _put_elsewhere(c: duckdb.DuckDBPyConnection, table: str) -> None:
    """Rows of ids that are another account than before go there."""
    name, told = quoted(table), "coalesce(held.told_account_id, held.account_id)"
    c.execute(
        f"create or replace temp table news as select held.* replace (coalesce(to_account, {told}) as account_id, "
        f"case when to_account is not null then {told} end as told_account_id) "
        f"from {name} as held join {CHANGED} on {CHANGED}.external_id = {told}"
    )
    c.execute(f"delete from {name} as held using {CHANGED} where {CHANGED}.external_id = {told}")
    in_order = _stays_sorted(c, table)
    c.execute(f"insert into {name} from news order by account_id")
    c.execute("drop table news")
    if not in_order:
        fact = next(TABLES[fact] for fact, kept in KEPT.items() if kept == table)
        c.execute(f"create or replace table {name} as from {name} order by {_order(fact)}")
        _mark_unsorted(c, table, 0)


def _stays_sorted(c: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the rows in `news` may go behind the others."""
    held = int(c.execute(f"select count(*) from {quoted(table)}").fetchall()[0][0])
    behind = c.execute("select rows_behind from unsorted where table_name = ?", [table]).fetchall()
    total = (behind[0][0] if behind else 0) + int(c.execute("select count(*) from news").fetchall()[0][0])
    if total > max(10_000, UNSORTED_SHARE * held):
        return False
    _mark_unsorted(c, table, total)
    return True


def _mark_unsorted(c: duckdb.DuckDBPyConnection, table: str, rows: int) -> None:
    c.execute("create table if not exists unsorted (table_name varchar, rows_behind bigint)")
    c.execute("delete from unsorted where table_name = ?", [table])
    c.execute("insert into unsorted values (?, ?)", [table, rows])


def _bring_items(c: duckdb.DuckDBPyConnection, sources: Sources, since: int, exists: bool) -> None:
    """The table item: the states that hold. Accounts of which something was learned are read from landing anew."""
    fact = TABLES["subscription_item"]
    files, news = sources.of("subscription_item"), sources.of("subscription_item", since)
    if exists and not news:
        return
    if exists:
        c.execute(f"create or replace temp table news as select distinct account_id from {scan(news)}")
        if _stays_sorted(c, "item"):
            c.execute("delete from item where account_id in (select account_id from news)")
            some = f"(select * from {scan(files)} where account_id in (select account_id from news))"
            c.execute(f"insert into item {_states(some)}")
            c.execute("drop table news")
            return
    c.execute(f"create or replace table item as {_states(scan_whole(fact, files))}")
    _mark_unsorted(c, "item", 0)


def _states(source: str) -> str:
    return model("records_item").replace("$source", source)


def _write_settings(
    c: duckdb.DuckDBPyConnection, sources: Sources, ledger: Ledger, currency: str, until: datetime
) -> None:
    settings = {
        "schema": RECORDS_SCHEMA,
        "policy": ledger.policy.name,
        "as_of": str(ledger.as_of),
        "until": until.isoformat(),
        "currency": currency,
        "last_load_no": str(sources.last_load_no),
        "segments": json.dumps([name for name in ledger.segments if name not in ("owner", "parent")]),
    }
    c.execute("create or replace table setting (name varchar, value varchar)")
    c.executemany("insert into setting values (?, ?)", [list(pair) for pair in settings.items()])
