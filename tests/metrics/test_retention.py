"""Retention of a window: the product beside the oracle on companies at random, and the rules with pencil and paper."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.metrics import retention
from holdfast.warehouse.window import View, WindowError

from ..ledger.booked import renamed, together
from ..oracle.ledger import Facts
from ..oracle.ledger import retention as retention_by_hand
from ..oracle.pencil import account, day, facts, item, learned, policy
from ..oracle.strategies import companies, company, days, dice, policies
from ..oracle.strategies import day as a_day
from ..oracle.strategies import policy as any_policy
from .worlds import DOLLARS, figures, ledger_of, measured, path, rate, with_attributes

AS_OF = date(2025, 12, 31)


def sums_months(chosen: Policy) -> bool:
    """The policies that have figures of whole months only."""
    return chosen.month_measure == "daily_mean" or chosen.nrr == "net_movements" or chosen.grr != "capped"


def agrees_with_the_oracle(many: list[Facts], chosen: Policy, one: date, other: date, as_of: date) -> None:
    """All companies in one book, each a segment: every figure of every company is the oracle's."""
    start, end = sorted((one, other))
    if sums_months(chosen):
        start, end = start.replace(day=1), end.replace(day=1)
    if start == end:
        end = date(start.year + 1, start.month, 1)
    whole = together(with_attributes(renamed(company, f"{n}:"), {"company": str(n)}) for n, company in enumerate(many))
    with ledger_of(whole, chosen, as_of) as ledger:
        rows = retention.measure(ledger, Window(start, end), DOLLARS, ("company",))
        [book] = retention.measure(ledger, Window(start, end), DOLLARS)
    ours = {row.segment[0][1]: figures(row) for row in rows}
    wanted = {
        name: figures(window)
        for name, window in retention_by_hand(
            whole, chosen, start, end, as_of, rate, segment=lambda entity: entity.split(":")[0]
        ).items()
        if window.accounts
    }
    wrong = {
        (name, key): (ours.get(name, {}).get(key), wanted.get(name, {}).get(key))
        for name in {*ours, *wanted}
        for key in wanted.get(name) or ours[name]
        if ours.get(name, {}).get(key) != wanted.get(name, {}).get(key)
    }
    assert not wrong, f"{start} to {end} as of {as_of}: (ours, oracle) differ: {dict(list(wrong.items())[:6])}"
    assert figures(book) == figures(retention_by_hand(whole, chosen, start, end, as_of, rate)[None])


def at_random(examples: int, most: int, shrink: bool) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Hypothesis over lists of companies, policies, windows and as-of days."""
    arguments = {"many": st.lists(companies(), min_size=1, max_size=most), "chosen": policies()}
    arguments |= {"one": days(), "other": days(), "as_of": days()}

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        phases = set(Phase) if shrink else {Phase.generate}
        return settings(
            max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=phases, derandomize=not shrink
        )(given(**arguments)(test))  # fmt: skip

    return decorate


@at_random(examples=4, most=6, shrink=False)
def test_windows_are_the_oracle_s(many: list[Facts], chosen: Policy, one: date, other: date, as_of: date) -> None:
    agrees_with_the_oracle(many, chosen, one, other, as_of)


@pytest.mark.slow
@pytest.mark.parametrize("part", range(3))
def test_windows_are_the_oracle_s_on_many(part: int) -> None:
    for _ in range(20):
        with dice() as by:
            many = [company(by) for _ in range(by.whole(1, 40))]
            agrees_with_the_oracle(many, any_policy(by), a_day(by), a_day(by), a_day(by))


@pytest.mark.slow
@at_random(examples=15, most=3, shrink=True)
def test_windows_are_the_oracle_s_and_a_difference_shrinks(
    many: list[Facts], chosen: Policy, one: date, other: date, as_of: date
) -> None:
    agrees_with_the_oracle(many, chosen, one, other, as_of)


def by_hand(company: Facts, start: str, end: str, chosen: Policy | None = None) -> dict[str, object]:
    """The window by the product, which must be the oracle's."""
    chosen = chosen or policy()
    with ledger_of(company, chosen, AS_OF) as ledger:
        [row] = measured(ledger, start, end)
    found = figures(row)
    assert found == figures(retention_by_hand(company, chosen, day(start), day(end), AS_OF, rate)[None])
    return found


