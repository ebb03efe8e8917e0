"""The oracle against pencil and paper: retention of windows (rules 22 to 27), and the conformance cases."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from holdfast.domain.policy import Policy

from .ledger import Facts, Window, book, by_day, retention
from .pencil import account, day, facts, item, policy
from .strategies import companies, days, policies

CONFORMANCE = Path(__file__).resolve().parents[2].parent / "shared" / "conformance"


def par(currency: str, on: date) -> Fraction:
    """Every currency is worth the same."""
    return Fraction(1)


def window(company: Facts, start: str, end: str, chosen: Policy | None = None, rates: Any = par) -> Window:
    return retention(company, chosen or policy(), day(start), day(end), day("2025-12-31"), rates)[None]


def path(name: str, *amounts: int, year: int = 2024) -> Facts:
    """A customer with these MRRs from 1 January, 1 February … on; the last one stays."""
    rows = [
        item(f"{year}-{month:02}-01", amount, name, f"{name}-i", status="active" if amount else "canceled")
        for month, amount in enumerate(amounts, start=1)
    ]
    return Facts(rows)


def together(*companies: Facts) -> Facts:
    return Facts(
        [row for company in companies for row in company.items],
        [row for company in companies for row in company.accounts],
        [],
    )


PLAIN = together(path("A", 100, 120), path("B", 100, 80), path("C", 100, 0), path("D", 0, 50))


def test_rule_22_balances_just_before_the_days() -> None:
    """The price rises on 20 January: a window that begins on the 20th opens with the old one."""
    company = facts(item("2024-01-01", 1000), item("2024-01-20", 1500))
    found = window(company, "2024-01-20", "2024-01-21")
    assert (found.opening, found.expansion, found.closing) == (1000, 500, 1500)
    assert window(company, "2024-01-21", "2024-02-01").opening == 1500
    assert by_day(company, policy(), day("2024-12-31"), day("2024-01-20")) == {("A", "USD"): 1000}


def test_rule_22_who_was_merged_is_counted_with_the_other_from_the_start() -> None:
    """A (10.00) goes into B (7.00) in February, B is at 15.00 in the end: one account, 17.00 to 15.00."""
    company = facts(
        item("2024-01-01", 1000, "A", "i1"),
        item("2024-01-01", 700, "B", "i2"),
        item("2024-03-05", 500, "B", "i2"),
        account("A", "2024-02-10", merged_into="B"),
    )
    found = window(company, "2024-02-01", "2024-04-01")
    assert (found.accounts, found.opening, found.contraction, found.closing) == (1, 1700, -200, 1500)
    assert found.grr == Fraction(1500, 1700)
    assert found.logo_retention == 1


def test_rule_23_exchange_rates_are_one_line() -> None:
    """100.00 euros become 150.00; the euro is worth 1.10 at the start and 1.20 at the end.

    opening 110.00, expansion 55.00, fx 15.00, closing 180.00; NRR 150 %
    """
    company = facts(item("2024-01-01", 10000, currency="EUR"), item("2024-02-10", 15000, currency="EUR"))

    def rates(currency: str, on: date) -> Fraction:
        return Fraction("1.1") if on == day("2024-02-01") else Fraction("1.2")

    found = window(company, "2024-02-01", "2024-03-01", rates=rates)
    assert (found.opening, found.expansion, found.fx, found.closing) == (11000, 5500, 1500, 18000)
    assert found.nrr == Fraction(3, 2)


def test_rule_23_each_balance_is_rounded_by_itself() -> None:
    """Two customers with 3 yen at 0.5 cents: 1.5 and 1.5, which are 2 and 2 and not 3 together."""
    company = facts(item("2024-01-01", 3, "A", "i1", currency="JPY"), item("2024-01-01", 3, "B", "i2", currency="JPY"))
    assert window(company, "2024-02-01", "2024-03-01", rates=lambda c, d: Fraction(1, 2)).opening == 4


def test_rule_24_nrr_grr_and_logos() -> None:
    """
         opening  closing  min
    A        100      120  100
    B        100       80   80
    C        100        0    0
    D          0       50    -   not in the cohort
    sum      300      200  180   NRR 200/300, GRR 180/300, logos 2/3
    """
    found = window(PLAIN, "2024-02-01", "2024-03-01")
    assert (found.accounts, found.opening, found.closing) == (3, 300, 200)
    assert (found.expansion, found.contraction, found.churn) == (20, -20, -100)
    assert (found.nrr, found.grr, found.logo_retention) == (Fraction(2, 3), Fraction(3, 5), Fraction(2, 3))


def test_rule_24_a_customer_on_hold_is_a_logo_still() -> None:
    company = facts(item("2024-01-01", 1000), item("2024-02-10", 1000, status="paused"))
    found = window(company, "2024-02-01", "2024-03-01")
    assert (found.churn, found.nrr, found.logo_retention) == (-1000, 0, 1)


def test_rule_25_left_and_returned() -> None:
    """100, gone at the end of February, back with 250: churn 100 and reactivation 250, or lost."""
    company = together(path("A", 100, 0, 250), path("B", 100))
    found = window(company, "2024-02-01", "2024-04-01")
    assert (found.churn, found.reactivation, found.closing) == (-100, 250, 350)
    assert (found.nrr, found.grr, found.logo_retention) == (Fraction(350, 200), 1, 1)
    found = window(company, "2024-02-01", "2024-04-01", policy(left_and_returned="lost"))
    assert (found.churn, found.reactivation, found.closing) == (-100, 0, 100)
    assert (found.nrr, found.grr, found.logo_retention) == (Fraction(1, 2), Fraction(1, 2), Fraction(1, 2))


def test_rule_25_a_pause_is_not_leaving() -> None:
    company = facts(item("2024-01-01", 1000), item("2024-02-10", 1000, status="paused"), item("2024-03-10", 1300))
    found = window(company, "2024-02-01", "2024-04-01")
    assert (found.expansion, found.churn, found.reactivation) == (300, 0, 0)


def test_rule_26_sums_of_monthly_movements() -> None:
    """100, up to 300, gone; another stays at 100: opening 200.

    GRR capped 50 %; churn 300 summed: 1 - 300/200 = -50 %
    """
    company = together(path("A", 100, 300, 0), path("B", 100))
    span = ("2024-02-01", "2024-04-01")
    assert window(company, *span).grr == Fraction(1, 2)
    assert window(company, *span, policy(grr="summed")).grr == Fraction(-1, 2)
    assert window(PLAIN, *span, policy(grr="summed")).grr == 1 - Fraction(120, 300)
    assert window(PLAIN, *span, policy(grr="churn_only")).grr == 1 - Fraction(100, 300)


def test_rule_26_net_movements_of_all() -> None:
    """D begins in February (`new`, left out) and grows in March (expansion of an account not in the cohort).

    opening 100; A + 20; D + 30: 150 %
    """
    company = together(path("A", 100, 120), path("D", 0, 50, 80))
    assert window(company, "2024-02-01", "2024-04-01").nrr == Fraction(12, 10)
    assert window(company, "2024-02-01", "2024-04-01", policy(nrr="net_movements")).nrr == Fraction(15, 10)


def test_rule_27_nothing_to_begin_with() -> None:
    found = window(path("D", 0, 50), "2024-02-01", "2024-03-01")
    assert (found.accounts, found.opening, found.closing) == (0, 0, 0)
    assert found.nrr is found.grr is found.logo_retention is None


def test_segments() -> None:
    found = retention(
        PLAIN, policy(), day("2024-02-01"), day("2024-03-01"), day("2024-12-31"), par,
        segment=lambda entity: "first" if entity in "AB" else None,
    )  # fmt: skip
    assert {name: (each.accounts, each.opening) for name, each in found.items()} == {
        "first": (2, 200),
        None: (1, 100),
    }


# --- identities ---------------------------------------------------------------------------------------------


def uneven(currency: str, on: date) -> Fraction:
    """Rates that differ by currency and move by day."""
    return {"USD": Fraction(1), "EUR": Fraction("1.0837"), "JPY": Fraction("0.67")}[currency] * (
        1 if currency == "USD" else 1 + Fraction(on.toordinal() % 97, 1000)
    )


@pytest.mark.slow
@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(companies(), policies(), days(), days(), days())
def test_the_window_adds_up(company: Facts, chosen: Policy, one: date, other: date, as_of: date) -> None:
    start, end = min(one, other), max(one, other)
    found = retention(company, chosen, start, end, as_of, uneven)[None]
    movements = found.expansion + found.contraction + found.churn + found.reactivation
    assert found.opening + movements + found.fx == found.closing
    if found.nrr is not None and chosen.nrr == "point_to_point":
        # opening, expansion, reactivation, contraction and churn over the opening: the textbook form
        assert found.nrr == Fraction(found.opening + movements, found.opening)
        if chosen.grr == "capped":
            assert found.grr is not None and found.grr <= min(found.nrr, Fraction(1))


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(companies(), policies(), days())
def test_a_day_s_balance_at_a_month_s_end_is_the_ledger_s(company: Facts, chosen: Policy, as_of: date) -> None:
    ledger = book(company, chosen, as_of)
    for month, after in pairwise(ledger.months):
        at_end = {(entity, cur): x for (entity, cur, when), x in ledger.balance.items() if when == month}
        assert by_day(company, chosen, as_of, after) == at_end


# --- conformance --------------------------------------------------------------------------------------------


def cases() -> list[Any]:
    file = CONFORMANCE / "17_OURS_grr_naive_vs_cap.json"
    if not file.exists():
        reason = f"the shared conformance cases are not beside the repository ({file.name})"
        return [pytest.param({}, id="absent", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case["id"]) for case in json.loads(file.read_text())["cases"]]


@pytest.mark.parametrize("case", cases())
def test_conformance_of_the_formulas(case: dict[str, Any]) -> None:
    """Paths of MRR, and what each formula says of them from the first month's end to the last one's."""
    paths = case["input"]["paths"]
    company = together(*(path(name, *amounts) for name, amounts in paths.items()))
    count = max(len(amounts) for amounts in paths.values())
    starts = [date(2024, month, 1) for month in range(2, count + 2)]
    first, last = str(starts[0]), str(starts[-1])
    expected = case["expected"]
    whole = window(company, first, last)
    monthly = [window(company, str(a), str(b)) for a, b in pairwise(starts)]

    def near(value: Fraction | None, name: str) -> None:
        assert value is not None and abs(float(value) - expected[name]) < 1e-6, name

    near(whole.nrr, "nrr_p2p")
    near(whole.grr, "grr_cap")
    near(window(company, first, last, policy(grr="summed")).grr, "grr_movement_sum")
    net = window(company, first, last, policy(nrr="net_movements")).nrr
    returned = expected["movements"]["reactivation"]
    assert net is not None
    near(net - Fraction(returned, whole.opening), "nrr_movement_sum_excl_react")
    near(prod((each.nrr or Fraction(0) for each in monthly), start=Fraction(1)), "nrr_product_of_monthly")
    near(prod((each.grr or Fraction(0) for each in monthly), start=Fraction(1)), "grr_product_of_monthly")
    movements = book(company, policy(), day(last)).movements
    for kind, amount in expected["movements"].items():
        assert abs(sum(x for key, x in movements.items() if key[3] == kind)) == amount


def test_conformance_of_one_reference_month_by_month() -> None:
    """The MRR playbook's table: a customer pays for the months that begin in [start, end)."""
    file = CONFORMANCE / "08_dbt_mrr_playbook.json"
    data = CONFORMANCE.parent / "data" / "mrr_playbook" / "subscription_periods.csv"
    if not (file.exists() and data.exists()):
        pytest.skip(f"the shared conformance cases are not beside the repository ({file.name})")
    company = playbook(data)
    ledger = book(company, policy(), day("2020-02-29"))
    names = {"upgrade": "expansion", "downgrade": "contraction"}
    for case in json.loads(file.read_text())["cases"]:
        month = day(case["input"]["month"])
        for name in ("new", "reactivation", "upgrade", "downgrade", "churn"):
            kind = names.get(name, name)
            found = sum(x for key, x in ledger.movements.items() if key[2:] == (month, kind))
            assert found == 100 * case["expected"][name], (month, kind)
        closing = sum(x for key, x in ledger.balance.items() if key[2] == month)
        assert closing == 100 * case["expected"]["end_mrr"]


def playbook(data: Path) -> Facts:
    rows = []
    for number, text in enumerate(data.read_text().split()[1:]):
        _, customer, start, end, amount = text.split(",")
        first, after = first_of_month(start), first_of_month(end)
        price = round(float(amount) * 100)
        rows.append(item(first, price, customer, f"{customer}-{number}", valid_to=after))
    return Facts(rows)


def first_of_month(text: str) -> str:
    """The first day of a month on or after a day."""
    on = day(text)
    return str(on if on.day == 1 else date(on.year + on.month // 12, on.month % 12 + 1, 1))
