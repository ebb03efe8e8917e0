"""What stands beside retention: MRR on a day, cohorts, concentration, and the split of a change into mix and rate."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.domain.period import month_no, month_start
from holdfast.domain.retention import mix_and_rate
from holdfast.metrics import cohorts, concentration, mrr
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

from ..oracle.ledger import Facts
from ..oracle.pencil import POLICIES, account, facts, item, policy
from .worlds import DOLLARS, ledger_of, path, rate

pytestmark = pytest.mark.slow

# --- MRR on a day -------------------------------------------------------------------------------------------


def beside() -> Facts:
    """Five accounts, each in one plight."""
    return facts(
        item("2024-01-01", 100_00, "plain", "p"),
        item("2024-01-01", 50_00, "leaving", "l", cancel_requested_on="2024-02-10", valid_to="2024-06-01"),
        item("2024-02-01", 30_00, "trying", "t", status="trialing", valid_to="2024-03-15"), item("2024-03-15", 30_00, "trying", "t"),
        item("2024-01-01", 20_00, "late", "d"), item("2024-02-20", 20_00, "late", "d", status="past_due"),
        item("2024-01-01", 10_00, "paused", "h"), item("2024-02-15", 10_00, "paused", "h", status="paused"),
        account("plain", attributes=(("size", "L"),)), account("leaving", attributes=(("size", "S"),)),
        account("trying", attributes=(("size", "S"),)),
    )  # fmt: skip


def test_mrr_committed_and_trial() -> None:
    """At the end of February: 170.00 is MRR, 50.00 of it is cancelled already, 30.00 is on trial, 10.00 on hold."""
    with ledger_of(beside()) as ledger:
        [row] = mrr.measure(ledger, date(2024, 2, 29), DOLLARS)
    assert (row.mrr, row.arr, row.committed) == (170_00, 12 * 170_00, 120_00)
    assert (row.trial, row.past_due, row.held, row.accounts) == (30_00, 20_00, 10_00, 3)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-02-09", (180_00, 180_00, 30_00, 0)),
        # the click
        ("2024-02-10", (180_00, 130_00, 30_00, 0)),
        # the first day of the pause, and the last before it
        ("2024-02-14", (180_00, 130_00, 30_00, 0)),
        ("2024-02-15", (170_00, 120_00, 30_00, 0)),
        ("2024-02-20", (170_00, 120_00, 30_00, 20_00)),
        # the trial becomes MRR
        ("2024-03-14", (170_00, 120_00, 30_00, 20_00)),
        ("2024-03-15", (200_00, 150_00, 0, 20_00)),
        # 30 days past due: the last of them, and the day after
        ("2024-03-20", (200_00, 150_00, 0, 20_00)),
        ("2024-03-21", (180_00, 130_00, 0, 0)),
        # the paid period is over: nothing is pending any more
        ("2024-05-31", (180_00, 130_00, 0, 0)),
        ("2024-06-01", (130_00, 130_00, 0, 0)),
    ],
)
def test_day_by_day(day: str, expected: tuple[int, ...], beside_ledger: Ledger) -> None:
    [row] = mrr.measure(beside_ledger, date.fromisoformat(day), DOLLARS)
    assert (row.mrr, row.committed, row.trial, row.past_due) == expected


@pytest.fixture(scope="module")
def beside_ledger() -> object:
    with ledger_of(beside()) as ledger:
        yield ledger


def test_by_segment_and_for_who_is_only_on_trial(beside_ledger: Ledger) -> None:
    rows = {row.segment[0][1]: row for row in mrr.measure(beside_ledger, date(2024, 2, 29), DOLLARS, ("size",))}
    assert {name: (row.mrr, row.committed, row.trial, row.held) for name, row in rows.items()} == {
        "L": (100_00, 100_00, 0, 0), "S": (50_00, 0, 30_00, 0), None: (20_00, 20_00, 0, 10_00),
    }  # fmt: skip


@pytest.mark.parametrize("by", [("segment",), ("country",), ("plan", "industry")])
def test_segments_of_mrr_sum_to_the_whole(demo_ledger: Ledger, by: tuple[str, ...]) -> None:
    for on in (date(2025, 6, 30), date(2026, 1, 17)):
        [whole] = mrr.measure(demo_ledger, on, View("EUR", only="EUR"))
        rows = mrr.measure(demo_ledger, on, View("EUR", only="EUR"), by)
        for name in ("accounts", "mrr", "trial", "held", "past_due", "pending"):
            assert sum(getattr(row, name) for row in rows) == getattr(whole, name), (on, name)


def test_a_policy_of_daily_means_has_its_month_s_figure_at_the_month_s_end() -> None:
    with ledger_of(facts(item("2024-06-16", 10_00)), POLICIES["recurly"]) as ledger:
        assert mrr.measure(ledger, date(2024, 6, 30), DOLLARS)[0].mrr == 5_00
        assert mrr.measure(ledger, date(2024, 7, 31), DOLLARS)[0].mrr == 10_00


def test_what_is_cancelled_whole_leaves_nothing_committed() -> None:
    """A euro is worth 1.1203 dollars on 31 December 2023 and 0.9871 the day after: MRR and what is pending are at one rate."""
    company = facts(item("2023-01-01", 100_00, currency="EUR", cancel_requested_on="2023-12-01", valid_to="2024-06-01"))
    with ledger_of(company) as ledger:
        [row] = mrr.measure(ledger, date(2023, 12, 31), DOLLARS)
    assert (row.mrr, row.committed) == (round(100_00 * rate("EUR", date(2024, 1, 1))), 0)


def test_what_is_pending_stands_in_the_segment_of_its_mrr() -> None:
    """A was small in February and is large since 15 March: at the end of February both its figures are small's."""
    company = facts(
        item("2024-01-01", 50_00, cancel_requested_on="2024-02-10", valid_to="2024-06-01"),
        account("A", attributes=(("size", "S"),)),
        account("A", "2024-03-15", attributes=(("size", "L"),)),
    )
    with ledger_of(company) as ledger:
        rows = mrr.measure(ledger, date(2024, 2, 29), DOLLARS, ("size",))
    assert {row.segment[0][1]: (row.mrr, row.committed) for row in rows} == {"S": (50_00, 0)}