def test_rule_24_a_pause_that_lapses_after_the_last_day_seen_is_still_a_customer() -> None:
    """Paused in July; the numbers run up to 1 August, the window to December: what happens in between is not known yet."""
    company = facts(item("2023-01-01", 1000, "A", "i1"), item("2024-07-01", 1000, "A", "i1", status="paused"))
    seen = day("2024-08-01")
    with ledger_of(company, policy(), seen) as ledger:
        [row] = measured(ledger, "2023-07-01", "2024-12-01")
    assert figures(row) == figures(
        retention_by_hand(company, policy(), day("2023-07-01"), day("2024-12-01"), seen, rate)[None]
    )
    assert row.logo_retention == 1


def test_rule_22_a_merged_account_is_counted_with_the_other_from_the_start() -> None:
    """A (10.00) goes into B (7.00) in February, B shrinks by 2.00: one account, 17.00 to 15.00."""
    company = facts(
        item("2024-01-01", 1000, "A", "i1"), item("2024-01-01", 700, "B", "i2"), item("2024-03-05", 500, "B", "i2"),
        account("A", "2024-02-10", merged_into="B"),
    )  # fmt: skip
    found = by_hand(company, "2024-02-01", "2024-04-01")
    assert (found["accounts"], found["opening"], found["contraction"], found["closing"]) == (1, 1700, -200, 1500)


def test_rules_22_and_26_what_a_merged_account_lost_before_is_a_loss_of_the_cohort() -> None:
    """A shrinks by 4.00 on 5 February and goes into B on 10 March: the summed GRR of both, 15.00, is 11/15."""
    company = facts(
        item("2024-01-01", 1000), item("2024-02-05", 600), item("2024-01-01", 500, "B", "b"),
        account("A", "2024-03-10", merged_into="B"),
    )  # fmt: skip
    assert by_hand(company, "2024-02-01", "2024-05-01", policy(grr="summed"))["grr"] == Fraction(1100, 1500)


def test_rule_23_the_three_lines_of_a_currency() -> None:
    """100 euros become 150; a euro is 1.1203 dollars at the start and 0.9871 at the end; NRR knows nothing of it."""
    company = facts(item("2023-01-01", 100_00, currency="EUR"), item("2023-05-10", 150_00, currency="EUR"))
    found = by_hand(company, "2023-03-01", "2024-03-01")
    assert [found[name] for name in ("opening", "expansion", "fx", "closing")] == [112_03, 56_01, -19_98, 148_06]
    # 150.00 euros are 168.045 dollars at the start's rate and 148.065 at the end's: halves go to the even cent
    assert found["nrr"] == Fraction(168_04, 112_03)


def test_rule_23_what_a_merged_account_has_in_a_currency_is_rounded_together_with_the_other() -> None:
    """5 cents of euros are 5.5 cents, or 6, each; together they are 11."""
    company = facts(
        item("2023-01-01", 5, "A", "a", currency="EUR"),
        item("2023-01-01", 5, "B", "b", currency="EUR"),
        account("A", "2024-02-10", merged_into="B"),
    )
    with ledger_of(company, policy(), AS_OF, rates={"EUR": [(date(2020, 1, 1), "1.1")]}) as ledger:
        [row] = measured(ledger, "2024-01-01", "2024-04-01")
    assert (row.counts.opening, row.counts.closing) == (11, 11)


def test_rule_24_a_customer_on_hold_is_a_logo_still() -> None:
    found = by_hand(
        facts(item("2024-01-01", 1000), item("2024-02-10", 1000, status="paused")), "2024-02-01", "2024-03-01"
    )
    assert (found["churn"], found["nrr"], found["logo_retention"]) == (-1000, 0, 1)


def test_rule_25_left_and_returned() -> None:
    """100, gone at the end of February, back with 250: churn 100 and reactivation 250, or lost."""
    company = facts(*path("A", 100, 0, 250), *path("B", 100))
    found = by_hand(company, "2024-02-01", "2024-04-01")
    assert [found[name] for name in ("churn", "reactivation", "closing", "grr")] == [-100, 250, 350, 1]
    found = by_hand(company, "2024-02-01", "2024-04-01", policy(left_and_returned="lost"))
    assert [found[name] for name in ("churn", "reactivation", "closing", "grr")] == [-100, 0, 100, Fraction(1, 2)]


def test_rule_25_left_in_the_month_in_which_the_window_begins() -> None:
    """There from the 10th to the 19th of January, back in March: a window from the 15th has it leave and return.

    The bridge of January sees neither (what begins and ends inside one month is in no bridge), the window sees both.
    """
    company = facts(item("2024-01-10", 1000, valid_to="2024-01-20"), item("2024-03-01", 1500))
    found = by_hand(company, "2024-01-15", "2024-04-01")
    assert [found[name] for name in ("opening", "expansion", "churn", "reactivation", "closing")] == [
        1000,
        0,
        -1000,
        1500,
        1500,
    ]
    assert by_hand(company, "2024-01-15", "2024-04-01", policy(left_and_returned="lost"))["nrr"] == 0


