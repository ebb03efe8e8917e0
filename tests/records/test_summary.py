"""The summary: one row per account, whose MRR is the ledger's to the last unit under every policy."""

# ruff: noqa: DTZ001 - times are UTC without a zone

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.domain.period import Window
from holdfast.flows.book import book, open_ledger, open_records
from holdfast.flows.demo import demo
from holdfast.flows.home import Home, open_home
from holdfast.metrics import accounts, mrr, retention
from holdfast.metrics import book as books
from holdfast.metrics.accounts import AccountRow, Query
from holdfast.sources.demo import World
from holdfast.warehouse.window import View

from ..flows.homes import NOW as DEMO_NOW
from ..flows.homes import with_policy
from .company import company

PARENTS = """
name = "by-parent"
title = "By parent"
based_on = "holdfast-1"
grain = "parent"
"""
SUBSCRIPTIONS = """
name = "by-subscription"
title = "By subscription"
based_on = "holdfast-1"
grain = "subscription"
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return company(tmp_path_factory.mktemp("company"))


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = demo(tmp_path_factory.mktemp("demo") / "home", World(accounts=60, months=26), DEMO_NOW)
    book(home, DEMO_NOW)
    with_policy(home, "by-parent", PARENTS)
    return with_policy(home, "by-subscription", SUBSCRIPTIONS)


def summary(home: Home) -> dict[str, AccountRow]:
    with open_records(home) as records:
        return {row.account_id: row for row in accounts.page(records, Query(), limit=10_000).rows}


def under_policy(home: Home, name: str) -> Home:
    config = home.path / "holdfast.toml"
    lines = [f'policy = "{name}"' if line.startswith("policy =") else line for line in config.read_text().splitlines()]
    config.write_text("\n".join(lines) + "\n")
    return open_home(home.path)


def test_a_row_says_what_an_account_pays_today_and_paid_before(home: Home) -> None:
    rows = summary(home)
    assert sorted(rows) == ["acme", "bolt", "cora", "dune", "echo"]
    acme = rows["acme"]
    assert (acme.mrr_minor, acme.mrr_month_ago_minor, acme.mrr_quarter_ago_minor, acme.mrr_year_ago_minor) == (
        20_500, 12_500, 12_500, 12_000,
    )  # fmt: skip
    assert acme.customer_since == date(2024, 1, 1)
    assert (acme.renewal_on, acme.renewal_minor) == (date(2026, 1, 20), 20_000)
    last = (acme.last_movement_kind, acme.last_movement_month, acme.last_movement_minor)
    assert last == ("expansion", date(2025, 12, 1), 8_000)


def test_a_row_says_how_an_account_is_doing(home: Home) -> None:
    acme, bolt = summary(home)["acme"], summary(home)["bolt"]
    assert (acme.open_tickets, acme.urgent_tickets) == (1, 1)
    assert acme.last_touch_at == datetime(2025, 12, 20, 9)
    assert (acme.active_users_28, acme.active_users_28_before) == (5, 9)
    assert (acme.events_28, acme.events_28_before) == (24, 30), (
        "a total told by the source goes before the features' sum"
    )
    assert (acme.seats, acme.seats_limit) == (20, 15)
    assert (acme.contacts, acme.champions) == (1, 1)
    assert (bolt.contacts, bolt.champions) == (0, 0), "who left is not there any more"
    assert (acme.overdue_invoices, acme.overdue_minor) == (1, 15_000)
    assert (acme.nps, acme.nps_on) == (9, date(2025, 11, 2))
    assert acme.segments == {"industry": "Retail", "plan": "Team"}


def test_statuses(home: Home) -> None:
    assert {name: row.status for name, row in summary(home).items()} == {
        "acme": "customer", "bolt": "customer", "cora": "customer", "dune": "churned", "echo": "prospect",
    }  # fmt: skip


def test_files_of_subscriptions_only_make_empty_tables(tmp_path: Path) -> None:
    from .company import FILES

    home = company(tmp_path, *(set(FILES) - {"subscription_item.csv"}))
    rows = summary(home)
    assert rows["acme"].mrr_minor == 20_500
    assert rows["acme"].name == "acme", "the id stands for a missing name"
    assert (rows["acme"].contacts, rows["acme"].last_touch_at, rows["acme"].seats_limit) == (0, None, None)


@pytest.mark.slow
def test_accounts_sum_to_the_ledger_under_every_policy(demo_home: Home) -> None:
    tried = 0
    for name in demo_home.policies():
        chosen = under_policy(demo_home, name)
        with open_ledger(chosen) as ledger, open_records(chosen) as records:
            booked = mrr.measure(ledger, ledger.as_of, View(records.currency))[0]
            assert records.policy == name
            assert accounts.page(records, Query(), limit=1).total_mrr_minor == booked.mrr, name
            assert booked.mrr > 0
            tried += 1
    under_policy(demo_home, "holdfast-1")
    assert tried >= 8


@pytest.mark.slow
def test_the_whole_book_keeps_what_the_ledger_says_it_kept(demo_home: Home) -> None:
    with open_ledger(demo_home) as ledger, open_records(demo_home) as records:
        told = books.totals(records, ledger)
        window = Window.months_to(ledger.as_of + timedelta(days=1), 12)
        kept = retention.measure(ledger, window, View(records.currency))[0]
        assert (told.nrr, told.grr) == (kept.nrr, kept.grr)
        year_ago = mrr.measure(ledger, window.start - timedelta(days=1), View("USD", only="USD"))[0].mrr
        dollars = [row for row in summary(demo_home).values() if row.mrr_year_ago_minor]
        assert year_ago <= sum(row.mrr_year_ago_minor for row in dollars) == told.mrr_year_ago_minor


@pytest.mark.slow
def test_a_merged_account_is_counted_with_the_one_it_went_into(demo_home: Home) -> None:
    merged = [row for row in summary(demo_home).values() if row.status == "merged"]
    for row in merged:
        assert row.mrr_minor == 0
        assert row.counted_with in summary(demo_home)
