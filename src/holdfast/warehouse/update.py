"""Bringing a ledger up to date: only the accounts of which something was learned, or for which a day agreed on has come, are booked again.

Works on a copy of the published file; the result is, to the last unit, what a full booking makes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
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


def update(before: Path, path: Path, facts: Facts, news: Facts, booking: Booking) -> bool:
    """Make the ledger at `path` from the one at `before` and what was landed since (`news`, part of `facts`).

    False, and nothing is made: it takes a full booking (another month, currency, attribute, link, or too many accounts).
    LedgerError: the result does not tie out.
    """
    if reads_lines(booking.policy) or booking.policy.refund_backdates_churn:
        return False
    with duckdb.connect(str(before), read_only=True) as c:
        changed = _changed(c, news, booking)
        if changed is None:
            return False
    shutil.copyfile(before, path)
    try:
        _bring(path, changed, facts, news, booking)
    except BalanceTooLargeError:
        path.unlink()
        return False
    return True


def _bring(path: Path, changed: Sequence[str], facts: Facts, news: Facts, booking: Booking) -> None:
    """Book the changed accounts of the ledger at `path` again."""
    connection = duckdb.connect(str(path))
    try:
        book = _reopen(connection, facts, booking)
        _forget(book, changed)
        if news.accounts:
            _retell_accounts(book, changed)
        appending = Appending(connection, book.next_key, cell_type(connection))
        for result in work_off(_jobs(book, changed)):
            appending.add(result)
        first_key, book.next_key = book.next_key, appending.finish()
        if news.fx:
            connection.execute("delete from fx_rate")
        finish(book, first_key, rates=bool(news.fx))
    finally:
        connection.close()


def _changed(c: duckdb.DuckDBPyConnection, news: Facts, booking: Booking) -> list[str] | None:
    """The accounts to be booked again; None where only a full booking will do."""
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
    if news.accounts and _links_or_attributes(c, news, json.loads(settings["segments"])):
        return None
    sources = [f"select distinct account_id from {scan(files)}" for files in (news.items, news.accounts) if files]
    # what was agreed for a day that has come since
    sources.append(
        "select entity.account_id from entity join change using (entity_key) "
        f"where day > date '{as_of}' and day <= date '{booking.as_of}'"
    )
    changed = [row[0] for row in c.execute(" union ".join(sources)).fetchall()]
    total = c.execute("select count(*) from entity").fetchall()[0][0]
    if len(changed) > max(1000, LARGEST_SHARE * total):
        return None
    linked = {row[0] for row in c.execute("select distinct account_id from belonging").fetchall()}
    return None if linked & set(changed) else sorted(changed)


def _links_or_attributes(c: duckdb.DuckDBPyConnection, news: Facts, segments: Sequence[str]) -> bool:
    """Whether account rows bring links to other accounts, or attributes that the ledger has no column for."""
    source = scan(news.accounts)
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
