"""Policies side by side, and the setting that makes one account differ; ledger and invoices, and the reason of a difference."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.period import Window, parse_month
from holdfast.flows import compare
from holdfast.flows.book import book, open_ledger
from holdfast.flows.home import Home
from holdfast.metrics import reconcile
from holdfast.metrics.reconcile import REASONS, Reconciliation
from holdfast.warehouse.window import WindowError

from ..ledger.booked import rows_of
from ..metrics.worlds import path
from ..oracle.pencil import account, facts, item, line
from .homes import DOLLARS, NOW, booked_home, load_text, with_policy

pytestmark = pytest.mark.slow

WINDOW = Window(date(2024, 2, 1), date(2024, 6, 1))


def why(home: Home, other: str) -> dict[str, tuple[str, ...]]:
    """The settings that explain each account, without their values."""
    found = compare.why(home, WINDOW, DOLLARS, home.policy(other))
    return {one.account: tuple(sorted(text.split(":")[0] for text in one.because)) for one in found}


def plights() -> Any:
    """Accounts that one setting each sees differently, and one that all see alike."""
    return facts(
        item("2024-01-01", 100, "coupon", "c", once_off_ppm=500_000),
        item("2024-01-01", 100, "repeating", "r", repeating_off_ppm=100_000, repeating_until="2024-04-01"),
        item("2024-01-01", 100, "past due", "d"), item("2024-02-10", 100, "past due", "d", status="past_due"),
        item("2024-01-01", 100, "clicked", "k", cancel_requested_on="2024-03-10", valid_to="2025-01-01"),
        item("2024-01-01", 100, "unpaid", "u"), item("2024-03-10", 100, "unpaid", "u", status="unpaid"),
        item("2024-01-01", 100, "weekly", "w", interval="week"),
        *path("plain", 100, 150),
    )  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return booked_home(tmp_path_factory.mktemp("why"), plights())


def test_why_profitwell_differs_is_the_coupons(home: Home) -> None:
    assert why(home, "profitwell") == {"coupon": ("once_discounts",), "repeating": ("repeating_discounts",)}


def test_why_stripe_differs_is_the_click_and_past_due(home: Home) -> None:
    assert why(home, "stripe") == {"clicked": ("cancel_at",), "past due": ("past_due_grace_days",)}


@pytest.mark.slow
def test_why_ghost_differs(home: Home) -> None:
    """The weekly price at 4 weeks a month is whole, so how it is rounded does not matter by itself."""
    found = why(home, "ghost")
    assert found == {
        "clicked": ("cancel_at",),
        "past due": ("past_due_grace_days",),
        "unpaid": ("unpaid_counts",),
        "weekly": ("week_factor",),
    }


def test_why_gives_both_values_and_the_largest_first(home: Home) -> None:
    [first, second] = compare.why(home, WINDOW, DOLLARS, home.policy("profitwell"))
    assert (first.account, first.because) == ("repeating", ("repeating_discounts: no → yes",))
    assert (first.opening, first.closing) == ((100, 90), (100, 100))
    assert (second.account, second.opening, second.closing) == ("coupon", (100, 50), (100, 50))


def test_why_a_pause_differs(tmp_path: Path) -> None:
    """On hold, or away and back: where who was away counts as lost, the pause decides. It takes both settings together."""
    rows = (
        item("2024-01-01", 100, "away", "a"),
        item("2024-02-10", 100, "away", "a", status="paused"),
        item("2024-04-10", 100, "away", "a"),
    )
    home = booked_home(tmp_path, facts(*rows))
    home = with_policy(
        home,
        "lost",
        'name = "lost"\ntitle = "L"\nbased_on = "holdfast-1"\npause_grace_days = 0\nleft_and_returned = "lost"\n',
    )
    [ours], [theirs] = (
        [one.row for one in compare.compare(home, WINDOW, DOLLARS, (name,))] for name in ("holdfast-1", "lost")
    )
    assert ours is not None and theirs is not None
    assert (ours.nrr, theirs.nrr) == (1, 0)
    assert why(home, "lost") == {"away": ("only together",)}


def test_why_of_a_merged_account_names_the_one_setting(tmp_path: Path) -> None:
    """A belongs to B. B clicked: `stripe` differs by the click, and by nothing else."""
    home = booked_home(
        tmp_path,
        facts(
            *path("A", 300), item("2024-01-01", 100, "B", "b", cancel_requested_on="2024-03-10", valid_to="2025-01-01"),
            account("A", "2024-01-15", merged_into="B"),
        ),
    )  # fmt: skip
    assert why(home, "stripe") == {"B": ("cancel_at",)}


def test_why_under_a_policy_that_follows_subscriptions(tmp_path: Path) -> None:
    home = booked_home(tmp_path, plights(), policy="chargebee")
    home = with_policy(
        home,
        "click",
        'name = "click"\ntitle = "C"\nbased_on = "chargebee"\ncancel_at = "click"\nunpaid_counts = true\n',
    )
    assert why(home, "click") == {"k-s": ("cancel_at",), "u-s": ("unpaid_counts",)}


@pytest.mark.slow
def test_the_same_window_under_every_policy(home: Home) -> None:
    found = {one.policy.name: one for one in compare.compare(home, WINDOW, DOLLARS)}
    assert set(found) == set(home.policies())
    assert found["holdfast-1"].row is not None and found["holdfast-1"].row.counts.accounts == 7


def test_a_policy_that_cannot_measure_the_window_says_so_beside_the_others(home: Home) -> None:
    odd = Window(date(2024, 2, 10), date(2024, 6, 1))
    [ours, theirs] = compare.compare(home, odd, DOLLARS, ("holdfast-1", "recurly"))
    assert ours.row is not None and theirs.row is None
    assert "first of a month" in theirs.refused


# --- ledger and invoices ------------------------------------------------------------------------------------


def monthly(account_id: str, amount: int, months: range = range(1, 6), **values: Any) -> list[Any]:
    """A recurring line for each month of 2024."""
    return [
        line(
            "recurring",
            amount,
            f"2024-{m:02}-01",
            f"2024-{m + 1:02}-01",
            account_id,
            name=f"{account_id}-{m}",
            **values,
        )
        for m in months
    ]


def invoiced(folder: Path, *rows: Any) -> Home:
    return booked_home(folder, facts(*rows), as_of="2024-05-31")


def reconciled(home: Home) -> Reconciliation:
    with open_ledger(home) as ledger:
        landing = home.landing
        return reconcile.measure(
            ledger, range(parse_month("2024-01"), parse_month("2024-06")),
            landing.files("subscription_item"), landing.files("invoice_line"), landing.files("invoice"),
        )  # fmt: skip


def reasons(found: Reconciliation) -> dict[tuple[str, str], str]:
    words = {text: name for name, text in REASONS.items()}
    return {(one.account, one.month): words[one.reason] for one in found.differences}


def test_what_ties_out(tmp_path: Path) -> None:
    """A monthly price and a yearly one, invoiced as priced: ten account-months, no difference."""
    home = invoiced(
        tmp_path, item("2024-01-01", 100_00, "A", "a"), *monthly("A", 100_00), item("2024-01-01", 1200_00, "B", "b", interval="year"),
        line("recurring", 1200_00, "2024-01-01", "2025-01-01", "B", name="B-y"),
    )  # fmt: skip
    found = reconciled(home)
    assert (found.compared, found.tied, found.differences) == (10, 10, ())
    assert found.totals == {"USD": (1000_00, 1000_00)}


def test_planted_differences_are_found_with_their_reason(tmp_path: Path) -> None:
    """One account a reason; everything else about each of them ties out."""
    home = invoiced(
        tmp_path,
        # no invoice for April
        item("2024-01-01", 100_00, "skipped", "s1"), *monthly("skipped", 100_00, range(1, 4)), *monthly("skipped", 100_00, range(5, 6)),
        # invoiced in May though it ended in April
        item("2024-01-01", 100_00, "ended", "s2", valid_to="2024-04-10"), *monthly("ended", 100_00),
        # a coupon for three months, which lowers the invoices and not the MRR
        item("2024-01-01", 100_00, "coupon", "s3", repeating_off_ppm=200_000, repeating_until="2024-04-01"),
        *monthly("coupon", 80_00, range(1, 4)), *monthly("coupon", 100_00, range(4, 6)),
        # not paid from March on: after 30 days the MRR is given up
        item("2024-01-01", 100_00, "late", "s4"), item("2024-03-05", 100_00, "late", "s4", status="past_due"), *monthly("late", 100_00),
        # upgraded on 10 March: the line shows the old price, a proration the rest
        item("2024-01-01", 100_00, "upgraded", "s5"), item("2024-03-10", 150_00, "upgraded", "s5"),
        *monthly("upgraded", 100_00, range(1, 4)), *monthly("upgraded", 150_00, range(4, 6)),
        line("proration", 35_48, "2024-03-10", "2024-04-01", "upgraded", name="up-p"),
        # invoiced at another price than agreed
        item("2024-01-01", 100_00, "other", "s6"), *monthly("other", 90_00, range(1, 2)), *monthly("other", 100_00, range(2, 6)),
        # still on trial, and invoiced for it
        item("2024-01-01", 100_00, "trial", "s7", status="trialing"), *monthly("trial", 100_00, range(2, 3)),
        # by the quarter: 8.33 a month in the ledger; the first invoice is a cent more, which is 8.34 a month
        item("2024-01-01", 25_00, "rounding", "s8", interval_count=3), line("recurring", 25_01, "2024-01-01", "2024-04-01", "rounding", name="r-1"),
        line("recurring", 25_00, "2024-04-01", "2024-07-01", "rounding", name="r-2"),
    )  # fmt: skip
    told = reasons(reconciled(home))
    by_account: dict[str, dict[str, str]] = {}
    for (account_id, month), reason in told.items():
        by_account.setdefault(account_id, {})[month] = reason
    assert by_account.pop("skipped") == {"2024-04": "not_invoiced"}
    assert set(by_account.pop("ended").values()) == {"not_subscribed"}
    assert by_account.pop("coupon") == dict.fromkeys(("2024-01", "2024-02", "2024-03"), "coupon")
    assert by_account.pop("late") == dict.fromkeys(("2024-04", "2024-05"), "past_due")
    assert by_account.pop("upgraded") == {"2024-03": "prorated"}
    assert by_account.pop("other") == {"2024-01": "other"}
    assert by_account.pop("trial") == {"2024-02": "trial"}
    assert by_account.pop("rounding") == dict.fromkeys(("2024-01", "2024-02", "2024-03"), "rounding")
    assert not by_account


def test_void_invoices_are_not_what_is_owed(tmp_path: Path) -> None:
    home = invoiced(tmp_path, item("2024-01-01", 100_00, "A", "a"), *monthly("A", 100_00))
    load_text(
        home, "invoices.csv",
        """invoice_id,account_id,currency,issued_on,status,total_minor
           A-3,A,USD,2024-03-01,void,10000""",
    )  # fmt: skip
    assert home.landing.files("invoice"), "the invoice is loaded"
    book(home, NOW)
    assert reasons(reconciled(home)) == {("A", "2024-03"): "not_collectible"}


def test_a_corrected_line_takes_the_place_of_the_first(tmp_path: Path) -> None:
    home = invoiced(
        tmp_path,
        item("2024-01-01", 100_00, "A", "a"),
        *monthly("A", 90_00, range(1, 2)),
        *monthly("A", 100_00, range(2, 6)),
    )
    assert reasons(reconciled(home)) == {("A", "2024-01"): "other"}
    home.landing.append(
        "invoice_line",
        [rows_of("invoice_line", monthly("A", 100_00, range(1, 2)))],
        source="test",
        source_kind="billing",
        loaded_at=NOW,
    )
    assert reconciled(home).differences == ()


def test_what_cannot_be_reconciled_says_why(tmp_path: Path) -> None:
    home = booked_home(tmp_path, facts(*path("A", 100)))
    with pytest.raises(WindowError, match="no invoice lines are loaded"):
        reconciled(home)
    with (
        open_ledger(home, policy=home.policy("chargebee")) as ledger,
        pytest.raises(WindowError, match="follows subscriptions"),
    ):
        reconcile.measure(ledger, range(648, 650), [], [tmp_path], [])
