"""One small company and one demo company for the tests that only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.flows.book import book, open_ledger, open_records
from holdfast.flows.demo import demo
from holdfast.flows.home import Home
from holdfast.sources.demo import World
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

from ..flows.homes import NOW as DEMO_NOW
from .company import company


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return company(tmp_path_factory.mktemp("company"))


@pytest.fixture
def records(small_home: Home) -> Iterator[Records]:
    with open_records(small_home) as records:
        yield records


@pytest.fixture
def ledger(small_home: Home) -> Iterator[Ledger]:
    with open_ledger(small_home) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def tidewater(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The demo company with all its tables."""
    home = demo(tmp_path_factory.mktemp("demo") / "home", World(accounts=60, months=26), DEMO_NOW)
    book(home, DEMO_NOW)
    return home
