"""The usage file of a publish: by account, day and feature for the last year or so, and by account and day.

Usage is the one large table: it is put in order in batches of accounts, and a day that comes later is put behind.
Months before the first one kept are let go when a new month begins.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import pairwise
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from holdfast.domain.period import month_no, month_start
from holdfast.warehouse.booking import scan
from holdfast.warehouse.records import RECORDS_SCHEMA
from holdfast.warehouse.sql import literal, run

#: whole months before the as-of day's month
MONTHS_KEPT = 13
#: about this many landed rows are put in order at once
BATCH_ROWS = 4_000_000

MEMORY = "2GB"


def bring_usage(path: Path, files: Sequence[Path], news: Sequence[Path], as_of: date, before: Path | None) -> None:
    """Make the usage file at `path`: of `files`, or of the one `before` and the `news` that came since."""
    first_day = month_start(month_no(as_of) - MONTHS_KEPT)
    if before is not None and _goes_on(before, news, first_day):
        if not news:
            _link(before, path)
            return
        shutil.copyfile(before, path)
        with _opened(path) as c:
            _append(c, news, first_day)
            _write_settings(c, first_day, news)
            c.execute("checkpoint")
        return
    with _opened(path) as c:
        run(c, "records_usage")
        for low, high, some in _batches(files):
            bounds = [f"account_id >= {literal(low)}"] if low is not None else []
            bounds += [f"account_id < {literal(high)}"] if high is not None else []
            _newest(c, some, first_day, " and ".join(bounds) or "true")
            c.execute(
                "insert into usage_day select account_id, day, feature, events, active_users from newest where feature <> '*'"
            )
            c.execute("insert into usage_total from total_of_newest")
        _write_settings(c, first_day, files)
        c.execute("checkpoint")


def _opened(path: Path) -> duckdb.DuckDBPyConnection:
    c = duckdb.connect(str(path))
    c.execute(f"set memory_limit = '{MEMORY}'")
    c.execute(f"set temp_directory = {literal(str(path.with_suffix('.spill')))}")
    c.execute("set enable_progress_bar = false")
    return c


def _link(before: Path, path: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(before, path)
    except OSError:
        shutil.copyfile(before, path)


def _goes_on(before: Path, news: Sequence[Path], first_day: date) -> bool:
    """Whether the news can go behind what is there: the same months are kept, and nothing was learned before what is held."""
    with duckdb.connect(str(before), read_only=True) as c:
        settings = dict(c.execute("select name, value from setting").fetchall())
        if settings["first_day"] != str(first_day):
            return False
        if not news:
            return True
        told = c.execute(f"select min(learned_at)::varchar, count(*) from {scan(news)}").fetchall()[0]
        held = c.execute("select count(*) from usage_day").fetchall()[0][0]
        return str(told[0]) >= settings["learned"] and int(told[1]) * 5 <= max(int(held), 100_000)


def _batches(files: Sequence[Path]) -> Iterator[tuple[str | None, str | None, list[Path]]]:
    """Accounts from low up to high (None: no bound), about BATCH_ROWS of them, and the files that may hold rows of theirs."""
    groups = sorted(_groups(files))
    cuts: list[str] = []
    gathered = 0
    for low, _, rows, _ in groups:
        if gathered >= BATCH_ROWS and low > (cuts[-1] if cuts else groups[0][0]):
            cuts.append(low)
            gathered = 0
        gathered += rows
    for low_cut, high_cut in pairwise([None, *cuts, None]) if groups else []:
        some = {
            file: None
            for low, high, _, file in groups
            if (low_cut is None or high >= low_cut) and (high_cut is None or low < high_cut)
        }
        yield low_cut, high_cut, list(some)


def _groups(files: Sequence[Path]) -> Iterator[tuple[str, str, int, Path]]:
    """First and last account and rows of every row group, from the footers."""
    for file in files:
        footer = pq.ParquetFile(file).metadata
        place = next(i for i in range(footer.num_columns) if footer.schema.column(i).path == "account_id")
        for index in range(footer.num_row_groups):
            group = footer.row_group(index)
            account = group.column(place).statistics
            yield account.min, account.max, group.num_rows, file


def _newest(c: duckdb.DuckDBPyConnection, files: Sequence[Path], first_day: date, where: str) -> None:
    """Temp table newest: of each account, day and feature the newest learned row."""
    c.execute(
        "create or replace temp table newest as select account_id, day, feature, events, active_users "
        f"from {scan(files)} where day >= date '{first_day}' and {where} "
        "qualify row_number() over (partition by account_id, day, feature "
        "order by learned_at desc, load_no desc, source_row desc) = 1 order by account_id, day, feature"
    )


def _append(c: duckdb.DuckDBPyConnection, news: Sequence[Path], first_day: date) -> None:
    """Put rows behind; those of a key that is held already take its place."""
    _newest(c, news, first_day, "true")
    run(c, "records_usage_append")


def _write_settings(c: duckdb.DuckDBPyConnection, first_day: date, files: Sequence[Path]) -> None:
    learned = ""
    if files:
        learned = str(c.execute(f"select coalesce(max(learned_at)::varchar, '') from {scan(files)}").fetchall()[0][0])
    c.execute("create or replace table setting (name varchar, value varchar)")
    c.execute(
        "insert into setting values ('schema', ?), ('first_day', ?), ('learned', ?)",
        [RECORDS_SCHEMA, str(first_day), learned],
    )
