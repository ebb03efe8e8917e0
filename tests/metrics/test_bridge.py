"""The bridge: opening + movements + fx + entering + leaving = closing, by month, quarter and segment."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from holdfast.domain.period import Window, month_no, parse_month
from holdfast.domain.policy import Policy
from holdfast.metrics import bridge, retention
from holdfast.metrics.bridge import KINDS, Row
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, create_window

from ..ledger.booked import renamed, together
from ..oracle.ledger import Facts
from ..oracle.pencil import account, facts, item, learned, policy
from ..oracle.strategies import companies, company, days, dice, policies
from ..oracle.strategies import day as any_day
from ..oracle.strategies import policy as any_policy
from .worlds import DOLLARS, ledger_of, measured, path, rate, with_attributes


def months(first: str, last: str) -> range:
    return range(parse_month(first), parse_month(last) + 1)


def tied(rows: list[Row]) -> None:
    """Every row ties out, and within a segment one period's closing is the next one's opening."""
    for row in rows:
        assert row.opening + sum(row.moved.values()) + row.fx + row.entering + row.leaving == row.closing
        assert row.entering >= 0 >= row.leaving
    for segment in {row.segment for row in rows}:
        own = [row for row in rows if row.segment == segment]
        assert [row.opening for row in own[1:]] == [row.closing for row in own[:-1]], segment
        assert all(before.months.stop == after.months.start for before, after in pairwise(own)), "a month is left out"


def total(rows: list[Row]) -> dict[str, Any]:
    """Rows put together: balances, movements and the sum of what crosses segments."""
    found: dict[str, Any] = {kind: sum(row.moved[kind] for row in rows) for kind in KINDS}
    crossing = sum(row.entering + row.leaving for row in rows)
    return found | {
        "opening": sum(r.opening for r in rows),
        "closing": sum(r.closing for r in rows),
        "fx": sum(r.fx for r in rows) + crossing,
    }


SEGMENTS = (
    ("segment", "plan"), ("owner",),
    pytest.param(("segment",), marks=pytest.mark.slow), pytest.param(("country",), marks=pytest.mark.slow),
)  # fmt: skip


@pytest.mark.parametrize("by", SEGMENTS)
def test_segments_sum_to_the_whole(demo_ledger: Ledger, by: tuple[str, ...]) -> None:
    span = range(demo_ledger.first_month, demo_ledger.last_month + 1)
    whole = bridge.measure(demo_ledger, span, DOLLARS)
    rows = bridge.measure(demo_ledger, span, DOLLARS, by)
    tied(whole)
    tied(rows)
    for book in whole:
        assert total([row for row in rows if row.months == book.months]) == total([book]), book.months


def test_a_quarter_is_its_months_and_a_year_its_quarters(demo_ledger: Ledger) -> None:
    span = months("2024-01", "2025-12")
    monthly = bridge.measure(demo_ledger, span, DOLLARS)
    for size in (3, 12):
        rows = bridge.measure(demo_ledger, span, DOLLARS, size=size)
        tied(rows)
        assert len(rows) == len(span) // size
        for row in rows:
            inside = [one for one in monthly if one.months.start in row.months]
            assert (row.opening, row.closing) == (inside[0].opening, inside[-1].closing)
            assert row.moved == {kind: sum(one.moved[kind] for one in inside) for kind in KINDS}
            assert row.fx == sum(one.fx for one in inside)


@pytest.mark.parametrize("currency", ["USD", "EUR", "GBP"])
def test_one_currency_is_the_movement_table(demo_ledger: Ledger, currency: str) -> None:
    """`only:EUR` converts nothing: the bridge is what the ledger holds, to the minor unit."""
    span = range(demo_ledger.first_month, demo_ledger.last_month + 1)
    stored = {
        (month, kind): amount
        for month, kind, amount in demo_ledger.rows(
            "select month_no, kind::varchar, sum(amount_minor)::bigint from movement where currency = ? group by all",
            [currency],
        )
    }
    rows = bridge.measure(demo_ledger, span, View(currency, only=currency))
    tied(rows)
    assert {(row.months[0], kind): amount for row in rows for kind, amount in row.moved.items() if amount} == {
        key: amount for key, amount in stored.items() if amount
    }
    assert {row.fx for row in rows} == {0}


def test_the_months_of_the_cohort_lead_to_its_closing(demo_ledger: Ledger) -> None:
    """A month's window is the bridge's month without `new` and without who returned: same losses, same gains."""
    for month in months("2025-01", "2025-06"):
        [row] = bridge.measure(demo_ledger, range(month, month + 1), View("USD", only="USD"))
        start, end = (date(1970 + m // 12, m % 12 + 1, 1) for m in (month, month + 1))
        counts = measured(demo_ledger, str(start), str(end), view=View("USD", only="USD"))[0].counts
        assert counts.opening == row.opening
        moved = row.moved
        assert counts.closing == row.closing - moved["new"] - moved["reactivation"]
        assert (
            counts.churn + counts.contraction + counts.expansion
            == moved["churn"] + moved["contraction"] + moved["expansion"]
        )


@settings(
    max_examples=3, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.lists(companies(), min_size=1, max_size=5), policies(), days())
def test_any_company_s_bridge_ties_out(many: list[Facts], chosen: Policy, as_of: date) -> None:
    ties_out(many, chosen, as_of)


def ties_out(many: list[Facts], chosen: Policy, as_of: date) -> None:
    """The bridge of so many companies together ties out, as does that of each, and theirs add up to it."""
    whole = together(with_attributes(renamed(company, f"{n}:"), {"company": str(n)}) for n, company in enumerate(many))
    with ledger_of(whole, chosen, as_of) as ledger:
        span = range(ledger.first_month, ledger.last_month + 1)
        book = bridge.measure(ledger, span, DOLLARS)
        rows = bridge.measure(ledger, span, DOLLARS, ("company",))
        tied(book)
        tied(rows)
        for one in book:
            assert total([row for row in rows if row.months == one.months]) == total([one])
        if chosen.month_measure == "closing":
            january = month_no(date(2023, 1, 1))
            # where the ledger runs as far as that
            if january in span:
                for view in [View(currency, only=currency) for currency in ledger.currencies]:
                    assert (
                        _opening(ledger, view) == bridge.measure(ledger, range(january, january + 1), view)[0].opening
                    )
                # what comes together later in the window is rounded once there, and in the month before apart (rules 22 and 23)
                [[later]] = ledger.rows(
                    "select count(*) from belonging where from_day > date '2023-01-01' and from_day < date '2024-01-01'"
                )
                [first] = [row.opening for row in book if row.months[0] == january]
                assert abs(_opening(ledger, DOLLARS) - first) <= later * len(ledger.currencies)


def _opening(ledger: Ledger, view: View) -> int:
    return measured(ledger, "2023-01-01", "2024-01-01", view=view)[0].counts.opening


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_many_companies_bridges_tie_out(part: int) -> None:
    for _ in range(20):
        with dice() as by:
            many = [company(by) for _ in range(by.whole(1, 30))]
            ties_out(many, any_policy(by), any_day(by))


# --- with pencil and paper ----------------------------------------------------------------------------------


def test_every_kind_once() -> None:
    """
                opening  new  expansion  contraction  churn  reactivation  closing
    2024-01           0  300          .            .      .             .      300
    2024-02         300    .         20          -40   -100             .      180
    2024-03         180    .          .            .      .            70      250
    """
    company = facts(*path("A", 100, 120), *path("B", 100, 60), *path("C", 100, 0, 70))
    with ledger_of(company) as ledger:
        rows = bridge.measure(ledger, months("2024-01", "2024-03"), DOLLARS)
    told = [
        [
            row.opening,
            *(row.moved[kind] for kind in ("new", "expansion", "contraction", "churn", "reactivation")),
            row.closing,
        ]
        for row in rows
    ]
    assert told == [[0, 300, 0, 0, 0, 0, 300], [300, 0, 20, -40, -100, 0, 180], [180, 0, 0, 0, 0, 70, 250]]
    assert [row.entities["churn"] for row in rows] == [0, 1, 0]
    assert rows[1].quick_ratio == Fraction(20, 140)
    assert rows[2].quick_ratio is None, "nothing was lost: there is nothing to divide by"


def test_exchange_rates_are_one_line() -> None:
    """100.00 euros all the time; the rate changes on 10 February 2023 from 1.0837 to 1.1203."""
    with ledger_of(facts(item("2022-12-01", 100_00, currency="EUR"))) as ledger:
        rows = bridge.measure(ledger, months("2023-01", "2023-03"), DOLLARS)
    assert [(row.opening, row.fx, row.closing) for row in rows] == [
        (108_37, 0, 108_37),
        (108_37, 3_66, 112_03),
        (112_03, 0, 112_03),
    ]


def test_movements_are_at_the_rates_of_the_month_s_first_day() -> None:
    """50 euros more on 20 February, at the rate of 1 February; what they are worth more by 1 March is exchange."""
    company = facts(item("2022-12-01", 100_00, currency="EUR"), item("2023-02-20", 150_00, currency="EUR"))
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, months("2023-02", "2023-02"), DOLLARS)
    at_start = round(150_00 * rate("EUR", date(2023, 2, 1))) - round(100_00 * rate("EUR", date(2023, 2, 1)))
    assert (row.opening, row.moved["expansion"], row.closing) == (108_37, at_start, 168_04)
    assert row.fx == 168_04 - 108_37 - at_start


def test_who_changes_segment_leaves_one_and_enters_the_other() -> None:
    """A (100) becomes large on 15 March and grows by 50 in the same month: 100 cross over, the 50 are large's."""
    company = facts(
        *path("A", 100, 100, 150), *path("B", 300),
        account("A", attributes=(("size", "small"),)),
        account("A", "2024-03-15", attributes=(("size", "large"),)),
        account("B", attributes=(("size", "large"),)),
    )  # fmt: skip
    with ledger_of(company) as ledger:
        rows = bridge.measure(ledger, months("2024-02", "2024-04"), DOLLARS, ("size",))
    tied(rows)
    told = {
        (row.segment[0][1], row.months[0] - parse_month("2024-01")): (
            row.opening,
            row.leaving,
            row.entering,
            row.moved["expansion"],
            row.closing,
        )
        for row in rows
    }
    assert told["small", 2] == (100, -100, 0, 0, 0)
    assert told["large", 2] == (300, 0, 100, 50, 450)
    assert told["small", 1] == (100, 0, 0, 0, 100)
    assert told["large", 3] == (450, 0, 0, 0, 450)


