"""What signals work out beside the features: what is usual among all accounts, and launches that fit; and the rows behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from holdfast.flows.book import open_ledger, open_records
from holdfast.flows.home import Home
from holdfast.signals.evidence import query, rows_behind
from holdfast.signals.foretellable import foretellable
from holdfast.signals.judging import columns_of, fires, judge_all
from holdfast.signals.launches import fitting, words
from holdfast.signals.peers import plan_use, usual_pace
from holdfast.signals.shelf import shelf, signal
from holdfast.warehouse.records import Records

from ..records.company import company

DAY = date(2025, 12, 31)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return company(tmp_path_factory.mktemp("signals"))


@pytest.fixture(scope="module")
def records(home: Home) -> Iterator[Records]:
    with open_records(home) as found:
        yield found


def table(rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist([{"as_of": DAY, **row} for row in rows])


# ---- what is usual ----


def book(accounts: int, late: float, gap: float = 0) -> pa.Table:
    return table(
        [
            {"account_id": f"a{i}", "events_28d": late, "events_84d": late + 2000, "tracking_gap_days_28d": gap, "users_change_28d": -0.5}
            for i in range(accounts)
        ]
    )  # fmt: skip


def test_what_all_accounts_did_is_usual() -> None:
    found = usual_pace(book(30, 600), None)
    assert set(found["usual_pace"]) == {0.6}
    assert set(found["usual_people"]) == {0.5}


def test_of_few_accounts_nothing_is_known_to_be_usual() -> None:
    found = usual_pace(book(5, 600), None)
    assert set(found["usual_pace"]) == {1.0} == set(found["usual_people"])


@pytest.mark.parametrize(("accounts", "gap", "is_quiet"), [(30, 0, True), (5, 0, False), (5, 14, True)])
def test_what_befalls_everybody_does_not_fire_nor_what_was_hardly_tracked(
    accounts: int, gap: float, is_quiet: bool
) -> None:
    columns = columns_of(book(accounts, 400, gap), None, [signal("use_declines")])
    assert (not any(fires(signal("use_declines"), columns))) == is_quiet


def test_plans_are_ordered_by_the_price_of_a_seat() -> None:
    rows = [
        {"account_id": f"{plan}{i}", "attribute.plan": plan, "events_28d": use * 10.0 + i, "seats": 10.0, "mrr_minor": price * 10}
        for plan, price, use in (("Team", 4000, 80), ("Business", 6000, 120), ("Starter", 2000, 50))
        for i in range(20)
    ]  # fmt: skip
    found = plan_use(
        table([*rows, {"account_id": "x", "attribute.plan": "Rare", "events_28d": 9.0, "seats": 1.0}]), None
    )
    assert found["plan_seat_use"][0] == pytest.approx(80.95)
    assert found["higher_plan_seat_use"][0] == pytest.approx(120.95)
    assert found["lower_plan_seat_use"][0] == pytest.approx(50.95)
    assert (found["higher_plan_seat_use"][20], found["lower_plan_seat_use"][40]) == (None, None)
    assert (found["plan_use_rank"][0], found["plan_use_rank"][19]) == (0.0, 0.95)
    assert found["plan_seat_use"][60] is None, "a plan of one account has no middle"


# ---- launches ----


@pytest.fixture
def launched(home: Home, records: Records, tmp_path: Path) -> Iterator[Records]:
    """The company's records, with launches beside."""
    for name in ("records.duckdb", "usage.duckdb"):
        shutil.copy(records.path.with_name(name), tmp_path / name)
    with duckdb.connect(str(tmp_path / "records.duckdb")) as c:
        c.execute(
            "create or replace table launch (feature varchar, launched_on date, title varchar, description varchar, plans varchar)"
        )
        c.execute(
            "insert into launch values ('import', date '2025-12-01', 'Import wizard', 'Imports spreadsheets', 'Business'),"
            "('charts', date '2025-12-10', 'Charts', 'Draws charts from boards', null),"
            "('old', date '2024-01-01', 'Old', 'Boards of long ago', null)"
        )
        c.execute("update ticket set body = 'How do we import spreadsheets?' where ticket_id = 't3'")
    with Records(tmp_path / "records.duckdb") as found:
        yield found


PAYING = [
    {"account_id": "acme", "attribute.plan": "Team"},
    {"account_id": "bolt", "attribute.plan": "Business"},
    {"account_id": "cora", "attribute.plan": "Team"},
]


