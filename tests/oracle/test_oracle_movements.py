"""The oracle against pencil and paper: from states to movements (rules 16 to 21)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings

from holdfast.domain.policy import Policy

from .ledger import Facts, book, by_day
from .pencil import KINDS, account, check, day, facts, figures, item, line, policy
from .states import DAY, by_item, mrr_on, states_of_item
from .strategies import companies, days, policies

# --- 16 and 17: entities and balances ---------------------------------------------------------------------


def test_rule_16_grains() -> None:
    """A (10.00, 5.00) and B (7.00) are daughters of P.

    grain        | entities
    -------------+------------------------------
    account      | A 15.00, B 7.00
    parent       | P 22.00
    subscription | i1-s 10.00, i2-s 5.00, i3-s 7.00
    """
    company = facts(
        item("2024-01-01", 1000, "A", "i1"),
        item("2024-01-01", 500, "A", "i2"),
        item("2024-01-01", 700, "B", "i3"),
        account("A", parent_id="P"),
        account("B", parent_id="P"),
    )
    expected = {
        "account": {"A": 1500, "B": 700},
        "parent": {"P": 2200},
        "subscription": {"i1-s": 1000, "i2-s": 500, "i3-s": 700},
    }
    for grain, balances in expected.items():
        ledger = book(company, policy(grain=grain), day("2024-01-31"))
        assert {key[0]: amount for key, amount in ledger.balance.items()} == balances


def test_rule_16_a_merger_is_a_transfer() -> None:
    """A (10.00) is merged into B (7.00) on 10 February and leaves again on 5 March."""
    company = facts(
        item("2024-01-01", 1000, "A", "i1"),
        item("2024-01-01", 700, "B", "i2"),
        account("A", "2024-02-10", merged_into="B"),
        account("A", "2024-03-05"),
    )
    check(
        company,
        """
        month    new transfer closing
        2024-01 1000        .    1000
        2024-02    .    -1000       .
        2024-03    .     1000    1000
        """,
    )
    check(
        company,
        """
        month   new transfer closing
        2024-01 700        .     700
        2024-02   .     1000    1700
        2024-03   .    -1000     700
        """,
        entity="B",
    )


def test_rule_16_the_topmost_parent_of_each_day() -> None:
    """A belongs to P, and P from 1 March on to Q: from then on A's MRR stands with Q."""
    company = facts(
        item("2024-01-01", 1000, "A"),
        account("A", parent_id="P"),
        account("P", "2024-03-01", parent_id="Q"),
    )
    table = "month transfer closing \n 2024-03 {} {}"
    check(company, table.format(-1000, 0), policy("public-filing"), "P")
    check(company, table.format(1000, 1000), policy("public-filing"), "Q")


def test_rule_16_the_transfer_is_what_was_there_before_the_changes_of_the_day() -> None:
    """On 10 February account A goes into account B and its price rises from 10.00 to 12.00."""
    company = facts(
        item("2024-01-01", 1000, "A"), item("2024-02-10", 1200, "A"), account("A", "2024-02-10", merged_into="B")
    )
    check(company, "month transfer closing \n 2024-02 -1000 .")
    check(company, "month transfer expansion closing \n 2024-02 1000 200 1200", entity="B")


def test_rule_17_currencies_are_never_added() -> None:
    """10.00 dollars and 8.00 euros; the euros go in February: a contraction, the customer stays."""
    company = facts(
        item("2024-01-01", 1000, name="i1"),
        item("2024-01-01", 800, name="i2", currency="EUR", valid_to="2024-02-10"),
    )
    check(company, "month new closing \n 2024-01 1000 1000")
    check(
        company,
        """
        month   new contraction closing
        2024-01 800           .     800
        2024-02   .        -800       .
        """,
        currency="EUR",
    )


def test_rule_17_metered_lines_pass_on_with_their_account() -> None:
    """Usage of January counts in February and March: with A, and from 10 February on with B."""
    company = facts(
        line("metered", 1000, "2024-01-01", "2024-02-01"),
        account("A", "2024-02-10", merged_into="B"),
    )
    check(
        company,
        """
        month   transfer churn closing
        2024-02      500     .     500
        2024-03        .     .     500
        2024-04        .  -500       .
        """,
        policy(metered_months=2),
        "B",
    )


