"""The oracle against pencil and paper: from rows to the MRR of states (rules 4 to 15)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from .ledger import book
from .pencil import check, day, facts, item, learned, line, policy


def mrr(*rows: object, settings: object = None, on: str = "2024-01-31") -> int:
    """MRR of the whole company at the end of January 2024."""
    ledger = book(facts(*rows), settings or policy(), day(on))  # type: ignore[arg-type]
    return sum(amount for key, amount in ledger.balance.items() if key[2] == day(on[:8] + "01"))


# --- 3 to 6: which row holds, and when --------------------------------------------------------------------


def test_rule_3_as_known_on() -> None:
    """A price of 12.00 from January on was booked as 10.00 and corrected on 5 March, 09:00.

    as known on | January
    ------------+--------
    4 March     | 10.00
    5 March     | 12.00   learned before the end of that day
    """
    company = facts(
        item("2024-01-01", 1000),
        item("2024-01-01", 1200, learned_at=learned("2024-03-05T09:00")),
    )
    check(company, "month new closing \n 2024-01 1000 1000", known_on="2024-03-04")
    check(company, "month new closing \n 2024-01 1200 1200", known_on="2024-03-05")


def test_rule_4_newest_learned_holds() -> None:
    """The row learned on 2 February holds, wherever it stands in the file."""
    late = item("2024-01-01", 1200, learned_at=learned("2024-02-02"))
    early = item("2024-01-01", 1000, learned_at=learned("2024-02-01"))
    assert mrr(early, late) == mrr(late, early) == 1200
    # learned at the same moment: the later of the file
    assert mrr(item("2024-01-01", 1000), item("2024-01-01", 1200)) == 1200
    assert mrr(item("2024-01-01", 1200), item("2024-01-01", 1000)) == 1000


def test_rule_4_replaces_item() -> None:
    """On 1 March the source tells the item's whole history anew: it began on 20 January, not on the 1st.

    before | state from 1 January 10.00
    after  | state from 20 January 10.00, state from 10 February 20.00 (both rows replace)
    """
    whole: dict[str, Any] = {"replaces_item": True, "learned_at": learned("2024-03-01")}
    company = facts(
        item("2024-01-01", 1000),
        item("2024-01-20", 1000, **whole),
        item("2024-02-10", 2000, **whole),
    )
    assert mrr(*company.items, on="2024-01-19") == 0
    assert mrr(*company.items, on="2024-01-31") == 1000
    assert mrr(*company.items, on="2024-02-29") == 2000


def test_rule_4_deleted_is_no_state() -> None:
    """The price change of 10 February was taken back: the state before goes on.

    month    | MRR
    ---------+------
    January  | 10.00
    February | 10.00
    """
    company = facts(
        item("2024-01-01", 1000),
        item("2024-02-10", 2000),
        item("2024-02-10", 2000, deleted=True, learned_at=learned("2024-02-20")),
    )
    check(
        company,
        """
        month    new  expansion closing
        2024-01 1000          .    1000
        2024-02    .          .    1000
        """,
    )


def test_rule_5_a_state_ends_where_the_next_begins() -> None:
    """The first state says it holds to the end of June, but the next begins on 15 February."""
    company = facts(item("2024-01-01", 1000, valid_to="2024-07-01"), item("2024-02-15", 1500))
    check(
        company,
        """
        month    new  expansion closing
        2024-01 1000          .    1000
        2024-02    .        500    1500
        """,
    )


def test_rule_5_valid_to_ends_it() -> None:
    """The last day of the state is 31 January: the month's end still has it, 1 February does not."""
    company = facts(item("2024-01-01", 1000, valid_to="2024-02-01"))
    check(
        company,
        """
        month    new  churn closing
        2024-01 1000      .    1000
        2024-02    .  -1000       .
        """,
    )


def test_rule_5_an_empty_state_is_left_out() -> None:
    """A state from 1 to 1 February holds on no day."""
    assert mrr(item("2024-01-01", 1000, valid_to="2024-01-01")) == 0


def test_rule_6_agreed_for_later_is_not_in_it() -> None:
    """Agreed for 20 January: 15.00. As of the 19th MRR is 10.00, as of the 20th 15.00."""
    rows = (item("2024-01-01", 1000), item("2024-01-20", 1500))
    assert mrr(*rows, on="2024-01-19") == 1000
    assert mrr(*rows, on="2024-01-20") == 1500


# --- 7 to 10: the price of a state ------------------------------------------------------------------------


def test_rule_7_quantity_times_price() -> None:
    """10 seats at 15.00 a month are 150.00."""
    assert mrr(item("2024-01-01", 1500, quantity=10)) == 15000