def test_a_merge_is_a_transfer_that_sums_to_nothing() -> None:
    company = facts(*path("A", 100), *path("B", 70), account("A", "2024-02-10", merged_into="B"))
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, months("2024-02", "2024-02"), DOLLARS)
    assert (row.opening, row.moved["transfer"], row.moved["churn"], row.closing) == (170, 0, 0, 170)


def test_the_window_of_linked_accounts_opens_with_the_balance_that_the_bridge_closed_with() -> None:
    """A belongs to B. A stops on 20 January and is back on 5 February, within the 30 days that a contract may take.

    B never was at 0, so nothing is bridged: January closes at 500, and a window from 1 February opens at 500.
    """
    company = facts(
        item("2024-01-01", 1000, "A", "a", valid_to="2024-01-20", source_kind="contract"),
        item("2024-02-05", 1000, "A", "a", source_kind="contract"),
        item("2024-01-01", 500, "B", "b", source_kind="contract"),
        account("A", merged_into="B"),
    )
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, months("2024-01", "2024-01"), DOLLARS)
        counts = measured(ledger, "2024-02-01", "2024-05-01")[0].counts
    assert (row.closing, counts.opening) == (500, 500)


def test_several_currencies_of_one_account_are_one_expansion() -> None:
    """100 dollars become 100 euros on 10 March 2023: the account gained 12.03, and neither left nor came."""
    company = facts(
        item("2023-01-01", 100_00, "A", "a", valid_to="2023-03-10"),
        item("2023-03-10", 100_00, "A", "b", currency="EUR"),
    )
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, months("2023-03", "2023-03"), DOLLARS)
    assert {kind: amount for kind, amount in row.moved.items() if amount} == {"expansion": 12_03}
    assert row.entities["expansion"] == 1
    assert row.closing == 112_03


