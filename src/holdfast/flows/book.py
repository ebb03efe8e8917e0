"""Book: landing becomes a published ledger. Built beside, proved, then swapped in by one rename; a build that fails changes nothing.

HOME/warehouse/CURRENT                     which generation is published, and what it was made of
HOME/warehouse/<generation>/*.duckdb       its ledgers: the home's policy, and any other that was asked for;
                                           and its records (records.duckdb, usage.duckdb): what else is known of accounts
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path

import duckdb

from holdfast.domain.money import Rates
from holdfast.domain.policy import Policy
from holdfast.flows.home import Home, HomeError, locked, write_whole
from holdfast.sources import ecb
from holdfast.warehouse.booking import Booking, Facts, scan
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records, opened
from holdfast.warehouse.records_build import READ, RECORDS_FILE, Sources, build_records
from holdfast.warehouse.update import update

Progress = Callable[[int, int], None]

#: generations kept besides the published one, for readers that opened them
KEPT = 1


@dataclass(frozen=True)
class Published:
    """What CURRENT says."""

    generation: int
    as_of: str
    last_load_no: int
    booked_at: str
    policy_digest: str = ""

    @property
    def folder(self) -> str:
        return f"{self.generation:06d}"


def published(home: Home) -> Published | None:
    """The published generation; None before the first booking."""
    current = home.warehouse / "CURRENT"
    return Published(**json.loads(current.read_text())) if current.exists() else None


def facts_of(landing: Landing) -> Facts:
    """The landing files a booking reads."""
    return Facts(
        tuple(landing.files("subscription_item")),
        tuple(landing.files("account")),
        tuple(landing.files("invoice_line")),
        tuple(landing.files("fx_rate")),
    )


def book(
    home: Home,
    now: datetime,
    as_of: date | None = None,
    progress: Progress | None = None,
    *,
    full: bool = False,
    records: bool = True,
) -> Published:
    """Book everything landed under the home's policy and publish it; `full` books every account, whether it changed or not.

    Without `records` only the ledger is made; the records follow when they are first asked for.

    HomeError: nothing is loaded yet; LedgerError, FxError: the numbers cannot be made, and the last publish stays.
    """
    day = as_of or home.today(now)
    with locked(home.warehouse):
        if not home.landing.files("subscription_item") and not home.landing.files("invoice_line"):
            raise HomeError("nothing to book: load subscriptions first, with: holdfast load FILE…")
        seed_rates(home, now, day)
        before, last = published(home), home.landing.last_load_no()
        current = Published(
            (before.generation if before else 0) + 1, str(day), last, now.isoformat(), policy_digest(home.policy())
        )
        folder = home.warehouse / current.folder
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        try:
            path = folder / f"{home.settings.policy}.duckdb"
            booking = Booking(home.policy(), day)
            if full or not _updated(home, before, path, booking):
                build(path, facts_of(home.landing), booking, progress)
            require_rates(home, path)
            if records:
                with Ledger(path, home.policy()) as ledger:
                    _record(home, folder / RECORDS_FILE, ledger, current, None if full else before)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        write_whole(home.warehouse / "CURRENT", json.dumps(asdict(current)))
        _sweep(home, current)
        return current


def _record(home: Home, path: Path, ledger: Ledger, current: Published, before: Published | None) -> None:
    """Build the records of a generation, beginning with those of the one before."""
    landing, last = home.landing, current.last_load_no
    sources = Sources({table: files_upto(landing, table, last) for table in READ}, last)
    old = home.warehouse / before.folder / RECORDS_FILE if before else None
    build_records(path, sources, ledger, home.settings.currency, home.end_of_day(ledger.as_of), old)


def _updated(home: Home, before: Published | None, path: Path, booking: Booking) -> bool:
    """Bring the last publish up to date where that is possible; it was made under the same policy, word for word."""
    last = home.warehouse / before.folder / path.name if before else None
    if before is None or last is None or not last.exists() or before.policy_digest != policy_digest(booking.policy):
        return False
    landing = home.landing
    news = Facts(
        *(
            tuple(landing.files(table, since_load=before.last_load_no))
            for table in ("subscription_item", "account", "invoice_line", "fx_rate")
        )
    )
    return update(last, path, facts_of(landing), news, booking)


def policy_digest(policy: Policy) -> str:
    """What the policy says, in a few characters."""
    return hashlib.sha256(repr(policy).encode()).hexdigest()[:16]


def _sweep(home: Home, current: Published) -> None:
    """Remove generations that nobody can have open for long any more, and what failed builds left."""
    for folder in home.warehouse.iterdir():
        if folder.is_dir() and folder.name.isdigit() and int(folder.name) < current.generation - KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def seed_rates(home: Home, now: datetime, as_of: date) -> None:
    """Land the reference rates of currencies that occur and have no rate of the company's own."""
    landing = home.landing
    items, lines, fx = (landing.files(table) for table in ("subscription_item", "invoice_line", "fx_rate"))
    dated = [(files, day) for files, day in ((items, "valid_from"), (lines, "issued_on")) if files]
    with duckdb.connect() as c:
        used = {home.settings.currency}
        for files, _ in dated:
            used |= {row[0] for row in c.execute(f"select distinct currency from {scan(files)}").fetchall()}
        if len(used) == 1:
            return
        pairs = c.execute(f"select distinct currency, quote from {scan(fx)}").fetchall() if fx else []
        missing = used - {code for pair in pairs for code in pair}
        if not missing:
            return
        first = [c.execute(f"select min({day}) from {scan(files)}").fetchall()[0][0] for files, day in dated]
    # what is known against the euro already is the company's own: no reference rate replaces it
    own = {code for pair in pairs if "EUR" in pair for code in pair}
    rows = ecb.read(used - own, min((day for day in first if day), default=as_of))
    if rows.num_rows:
        landing.append("fx_rate", [rows], source=ecb.SOURCE, source_kind="billing", loaded_at=now)