DURATIONS = ("forever", "repeating", "once")
DISCOUNTED: dict[str, Any] = {
    "forever_off_ppm": 100_000,
    "forever_off_minor": 500,
    "repeating_off_ppm": 500_000,
    "repeating_until": "2024-02-10",
    "once_off_minor": 1000,
}


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        ((), 10000),
        (("forever",), 8500),  # 100.00 x 0.9 - 5.00
        (("forever", "repeating"), 4000),  # 100.00 x 0.9 x 0.5 - 5.00
        (("forever", "once"), 7500),  # 100.00 x 0.9 - 5.00 - 10.00
        (("forever", "repeating", "once"), 3000),  # 100.00 x 0.9 x 0.5 - 5.00 - 10.00
    ],
)
def test_rule_8_percentages_first_then_amounts(kinds: tuple[str, ...], expected: int) -> None:
    counted: dict[str, Any] = {f"{kind}_discounts": kind in kinds for kind in DURATIONS}
    settings = policy(**counted)
    assert mrr(item("2024-01-01", 10000, **DISCOUNTED), settings=settings) == expected


def test_rule_8_a_discount_ends_on_its_until_day() -> None:
    """Half off until 10 February: on that day the MRR doubles."""
    company = facts(item("2024-01-01", 1000, repeating_off_ppm=500_000, repeating_until="2024-02-10"))
    check(
        company,
        """
        month   new expansion closing
        2024-01 500         .     500
        2024-02   .       500    1000
        """,
        policy(repeating_discounts=True),
    )


def test_rule_8_never_below_zero() -> None:
    assert mrr(item("2024-01-01", 1000, forever_off_minor=2000)) == 0


@pytest.mark.parametrize(
    ("price", "interval", "count", "base", "expected"),
    [
        (120000, "year", 1, "holdfast-1", 10000),
        (200000, "year", 1, "holdfast-1", 16667),  # 166.666… rounded
        (13400, "year", 1, "holdfast-1", 1117),
        (30000, "month", 3, "holdfast-1", 10000),  # a quarter
        (100, "week", 1, "holdfast-1", 433),  # 100 x 52/12 = 433.33…
        (100, "week", 1, "ghost", 400),
        (100, "day", 1, "holdfast-1", 3042),  # 100 x 365/12 = 3041.66…
        (100, "day", 1, "ghost", 3000),
        (5000, "year", 1, "ghost", 416),  # 416.66… cut off
        (6, "year", 1, "holdfast-1", 0),  # 0.5: half to even
        (18, "year", 1, "holdfast-1", 2),  # 1.5: half to even
        (30, "year", 1, "holdfast-1", 2),  # 2.5: half to even
    ],
)
def test_rule_9_months(price: int, interval: str, count: int, base: str, expected: int) -> None:
    row = item("2024-01-01", price, interval=interval, interval_count=count)
    assert mrr(row, settings=policy(base)) == expected


def test_rule_9_rounded_once() -> None:
    """Half off 100.01 a year: 50.005 / 12 = 4.1670…, and not 50.00 / 12 or 50.01 / 12 first rounded."""
    row = item("2024-01-01", 10001, interval="year", forever_off_ppm=500_000)
    assert mrr(row) == round(Fraction(10001, 24)) == 417


def test_rule_10_metered_items_are_no_mrr() -> None:
    assert mrr(item("2024-01-01", 1000, usage_type="metered")) == 0


# --- 11: status -------------------------------------------------------------------------------------------


def test_rule_11_trial() -> None:
    """A trial of 10.00 becomes paid on 10 February."""
    company = facts(item("2024-01-10", 1000, status="trialing"), item("2024-02-10", 1000))
    check(
        company,
        """
        month    new closing trial
        2024-01    .       .  1000
        2024-02 1000    1000     .
        """,
    )


def test_rule_11_past_due_counts_for_its_grace_days() -> None:
    """Past due from 20 January on, in two states that touch; the 30 days end on 19 February."""
    company = facts(
        item("2024-01-01", 1000),
        item("2024-01-20", 1000, status="past_due"),
        item("2024-02-05", 1200, status="past_due"),
    )
    check(
        company,
        """
        month    new churn closing
        2024-01 1000     .    1000
        2024-02    . -1000       .
        """,
    )
    assert mrr(*company.items, on="2024-02-18") == 1200
    assert mrr(*company.items, on="2024-02-19") == 0
    assert mrr(*company.items, on="2024-06-30", settings=policy(past_due_grace_days=None)) == 1200
    assert mrr(*company.items, on="2024-01-31", settings=policy(past_due_counts=False)) == 0


def test_rule_11_unpaid_and_canceled() -> None:
    assert mrr(item("2024-01-01", 1000, status="canceled")) == 0
    assert mrr(item("2024-01-01", 1000, status="unpaid")) == 0
    assert mrr(item("2024-01-01", 1000, status="unpaid"), settings=policy(unpaid_counts=True)) == 1000


def test_rule_11_a_pause_holds_what_was_there_before() -> None:
    """Paused on 10 February at a new price: the 10.00 from before are on hold, for 90 days: to 9 May."""
    company = facts(item("2024-01-10", 1000), item("2024-02-10", 3000, status="paused"))
    check(
        company,
        """
        month    new contraction churn closing hold
        2024-01 1000           .     .    1000    .
        2024-02    .       -1000     .       . 1000
        2024-03    .           .     .       . 1000
        2024-04    .           .     .       . 1000
        2024-05    .        1000 -1000       .    .
        """,
    )
    assert book(company, policy(), day("2024-05-09")).held
    assert ("A", "USD", day("2024-05-01")) not in book(company, policy(), day("2024-05-10")).held