def test_a_launch_fits_by_tickets_or_by_use(launched: Records) -> None:
    found = fitting(table(PAYING), launched)
    assert found["launch_title"][:2] == ["Charts", "Import wizard"], "the plan Team has no import wizard"
    assert (found["launch_uses"][0], found["launch_used_feature"][0]) == (1.0, "boards")
    assert found["launch_tickets"][1] == 1.0
    said = {one.account_id: one.sentence for one in judge_all(table(PAYING), launched, [signal("new_feature_fits")])}
    assert said == {
        "acme": "“Charts” is new and not tried yet: it works with boards, which the account uses.",
        "bolt": "“Import wizard” is new and not tried yet: 1 ticket of half a year asked for something like it.",
    }


def test_without_launches_nothing_fits(records: Records) -> None:
    assert set(fitting(table(PAYING), records)["launch_tickets"]) == {None}
    assert set(fitting(table(PAYING), None)["launch_tickets"]) == {None}


def test_words_are_those_that_tell_something() -> None:
    assert words("We would like to import SPREADSHEETS, please") == {"import", "spreadsheet"}


# ---- evidence ----


def test_every_signals_evidence_can_be_read(records: Records) -> None:
    for one in shelf():
        for rows in one.evidence:
            records.rows(query(rows, DAY), [["acme", "bolt", "cora"]])


def test_the_rows_behind_are_those_of_the_account_as_known_on_the_day(records: Records) -> None:
    def behind(name: str, account: str, day: date = DAY) -> list[tuple[str, str, str, str]]:
        found = rows_behind(records, signal(name), [account], day).get(account, ())
        return [(one.label, one.value, one.table, one.row_id) for one in found]

    assert behind("champion_left", "bolt") == [
        ("Cid, Head", "left on 2025-12-01, noticed on 2025-12-27", "contact", "c3")
    ]
    assert behind("champion_left", "bolt", date(2025, 12, 26)) == [], "it was not noticed yet"
    assert behind("answers_slow", "acme") == [("Down", "urgent, open since 2025-12-28", "ticket", "t2")]
    assert behind("answers_slow", "acme", date(2025, 12, 1)) == [
        ("Slow", "normal, open since 2025-12-01", "ticket", "t1")
    ]
    assert behind("payment_failed", "acme") == [("Invoice n2", "due on 2025-12-28, 2 attempts", "invoice", "n2")]
    assert behind("no_touch", "bolt") == [("Review", "meeting, 2025-10-01", "touch", "h2")]
    assert behind("renewal_unplanned", "acme") == [("team", "term ends on 2026-01-20", "subscription_item", "s1 i1")]
    assert [row[0] for row in behind("nps_fell", "acme")] == ["NPS 9 on 2025-11-02", "NPS 6 on 2025-05-03"]
    assert behind("use_declines", "acme")[0] == ("Week to 2025-12-31", "24 events", "usage_day", "")


def test_no_more_than_five_rows_of_a_kind(records: Records) -> None:
    found = rows_behind(records, signal("use_declines"), ["acme", "bolt"], DAY, limit=1)
    assert {account: len(rows) for account, rows in found.items()} == {"acme": 1, "bolt": 1}


def test_a_judgement_carries_its_features_and_rows(records: Records) -> None:
    rows = [{"account_id": "bolt", "champion_left_180d": 1.0, "champions": 0.0, "days_since_champion_left": 4.0}]
    (one,) = judge_all(table(rows), records, [signal("champion_left")])
    assert (one.account_id, one.as_of, one.severity, one.kind) == ("bolt", DAY, 3, "risk")
    assert [(fact.value, fact.table) for fact in one.evidence] == [
        ("yes", ""), ("0 people", ""), ("4 days", ""), ("left on 2025-12-01, noticed on 2025-12-27", "contact"),
    ]  # fmt: skip


def test_what_a_signal_lacks_makes_it_quiet() -> None:
    assert judge_all(table([{"account_id": "bolt", "days_since_touch": None}])) == []
    assert judge_all(table([{"account_id": "bolt"}])) == []
    many = table(
        [{"account_id": "bolt", "days_since_touch": value} for value in (200.0, None, float("nan"), 100.0, 10.0)]
    )
    assert fires(signal("no_touch"), columns_of(many)) == [2, 0, 0, 1, 0]


# ---- what became of them ----


def test_departures_and_own_growth_are_foretellable(home: Home) -> None:
    with open_ledger(home) as ledger:
        found = foretellable(ledger, "USD")
    assert found["dune"] == [(date(2025, 12, 15), "churn")]
    assert found["cora"] == [(date(2025, 12, 5), "contraction")]
    assert (date(2025, 12, 10), "expansion") in found["acme"]
    assert "echo" not in found, "what never paid did not leave"