# --- 18: gaps ---------------------------------------------------------------------------------------------


def test_rule_18_a_gap_at_renewal() -> None:
    """A contract ends on 20 January; the next, at 12.00, begins 30 days later, on 19 February.

    30 days are allowed to contracts: the fall is dated to 19 February, and January still ends at 10.00.
    """
    rows = [item("2024-01-01", 1000, valid_to="2024-01-20"), item("2024-02-19", 1200)]
    bridged = """
        month    new expansion closing
        2024-01 1000         .    1000
        2024-02    .       200    1200
        """
    left = """
        month    new  closing
        2024-01    .        .
        2024-02 1200     1200
        """
    contract = [replace(row, source_kind="contract") for row in rows]
    check(facts(*contract), bridged)
    check(facts(*contract), left, policy(gap_days_contract=29))
    check(facts(*rows), left)  # billing: 0 days
    check(facts(*rows), bridged, policy(gap_days_billing=30))


def test_rule_18_a_return_after_the_as_of_day_is_not_known() -> None:
    """As of 10 February the renewal of 19 February has not happened: the contract has ended (rule 6)."""
    company = facts(
        item("2024-01-01", 1000, valid_to="2024-02-01", source_kind="contract"),
        item("2024-02-19", 1000, source_kind="contract"),
    )
    check(company, "month churn closing \n 2024-02-10 -1000 .")
    check(company, "month churn closing \n 2024-02-19 . 1000")


def test_rule_18_the_largest_allowance_of_the_day() -> None:
    """A billing item and a contract end on the same day: the contract's 30 days hold for both."""
    company = facts(
        item("2024-01-01", 1000, name="i1", valid_to="2024-01-20"),
        item("2024-01-01", 500, name="i2", valid_to="2024-01-20", source_kind="contract"),
        item("2024-02-10", 800, name="i3"),
    )
    check(
        company,
        """
        month    new contraction closing
        2024-01 1500           .    1500
        2024-02    .        -700     800
        """,
    )


# --- 19: the month ----------------------------------------------------------------------------------------


def test_rule_19_up_and_down_inside_a_month_nets_out() -> None:
    company = facts(item("2024-01-01", 1000), item("2024-02-05", 3000), item("2024-02-20", 1100))
    check(company, "month expansion closing \n 2024-02 100 1100")


def test_rule_19_daily_mean() -> None:
    """A seat of 10.00 added on 16 June: 15 of 30 days, so 5.00 in June and 5.00 more in July."""
    company = facts(item("2024-06-01", 2000, name="i1"), item("2024-06-16", 1000, name="i2"))
    check(
        company,
        """
        month    new expansion closing
        2024-06 2500         .    2500
        2024-07    .       500    3000
        """,
        policy("recurly"),
    )


# --- 20: kinds --------------------------------------------------------------------------------------------


def test_rule_20_a_customer_s_life() -> None:
    """Gold 166.67; Silver added and dropped; gone in April; back in June."""
    company = facts(
        item("2024-01-05", 200000, name="gold", interval="year", valid_to="2024-04-05"),
        item("2024-02-05", 6000, name="silver", valid_to="2024-03-05"),
        item("2024-06-05", 15000, name="gold-again"),
    )
    check(
        company,
        """
        month     new expansion contraction  churn reactivation closing
        2024-01 16667         .           .      .            .   16667
        2024-02     .      6000           .      .            .   22667
        2024-03     .         .       -6000      .            .   16667
        2024-04     .         .           . -16667            .       .
        2024-05     .         .           .      .            .       .
        2024-06     .         .           .      .        15000   15000
        """,
    )


def test_rule_20_new_after_days() -> None:
    """The last month above 0 ended with 1 April, the month before the return ended with 1 June: 61 days."""
    company = facts(item("2024-03-05", 1000, valid_to="2024-04-05"), item("2024-06-05", 1500))
    table = "month new reactivation closing \n 2024-06 {} {} 1500"
    check(company, table.format(0, 1500), policy(new_after_days=61))
    check(company, table.format(1500, 0), policy(new_after_days=60))


