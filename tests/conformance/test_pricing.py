"""From a price to MRR, as Kill Bill and Ghost test it: files 02 and 03."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ..oracle.ledger import Facts
from ..oracle.pencil import POLICIES, facts, item, line
from .conftest import Books, case, cases

KILL_BILL = "02_killbill_normalisation.json"
GHOST = "03_ghost.json"
DEFAULT = POLICIES["holdfast-1"]


def ten_thousandths(price: str) -> int:
    """Kill Bill keeps four decimals: the minor unit here is a ten-thousandth, so that our one rounding is theirs."""
    return int(Decimal(price).scaleb(4))


@pytest.fixture(scope="module")
def prices(booked_under: Callable[..., Books]) -> Books:
    """Every Kill Bill price as an account; what has no billing period is a one-off charge, not a subscription."""
    company = Facts()
    for parameter in cases(KILL_BILL):
        one: dict[str, Any] = parameter.values[0]
        if not one:
            continue
        price, period = ten_thousandths(one["input"]["price"]), one["input"]["period"]
        if period == "NO_BILLING_PERIOD":
            company.lines.append(line("one_off", price, "2024-01-01", "2024-02-01", one["id"], name=one["id"]))
        else:
            company.items.append(
                item("2024-01-01", price, one["id"], one["id"], interval="year" if period == "ANNUAL" else "month")
            )
    company.items += [
        item("2024-01-01", 30, "tie-up", "tie-up", interval="year"), item("2024-01-01", 42, "tie-down", "tie-down", interval="year"),
    ]  # fmt: skip
    return booked_under(company)


@pytest.mark.parametrize("one", cases(KILL_BILL))
def test_kill_bill_prices_by_the_month(one: dict[str, Any], prices: Books) -> None:
    assert prices.mrr(DEFAULT, one["id"], "2024-01-31") == ten_thousandths(one["expected"]["mrr"])


def test_kill_bill_s_one_off_charges_are_no_revenue_to_be_retained_either(prices: Books) -> None:
    case(KILL_BILL, "kb00")
    assert prices.month(POLICIES["holdfast-usage-1"], "kb00", "2024-01") == {"closing": 0}


def test_kill_bill_rounds_halves_up_where_we_round_them_to_even(prices: Books) -> None:
    """A tie needs a yearly price of 6 ten-thousandths more than a multiple of 12; no price of theirs is one, so none differs.

    0.0030 a year is 2.5 ten-thousandths a month: theirs 3, ours 2. 0.0042 a year is 3.5: 4 in both. Halves to even, because
    a book of many prices rounded up drifts up (rule 9).
    """
    assert (prices.mrr(DEFAULT, "tie-up", "2024-01-31"), prices.mrr(DEFAULT, "tie-down", "2024-01-31")) == (2, 4)
    yearly = [
        one.values[0] for one in cases(KILL_BILL) if one.values[0] and one.values[0]["input"]["period"] == "ANNUAL"
    ]
    assert not [one["id"] for one in yearly if ten_thousandths(one["input"]["price"]) % 12 == 6]


@pytest.fixture(scope="module")
def members(booked_under: Callable[..., Books]) -> Books:
    """Ghost's members: one account a case, with its coupon."""
    company = Facts()
    for parameter in cases(GHOST):
        one: dict[str, Any] = parameter.values[0]
        if one:
            company.items += member(one["id"], one["input"])
    return booked_under(company)


def member(name: str, said: dict[str, Any]) -> list[Any]:
    price, interval = said["price"], said["interval"]
    coupon = said.get("coupon", {})
    values: dict[str, Any] = {"interval": interval}
    if coupon:
        duration = coupon["duration"]
        values[f"{duration}_off_ppm"] = coupon.get("percent_off", 0) * 10_000
        values[f"{duration}_off_minor"] = coupon.get("amount_off", 0)
        if duration == "repeating":
            values["repeating_until"] = f"2024-0{1 + coupon['duration_in_months']}-10"
    if "cancel" in said.get("then", ""):
        # the period that was paid for ends on 10 March; the click is on 20 February
        values |= {"cancel_requested_on": "2024-02-20", "valid_to": "2024-03-10"}
    rows = [item("2024-01-10", price, name, name, **values)]
    if "add coupon" in said.get("then", ""):
        rows.append(item("2024-02-05", price, name, name, interval=interval, forever_off_ppm=200_000))
    return rows


@pytest.mark.parametrize("one", cases(GHOST))
def test_ghost_mrr_of_members(one: dict[str, Any], members: Books) -> None:
    ghost, name, expected = POLICIES["ghost"], one["id"], one["expected"]
    after = "2024-02-29" if "then" in one["input"] else "2024-01-31"
    assert members.mrr(ghost, name, after) == expected["mrr"]
    february = members.month(ghost, name, "2024-02")
    if "movement_delta" in expected:
        assert february["contraction"] == expected["movement_delta"]
    if "movement_deltas" in expected:
        january = members.month(ghost, name, "2024-01")
        assert [january["new"], february["churn"]] == expected["movement_deltas"]


def test_ghost_differs_from_us(members: Books) -> None:
    """Weeks × 4 lose 7.7 % against 52/12, days × 30 lose 1.4 % against 365/12; a yearly price is cut, ours is rounded;
    a cancellation is churn at the click, ours when the paid period is over."""
    case(GHOST, "week")
    ours = {name: members.mrr(DEFAULT, name, "2024-01-31") for name in ("week", "day", "year_floor")}
    assert ours == {"week": 433, "day": 3042, "year_floor": 417}
    assert members.mrr(DEFAULT, "cancel_at_period_end", "2024-02-29") == 500
    assert members.month(DEFAULT, "cancel_at_period_end", "2024-03") == {"churn": -500, "closing": 0}


def test_ghost_keeps_past_due_and_unpaid(booked_under: Callable[..., Books]) -> None:
    """`counts: active, past_due, unpaid`; we count past due for 30 days and unpaid not at all."""
    case(GHOST, "week")
    books = booked_under(
        facts(
            item("2024-01-01", 500, "late", "late"), item("2024-01-10", 500, "late", "late", status="past_due"),
            item("2024-01-01", 500, "unpaid", "unpaid"), item("2024-01-10", 500, "unpaid", "unpaid", status="unpaid"),
            item("2024-01-01", 500, "trial", "trial", status="trialing"),
        ),
        date(2024, 4, 30),
    )  # fmt: skip
    told = {
        name: (books.mrr(POLICIES["ghost"], name, "2024-04-30"), books.mrr(DEFAULT, name, "2024-04-30"))
        for name in ("late", "unpaid", "trial")
    }
    assert told == {"late": (500, 0), "unpaid": (500, 0), "trial": (0, 0)}
