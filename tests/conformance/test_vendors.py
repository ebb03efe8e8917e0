"""Worked numbers from vendors' documentation (13), Lago's bridge (14), Cashier's tests (15), and our own paths (17)."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from math import prod
from typing import Any

import pytest

from holdfast.domain.period import add_months
from holdfast.metrics import mrr

from ..metrics.worlds import DOLLARS, path
from ..oracle.ledger import Facts
from ..oracle.pencil import POLICIES, account, facts, item, line
from .conftest import Books, case, cases

VENDORS = "13_vendor_doc_examples.json"
LAGO = "14_lago_bridge.json"
CASHIER = "15_cashier_saas_metrics.json"
PATHS = "17_OURS_grr_naive_vs_cap.json"

DEFAULT = POLICIES["holdfast-1"]
STRIPE, CHARGEBEE, RECURLY = POLICIES["stripe"], POLICIES["chargebee"], POLICIES["recurly"]
CHARTMOGUL, PROFITWELL = POLICIES["chartmogul"], POLICIES["profitwell"]
#: look-alikes that are not shipped
REVENUECAT = DEFAULT.with_settings(name="revenuecat", week_factor=Fraction(4), day_factor=Fraction(30))
REVENUECAT_OLD = DEFAULT.with_settings(name="revenuecat-old", week_factor=Fraction(4), day_factor=Fraction(28))
REPEATING_TOO = STRIPE.with_settings(name="stripe-repeating", repeating_discounts=True)
BAREMETRICS = DEFAULT.with_settings(name="baremetrics", grr="churn_only")

INTERVALS = {"day": ("day", 1), "days": ("day", 1), "week": ("week", 1), "weeks": ("week", 1)}
INTERVALS |= {"month": ("month", 1), "months": ("month", 1), "year": ("year", 1)}


def cents(amount: float) -> int:
    return round(100 * amount)


def company() -> Facts:
    """One account, or a few, for every case; `case/a` and `case/b` are accounts of the same case."""
    rows = facts(
        # 100 at the start: one leaves with 10, one shrinks by 10, one grows by 10
        *path("chartmogul_gross_net/a", 10_00, 0), *path("chartmogul_gross_net/b", 20_00, 10_00), *path("chartmogul_gross_net/c", 70_00, 80_00),
        item("2024-01-10", 2000_00, "chartmogul_lifecycle", "gold", interval="year", cancel_requested_on="2024-05-02", valid_to="2025-01-10"),
        item("2024-02-05", 30_00, "chartmogul_lifecycle", "silver", quantity=2, valid_to="2024-03-20"),
        item("2025-03-15", 50_00, "chartmogul_lifecycle", "gold-again", quantity=3),
        *(item("2024-01-01", 100_00, f"stripe_mrr/m{n}", f"m{n}") for n in range(100)),
        *(item("2024-01-01", 600_00, f"stripe_mrr/y{n}", f"y{n}", interval="year") for n in range(50)),
        item("2024-01-01", 1200_00, "stripe_annual", "sa", interval="year"),
        item("2024-01-01", 100_00, "stripe_forever_half", "sf", forever_off_ppm=500_000),
        item("2024-01-01", 100_00, "stripe_finite_coupon_default", "sc", repeating_off_ppm=500_000, repeating_until="2024-04-01"),
        item("2024-01-01", 60_00, "stripe_two_subscriptions", "s1", valid_to="2024-02-10"),
        item("2024-01-01", 40_00, "stripe_two_subscriptions", "s2", valid_to="2024-03-10"),
        *path("chargebee_grr_cap", 5000_00, 6000_00),
        item("2024-01-01", 20_00, "chargebee_metered", "cm"), line("metered", 30_00, "2024-01-01", "2024-02-01", "chargebee_metered", subscription_id="cm-s"),
        item("2024-01-01", 15_00, "chargebee_quantity", "cq", quantity=10),
        item("2024-01-01", 10_00, "recurly_mid_month_seat", "rm"), item("2024-06-16", 10_00, "recurly_mid_month_seat", "rm", quantity=2),
        *path("recurly_contraction", 100_00, 80_00),
        item("2024-01-01", 8_00, "revenuecat_month", "rcm"), item("2024-01-01", 120_00, "revenuecat_year", "rcy", interval="year"),
        # a year of 365 days in months of 28: our own year is 12 months under every policy
        item("2024-01-01", 100_00, "revenuecat_old_year", "roy", interval="day", interval_count=365),
        item("2024-01-01", 2_99, "revenuecat_old_week", "row", interval="week"),
        *path("baremetrics_net_churn_cap", 500_00, 1379_00, 0),
        item("2024-01-01", 1200_00, "clearsync_coupon", "cc", interval="year", once_off_ppm=200_000),
        *path("posthog_blog/a", 17_000_00, 0), *path("posthog_blog/b", 83_000_00, 86_000_00),
        item("2024-01-01", 17_00, "lago_1834", "l"), item("2024-02-10", 134_00, "lago_1834", "l", interval="year"),
        item("2024-01-10", 500_00, "polar_10951", "p", valid_to="2024-01-12"),
        item("2024-01-01", 12_000_00, "netsuite_contract", "n", interval="month", interval_count=12),
    )  # fmt: skip
    for number, text in enumerate(FACTORS):
        count, _, unit = text.partition(" ")
        interval, _ = INTERVALS[unit]
        rows.items.append(
            item("2024-01-01", 36_00, f"factor-{text}", f"f{number}", interval=interval, interval_count=int(count))
        )
    return rows


FACTORS = ("1 day", "3 days", "1 week", "2 weeks", "4 weeks", "2 months", "3 months", "6 months", "1 year")


@pytest.fixture(scope="module")
def vendors(booked_under: Callable[..., Books]) -> Books:
    return booked_under(company())


Check = Callable[[Books, dict[str, Any], dict[str, Any]], None]
CHECKS: dict[str, Check] = {}


def check(name: str) -> Callable[[Check], Check]:
    """The check of a case: books, input, expected."""

    def register(function: Check) -> Check:
        CHECKS[name] = function
        return function

    return register


@pytest.mark.parametrize("one", cases(VENDORS))
def test_worked_numbers_of_vendors(one: dict[str, Any], vendors: Books) -> None:
    assert one["id"] in CHECKS, f"no check is written for the case {one['id']}"
    CHECKS[one["id"]](vendors, one["input"], one["expected"])


@check("chartmogul_gross_net")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Gross churn is churn and contraction summed; net churn takes off expansion and reactivation."""
    row = books.window(CHARTMOGUL, "chartmogul_gross_net", "2024-02-01", "2024-03-01")
    assert row.counts.opening == cents(said["start"])
    assert row.nrr is not None and row.grr is not None
    assert (float(row.grr), float(row.nrr)) == (expected["implied_grr_sum"], expected["implied_nrr"])
    assert (float(1 - row.grr), float(1 - row.nrr)) == (expected["gross_mrr_churn"], expected["net_mrr_churn"])


