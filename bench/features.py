"""Features for many accounts and many usage events: what they cost, and what a dozen of them cost with pandas.

python -m bench.features [ACCOUNTS] [--events N] [--home DIR]: the demo company without its usage, and usage of as many events made
beside it; features of 39 four-weekly days, of the last day alone, and of a sample of days beside a pandas script that must find
the same values. Exit status: 0 when they agree.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from bench import features_pandas
from holdfast.domain.facts import TABLES
from holdfast.flows.book import book, open_ledger, open_records
from holdfast.flows.home import Home, Settings, create, open_home
from holdfast.sources.demo import World, generate
from holdfast.warehouse.features import dictionary, measure
from holdfast.warehouse.landing import landing_schema

DAYS, APART, SAMPLE = 39, 28, 3
MADE = (
    "fx_rate",
    "account",
    "subscription_item",
    "invoice",
    "limit",
    "contact",
    "ticket",
    "survey",
    "opportunity",
    "touch",
)
#: usage is kept for thirteen months before the month of the last day
USAGE_DAYS = 395
#: features used on a day, of eight, and the share of an account's days that have use
FEATURES, USED = 8, 5
#: what is promised at 10,000 accounts and 100,000,000 events: seconds of all days, of one day
ALL_SECONDS, DAY_SECONDS = 300, 20

out = Console(highlight=False)


@dataclass(frozen=True)
class Spent:
    """What one child process cost, start of Python included."""

    cpu: float
    wall: float
    peak_mb: float
    rows: int
    columns: int


def main() -> int:
    """Make the data where they are not there, measure, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.features", description=__doc__)
    parser.add_argument("accounts", type=int, nargs="?", default=10_000, help="accounts that pay at the start")
    parser.add_argument("--events", type=int, default=100_000_000, help="usage events within the last thirteen months")
    parser.add_argument("--home", type=Path, default=Path("bench-home"), help="where the data lie")
    given = parser.parse_args()
    folder = given.home / f"features-{given.accounts}-{given.events}"
    # made in a process of its own: what it takes would count as its siblings' peak
    _run("make", str(folder), str(given.accounts), str(given.events))
    home = open_home(folder / "home")
    spent = {
        f"{DAYS} four-weekly days": _spend(home, "ours", DAYS),
        "the last day alone": _spend(home, "ours", 1),
        f"{SAMPLE} days": _spend(home, "ours", SAMPLE),
        f"{SAMPLE} days, pandas": _spend(home, "pandas", SAMPLE),
    }
    _show(home, given.accounts, spent)
    differences = features_pandas.differences(_file(home, "ours", SAMPLE), _file(home, "pandas", SAMPLE))
    for line in differences:
        out.print(f"[bold red]The values differ.[/] {line}")
    if not differences:
        out.print(f"Both give the same values for {len(features_pandas.NAMES)} features.")
    return 1 if differences else 0


def child(contender: str, home: Path, days: int, file: Path) -> None:
    """One contender's work, in a process of its own."""
    with open_ledger(open_home(home)) as ledger, open_records(open_home(home)) as records:
        wanted = [ledger.as_of - timedelta(days=APART * back) for back in range(days)]
        told = (
            measure(ledger, records, wanted) if contender == "ours" else features_pandas.measure(records.path, wanted)
        )
    pq.write_table(told, file)


def _spend(home: Home, contender: str, days: int) -> Spent:
    file = _file(home, contender, days)
    before = time.perf_counter()
    used = _run(contender, str(home.path), str(days), str(file))
    wall = time.perf_counter() - before
    peak = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
    told = pq.ParquetFile(file).metadata
    return Spent(used.ru_utime + used.ru_stime, wall, peak, told.num_rows, told.num_columns)


def _run(*arguments: str) -> resource.struct_rusage:
    process = subprocess.Popen([sys.executable, "-m", "bench.features_child", *arguments])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{arguments[0]}: the child process ended with {process.returncode}")
    return used


def _file(home: Home, contender: str, days: int) -> Path:
    return home.path.parent / f"{contender}-{days}.parquet"