def test_rule_20_back_from_a_pause() -> None:
    company = facts(item("2024-01-05", 1000), item("2024-02-05", 1000, status="paused"), item("2024-04-05", 1200))
    check(
        company,
        """
        month    new expansion contraction closing hold
        2024-01 1000         .           .    1000    .
        2024-02    .         .       -1000       . 1000
        2024-03    .         .           .       . 1000
        2024-04    .      1200           .    1200    .
        """,
    )


def test_rule_20_mrr_and_a_hold_end_together() -> None:
    """Of 10.00 and 4.00 the 4.00 are paused on 5 February; on 5 March everything ends: a churn of 14.00."""
    company = facts(
        item("2024-01-05", 1000, name="i1", valid_to="2024-03-05"),
        item("2024-01-05", 400, name="i2"),
        item("2024-02-05", 400, name="i2", status="paused", valid_to="2024-03-05"),
    )
    check(
        company,
        """
        month    new contraction churn closing hold
        2024-01 1400           .     .    1400    .
        2024-02    .        -400     .    1000  400
        2024-03    .         400 -1400       .    .
        """,
    )


def test_rule_20_a_change_of_currency() -> None:
    """From 10.00 dollars to 9.00 euros: never at 0 in every currency, so contraction and expansion."""
    company = facts(item("2024-01-05", 1000), item("2024-02-05", 900, currency="EUR"))
    check(company, "month contraction closing \n 2024-02 -1000 .")
    check(company, "month expansion closing \n 2024-02 900 900", currency="EUR")


def test_rule_20_churn_of_what_was_received() -> None:
    """A merged into B on 10 February, everything ends on the 20th: B received and ends at 0."""
    company = facts(
        item("2024-01-01", 1000, "A", "i1", valid_to="2024-02-20"),
        item("2024-01-01", 700, "B", "i2", valid_to="2024-02-20"),
        account("A", "2024-02-10", merged_into="B"),
    )
    check(company, "month transfer closing \n 2024-02 -1000 .")
    check(company, "month transfer churn closing \n 2024-02 1000 -1700 .", entity="B")


# --- 21: always -------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(companies(), policies(), days())
def test_rule_21_opening_and_movements_are_the_closing(company: Facts, chosen: Policy, as_of: date) -> None:
    ledger = book(company, chosen, as_of)
    places = {key[:2] for table in (ledger.balance, ledger.movements) for key in table}
    for month in ledger.months:
        for entity, currency in places:
            found = figures(ledger, entity, currency, month)
            assert found["opening"] + sum(found[kind] for kind in KINDS) == found["closing"]
    if chosen.month_measure == "closing":
        # what passes from one entity to another is nobody's gain
        for month in ledger.months:
            for currency in {currency for _, currency in places}:
                keys = [(entity, currency, month, "transfer") for entity, _ in places]
                assert sum(ledger.movements.get(key, 0) for key in set(keys)) == 0


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(companies(), policies(), days())
def test_the_company_is_the_sum_of_its_states_on_a_day(company: Facts, chosen: Policy, on: date) -> None:
    """Whoever an item belongs to: all balances together are what the states in force on the day are worth."""
    chosen = replace(
        chosen, month_measure="closing", basis="subscription", metered_months=0, refund_backdates_churn=False,
        gap_days_billing=0, gap_days_contract=0, gap_days_file=0,
    )  # fmt: skip
    expected: Counter[str] = Counter()
    for rows in by_item(company.items).values():
        for state in states_of_item(rows, [], chosen):
            if state.begin <= on and (state.end is None or on < state.end):
                expected[state.row.currency] += mrr_on(state, on, chosen)
    found: Counter[str] = Counter()
    for (_, currency), amount in by_day(company, chosen, on, on + DAY).items():
        found[currency] += amount
    assert found == expected


def test_no_facts_no_ledger() -> None:
    assert book(Facts(), policy(), day("2024-01-31")).months == []
