"""The demo company in a home of its own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from holdfast.domain.period import Window
from holdfast.flows.book import open_ledger, published
from holdfast.flows.demo import DemoError, demo
from holdfast.metrics import bridge, retention
from holdfast.sources.demo import World

from ..metrics.worlds import path
from ..oracle.pencil import facts
from .homes import BOOKED_TABLES, DOLLARS, NOW, booked_home, demo_home, window_of


def test_the_demo_company_is_booked_up_to_its_last_day(tmp_path: Path) -> None:
    home = demo_home(tmp_path)
    current = published(home)
    world = World(accounts=60)
    assert current is not None and current.as_of == home.settings.as_of < str(world.end)
    with open_ledger(home) as ledger:
        rows = bridge.measure(ledger, range(ledger.last_month - 11, ledger.last_month + 1), DOLLARS)
        assert all(row.opening > 0 for row in rows)
        kinds = {kind for row in rows for kind, amount in row.moved.items() if amount}
        assert {"new", "expansion", "churn"} <= kinds
        assert {"USD", "EUR"} <= set(ledger.currencies)
        by_segment = retention.measure(ledger, Window.months_to(date(2026, 10, 1), 12), DOLLARS, ("segment",))
        assert {row.segment[0][1] for row in by_segment} == {"SMB", "Mid-market", "Enterprise"}


def test_demo_data_never_mixes_with_real_data(tmp_path: Path) -> None:
    home = booked_home(tmp_path, facts(*path("A", 100)))
    with pytest.raises(DemoError, match="a home of its own"):
        demo(home.path, World(accounts=20, tables=BOOKED_TABLES), NOW)
    assert window_of(home, "2024-02-01", "2024-03-01").counts.accounts == 1