def test_rule_25_a_pause_is_not_leaving() -> None:
    paused = (item("2024-01-01", 1000), item("2024-02-10", 1000, status="paused"), item("2024-03-10", 1300))
    found = by_hand(facts(*paused), "2024-02-01", "2024-04-01")
    assert (found["expansion"], found["churn"], found["reactivation"]) == (300, 0, 0)


def test_rule_25_a_pause_of_a_merged_account_is_not_leaving() -> None:
    company = facts(
        item("2024-01-01", 1000), item("2024-02-10", 1000, status="paused"), item("2024-03-10", 1300),
        account("A", "2024-01-05", merged_into="B"),
    )  # fmt: skip
    found = by_hand(company, "2024-02-01", "2024-04-01")
    assert (found["expansion"], found["churn"], found["reactivation"]) == (300, 0, 0)


def test_rule_26_sums_of_the_cohort_s_months() -> None:
    """100, up to 300, gone; another stays at 100: capped 50 %, summed 1 − 300/200 = −50 %."""
    company = facts(*path("A", 100, 300, 0), *path("B", 100))
    assert by_hand(company, "2024-02-01", "2024-04-01")["grr"] == Fraction(1, 2)
    assert by_hand(company, "2024-02-01", "2024-04-01", policy(grr="summed"))["grr"] == Fraction(-1, 2)
    assert by_hand(company, "2024-02-01", "2024-04-01", policy(grr="churn_only"))["grr"] == Fraction(-1, 2)


def test_rule_26_net_movements_by_segment_take_in_who_came_and_went() -> None:
    """D comes in February, grows by 30 in March and leaves in April: its + 30 and − 80 belong to its own segment."""
    company = facts(
        *path("A", 100), *path("D", 0, 50, 80, 0),
        account("A", attributes=(("size", "big"),)), account("D", attributes=(("size", "big"),)),
    )  # fmt: skip
    with ledger_of(company, policy(nrr="net_movements")) as ledger:
        [by_size] = measured(ledger, "2024-02-01", "2024-05-01", ("size",))
        [book] = measured(ledger, "2024-02-01", "2024-05-01")
    assert book.nrr == Fraction(100 + 30 - 80, 100)
    assert by_size.nrr == book.nrr


def test_rule_26_sums_of_months_need_whole_months() -> None:
    with (
        ledger_of(facts(*path("A", 100)), policy(grr="summed")) as ledger,
        pytest.raises(WindowError, match="first of a month"),
    ):
        measured(ledger, "2024-02-10", "2024-04-01")


def test_rule_27_nothing_to_begin_with() -> None:
    found = by_hand(facts(*path("D", 0, 50)), "2024-02-01", "2024-03-01")
    assert (found["accounts"], found["opening"], found["closing"]) == (0, 0, 0)
    assert found["nrr"] is found["grr"] is found["logo_retention"] is None


def test_definitions_check_vector() -> None:
    """Opening 100; the cohort expands 10.9, shrinks 3.9, loses 9.2; others come, grow, leave and return beside it.

    GRR 86.9 and NRR 97.8; with everybody's movements one would have read 86.1, 98.4 or 99.1. (In tenths: 1000 = 100.)
    """
    company = facts(
        *path("kept", 391, 500), *path("less", 309, 270), *path("gone", 92, 0), *path("same", 208),
        # not in the cohort: 18.4 new, 1.4 of expansion, 0.2 of contraction and 0.6 of churn, 0.7 back
        *path("new", 0, 170, 184), *path("up", 0, 7, 21), *path("down", 0, 6, 4), *path("brief", 0, 6, 0), *path("back", 0, 7, 0, 7),
    )  # fmt: skip
    found = by_hand(company, "2024-02-01", "2024-05-01")
    assert (found["nrr"], found["grr"]) == (Fraction(978, 1000), Fraction(869, 1000))


# --- segments -----------------------------------------------------------------------------------------------


def segmented() -> Facts:
    """A is small until it becomes large on 15 March 2024 and doubles in April; B is large all the time."""
    return facts(
        *path("A", 100, 100, 100, 200), *path("B", 300),
        account("A", attributes=(("size", "small"),)),
        account("A", "2024-03-15", attributes=(("size", "large"),)),
        account("B", attributes=(("size", "large"),)),
    )  # fmt: skip


