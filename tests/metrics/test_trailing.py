"""The series in one pass is the windows one by one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from holdfast.domain.period import Window, month_start
from holdfast.domain.policy import load_policies
from holdfast.metrics import retention, trailing
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import build
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

from ..ledger.booked import files_of, land
from ..oracle.ledger import Facts
from ..oracle.strategies import companies

POLICY = load_policies()["holdfast-1"]


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=companies())
def test_a_series_is_its_windows(tmp_path_factory: object, facts: Facts) -> None:
    home = Path(tmp_path_factory.mktemp("home"))  # type: ignore[attr-defined]
    build(home / "l.duckdb", files_of(land(home, facts)), Booking(POLICY, date(2024, 12, 31)))
    with Ledger(home / "l.duckdb", POLICY) as ledger:
        months = range(ledger.first_month + 3, ledger.last_month + 1)
        for code in ledger.currencies:
            view = View(code, only=code)
            found = {
                row.month: (row.accounts, row.opening, row.closing, row.kept)
                for row in trailing.measure(ledger, months, view, 3)
            }
            for month in months:
                window = Window.months_to(month_start(month + 1), 3)
                counts = [row.counts for row in retention.measure(ledger, window, view)]
                wanted = [(c.accounts, c.opening, c.closing, c.kept) for c in counts if c.opening]
                assert ([found[month]] if month in found else []) == wanted
