"""What became of each account: its MRR at the end of each horizon, as far as the ledger reaches."""

from __future__ import annotations

from datetime import date

import pytest

from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.outcomes import outcomes

from .company import DAY


def after(ledger: Ledger, day: date, *horizons: int) -> dict[tuple[str, int], tuple[int, int | None]]:
    rows = outcomes(ledger, [day], horizons).to_pylist()
    assert all(row["as_of"] == day for row in rows)
    return {(row["account_id"], row["horizon_days"]): (row["mrr_minor"], row["after_minor"]) for row in rows}


def test_who_leaves_grows_and_stays(ledger: Ledger) -> None:
    found = after(ledger, date(2025, 6, 29), 30, 90)
    assert found == {
        ("acme", 30): (6_400, 6_400), ("acme", 90): (6_400, 10_000),
        ("bolt", 30): (10_000, 10_000), ("bolt", 90): (10_000, 10_000),
        ("cora", 30): (4_000, 4_000), ("cora", 90): (4_000, 4_000),
        ("dune", 30): (4_000, 4_000), ("dune", 90): (4_000, 4_000),
    }  # fmt: skip
    assert after(ledger, DAY, 60)["dune", 60] == (4_000, 0)
    assert after(ledger, date(2025, 2, 23), 30)["acme", 30] == (8_000, 6_400)


def test_an_account_that_is_merged_into_another_has_not_left(ledger: Ledger) -> None:
    found = after(ledger, date(2025, 8, 31), 30)
    assert found["cora", 30] == (4_000, 4_000) and found["bolt", 30] == (10_000, 10_000)
    assert after(ledger, DAY, 30)["bolt", 30] == (14_000, 14_000)


def test_a_horizon_counts_to_the_end_of_its_last_day(ledger: Ledger) -> None:
    # Dune's last day is 14 November
    day = date(2025, 11, 9)
    assert after(ledger, day, 5, 6) | {} == {**after(ledger, day, 5), **after(ledger, day, 6)}
    assert after(ledger, day, 5)["dune", 5] == (4_000, 4_000)
    assert after(ledger, day, 6)["dune", 6] == (4_000, 0)


def test_beyond_the_ledger_nothing_is_known(ledger: Ledger) -> None:
    found = after(ledger, DAY, 94, 95)
    assert found["bolt", 94] == (14_000, 14_000) and found["bolt", 95] == (14_000, None)


def test_horizons_and_days_are_checked(ledger: Ledger) -> None:
    assert outcomes(ledger, [], [30]).num_rows == 0
    with pytest.raises(ValueError, match="at least one day"):
        outcomes(ledger, [DAY], [0])
