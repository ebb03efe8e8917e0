"""Bringing a ledger up to date: only the accounts of which something was learned, or for which a day agreed on has come, are booked again.

Works on a copy of the published file; the result is, to the last unit, what a full booking makes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.period import month_no
from holdfast.warehouse import accounts
from holdfast.warehouse.appending import Appending, BalanceTooLargeError, cell_type
from holdfast.warehouse.batches import Batch
from holdfast.warehouse.booking import Booking, Facts, Linked, known, reads_lines, scan
from holdfast.warehouse.build import Book, distinct_currencies, finish, first_month
from holdfast.warehouse.jobs import Job
from holdfast.warehouse.sql import SCHEMA, set_policy
from holdfast.warehouse.worker import work_off

#: beyond this share of all entities a full booking is as quick
LARGEST_SHARE = 0.05

#: tables of the ledger that hold rows by entity
BY_ENTITY = ("movement", "change", "aside", "term", "left_month", "position", "dated_attribute", "entity")


@dataclass(frozen=True)
class Changed:
    """The accounts to be booked again, and whether rows of the account table are among what changed."""

    accounts: tuple[str, ...]
    retold: bool


def update(before: Path, path: Path, facts: Facts, news: Facts, booking: Booking) -> bool:
    """Make the ledger at `path` from the one at `before` and what was landed since (`news`, part of `facts`).

    False, and nothing is made: it takes a full booking (another month, currency, attribute, link, or too many accounts).
    LedgerError: the result does not tie out.
    """
    if reads_lines(booking.policy) or booking.policy.refund_backdates_churn:
        return False
    with duckdb.connect(str(before), read_only=True) as c:
        changed = _changed(c, facts, news, booking)
        if changed is None:
            return False
    shutil.copyfile(before, path)
    try:
        _bring(path, changed, facts, news, booking)
    except BalanceTooLargeError:
        path.unlink()
        return False
    return True


def _bring(path: Path, changed: Changed, facts: Facts, news: Facts, booking: Booking) -> None:
    """Book the changed accounts of the ledger at `path` again."""
    connection = duckdb.connect(str(path))
    try:
        book = _reopen(connection, facts, booking)
        _forget(book, changed.accounts)
        if changed.retold:
            _retell_accounts(book, changed.accounts)
        appending = Appending(connection, book.next_key, cell_type(connection))
        for result in work_off(_jobs(book, changed.accounts)):
            appending.add(result)
        first_key, book.next_key = book.next_key, appending.finish()
        if news.fx:
            connection.execute("delete from fx_rate")
        finish(book, first_key, rates=bool(news.fx))
    finally:
        connection.close()


def _changed(c: duckdb.DuckDBPyConnection, facts: Facts, news: Facts, booking: Booking) -> Changed | None:
    """What is to be booked again; None where only a full booking will do."""
    settings = dict(c.execute("select name, value from setting").fetchall())
    if settings.get("schema") != SCHEMA:
        return None
    as_of = date.fromisoformat(settings["as_of"])
    if month_no(as_of) != month_no(booking.as_of) or booking.as_of < as_of:
        return None
    if news.items and (
        first_month(c, news, booking) < int(settings["first_month"])
        or not set(distinct_currencies(c, news)) <= set(json.loads(settings["currencies"]))
    ):
        return None
    retold = [
        source
        for source in _retold(facts, news, as_of, booking.as_of)
        if c.execute(f"from {source} limit 1").fetchall()
    ]
    if any(_links_or_attributes(c, source, json.loads(settings["segments"])) for source in retold):
        return None
    sources = [f"select distinct account_id from {source}" for source in (*retold, *_sources(news.items))]
    # what was agreed for a day that has come since
    sources.append(
        f"select entity.account_id from entity join change using (entity_key) where {_come('day', as_of, booking.as_of)}"
    )
    changed = [row[0] for row in c.execute(" union ".join(sources)).fetchall()]
    total = c.execute("select count(*) from entity").fetchall()[0][0]
    if len(changed) > max(1000, LARGEST_SHARE * total):
        return None
    linked = {row[0] for row in c.execute("select distinct account_id from belonging").fetchall()}
    return None if linked & set(changed) else Changed(tuple(sorted(changed)), bool(retold))


def _retold(facts: Facts, news: Facts, before: date, as_of: date) -> list[str]:
    """SQL sources of account rows that are new, and of those whose day has come since."""
    if before == as_of:
        return _sources(news.accounts)
    come = [f"(from {source} where {_come('valid_from', before, as_of)})" for source in _sources(facts.accounts)]
    return [*_sources(news.accounts), *come]


def _sources(files: Sequence[Path]) -> list[str]:
    return [scan(files)] if files else []


def _come(column: str, before: date, as_of: date) -> str:
    return f"{column} > date '{before}' and {column} <= date '{as_of}'"


def _links_or_attributes(c: duckdb.DuckDBPyConnection, source: str, segments: Sequence[str]) -> bool:
    """Whether account rows bring links to other accounts, or attributes that the ledger has no column for."""
    links = c.execute(
        f"select count(*) from {source} where nullif(merged_into, '') is not null or nullif(parent_id, '') is not null"
    ).fetchall()[0][0]
    names = c.execute(
        f"select distinct unnest(map_keys(attributes)) from {source} where attributes is not null"
    ).fetchall()
    return bool(links) or not {row[0] for row in names} <= set(segments)


def _reopen(connection: duckdb.DuckDBPyConnection, facts: Facts, booking: Booking) -> Book:
    settings = dict(connection.execute("select name, value from setting").fetchall())
    return Book(
        connection, booking, facts, int(settings["first_month"]), int(settings["last_month"]),
        tuple(json.loads(settings["currencies"])), tuple(json.loads(settings["segments"])), Linked(), int(settings["next_key"]),
    )  # fmt: skip


def _forget(book: Book, changed: Sequence[str]) -> None:
    """Take out every row of the changed accounts."""
    c = book.connection
    c.register("changed", pa.table({"account_id": pa.array(changed, pa.string())}))
    c.execute(
        "create or replace temp table gone as select entity_key from entity where account_id in (select account_id from changed)"
    )
    for table in BY_ENTITY:
        c.execute(f"delete from {table} where entity_key in (select entity_key from gone)")
    c.unregister("changed")


def _retell_accounts(book: Book, changed: Sequence[str]) -> None:
    """Account rows and attribute changes of the changed accounts, anew."""
    c = book.connection
    set_policy(c, book.booking.policy)
    c.execute(f"set variable as_of = date '{book.booking.as_of}'")
    accounts.retell(c, book.facts.accounts, book.segments, changed, known(replace(book.booking, only=tuple(changed))))


def _jobs(book: Book, changed: Sequence[str]) -> list[Job]:
    if not changed:
        return []
    booking = replace(book.booking, only=tuple(changed))
    batch = Batch(None, None, book.facts.items, False)
    return [Job(book.facts, booking, batch, book.first_month, book.last_month, book.currencies, Linked())]