def test_rule_11_a_pause_after_a_gap_holds_nothing() -> None:
    """The state before ended on 5 February, the pause begins on the 10th: nothing to hold."""
    company = facts(
        item("2024-01-10", 1000, valid_to="2024-02-05"),
        item("2024-02-10", 1000, status="paused"),
    )
    check(
        company,
        """
        month    new churn closing hold
        2024-01 1000     .    1000    .
        2024-02    . -1000       .    .
        """,
    )


# --- 12 and 13: cancellations and refunds -----------------------------------------------------------------


def test_rule_12_cancellation_at_period_end() -> None:
    """Asked on 15 January to cancel at the end of March: pending from the click, churn at the end."""
    company = facts(item("2024-01-01", 1000, valid_to="2024-04-01", cancel_requested_on="2024-01-15"))
    check(
        company,
        """
        month    new churn closing pending
        2024-01 1000     .    1000    1000
        2024-02    .     .    1000    1000
        2024-03    .     .    1000    1000
        2024-04    . -1000       .       .
        """,
    )


def test_rule_12_cancellation_at_the_click() -> None:
    company = facts(item("2024-01-01", 1000, valid_to="2024-04-01", cancel_requested_on="2024-02-15"))
    check(
        company,
        """
        month    new churn closing pending
        2024-01 1000     .    1000       .
        2024-02    . -1000       .       .
        2024-03    .     .       .       .
        """,
        policy(cancel_at="click"),
    )


@pytest.mark.parametrize("named", [{"item_id": "i"}, {"subscription_id": "i-s"}])
def test_rule_13_a_refund_dates_the_churn_back(named: dict[str, str]) -> None:
    """Paid for March, ended on 20 March and March refunded: the churn is dated to 1 March."""
    company = facts(
        item("2024-01-01", 1000, valid_to="2024-03-20"),
        line("refund", -1000, "2024-03-01", "2024-04-01", **named),
    )
    settings = policy(refund_backdates_churn=True)
    assert mrr(*company.items, *company.lines, settings=settings, on="2024-03-01") == 0
    assert mrr(*company.items, *company.lines, settings=settings, on="2024-02-29") == 1000
    assert mrr(*company.items, *company.lines, on="2024-03-01") == 1000


def test_rule_13_not_where_a_state_follows() -> None:
    """A refund in the middle of the item's life changes nothing."""
    rows = (item("2024-01-01", 1000), item("2024-03-20", 500))
    refund = line("refund", -1000, "2024-03-01", "2024-04-01", item_id="i")
    assert mrr(*rows, refund, settings=policy(refund_backdates_churn=True), on="2024-03-10") == 1000


# --- 14 and 15: MRR from invoice lines --------------------------------------------------------------------


def test_rule_14_metered_lines_count_in_the_months_after() -> None:
    """Usage of January, 30.00 billed: the month after with n = 1; a third in each of three months with n = 3.

    With a fixed price of 20.00:   January 20.00, February 50.00 (n = 1)
    """
    company = facts(item("2024-01-01", 2000), line("metered", 3000, "2024-01-01", "2024-02-01"))
    check(
        company,
        """
        month    new expansion contraction closing
        2024-01 2000         .           .    2000
        2024-02    .      3000           .    5000
        2024-03    .         .       -3000    2000
        """,
        policy("chargebee", grain="account"),
    )
    check(
        company,
        """
        month    new expansion contraction closing
        2024-01 2000         .           .    2000
        2024-02    .      1000           .    3000
        2024-04    .         .           .    3000
        2024-05    .         .       -1000    2000
        """,
        policy(metered_months=3),
    )


def test_rule_15_revenue_by_service_month() -> None:
    """A year from 15 January for 100.00: 12 months, 8.34 in the first four, 8.33 in the other eight."""
    company = facts(line("recurring", 10000, "2024-01-15", "2025-01-15"))
    check(
        company,
        """
        month   new contraction churn closing
        2024-01 834           .     .     834
        2024-04   .           .     .     834
        2024-05   .          -1     .     833
        2024-12   .           .     .     833
        2025-01   .           .  -833       .
        """,
        policy("holdfast-usage-1"),
    )


def test_rule_15_credits_of_a_subscription_never_make_a_month_negative() -> None:
    """Proration of -30.00 against 20.00 in January counts as 0; another subscription's 5.00 stay."""
    company = facts(
        line("recurring", 2000, "2024-01-01", "2024-02-01", subscription_id="s1"),
        line("proration", -3000, "2024-01-10", "2024-02-01", subscription_id="s1"),
        line("recurring", 500, "2024-01-01", "2024-02-01", subscription_id="s2"),
        line("one_off", 9900, "2024-01-01", "2024-02-01", subscription_id="s2"),
    )
    check(company, "month new closing \n 2024-01 500 500", policy(basis="revenue"))
