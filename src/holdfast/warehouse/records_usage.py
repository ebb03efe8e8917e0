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
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.domain.period import month_no, month_start
from holdfast.warehouse.booking import scan
from holdfast.warehouse.links import CHANGED, IN_FORCE, set_links
from holdfast.warehouse.records import RECORDS_SCHEMA
from holdfast.warehouse.sql import literal, run

#: whole months before the as-of day's month
MONTHS_KEPT = 13
#: about this many landed rows are put in order at once
BATCH_ROWS = 4_000_000

#: accounts that several ids tell of, put together at once
SHARED_AT_ONCE = 20_000
#: beyond this share of the accounts all are built anew
LARGEST_SHARE = 0.2

MEMORY = "2GB"


def bring_usage(
    path: Path, files: Sequence[Path], news: Sequence[Path], as_of: date, links: pa.Table, before: Path | None,
    first_day: date | None = None,
) -> None:  # fmt: skip
    """Make the usage file at `path`: of `files`, or of the one `before` and the `news` that came since.

    `links`: external_id, account_id in force; usage of an id counts with the account that it is. `first_day`: what lies before is left
    out; the last year or so is kept if it is not named.
    """
    first_day = first_day or first_kept(as_of)
    if before is not None and _goes_on(before, news, first_day):
        if not news and _links_of(before).equals(links):
            _link(before, path)
            return
        shutil.copyfile(before, path)
        with _opened(path) as c:
            if _follow(c, files, news, first_day, links):
                c.execute("checkpoint")
                return
        path.unlink()
    with _opened(path) as c:
        run(c, "records_usage")
        _anew(c, files, first_day, links)
        _write_settings(c, first_day, files)
        c.execute("checkpoint")


def first_kept(as_of: date) -> date:
    """The first day that a publish keeps usage of."""
    return month_start(month_no(as_of) - MONTHS_KEPT)


def _anew(c: duckdb.DuckDBPyConnection, files: Sequence[Path], first_day: date, links: pa.Table) -> None:
    """Everything from landing: ids that stand alone in batches, accounts that several ids tell of behind them."""
    set_links(c, links)
    apart = "true"
    if links.num_rows and files:
        named = f"select external_id from {IN_FORCE} union select account_id from {IN_FORCE}"
        _find_members(c, files, first_day, named)
        c.execute(
            "create or replace temp table rebuilt as select account_id from member group by all having count(*) > 1"
        )
        apart = "account_id not in (select told_account_id from member semi join rebuilt using (account_id))"
    for low, high, some in _batches(files):
        bounds = [f"account_id >= {literal(low)}"] if low is not None else []
        bounds += [f"account_id < {literal(high)}"] if high is not None else []
        _newest(c, some, first_day, " and ".join([*bounds, apart]))
        c.execute(
            "insert into usage_day select account_id, day, feature, events, active_users from newest where feature <> '*'"
        )
        c.execute("insert into usage_total from total_of_newest")
    if apart != "true":
        _rebuild(c, files, first_day)


def _follow(
    c: duckdb.DuckDBPyConnection, files: Sequence[Path], news: Sequence[Path], first_day: date, links: pa.Table
) -> bool:
    """Work links and news into what is there. False: so much changed that it is quicker to begin anew."""
    changed = set_links(c, links)
    c.execute(
        f"create or replace temp table rebuilt as select distinct unnest([coalesce(from_account, external_id), "
        f"coalesce(to_account, external_id)]) as account_id from {CHANGED}"
    )
    touched, held = c.execute(
        "select (select count(*) from rebuilt), (select count(distinct account_id) from usage_total)"
    ).fetchall()[0]
    if touched > max(1000, LARGEST_SHARE * held):
        return False
    if changed and files:
        c.execute("delete from member where account_id in (select account_id from rebuilt)")
        ids = f"select account_id from rebuilt union select external_id from {IN_FORCE} semi join rebuilt using (account_id)"
        _find_members(c, files, first_day, ids)
    if news:
        _newest(c, news, first_day, "true")
        if links.num_rows:
            _set_shared_aside(c)
        run(c, "records_usage_append")
        _write_settings(c, first_day, news)
    if files and c.execute("select count(*) from rebuilt").fetchall()[0][0]:
        _rebuild(c, files, first_day)
    return True