def test_the_segment_is_the_one_at_the_window_s_start() -> None:
    """What A gained belongs to the segment it was sold in: small; a window that begins later finds it in large."""
    with ledger_of(segmented()) as ledger:
        early = {
            row.segment[0][1]: (row.counts.opening, row.nrr)
            for row in measured(ledger, "2024-02-01", "2024-06-01", ("size",))
        }
        late = {
            row.segment[0][1]: (row.counts.opening, row.nrr)
            for row in measured(ledger, "2024-04-01", "2024-06-01", ("size",))
        }
    assert early == {"small": (100, 2), "large": (300, 1)}
    assert late == {"large": (400, Fraction(500, 400))}


def test_a_change_of_segment_on_the_first_day_of_the_window_counts() -> None:
    with ledger_of(segmented()) as ledger:
        on_the_day = measured(ledger, "2024-03-15", "2024-06-01", ("size",))
        day_before = measured(ledger, "2024-03-14", "2024-06-01", ("size",))
    assert [row.segment[0][1] for row in on_the_day] == ["large"]
    assert sorted(str(row.segment[0][1]) for row in day_before) == ["large", "small"]


def test_segments_sum_to_the_whole_and_combine() -> None:
    company = facts(
        *path("A", 100, 150), *path("B", 300, 0), *path("C", 50, 50, 20), *path("D", 70),
        *(account(name, attributes=pairs) for name, pairs in {
            "A": (("size", "S"), ("country", "DE")), "B": (("size", "S"), ("country", "FR")), "C": (("size", "L"),), "D": (),
        }.items()),
    )  # fmt: skip
    with ledger_of(company) as ledger:
        [whole] = measured(ledger, "2024-02-01", "2024-06-01")
        for by in (("size",), ("country",), ("size", "country"), ("country", "size")):
            rows = measured(ledger, "2024-02-01", "2024-06-01", by)
            assert len({row.segment for row in rows}) == len(rows)
            assert all(tuple(name for name, _ in row.segment) == by for row in rows)
            for name in ("accounts", "opening", "expansion", "contraction", "churn", "closing", "kept", "retained"):
                assert sum(getattr(row.counts, name) for row in rows) == getattr(whole.counts, name), (by, name)
        rows = measured(ledger, "2024-02-01", "2024-06-01", ("country",))
        assert {row.segment[0][1]: row.counts.opening for row in rows} == {"DE": 100, "FR": 300, None: 120}


# --- two clocks ---------------------------------------------------------------------------------------------


def test_a_correction_learned_later_does_not_change_the_past_figure() -> None:
    """On 10 March we learn that A's price had been 60, not 100, since 1 February."""
    company = facts(
        item("2024-01-01", 100, learned_at=learned("2024-01-01T09:00")),
        item("2024-02-01", 100, learned_at=learned("2024-02-01T09:00")),
        item("2024-02-01", 60, learned_at=learned("2024-03-10T12:00")),
    )  # fmt: skip
    found = {}
    for known_on in ("2024-03-09", "2024-03-10", None):
        with ledger_of(company, policy(), AS_OF, day(known_on) if known_on else None) as ledger:
            found[known_on] = measured(ledger, "2024-02-01", "2024-03-01")[0].nrr
    assert found == {"2024-03-09": 1, "2024-03-10": Fraction(6, 10), None: Fraction(6, 10)}


# --- currencies ---------------------------------------------------------------------------------------------


def test_only_one_currency_is_unconverted() -> None:
    company = facts(
        item("2023-01-01", 10000, "A", "a", currency="EUR"), item("2023-05-10", 15000, "A", "a", currency="EUR"),
        item("2023-01-01", 700, "B", "b"),
    )  # fmt: skip
    with ledger_of(company) as ledger:
        [euros] = measured(ledger, "2023-03-01", "2024-03-01", view=View("EUR", only="EUR"))
        [dollars] = measured(ledger, "2023-03-01", "2024-03-01", view=View("USD", only="USD"))
    assert (euros.counts.accounts, euros.counts.opening, euros.counts.fx, euros.counts.closing) == (1, 10000, 0, 15000)
    assert (dollars.counts.accounts, dollars.counts.opening, dollars.nrr) == (1, 700, 1)


def test_a_currency_that_comes_later_needs_no_rate_before() -> None:
    """Dollars since 2023; the first euros, and the first rate, in June 2024: what lies before needs no rate."""
    company = facts(item("2023-01-01", 1000, "A", "a"), item("2024-06-10", 500, "B", "b", currency="EUR"))
    with ledger_of(company, rates={"EUR": [(date(2024, 6, 1), "1.1")]}) as ledger:
        [row] = measured(ledger, "2023-03-01", "2024-03-01")
    assert (row.counts.opening, row.nrr) == (1000, 1)
