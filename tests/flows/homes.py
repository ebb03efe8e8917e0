"""Homes with a company in them: from the oracle's short facts, from texts as files, or the demo company."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from holdfast.domain.period import Window
from holdfast.flows.book import book, open_ledger
from holdfast.flows.demo import demo
from holdfast.flows.home import Home, Settings, create, open_home
from holdfast.flows.load import LoadReport, load
from holdfast.metrics import retention
from holdfast.metrics.retention import Row
from holdfast.sources.demo import World
from holdfast.warehouse.window import View

from ..ledger.booked import land
from ..metrics.worlds import RATES, land_rates
from ..oracle.ledger import Facts

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DOLLARS = View("USD")
#: what the ledger and its numbers read of the demo company; the rest takes longer to make than to book
BOOKED_TABLES = frozenset({"account", "subscription_item", "fx_rate", "invoice", "invoice_line"})


def home_of(folder: Path, facts: Facts, as_of: str = "2025-12-31", rates: bool = True, **settings: str) -> Home:
    """A home with the facts landed, not booked yet."""
    home = create(folder / "home", Settings(as_of=as_of, **settings))
    land(home.path, facts)
    if rates:
        land_rates(home.landing, RATES)
    return home


def booked_home(folder: Path, facts: Facts, as_of: str = "2025-12-31", rates: bool = True, **settings: str) -> Home:
    """A home with the facts landed and booked."""
    home = home_of(folder, facts, as_of, rates, **settings)
    book(home, NOW)
    return home


def demo_home(folder: Path, accounts: int = 60) -> Home:
    """The demo company, small, landed and booked."""
    home = demo(folder / "demo", World(accounts=accounts, tables=BOOKED_TABLES), NOW)
    book(home, NOW)
    return home


def load_text(home: Home, name: str, text: str, now: datetime = NOW) -> LoadReport:
    """Load a table written as lines of a file."""
    file = home.path.parent / name
    file.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")
    return load_paths(home, [file], now)


def load_paths(home: Home, paths: Sequence[Path], now: datetime = NOW) -> LoadReport:
    settings = home.settings
    return load(
        home.path,
        paths,
        mapping=None,
        now=now,
        currency=settings.currency,
        timezone=settings.timezone,
        reporter=lambda _: None,
    )


def with_policy(home: Home, name: str, text: str) -> Home:
    """Put a policy into the home."""
    (home.path / "policies" / f"{name}.toml").write_text(text)
    return open_home(home.path)


def window_of(home: Home, start: str, end: str, policy: str | None = None, known_on: date | None = None) -> Row:
    """The whole book's retention from a day up to another."""
    chosen = home.policy(policy)
    with open_ledger(home, policy=chosen, known_on=known_on) as ledger:
        return retention.measure(ledger, Window(date.fromisoformat(start), date.fromisoformat(end)), DOLLARS)[0]