def _set_shared_aside(c: duckdb.DuckDBPyConnection) -> None:
    """Of the news in `newest`, accounts that several ids tell of are built anew instead; who tells of an account is kept in `member`."""
    c.execute(
        "insert into member select distinct account_id, told_account_id from newest "
        f"where account_id in (select account_id from {IN_FORCE}) except select account_id, told_account_id from member"
    )
    c.execute(
        "insert into rebuilt select account_id from member where account_id in (select account_id from newest) "
        "group by all having count(*) > 1 except select account_id from rebuilt"
    )
    c.execute("delete from newest where account_id in (select account_id from rebuilt)")


def _find_members(c: duckdb.DuckDBPyConnection, files: Sequence[Path], first_day: date, ids: str) -> None:
    """Who of some ids tells of usage, and of which account."""
    c.execute(
        f"insert into member select coalesce({IN_FORCE}.account_id, told.account_id), told.account_id from ("
        f"select distinct account_id from {scan(files)} where day >= date '{first_day}' and account_id in ({ids})) as told "
        f"left join {IN_FORCE} on {IN_FORCE}.external_id = told.account_id except select account_id, told_account_id from member"
    )


def _rebuild(c: duckdb.DuckDBPyConnection, files: Sequence[Path], first_day: date) -> None:
    """The accounts in `rebuilt` from all that their ids told."""
    c.execute("alter table rebuilt rename to all_rebuilt")
    many = int(c.execute("select count(*) from all_rebuilt").fetchall()[0][0])
    parts = -(-many // SHARED_AT_ONCE)
    for part in range(parts):
        c.execute(
            f"create or replace temp table rebuilt as select * from all_rebuilt where hash(account_id) % {parts} = {part}"
        )
        c.execute(
            "create or replace temp table told_newest as "
            "select member.account_id, told_account_id, day, feature, events, active_users "
            f"from {scan(files)} as landed join member on member.told_account_id = landed.account_id "
            f"join rebuilt on rebuilt.account_id = member.account_id where day >= date '{first_day}' "
            "qualify row_number() over (partition by told_account_id, day, feature "
            "order by learned_at desc, load_no desc, source_row desc) = 1"
        )
        run(c, "records_usage_shared")
    c.execute("drop table all_rebuilt")


def _links_of(usage: Path) -> pa.Table:
    with duckdb.connect(str(usage), read_only=True) as c:
        return c.sql(f"select external_id, account_id from {IN_FORCE} order by external_id").to_arrow_table()


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
    """Temp table newest: of each id, day and feature the newest learned row, under the account that it is."""
    rows = (
        f"select * from {scan(files)} where day >= date '{first_day}' and {where} "
        "qualify row_number() over (partition by account_id, day, feature "
        "order by learned_at desc, load_no desc, source_row desc) = 1"
    )
    told = (
        f"select coalesce({IN_FORCE}.account_id, told.account_id) as account_id, day, feature, events, active_users, "
        "told.account_id as told_account_id "
        f"from ({rows}) as told left join {IN_FORCE} on {IN_FORCE}.external_id = told.account_id"
    )
    alone = f"select account_id, day, feature, events, active_users from ({rows})"
    linked = c.execute(f"select exists (from {IN_FORCE})").fetchall()[0][0]
    c.execute(f"create or replace temp table newest as {told if linked else alone} order by account_id, day, feature")


def _write_settings(c: duckdb.DuckDBPyConnection, first_day: date, files: Sequence[Path]) -> None:
    learned = ""
    if files:
        learned = str(c.execute(f"select coalesce(max(learned_at)::varchar, '') from {scan(files)}").fetchall()[0][0])
    c.execute("create or replace table setting (name varchar, value varchar)")
    c.execute(
        "insert into setting values ('schema', ?), ('first_day', ?), ('learned', ?)",
        [RECORDS_SCHEMA, str(first_day), learned],
    )