def require_rates(home: Home, path: Path) -> None:
    """Every currency has a rate to the reporting currency from the first month on. FxError: one has not."""
    with Ledger(path, home.policy()) as ledger:
        from holdfast.domain.period import month_start

        rates: Rates = ledger.rates
        for currency, first in ledger.rows("select currency, min(first_month) from position group by currency"):
            rates.rate(currency, home.settings.currency, month_start(first + 1))


def open_ledger(
    home: Home,
    *,
    policy: Policy | None = None,
    known_on: date | None = None,
    only: tuple[str, ...] | None = None,
    progress: Progress | None = None,
) -> Ledger:
    """The published ledger, or the same facts under another policy or as known on a past day.

    What is not there yet is built once and kept beside the published ledger. HomeError: nothing is published.
    """
    current = _current(home)
    wanted = policy or home.policy()
    path = ledger_file(home, wanted, known_on, only)
    if not path.exists():
        with locked(home.warehouse):
            if not path.exists():
                booking = _booking(home, current, wanted, known_on, only)
                _build_beside(path, _facts_upto(home.landing, current.last_load_no), booking, progress)
    return Ledger(path, wanted)


def ledger_file(home: Home, policy: Policy, known_on: date | None = None, only: tuple[str, ...] | None = None) -> Path:
    """The file of a ledger, whether it is built already or not. HomeError: nothing is published."""
    current = _current(home)
    folder = home.warehouse / current.folder
    own = folder / f"{home.settings.policy}.duckdb"
    # after another policy was chosen, or its file edited, what was published does not answer any more: it is built beside
    if (
        known_on is None
        and only is None
        and policy == home.policy()
        and current.policy_digest == policy_digest(policy)
        and own.exists()
    ):
        return own
    return folder / f"asked-{_key(_booking(home, current, policy, known_on, only))}.duckdb"


def _current(home: Home) -> Published:
    current = published(home)
    if current is None:
        raise HomeError("nothing is booked yet; run: holdfast book")
    return current


def _booking(
    home: Home, current: Published, policy: Policy, known_on: date | None, only: tuple[str, ...] | None
) -> Booking:
    as_of = date.fromisoformat(current.as_of)
    return Booking(
        policy,
        min(as_of, known_on) if known_on else as_of,
        home.end_of_day(known_on) if known_on else None,
        only,
    )


def _facts_upto(landing: Landing, last_load_no: int) -> Facts:
    """The files of the published generation: rows loaded since are not in it. Exchange rates are taken as they are."""

    def upto(table: str) -> tuple[Path, ...]:
        return files_upto(landing, table, last_load_no)

    return Facts(upto("subscription_item"), upto("account"), upto("invoice_line"), tuple(landing.files("fx_rate")))


def files_upto(landing: Landing, table: str, last_load_no: int) -> tuple[Path, ...]:
    """The landing files of a table that a publish with this last load was made of."""
    return tuple(file for file in landing.files(table) if int(file.name.split("-")[0]) <= last_load_no)


def open_records(home: Home) -> Records:
    """The published records, under the home's policy and in its currency; where they are not there yet they are built.

    HomeError: nothing is published.
    """
    current = _current(home)
    digest = policy_digest(home.policy())
    path = home.warehouse / current.folder / RECORDS_FILE
    found = opened(path) if current.policy_digest == digest else None
    if found is not None and found.currency == home.settings.currency:
        return found
    if found is not None or current.policy_digest != digest:
        # published under another policy or currency: beside, under a name of its own
        asked = hashlib.sha256(f"{digest} {home.settings.currency}".encode()).hexdigest()[:16]
        path = path.with_name(f"records-{asked}.duckdb")
        if found is not None:
            found.connection.close()
        found = opened(path)
    return found or _recorded(home, current, path)


def _recorded(home: Home, current: Published, path: Path) -> Records:
    """Build records that a publish does not have, once."""
    with open_ledger(home) as ledger, locked(home.warehouse):
        found = opened(path)
        if found is None:
            path.unlink(missing_ok=True)
            _record(home, path, ledger, current, None)
    return found or Records(path)


def _build_beside(path: Path, facts: Facts, booking: Booking, progress: Progress | None) -> None:
    beside = path.with_suffix(".making")
    beside.unlink(missing_ok=True)
    try:
        build(beside, facts, booking, progress)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _key(booking: Booking) -> str:
    """A name for what was asked: the same question finds the same file."""
    return hashlib.sha256(repr(booking).encode()).hexdigest()[:16]