def test_months_before_a_currency_s_first_rate_need_none() -> None:
    """Dollars since 2023; the first euros, and the first rate, in June 2024."""
    company = facts(item("2023-01-01", 1000, "A", "a"), item("2024-06-10", 500, "B", "b", currency="EUR"))
    with ledger_of(company, rates={"EUR": [(date(2024, 6, 1), "1.1")]}) as ledger:
        rows = bridge.measure(ledger, months("2023-01", "2023-12"), DOLLARS)
    assert rows[-1].closing == 1000


def test_before_the_first_and_after_the_last_month_nothing_moves() -> None:
    with ledger_of(facts(*path("A", 100)), policy(), date(2024, 3, 31)) as ledger:
        rows = bridge.measure(ledger, months("2023-11", "2024-05"), DOLLARS)
    assert [row.closing for row in rows] == [0, 0, 100, 100, 100, 100, 100]
    assert [row.moved["new"] for row in rows] == [0, 0, 100, 0, 0, 0, 0]


def test_known_on_a_past_day() -> None:
    """A correction of February's price, learned in April, is not in the bridge as known in March."""
    company = facts(
        item("2024-01-01", 100), item("2024-02-01", 90, learned_at=learned("2024-04-10")),
    )  # fmt: skip
    found = {}
    for known_on in (date(2024, 3, 31), None):
        with ledger_of(company, policy(), date(2024, 4, 30), known_on) as ledger:
            found[known_on] = [row.closing for row in bridge.measure(ledger, months("2024-01", "2024-03"), DOLLARS)]
    assert found == {date(2024, 3, 31): [100, 100, 100], None: [100, 90, 90]}


def test_whole_window_and_bridge_of_an_as_of_day_agree(demo_ledger: Ledger) -> None:
    """Twelve months of the book: the cohort's closing and the newcomers' make the bridge's closing."""
    rows = bridge.measure(demo_ledger, months("2025-10", "2026-09"), View("USD", only="USD"))
    counts = retention.count(demo_ledger, Window(date(2025, 10, 1), date(2026, 10, 1)), View("USD", only="USD"))[0][1]
    assert counts.opening == rows[0].opening
    create_window(demo_ledger, Window(date(2025, 10, 1), date(2026, 10, 1)), View("USD", only="USD"), ())
    everybody = demo_ledger.rows("select coalesce(sum(closing), 0)::bigint from entity_window")[0][0]
    assert everybody == rows[-1].closing
