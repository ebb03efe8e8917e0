"""What comes by itself is booked by itself; a booking that fails leaves the publication and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows import connections, keep, status, sync
from holdfast.flows.book import published
from holdfast.flows.home import Home
from holdfast.flows.load import load

from .acme import SOURCE, Acme
from .conftest import NOW, fill

pytestmark = pytest.mark.slow

SOON = timedelta(minutes=1)


@pytest.fixture
def connected(home: Home, server: Acme) -> Home:
    fill(server, 3)
    access = connections.split(SOURCE, {"key": server.key, "base_url": server.url})
    connections.connect(home, SOURCE, "acme", access, NOW)
    return home


def test_what_a_connection_landed_is_booked_once(connected: Home) -> None:
    assert not keep.is_due(connected, NOW)
    sync.sync(connected, "acme", NOW)
    assert keep.is_due(connected, NOW)
    assert keep.book_if_due(connected, NOW) is not None
    assert keep.book_if_due(connected, NOW) is None


def test_files_wait_until_somebody_says_so(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "subscriptions.csv"
    file.write_text("customer,subscription,start,end,monthly amount,currency\nc1,s1,2026-01-01,,10.00,USD\n")
    told = load(home.path, [file], mapping=None, now=NOW, currency="USD", timezone="UTC", reporter=lambda line: None)
    assert told.rows_loaded == 1
    assert not keep.is_due(home, NOW)


def test_a_new_day_is_booked_where_something_is_connected(connected: Home) -> None:
    live = replace(connected, settings=replace(connected.settings, as_of=""))
    sync.sync(live, "acme", NOW)
    keep.book_if_due(live, NOW)
    tomorrow = NOW + timedelta(days=1)
    assert keep.is_due(live, tomorrow) and not keep.is_due(live, tomorrow, is_live=False)
    booked = keep.book_if_due(live, tomorrow)
    assert booked is not None and booked.as_of == "2026-11-21"


def test_a_booking_that_fails_is_told_and_tried_again_when_it_may_help(connected: Home, server: Acme) -> None:
    sync.sync(connected, "acme", NOW)
    keep.book_if_due(connected, NOW)
    before = published(connected)
    _land_item(connected, "XXD")
    assert keep.book_if_due(connected, NOW) is None
    problem = keep.failed(connected)
    assert problem is not None and "XXD" in problem.problem
    told = status.status(connected, NOW)
    assert (told.booked, told.booking_problem) == (before, problem.problem)
    assert not keep.is_due(connected, NOW + SOON), "the same rows would fail again"
    assert keep.is_due(connected, NOW + keep.AGAIN)
    _land_item(connected, "USD")
    assert keep.is_due(connected, NOW + SOON)
    assert keep.book_if_due(connected, NOW + SOON) is not None
    assert keep.failed(connected) is None


def _land_item(home: Home, currency: str) -> None:
    """The whole history of one item, in a currency."""
    from holdfast.flows.land import land

    row: dict[str, Any] = {
        "account_id": "odd", "subscription_id": "odd", "item_id": "odd", "unit_amount_minor": 100, "currency": currency,
        "valid_from": date(2026, 1, 1), "replaces_item": True,
    }  # fmt: skip
    moment = NOW if currency == "XXD" else NOW + SOON
    land(home, {"subscription_item": [row]}, source="acme", source_kind="billing", now=moment)
