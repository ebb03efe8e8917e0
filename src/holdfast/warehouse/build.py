"""Building a ledger file: batches are worked off and appended; `finish` proves that the whole ties out.

The file is built beside and handed to nobody before that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from holdfast.domain.period import month_no
from holdfast.warehouse import accounts, checks, fx
from holdfast.warehouse.appending import Appending, BalanceTooLargeError
from holdfast.warehouse.batches import Batch, plan_batches
from holdfast.warehouse.booking import Booking, Facts, Linked, known, reads_lines, scan
from holdfast.warehouse.jobs import Job
from holdfast.warehouse.sql import SCHEMA, name_currencies, quoted, run, set_policy
from holdfast.warehouse.worker import work_off

Progress = Callable[[int, int], None]


@dataclass
class Book:
    """A ledger file in the making, or about to be brought up to date."""

    connection: duckdb.DuckDBPyConnection
    booking: Booking
    facts: Facts
    first_month: int
    last_month: int
    currencies: tuple[str, ...]
    segments: tuple[str, ...]
    linked: Linked
    next_key: int = 1


def build(path: Path, facts: Facts, booking: Booking, progress: Progress | None = None) -> None:
    """Build a ledger file at `path`, which must not exist.

    LedgerError: the ledger does not tie out; nothing may be published then.
    """
    try:
        _build(path, facts, booking, progress, "INTEGER")
    except BalanceTooLargeError:
        # hardly any company has an account with so much MRR: the others read and write half as much
        path.unlink()
        _build(path, facts, booking, progress, "BIGINT")


def _build(path: Path, facts: Facts, booking: Booking, progress: Progress | None, cells: str) -> None:
    connection = duckdb.connect(str(path))
    try:
        book = open_book(connection, facts, booking, cells)
        # one thread and one transaction: what is written is packed once, and the workers have the cores
        connection.execute("checkpoint")
        connection.execute("set threads = 1")
        # whole numbers are packed in bits anyway; not trying the other ways saves a quarter of the writing
        connection.execute("set force_compression = 'bitpacking'")
        connection.execute("begin")
        appending = Appending(connection, book.next_key, cells)
        for result in work_off(jobs(book), progress):
            appending.add(result)
        book.next_key = appending.finish()
        connection.execute("commit")
        finish(book)
    finally:
        connection.close()


def jobs(book: Book) -> list[Job]:
    """The batches of accounts that stand alone, then the linked ones together."""
    facts, booking = book.facts, book.booking
    everything = Batch(None, None, facts.items, False)
    batches = plan_batches(facts.items)
    # lines may name accounts that have no items, so where MRR is made of them one batch sees everything
    if reads_lines(booking.policy) or not batches:
        batches = [everything]
    base = Job(facts, booking, everything, book.first_month, book.last_month, book.currencies, book.linked)
    found = [replace(base, batch=batch) for batch in batches]
    return [*found, replace(base, is_linked=True)] if book.linked.accounts else found


def open_book(connection: duckdb.DuckDBPyConnection, facts: Facts, booking: Booking, cells: str = "INTEGER") -> Book:
    """An empty ledger with the accounts in it, ready for its batches. cells: the type of the month-end columns."""
    currencies = distinct_currencies(connection, facts)
    run(connection, "types")
    name_currencies(connection, currencies)
    run(connection, "schema")
    set_policy(connection, booking.policy)
    connection.execute(f"set variable as_of = date '{booking.as_of}'")
    segments, linked = accounts.prepare(connection, facts.accounts, booking.policy, known(booking))
    first = first_month(connection, facts, booking)
    last = max(month_no(booking.as_of), first)
    book = Book(connection, booking, facts, first, last, currencies, segments, linked)
    _create_positions(book, cells)
    return book


def distinct_currencies(connection: duckdb.DuckDBPyConnection, facts: Facts) -> tuple[str, ...]:
    """The currencies of items and invoice lines, sorted; USD where there is none."""
    sources = [scan(files) for files in (facts.items, facts.lines) if files]
    query = " union ".join(f"select distinct currency from {source}" for source in sources) or "select null"
    return tuple(sorted(row[0] for row in connection.execute(query).fetchall() if row[0])) or ("USD",)


def first_month(connection: duckdb.DuckDBPyConnection, facts: Facts, booking: Booking) -> int:
    """The month of the first thing that happened; the as-of month where nothing did."""
    sources = [(facts.items, "valid_from")]
    if reads_lines(booking.policy):
        sources.append((facts.lines, "least(coalesce(period_start, issued_on), issued_on)"))
    days = []
    for files, column in sources:
        if files:
            query = f"select min({column}) from {scan(files)} where {known(booking)}"
            days += [row[0] for row in connection.execute(query).fetchall() if row[0]]
    return min([month_no(day) for day in days] + [month_no(booking.as_of)])


def _create_positions(book: Book, cells: str) -> None:
    columns = ["entity_key integer", "currency currency_code", "is_plain boolean", "first_month smallint"]
    columns += [f"{quoted('seg_' + name)} varchar" for name in book.segments]
    months = [f"m{month} {cells}" for month in range(book.first_month, book.last_month + 1)]
    book.connection.execute(f"create table position ({', '.join(columns + months)})")


def finish(book: Book, first_key: int = 1, *, rates: bool = True) -> None:
    """Write what the file is, prove that it ties out, and pack it.

    first_key: of the entities that are new in the file; rates: whether the file has none yet.
    """
    c = book.connection
    if rates:
        fx.write_rates(c, book.facts.fx, known(replace(book.booking, only=None)))
    c.execute(
        "insert into dated_attribute select entity_key, attribute, day, before "
        f"from (from entity where entity_key >= {first_key}) join attribute_change using (account_id)"
    )
    checks.check_book(c, book.first_month, book.last_month)
    settings = {
        "schema": SCHEMA,
        "policy": book.booking.policy.name,
        "grain": book.booking.policy.grain,
        "as_of": str(book.booking.as_of),
        "known_before": str(book.booking.known_before or ""),
        "first_month": str(book.first_month),
        "last_month": str(book.last_month),
        "currencies": json.dumps(book.currencies),
        "segments": json.dumps(book.segments),
        "next_key": str(book.next_key),
    }
    c.execute("delete from setting")
    c.executemany("insert into setting values (?, ?)", [list(pair) for pair in settings.items()])
    c.execute("checkpoint")