def _show(home: Home, accounts: int, spent: dict[str, Spent]) -> None:
    with open_records(home) as records:
        rows, events = records.rows("select count(*), sum(events)::bigint from usage.usage_day")[0]
    title = f"{accounts:,} accounts, {rows:,} rows of usage with {events:,} events, {len(dictionary())} features"
    table = Table(title=title, title_justify="left")
    for name in ("", "CPU s", "wall s", "peak MB", "rows", "features", "µs a value", "÷ pandas"):
        table.add_column(name, justify="left" if not name else "right")
    pandas = spent[f"{SAMPLE} days, pandas"]
    for name, one in spent.items():
        features = len(features_pandas.NAMES) if one is pandas else len(dictionary())
        each = 1e6 * one.cpu / (one.rows * features)
        ratio = each / (1e6 * pandas.cpu / (pandas.rows * len(features_pandas.NAMES)))
        figures = (f"{one.cpu:,.1f}", f"{one.wall:,.1f}", f"{one.peak_mb:,.0f}", f"{one.rows:,}", f"{features:,}")
        table.add_row(name, *figures, f"{each:,.1f}", "" if one is pandas else f"{ratio:.3f}")
    out.print(table)
    for text, seconds, limit in (
        ("all days", spent[f"{DAYS} four-weekly days"].wall, ALL_SECONDS),
        ("one day", spent["the last day alone"].wall, DAY_SECONDS),
    ):
        verdict = "[green]met[/]" if seconds < limit else "[red]not met[/]"
        out.print(f"{text} within {limit} s: {seconds:,.0f} s {verdict}")


def make(folder: Path, accounts: int, events: int) -> None:
    """The company, landed and booked; made once and kept."""
    if (folder / "made").exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    last = World(accounts=accounts).end - timedelta(days=1)
    home = create(folder / "home", Settings(company="Bench", as_of=str(last)))
    now = datetime.combine(last + timedelta(days=1), datetime.min.time(), UTC)
    for table in MADE:
        out.print(f"making {table}")
        kind = {"account": "crm", "ticket": "support"}.get(table, "billing")
        home.landing.append(table, _rows(accounts, table), source="bench", source_kind=kind, loaded_at=now)
    out.print("making usage")
    usage = _usage(home, last, events)
    home.landing.append("usage_day", usage, source="bench", source_kind="usage", loaded_at=now)
    out.print("booking")
    book(home, now)
    (folder / "made").touch()


def _rows(accounts: int, table: str) -> Iterator[pa.Table]:
    for name, rows in generate(World(accounts=accounts, tables=frozenset({table}))):
        if name == "account":
            place = rows.schema.get_field_index("merged_into")
            rows = rows.set_column(place, "merged_into", pa.nulls(rows.num_rows, pa.string()))
        if name == table:
            yield rows


def _usage(home: Home, last: date, events: int) -> Iterator[pa.Table]:
    """Some features of each day on which an account has an item in force; events about the mean that is asked for, by hash."""
    items = ", ".join(f"'{path}'" for path in home.landing.files("subscription_item"))
    schema = landing_schema(TABLES["usage_day"])
    with duckdb.connect() as c:
        c.execute(
            f"create table there as select account_id, greatest(min(valid_from), date '{last}' - {USAGE_DAYS}) as begun, "
            f"least(max(coalesce(valid_to, date '{last}')), date '{last}') as ended from read_parquet([{items}]) "
            f"where status = 'active' group by account_id having begun < ended"
        )
        rows = c.execute(f"select sum(ended - begun + 1)::bigint * {USED} from there").fetchall()[0][0]
        mean = max(1, round(events / rows))
        told = c.sql(
            "select account_id, begun + offset_::integer as day, 'feature' || f as feature, "
            f"(1 + hash(account_id, offset_, f) % {2 * mean - 1})::bigint as events, (1 + hash(f, offset_, account_id) % 9)::bigint as active_users "
            "from there, range(0, ended - begun + 1) as d(offset_), range(0, "
            f"{FEATURES}) as n(f) where (f + hash(account_id) % {FEATURES}) % {FEATURES} < {USED} order by account_id, day, feature"
        ).to_arrow_reader(1_000_000)
        for batch in told:
            yield pa.table({name: batch.column(name).cast(schema.field(name).type) for name in batch.schema.names})


if __name__ == "__main__":
    sys.exit(main())