# --- cohorts ------------------------------------------------------------------------------------------------


def test_age_0_is_the_first_month_s_mrr(demo_ledger: Ledger) -> None:
    """In each currency: what a month's newcomers had at its end is the `new` of the bridge, and age 0 of the cohort."""
    for currency in ("USD", "EUR"):
        stored = dict(
            demo_ledger.rows(
                "select month_no, sum(amount_minor)::bigint from movement where kind = 'new' and currency = ? group by 1",
                [currency],
            )
        )
        begun = {
            cell.cohort: cell.mrr
            for cell in cohorts.measure(demo_ledger, View(currency, only=currency))
            if cell.age == 0
        }
        assert begun == {f"{month_start(month):%Y-%m}": amount for month, amount in stored.items()}


def test_the_triangle_s_diagonal_is_the_book(demo_ledger: Ledger) -> None:
    """Every account belongs to one cohort: what the cohorts have in a month is what the book has."""
    diagonal: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for cell in cohorts.measure(demo_ledger, View("USD", only="USD")):
        month = month_no(date.fromisoformat(f"{cell.cohort}-01")) + cell.age
        diagonal[month][0] += cell.mrr
        diagonal[month][1] += cell.accounts
    for month, found in diagonal.items():
        [stored] = demo_ledger.rows(
            f"select coalesce(sum(m{month}), 0)::bigint, count(*) filter (where m{month} > 0) from position where currency = 'USD'"
        )
        assert tuple(found) == stored


def test_a_triangle_by_hand() -> None:
    """
    first month  accounts   age 0   age 1   age 2
    2024-01             2     200     120     250      B leaves and is back
    2024-02             1      50      80
    """
    company = facts(*path("A", 100, 120, 150), *path("B", 100, 0, 100), *path("C", 0, 50, 80))
    with ledger_of(company, policy(), date(2024, 3, 31)) as ledger:
        cells = cohorts.measure(ledger, DOLLARS)
        [quarter] = {cell.cohort for cell in cohorts.measure(ledger, DOLLARS, "quarter")}
        ages = [(cell.age, cell.accounts, cell.mrr) for cell in cohorts.measure(ledger, DOLLARS, "quarter")]
    told = {
        (cell.cohort, cell.age): (cell.accounts, cell.mrr, cell.revenue_retention, cell.logo_retention)
        for cell in cells
    }
    assert told == {
        ("2024-01", 0): (2, 200, 1, 1), ("2024-01", 1): (1, 120, Fraction(3, 5), Fraction(1, 2)), ("2024-01", 2): (2, 250, Fraction(5, 4), 1),
        ("2024-02", 0): (1, 50, 1, 1), ("2024-02", 1): (1, 80, Fraction(8, 5), 1),
    }  # fmt: skip
    # age 2 is reached by the January cohort alone: it is left out of the quarter's
    assert (quarter, ages) == ("2024-Q1", [(0, 3, 250), (1, 2, 200)])


