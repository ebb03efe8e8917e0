"""The panel: what could be known of every account on many past days. Each day is measured once and kept.

HOME/watch/features/<day>.parquet    one row per account that paid on the day: its MRR, attributes and features
HOME/watch/features/STAMP.json       what they were measured with

A day is measured again when something was learned since that is true of it: within five weeks at each time, older corrections
once a week, or at once where the whole panel is asked for.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.domain import panel
from holdfast.domain.panel import is_learned_from
from holdfast.domain.period import month_start
from holdfast.flows import book
from holdfast.flows.book import Published, policy_digest
from holdfast.flows.home import Home, write_whole
from holdfast.warehouse.booking import scan
from holdfast.warehouse.features import dictionary, measure
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.links import links_in_force
from holdfast.warehouse.records import Records
from holdfast.warehouse.records_usage import bring_usage, first_kept

Progress = Callable[[int, int], None]

__all__ = ["bring", "folder", "is_learned_from", "kept", "reaching", "read", "share"]

#: facts may come so much later than they are true
LATE = timedelta(days=35)
#: older corrections are taken over so often
WHOLE_EVERY = timedelta(days=7)
#: days before a measured one of which usage is looked at
LOOKED_BACK = timedelta(days=396)
#: days measured at once: what is not written yet is held in memory
AT_ONCE = 39

#: the column that says since when a row is true
TRUE_FROM = {
    "account": "valid_from", "subscription_item": "valid_from", "invoice": "issued_on", "invoice_line": "issued_on",
    "contact": "joined_on", "usage_day": "day", "limit": "valid_from", "ticket": "opened_at", "survey": "sent_on",
    "opportunity": "changed_on", "touch": "happened_at", "outcome": "day", "launch": "launched_on",
}  # fmt: skip


@dataclass(frozen=True)
class Stamp:
    """What the days that are kept were measured with."""

    #: of the features' definitions, the policy and the currency
    digest: str = ""
    last_load_no: int = 0
    #: the last time that corrections of any age were taken over
    whole_at: str = ""


def folder(home: Home) -> Path:
    return home.path / "watch" / "features"


def kept(home: Home) -> list[date]:
    """The days that are measured, in order."""
    return sorted(date.fromisoformat(path.stem) for path in folder(home).glob("*-*-*.parquet"))


def bring(
    home: Home, current: Published, ledger: Ledger, records: Records, now: datetime, *,
    full: bool = False, progress: Progress | None = None,
) -> list[date]:  # fmt: skip
    """Measure the days that are missing or stale; all days that are kept then, in order."""
    place, stamp = folder(home), _stamp(home)
    digest = _digest(home, ledger)
    if full or stamp.digest != digest:
        shutil.rmtree(place, ignore_errors=True)
        stamp = Stamp(digest, 0, now.isoformat())
    place.mkdir(parents=True, exist_ok=True)
    first = month_start(ledger.first_month)
    wanted = panel.looked_at(first, ledger.as_of)
    whole = not stamp.whole_at or now - datetime.fromisoformat(stamp.whole_at) >= WHOLE_EVERY
    there = kept(home)
    again = panel.stale(there, _news(home, stamp, current), ledger.as_of, LATE, whole=whole)
    missing = sorted({*wanted, *again} - ({*there} - {*again}))
    with reaching(home, current, ledger.as_of, missing) as usage:
        for begin in range(0, len(missing), AT_ONCE):
            if progress:
                progress(begin, len(missing))
            _measure(place, ledger, records, missing[begin : begin + AT_ONCE], usage)
    if progress and missing:
        progress(len(missing), len(missing))
    stamp = Stamp(digest, current.last_load_no, now.isoformat() if whole else stamp.whole_at)
    write_whole(place / "STAMP.json", json.dumps(asdict(stamp)))
    return kept(home)


def share(home: Home, days: Sequence[date], most: int) -> float:
    """The part of the accounts with whose past some days have so many rows at most; 1 where all of them fit."""
    rows = sum(pq.read_metadata(folder(home) / f"{day}.parquet").num_rows for day in days)
    return min(1.0, most / rows) if rows else 1.0


def read(home: Home, days: Sequence[date], columns: Sequence[str] | None = None, share: float = 1.0) -> pa.Table:
    """The rows of some days that are kept, in order of day and account; columns that a day does not have are null.

    share: the part of the accounts that is read, as `domain.panel.is_looked_through` chooses them.
    """
    tables = []
    chosen_of: dict[str, bool] = {}
    for day in days:
        path = folder(home) / f"{day}.parquet"
        there = set(pq.read_schema(path).names)
        chosen = None if columns is None else [name for name in columns if name in there]
        table = pq.read_table(path, columns=chosen)
        tables.append(table if share >= 1 else _some(table, share, chosen_of))
    return pa.concat_tables(tables, promote_options="default") if tables else pa.table({})


def _some(table: pa.Table, share: float, chosen: dict[str, bool]) -> pa.Table:
    accounts = table["account_id"].to_pylist()
    for account in accounts:
        if account not in chosen:
            chosen[account] = panel.is_looked_through(account, share)
    return table.filter(pa.array([chosen[account] for account in accounts], pa.bool_()))


@contextmanager
def reaching(home: Home, current: Published, as_of: date, days: Sequence[date]) -> Iterator[Path | None]:
    """A usage file that reaches back to the first days; None where the publish's own does."""
    files = book.files_upto(home.landing, "usage_day", current.last_load_no)
    if not files or not days or min(days) - LOOKED_BACK >= first_kept(as_of):
        yield None
        return
    path = home.path / "watch" / "usage-of-all-days.duckdb"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    links = links_in_force(book.files_upto(home.landing, "account_link", current.last_load_no))
    try:
        bring_usage(path, files, [], as_of, links, None, min(days) - LOOKED_BACK)
        yield path
    finally:
        path.unlink(missing_ok=True)


def _measure(place: Path, ledger: Ledger, records: Records, days: list[date], usage: Path | None) -> None:
    table = measure(ledger, records, days, usage)
    for day in days:
        rows = table.filter(pa.compute.equal(table["as_of"], pa.scalar(day))).sort_by("account_id")
        beside = place / f"{day}.making"
        pq.write_table(rows, beside, compression="zstd")
        beside.rename(place / f"{day}.parquet")


def _stamp(home: Home) -> Stamp:
    path = folder(home) / "STAMP.json"
    return Stamp(**json.loads(path.read_text())) if path.exists() else Stamp()


def _digest(home: Home, ledger: Ledger) -> str:
    said = f"{dictionary()!r} {policy_digest(ledger.policy)} {home.settings.currency} {sorted(ledger.segments)}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _news(home: Home, stamp: Stamp, current: Published) -> date | None:
    """The first day of which something was learned since; None: nothing was."""
    firsts: list[date] = []
    with duckdb.connect() as c:
        for table, column in TRUE_FROM.items():
            files = tuple(
                file
                for file in home.landing.files(table, since_load=stamp.last_load_no)
                if int(file.name.split("-")[0]) <= current.last_load_no
            )
            if files:
                # without a day a row is true since ever
                oldest = f"select min(coalesce({column}, '0001-01-01'))::date from {scan(files)}"
                firsts += [row[0] for row in c.execute(oldest).fetchall() if row[0]]
    return min(firsts, default=None)
