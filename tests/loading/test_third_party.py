"""Other people's data loads with no mapping by hand, to the cent, and a second time changes nothing.

The files are not part of this repository; without them these tests are skipped.
"""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from holdfast.flows.load import FileReport, LoadReport

from .conftest import Company


def by_file(report: LoadReport) -> dict[str, FileReport]:
    return {file.file: file for file in report.files}


def test_mrr_playbook_one_row_per_subscription(company: Company, third_party: Path) -> None:
    report = company.load(third_party / "mrr_playbook")
    assert report.exit_code == 0
    amounts = [amount for (amount,) in company.rows("subscription_item", "unit_amount_minor")]
    assert (len(amounts), sum(amounts)) == (121, 5_205_00)
    assert company.rows("subscription_item", "account_id, valid_from, valid_to, unit_amount_minor")[0] == (
        "1",
        date(2018, 11, 1),
        date(2019, 2, 1),
        5000,
    )


def test_ravenstack_five_tables(company: Company, third_party: Path) -> None:
    report = company.load(third_party / "ravenstack")
    files = by_file(report)
    assert {name: (file.table, file.rows_loaded, file.rows_rejected) for name, file in files.items()} == {
        "ravenstack_accounts.csv": ("account", 500, 0),
        "ravenstack_churn_events.csv": ("", 0, 0),
        "ravenstack_feature_usage.csv": ("usage_day", 24_981, 0),
        "ravenstack_subscriptions.csv": ("subscription_item", 5_000, 0),
        "ravenstack_support_tickets.csv": ("ticket", 2_000, 0),
    }
    assert "not recognised" in files["ravenstack_churn_events.csv"].problem
    assert "19 rows tell more of an account, day and feature: added up" in files["ravenstack_feature_usage.csv"].notes
    assert "13 rows end on the day they begin: they hold for no time" in files["ravenstack_subscriptions.csv"].notes


def test_ravenstack_amounts_trials_and_segments(company: Company, third_party: Path) -> None:
    company.load(third_party / "ravenstack")
    items = company.rows("subscription_item", "status, quantity, unit_amount_minor, replaces_item, interval")
    assert sum(quantity * price for _, quantity, price, _, _ in items) == 11_338_747_00
    assert sum(status == "trialing" for status, *_ in items) == 778
    assert {(whole, interval) for *_, whole, interval in items} == {(True, "month")}
    [(attributes,)] = [row[1:] for row in company.rows("account", "account_id, attributes") if row[0] == "A-2e4581"]
    assert dict(attributes) == {
        "churn_flag": "False",
        "country": "US",
        "industry": "EdTech",
        "is_trial": "False",
        "plan": "Basic",
        "referral_source": "partner",
        "seats": "9",
    }
    events = company.rows("usage_day", "events")
    assert sum(count for (count,) in events) == 250_525
    ticket = company.rows("ticket", "ticket_id, opened_at, first_response_at, closed_at, priority, satisfaction")[0]
    assert ticket == (
        "T-0024de",
        datetime(2023, 7, 27),
        datetime(2023, 7, 27, 1, 14),
        datetime(2023, 7, 28, 3),
        "high",
        None,
    )


def test_ravenstack_a_second_time_changes_nothing(company: Company, third_party: Path) -> None:
    company.load(third_party / "ravenstack")
    last = company.landing.last_load_no()
    again = company.load(third_party / "ravenstack")
    assert (again.rows_loaded, again.exit_code, company.landing.last_load_no()) == (0, 0, last)


def test_a_simulated_crm_without_subscription_ids(company: Company, third_party: Path) -> None:
    """Each account has three lines at a time, told apart by their unit; plans change along each line."""
    report = company.load(third_party / "simulated_crm/accounts.csv", third_party / "simulated_crm/subscriptions.csv")
    subscriptions = by_file(report)["subscriptions.csv"]
    assert (subscriptions.rows_loaded, subscriptions.rows_rejected) == (71_319, 0)
    assert "no subscription id: the rows of one account and units are one line, followed through time" in (
        subscriptions.notes
    )
    assert "not used: bill_period, discount" in subscriptions.notes
    items = company.rows("subscription_item", "item_id, quantity, unit_amount_minor, interval, interval_count")
    assert sum(quantity * price for _, quantity, price, _, _ in items) == 25_199_390_00
    assert len({item for item, *_ in items}) == 3 * 2_599
    assert {(interval, count) for *_, interval, count in items} == {("month", 1)}


@pytest.mark.slow
def test_a_million_and_a_half_weekly_counts(company: Company, third_party: Path) -> None:
    report = company.load(third_party / "simulated_crm/events_weekly.parquet")
    assert (report.rows_loaded, report.exit_code) == (1_599_463, 0)


def test_customers_without_dates_are_accounts_and_their_price_is_pointed_out(
    company: Company, third_party: Path
) -> None:
    report = company.load(third_party / "telco").files[0]
    assert (report.table, report.rows_loaded) == ("account", 7_043)
    assert any("MonthlyCharges looks like a price" in note for note in report.notes)