def test_a_cohort_s_retention_is_at_the_rates_of_its_first_month() -> None:
    company = facts(item("2023-01-10", 100_00, currency="EUR"))
    with ledger_of(company, policy(), date(2023, 4, 30)) as ledger:
        cells = cohorts.measure(ledger, DOLLARS)
    assert {(cell.mrr, cell.revenue_retention) for cell in cells} == {
        (round(100_00 * rate("EUR", date(2023, 2, 1))), Fraction(1))
    }


def test_cohorts_before_a_currency_s_first_rate_need_none() -> None:
    """Dollars since 2023; the first euros, and the first rate, in June 2024."""
    company = facts(item("2023-01-01", 1000, "A", "a"), item("2024-06-10", 500, "B", "b", currency="EUR"))
    with ledger_of(company, policy(), date(2024, 8, 31), rates={"EUR": [(date(2024, 6, 1), "1.1")]}) as ledger:
        begun = {cell.cohort: cell.mrr for cell in cohorts.measure(ledger, DOLLARS) if cell.age == 0}
    assert begun == {"2023-01": 1000, "2024-06": 550}


# --- concentration ------------------------------------------------------------------------------------------


def test_shares_sum(demo_ledger: Ledger) -> None:
    found = concentration.measure(demo_ledger, date(2026, 6, 30), DOLLARS, listed=10_000)
    assert (
        found.mrr
        == mrr.measure(demo_ledger, date(2026, 6, 30), DOLLARS)[0].mrr
        == sum(one.mrr for one in found.largest)
    )
    assert found.accounts == len(found.largest)
    assert sum(one.share or 0 for one in found.largest) == 1
    assert [one.mrr for one in found.largest] == sorted((one.mrr for one in found.largest), reverse=True)
    for count, share in found.tops.items():
        assert share == sum(one.share or 0 for one in found.largest[:count])


def test_the_largest_by_hand() -> None:
    with ledger_of(facts(*path("A", 600), *path("B", 300), *path("C", 100))) as ledger:
        found = concentration.measure(ledger, date(2024, 1, 31), DOLLARS)
        nobody = concentration.measure(ledger, date(2023, 12, 31), DOLLARS)
    assert [(one.entity, one.share) for one in found.largest] == [
        ("A", Fraction(3, 5)),
        ("B", Fraction(3, 10)),
        ("C", Fraction(1, 10)),
    ]
    assert found.tops == {1: Fraction(3, 5)}, "a top 5 of three accounts says nothing"
    assert (nobody.accounts, nobody.mrr, nobody.tops, nobody.largest) == (0, 0, {}, ())


def test_concentration_at_a_month_s_end_under_a_policy_of_daily_means() -> None:
    """`recurly` has figures of whole months: at the end of one there is a figure."""
    with ledger_of(facts(*path("A", 600), *path("B", 300)), POLICIES["recurly"]) as ledger:
        found = concentration.measure(ledger, date(2024, 3, 31), DOLLARS)
    assert (found.mrr, found.tops[1]) == (900, Fraction(2, 3))


# --- mix and rate -------------------------------------------------------------------------------------------

AMOUNTS = st.dictionaries(
    st.sampled_from("abcdef"),
    st.tuples(st.integers(0, 10**12), st.integers(0, 10**12)).map(lambda pair: (pair[0], pair[1] if pair[0] else 0)),
)


@given(AMOUNTS, AMOUNTS)
def test_mix_and_rate_sum_exactly(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> None:
    parts = mix_and_rate(before, after)
    opened = [sum(opening for opening, _ in side.values()) for side in (before, after)]
    if not all(opened):
        assert parts == []
        return
    first, second = (
        Fraction(sum(kept for _, kept in side.values()), base)
        for side, base in zip((before, after), opened, strict=True)
    )
    assert sum((part.mix + part.rate for part in parts), start=Fraction(0)) == second - first
    assert [part.segment for part in parts] == sorted({*before, *after})


def test_only_the_mix_changed() -> None:
    """Both segments keep their rates (120 % and 80 %); the better one grew from half of the book to three quarters."""
    parts = {
        one.segment: one
        for one in mix_and_rate({"good": (100, 120), "bad": (100, 80)}, {"good": (300, 360), "bad": (100, 80)})
    }
    assert all(part.rate == 0 for part in parts.values())
    assert sum(part.mix for part in parts.values()) == Fraction(110, 100) - 1


def test_only_the_rates_changed() -> None:
    parts = {
        one.segment: one for one in mix_and_rate({"a": (100, 120), "b": (100, 80)}, {"a": (100, 130), "b": (100, 80)})
    }
    assert [(part.mix, part.rate) for part in parts.values()] == [(0, Fraction(5, 100)), (0, 0)]