def lifecycle(month: str) -> Check:
    def checked(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
        moved = books.month(CHARTMOGUL, "chartmogul_lifecycle", month)
        amount = moved.pop(expected["movement"])
        moved.pop("closing")
        assert not moved, "one movement and no other"
        if "mrr" in expected or "mrr_delta" in expected:
            assert amount == cents(expected.get("mrr", expected.get("mrr_delta")))

    return checked


CHECKS |= {
    f"chartmogul_lifecycle_{n}": lifecycle(month) for n, month in enumerate(("2024-01", "2024-02", "2024-03"), 1)
}
CHECKS["chartmogul_lifecycle_5"] = lifecycle("2025-03")


@check("chartmogul_lifecycle_4")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Cancelled in May, paid until 10 January: churn is in January, and not at the click. Stripe's is at the click."""
    lifecycle("2025-01")(books, said, expected)
    assert books.month(CHARTMOGUL, "chartmogul_lifecycle", "2024-05") == {"closing": 166_67}
    assert books.month(STRIPE, "chartmogul_lifecycle", "2024-05") == {"churn": -166_67, "closing": 0}


@check("stripe_mrr")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(STRIPE, "stripe_mrr", "2024-01-31") == cents(expected["mrr"])


@check("stripe_annual")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(STRIPE, "stripe_annual", "2024-01-31") == cents(expected["mrr"])


@check("stripe_forever_half")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(STRIPE, "stripe_forever_half", "2024-01-31") == cents(expected["mrr"])


@check("stripe_finite_coupon_default")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """With the toggle, the end of the coupon after three months is an expansion."""
    name = "stripe_finite_coupon_default"
    assert books.mrr(STRIPE, name, "2024-01-31") == cents(expected["mrr_default"])
    assert books.mrr(REPEATING_TOO, name, "2024-01-31") == cents(expected["mrr_with_toggle"])
    assert books.month(REPEATING_TOO, name, "2024-04") == {"expansion": 50_00, "closing": 100_00}


@check("stripe_two_subscriptions")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert expected["first"].startswith("contraction") and expected["second"] == "churn"
    assert books.month(STRIPE, "stripe_two_subscriptions", "2024-02") == {"contraction": -60_00, "closing": 40_00}
    assert books.month(STRIPE, "stripe_two_subscriptions", "2024-03") == {"churn": -40_00, "closing": 0}


@check("chargebee_grr_cap")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    row = books.window(CHARGEBEE, "chargebee_grr_cap", "2024-02-01", "2024-03-01")
    assert (row.grr, row.nrr) == (expected["grr"], Fraction(str(expected["nrr"])))


@check("chargebee_metered")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Usage of the term before is MRR of the next; by default it is none."""
    assert books.month(CHARGEBEE, "chargebee_metered", "2024-01")["closing"] == cents(expected["mrr_jan"])
    assert books.month(CHARGEBEE, "chargebee_metered", "2024-02") == {
        "expansion": 30_00,
        "closing": cents(expected["mrr_feb"]),
    }
    assert books.month(DEFAULT, "chargebee_metered", "2024-02")["closing"] == 20_00


@check("chargebee_quantity")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(CHARGEBEE, "chargebee_quantity", "2024-01-31") == cents(expected["mrr"])


@check("recurly_mid_month_seat")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """15 of June's 30 days are left on the 16th: half of the seat counts in June, all of it from July on."""
    june = books.month(RECURLY, "recurly_mid_month_seat", "2024-06")
    july = books.month(RECURLY, "recurly_mid_month_seat", "2024-07")
    assert june["expansion"] == cents(expected["june_added"])
    assert june["expansion"] + july["expansion"] == cents(expected["july_added"])
    assert round(june["expansion"] / 15) == cents(expected["per_day"])


@check("recurly_contraction")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.month(RECURLY, "recurly_contraction", "2024-02") == {
        expected["movement"]: -cents(expected["amount"]),
        "closing": 80_00,
    }


@check("revenuecat_month")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(REVENUECAT, "revenuecat_month", "2024-01-31") == cents(expected["mrr"])


@check("revenuecat_year")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(REVENUECAT, "revenuecat_year", "2024-01-31") == cents(expected["mrr"])


@check("revenuecat_factors")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """36.00 for each interval, times the factor."""
    assert tuple(said["intervals"]) == FACTORS
    ours = [books.mrr(REVENUECAT, f"factor-{text}", "2024-01-31") for text in FACTORS]
    assert ours == [round(36_00 * factor) for factor in expected["factor"]]


@check("revenuecat_old_definition")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Months of 28 days, which they gave up. The yearly price only as 365 days: our year is 12 months under every policy."""
    ours = [books.mrr(REVENUECAT_OLD, name, "2024-01-31") for name in ("revenuecat_old_year", "revenuecat_old_week")]
    assert ours == [cents(amount) for amount in expected["mrr"]]


@check("baremetrics_net_churn_cap")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """1,379 lost of 500: summed movements lose 276 %; point to point nobody loses more than what was there."""
    summed = books.window(BAREMETRICS, "baremetrics_net_churn_cap", "2024-02-01", "2024-04-01")
    ours = books.window(DEFAULT, "baremetrics_net_churn_cap", "2024-02-01", "2024-04-01")
    assert summed.grr is not None and ours.grr is not None
    assert float(1 - summed.grr) == expected["uncapped_churn"]
    assert 1 - ours.grr == expected["capped_churn"]


@check("clearsync_coupon")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Two tools, one customer, two MRRs: the policies' names say which is which."""
    assert books.mrr(STRIPE, "clearsync_coupon", "2024-01-31") == cents(expected["stripe"])
    assert books.mrr(PROFITWELL, "clearsync_coupon", "2024-01-31") == cents(expected["net"])


@check("posthog_blog")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    row = books.window(DEFAULT, "posthog_blog", "2024-02-01", "2024-03-01")
    assert row.counts.opening == cents(said["start"])
    assert row.grr is not None and row.nrr is not None
    assert (float(row.grr), float(row.nrr)) == (expected["grr"], expected["nrr"])
    assert (float(1 - row.grr), float(1 - row.nrr)) == (expected["gross_churn"], expected["net_churn"])


@check("lago_1834")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """The yearly price is larger and the MRR smaller: a contraction."""
    assert books.mrr(DEFAULT, "lago_1834", "2024-01-31") == cents(expected["mrr_old"])
    february = books.month(DEFAULT, "lago_1834", "2024-02")
    assert february == {
        expected["movement"]: cents(expected["mrr_new"]) - cents(expected["mrr_old"]),
        "closing": cents(expected["mrr_new"]),
    }


@check("polar_10951")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    """Two days of life: MRR on each of them, none on the day of the end; and no movement in the month's bridge."""
    days = {"T": "2024-01-10", "T+1": "2024-01-11", "T+2": "2024-01-12"}
    assert {name: books.mrr(DEFAULT, "polar_10951", day) // 100 for name, day in days.items()} == expected["mrr"]
    assert books.ledger(DEFAULT).rows(
        "select count(*) from movement join entity using (entity_key) where entity_id = 'polar_10951'"
    ) == [(0,)]


@check("netsuite_contract")
def _(books: Books, said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert books.mrr(DEFAULT, "netsuite_contract", "2024-01-31") == cents(expected["mrr"])


# --- 14: Lago's bridge --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lago(booked_under: Callable[..., Books]) -> Books:
    """Customers that make Lago's months: one comes with all the new MRR, and of those before one leaves with the churn.

    The churn of November 2023 can only be of a customer who came in November: theirs came and went in one month.
    """
    rows = Facts()
    for parameter in cases(LAGO):
        one: dict[str, Any] = parameter.values[0]
        if not one:
            continue
        first = date.fromisoformat(f"{one['id']}-01")
        new = one["input"]["mrr_new"]
        following = next(
            (p.values[0] for p in cases(LAGO) if p.values[0]["id"] == f"{add_months(first, 1):%Y-%m}"), None
        )
        lost_next = -following["input"]["mrr_churn"] if following else 0
        lost_now = -one["input"]["mrr_churn"] if one["input"]["starting_mrr"] == 0 else 0
        at_once = {"valid_to": f"{one['id']}-20"}
        leaving = {"valid_to": str(add_months(first, 1).replace(day=15))}
        for name, amount, values in (
            ("brief", lost_now, at_once),
            ("leaves", lost_next, leaving),
            ("stays", new - lost_now - lost_next, {}),
        ):
            if amount:
                rows.items.append(item(str(first), amount, f"lago/{name}-{one['id']}", f"{name}-{one['id']}", **values))
    return booked_under(rows)


@pytest.mark.parametrize("one", cases(LAGO))
def test_lago_s_bridge(one: dict[str, Any], lago: Books) -> None:
    """Opening, closing and change to the unit; movements too, but for those of who came and went inside November."""
    moved = lago.month(DEFAULT, "lago", one["id"])
    said = one["input"]
    assert moved.pop("closing") == one["expected"]["ending_mrr"]
    assert sum(moved.values()) == one["expected"]["mrr_change"]
    theirs = {"new": said["mrr_new"], "churn": said["mrr_churn"]}
    if said["starting_mrr"] == 0:
        theirs = {"new": said["mrr_new"] + said["mrr_churn"]}
    assert moved == theirs


# --- 15: Cashier --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cashier(booked_under: Callable[..., Books]) -> Books:
    rows = Facts()
    for parameter in cases(CASHIER):
        one: dict[str, Any] = parameter.values[0]
        for number, said in enumerate(one.get("input", {}).get("subscriptions", [])):
            amount, interval, *rest = said
            name = f"{one['id']}/{number}"
            status = "trialing" if rest == ["trial"] else "active"
            rows.items.append(
                item(
                    "2024-01-01",
                    cents(amount),
                    name,
                    name,
                    interval=interval,
                    status=status,
                    plan_id=(rest or [None])[0],
                )
            )
            tag = rest[0] if rest and one["id"] in ("plan_filter", "group_by_source") else "none"
            rows.accounts.append(account(name, attributes=(("case", one["id"]), ("tag", tag))))
    # churned 75 of 150, and 120 new beside it
    name = "ANTI_net_churn_includes_new"
    rows.items += [*path(f"{name}/a", 75_00), *path(f"{name}/b", 75_00, 0), *path(f"{name}/c", 0, 120_00)]
    rows.accounts += [account(f"{name}/{letter}", attributes=(("case", name), ("tag", "none"))) for letter in "abc"]
    return booked_under(rows)


@pytest.mark.parametrize("one", cases(CASHIER))
def test_cashier_metrics(one: dict[str, Any], cashier: Books) -> None:
    expected = one["expected"]
    if one["id"].startswith("ANTI"):
        row = cashier.window(DEFAULT, one["id"], "2024-02-01", "2024-03-01")
        assert row.nrr is not None
        assert 1 - row.nrr == Fraction(str(expected["correct_net_churn"])), "new business never enters retention"
        assert 1 - row.nrr != 0, "theirs"
        return
    rows = mrr.measure(cashier.ledger(DEFAULT), date(2024, 1, 31), DOLLARS, ("case", "tag"))
    by_tag = {row.segment[1][1]: row.mrr for row in rows if row.segment[0][1] == one["id"]}
    if one["id"] == "group_by_source":
        assert by_tag == {name: cents(amount) for name, amount in expected.items()}
    elif one["id"] == "plan_filter":
        assert by_tag[one["input"]["filter"]] == cents(expected["mrr"])
    else:
        assert sum(by_tag.values()) == cents(expected["mrr"])


# --- 17: what each formula says of the same paths -----------------------------------------------------------


@pytest.fixture(scope="module")
def paths(booked_under: Callable[..., Books]) -> Books:
    rows = Facts()
    for parameter in cases(PATHS):
        one: dict[str, Any] = parameter.values[0]
        for name, amounts in one.get("input", {}).get("paths", {}).items():
            rows.items += path(f"{one['id']}/{name}", *amounts)
    return booked_under(rows)


@pytest.mark.parametrize("one", cases(PATHS))
def test_what_each_formula_returns(one: dict[str, Any], paths: Books) -> None:
    name, expected = one["id"], one["expected"]
    count = max(len(amounts) for amounts in one["input"]["paths"].values())
    starts = [f"2024-{month:02}-01" for month in range(2, count + 2)]
    first, last = starts[0], starts[-1]

    def near(value: Fraction | None, key: str) -> None:
        assert value is not None and abs(float(value) - expected[key]) < 1e-6, key

    whole = paths.window(DEFAULT, name, first, last)
    near(whole.nrr, "nrr_p2p")
    near(whole.grr, "grr_cap")
    near(paths.window(DEFAULT.with_settings(grr="summed"), name, first, last).grr, "grr_movement_sum")
    net = paths.window(DEFAULT.with_settings(nrr="net_movements"), name, first, last)
    assert net.nrr is not None
    near(net.nrr - Fraction(net.counts.all_sums.reactivation, net.counts.opening), "nrr_movement_sum_excl_react")
    monthly = [paths.window(DEFAULT, name, a, b) for a, b in itertools.pairwise(starts)]
    near(prod((row.nrr or Fraction(0) for row in monthly), start=Fraction(1)), "nrr_product_of_monthly")
    near(prod((row.grr or Fraction(0) for row in monthly), start=Fraction(1)), "grr_product_of_monthly")
    sums = net.counts.all_sums
    assert {kind: abs(getattr(sums, kind)) for kind in expected["movements"]} == expected["movements"]


def test_the_shared_cases_are_all_here() -> None:
    """The ids of the cases that are checked by name are those of the file, no more and no fewer."""
    case(VENDORS, "stripe_mrr")
    assert set(CHECKS) == {parameter.values[0]["id"] for parameter in cases(VENDORS)}
