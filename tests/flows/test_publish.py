"""Booking publishes whole or not at all, and the same facts make the same ledger, however they came in."""

from __future__ import annotations

import random
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.domain.money import FxError
from holdfast.flows.book import book, open_ledger, published
from holdfast.flows.home import Home, HomeError, Settings, create, open_home
from holdfast.metrics import bridge
from holdfast.warehouse import checks
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.matrix import LedgerError

from ..ledger.booked import rows_of
from ..metrics.worlds import path
from ..oracle.pencil import DEFAULT, account, facts, item, learned
from .homes import DOLLARS, NOW, booked_home, home_of, load_text, window_of

pytestmark = pytest.mark.slow

LATER = NOW + timedelta(days=1)


def land_items(home: Home, *rows: Any) -> None:
    home.landing.append(
        "subscription_item", [rows_of("subscription_item", rows)], source="test", source_kind="billing", loaded_at=LATER
    )


def contents(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """All that a ledger says, without its running keys."""
    months = ", ".join(f"m{month}" for month in range(ledger.first_month, ledger.last_month + 1))
    columns = {
        "movement": "currency, month_no, kind, amount_minor, opening_minor, closing_minor",
        "position": f"currency, is_plain, first_month, {months}",
        "change": "currency, day, delta_minor, held_delta_minor, cause",
        "aside": "lane, currency, from_day, to_day, amount_minor",
        "term": "currency, day, amount_minor",
    }
    told = {
        table: ledger.rows(f"select entity_id, {names} from {table} join entity using (entity_key) order by all")
        for table, names in columns.items()
    }
    told["account"] = ledger.rows("select * from account order by account_id")
    told["setting"] = ledger.rows("select * from setting where name <> 'next_key' order by all")
    return told


def refused(*_: object) -> None:
    raise LedgerError("made to fail")


# --- whole or not at all ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["check_book", pytest.param("same_today", marks=pytest.mark.slow)])
def test_a_booking_that_does_not_tie_out_keeps_the_last_publish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    home = booked_home(tmp_path, facts(*path("A", 100)))
    current = (home.warehouse / "CURRENT").read_bytes()
    land_items(home, item("2024-03-01", 500, "B", "b"))
    with monkeypatch.context() as patch:
        patch.setattr(checks, stage, refused)
        with pytest.raises(LedgerError, match="made to fail"):
            book(home, LATER, full=True)
    assert (home.warehouse / "CURRENT").read_bytes() == current
    assert [folder.name for folder in home.warehouse.iterdir() if folder.is_dir()] == ["000001"], (
        "nothing is left of the attempt"
    )
    assert window_of(home, "2024-02-01", "2024-06-01").counts.opening == 100
    assert book(home, LATER).generation == 2, "the next booking goes through"
    assert window_of(home, "2024-04-01", "2024-06-01").counts.opening == 600


def test_a_row_that_cannot_be_money_keeps_the_last_publish(tmp_path: Path) -> None:
    """A price beyond all money, landed past the loader: it is refused, not wrapped around or cut."""
    home = booked_home(tmp_path, facts(*path("A", 100)))
    land_items(home, item("2024-03-01", 9 * 10**18, "B", "b", quantity=1000))
    with pytest.raises(duckdb.Error, match=r"(?i)range|overflow|cast"):
        book(home, LATER)
    current = published(home)
    assert current is not None and current.generation == 1
    assert window_of(home, "2024-02-01", "2024-06-01").nrr == 1


def test_a_damaged_landing_file_keeps_the_last_publish(tmp_path: Path) -> None:
    home = booked_home(tmp_path, facts(*path("A", 100)))
    land_items(home, item("2024-03-01", 500, "B", "b"))
    [*_, last] = home.landing.files("subscription_item")
    last.write_bytes(last.read_bytes()[: last.stat().st_size // 2])
    with pytest.raises(Exception, match=r"(?i)parquet"):
        book(home, LATER)
    current = published(home)
    assert current is not None and current.generation == 1
    assert window_of(home, "2024-02-01", "2024-06-01").nrr == 1


def test_a_reader_keeps_its_numbers_across_publishes(tmp_path: Path) -> None:
    """The generation that it opened is swept away meanwhile; what is open stays readable and as it was."""
    home = booked_home(tmp_path, facts(*path("A", 100)))
    with open_ledger(home) as reader:
        before = bridge.measure(reader, range(reader.first_month, reader.first_month + 3), DOLLARS)
        for number in range(2):
            land_items(home, item("2024-01-01", 700, f"N{number}", f"n{number}"))
            book(home, LATER)
        assert not (home.warehouse / "000001").exists()
        after = bridge.measure(reader, range(reader.first_month, reader.first_month + 3), DOLLARS)
    assert [row.closing for row in before] == [row.closing for row in after] == [100, 100, 100]
    assert window_of(home, "2024-02-01", "2024-06-01").counts.opening == 100 + 2 * 700


def test_what_is_loaded_and_not_booked_is_in_no_number(tmp_path: Path) -> None:
    """Another policy is built when it is asked for, from the rows of the published generation alone."""
    home = booked_home(tmp_path, facts(*path("A", 100)))
    land_items(home, item("2024-01-01", 700, "B", "b"))
    for name in ("holdfast-1", "stripe"):
        assert window_of(home, "2024-02-01", "2024-03-01", name).counts.opening == 100, name


def test_nothing_to_book_and_nothing_booked_say_what_to_do(tmp_path: Path) -> None:
    home = create(tmp_path / "home", Settings())
    with pytest.raises(HomeError, match="holdfast load"):
        book(home, NOW)
    with pytest.raises(HomeError, match="holdfast book"):
        open_ledger(home)
    with pytest.raises(HomeError, match="init"):
        open_home(tmp_path / "nowhere")


# --- the same facts, the same ledger ------------------------------------------------------------------------


def company() -> Any:
    """Corrections, a takeover of history, a pause, two currencies, a merge, a change of segment."""
    return facts(
        *path("A", 100, 120, 0, 90), item("2024-02-01", 110, "A", "A-i", learned_at=learned("2024-05-01")),
        item("2024-01-10", 700, "B", "b"), item("2024-04-10", 700, "B", "b", status="paused"), item("2024-06-10", 650, "B", "b"),
        item("2024-01-01", 50, "C", "c", learned_at=learned("2024-01-02")),
        item("2024-01-15", 60, "C", "c", replaces_item=True, learned_at=learned("2024-03-02")),
        item("2024-02-02", 4000, "D", "d", currency="EUR"), item("2024-03-03", 9000, "D", "e", currency="JPY"),
        account("A", attributes=(("size", "S"),)), account("A", "2024-03-10", attributes=(("size", "L"),)),
        account("C", "2024-05-05", merged_into="B"),
    )  # fmt: skip


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with open_ledger(booked_home(tmp_path_factory.mktemp("whole"), company())) as ledger:
        return contents(ledger)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 6))])
def test_any_order_of_arrival_gives_the_same_ledger(tmp_path: Path, expected: dict[str, Any], seed: int) -> None:
    """The rows in a random order, cut into loads at random, some of them booked in between.

    Rows of one item learned at the same moment stay in their order: there the later row of the file holds (rule 4).
    """
    dice = random.Random(seed)
    whole = company()
    items, accounts = list(whole.items), list(whole.accounts)
    dice.shuffle(items)
    dice.shuffle(accounts)
    home = home_of(tmp_path, facts())
    loads = [("subscription_item", [row]) for row in items] + [("account", [row]) for row in accounts]
    dice.shuffle(loads)
    landing = Landing(home.path)
    for number, (table, rows) in enumerate(loads):
        landing.append(table, [rows_of(table, rows)], source="test", source_kind="billing", loaded_at=NOW)
        if number in (5, 11) and landing.files("subscription_item"):
            book(home, NOW)
    book(home, LATER)
    with open_ledger(home) as ledger:
        found = contents(ledger)
    for table, rows in expected.items():
        assert found[table] == rows, table


@pytest.mark.parametrize("full", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_second_booking_is_identical(tmp_path: Path, expected: dict[str, Any], full: bool) -> None:
    home = booked_home(tmp_path, company())
    book(home, LATER, full=full)
    with open_ledger(home) as ledger:
        assert contents(ledger) == expected


@pytest.mark.slow
def test_the_same_question_is_built_once(tmp_path: Path) -> None:
    home = booked_home(tmp_path, facts(*path("A", 100)))
    for _ in range(2):
        window_of(home, "2024-02-01", "2024-03-01", "stripe")
        window_of(home, "2024-02-01", "2024-03-01", known_on=date(2024, 5, 1))
    assert len(list((home.warehouse / "000001").glob("asked-*.duckdb"))) == 2


# --- settings that change after a booking -------------------------------------------------------------------


def test_another_home_policy_after_booking_answers_or_says_what_to_do(tmp_path: Path) -> None:
    """`policy = "stripe"` in holdfast.toml: the numbers are Stripe's from then on, or the message says to book."""
    home = booked_home(tmp_path, facts(item("2024-01-01", 100, cancel_requested_on="2024-03-10")))
    config = home.path / "holdfast.toml"
    config.write_text(config.read_text().replace('policy = "holdfast-1"', 'policy = "stripe"'))
    home = open_home(home.path)
    assert home.policy() != DEFAULT
    try:
        row = window_of(home, "2024-02-01", "2024-06-01")
    except HomeError as error:
        assert "holdfast book" in str(error)
    else:
        assert row.nrr == 0


def test_a_policy_file_that_is_edited_is_not_answered_from_the_ledger_of_before(tmp_path: Path) -> None:
    """The same name with another setting: 0 days of grace on a pause instead of 90."""
    text = 'name = "ours"\ntitle = "Ours"\nbased_on = "holdfast-1"\npause_grace_days = {}\n'
    home = home_of(tmp_path, facts(item("2024-01-01", 100), item("2024-02-10", 100, status="paused")), policy="ours")
    file = home.path / "policies" / "ours.toml"
    file.write_text(text.format(90))
    book(home, NOW)
    assert window_of(home, "2024-02-01", "2024-03-01").logo_retention == 1
    file.write_text(text.format(0))
    try:
        row = window_of(home, "2024-02-01", "2024-03-01")
    except HomeError as error:
        assert "holdfast book" in str(error)
    else:
        assert row.logo_retention == 0


# --- exchange rates -----------------------------------------------------------------------------------------


def test_a_missing_rate_is_an_error_that_names_currency_and_day(tmp_path: Path) -> None:
    """No source has a rate of the Mongolian tugrik; with none landed, nothing is published."""
    home = home_of(tmp_path, facts(item("2024-01-10", 100_00, currency="MNT")), rates=False)
    with pytest.raises(FxError, match=r"MNT to USD on or before 2024-02-01.*fx_rate"):
        book(home, NOW)
    assert published(home) is None


def test_reference_rates_fill_in_and_the_company_s_own_stay(tmp_path: Path) -> None:
    """Yen have no rate of the company's own, euros have: 2 dollars a euro, which no reference rate may replace."""
    home = home_of(
        tmp_path,
        facts(item("2024-01-10", 100_00, "A", "a", currency="EUR"), item("2024-01-10", 900, "B", "b", currency="JPY")),
        rates=False,
    )
    load_text(home, "fx_rates.csv", "currency,quote,day,rate\nEUR,USD,2024-01-02,2.0")
    book(home, NOW)
    with open_ledger(home) as ledger:
        assert ledger.rates.rate("EUR", "USD", date(2024, 2, 1)) == 2
        assert 0 < ledger.rates.rate("JPY", "USD", date(2024, 2, 1)) < 1


def test_another_reporting_currency_finds_its_reference_rates(tmp_path: Path) -> None:
    """Although nothing was landed since."""
    home = booked_home(tmp_path, facts(item("2024-01-10", 100_00, currency="USD")), rates=False)
    settings = home.path / "holdfast.toml"
    settings.write_text(settings.read_text().replace('"USD"', '"EUR"'))
    book(open_home(home.path), LATER)
    with open_ledger(open_home(home.path)) as ledger:
        assert 0 < ledger.rates.rate("USD", "EUR", date(2024, 2, 1)) < 1


def test_as_known_on_a_past_day_finds_the_reference_rates_of_that_day(tmp_path: Path) -> None:
    home = booked_home(tmp_path, facts(item("2022-01-10", 100_00, currency="EUR")), rates=False)
    now, then = (
        window_of(home, "2023-01-01", "2023-06-01"),
        window_of(home, "2023-01-01", "2023-06-01", known_on=date(2024, 1, 31)),
    )
    assert now.counts == then.counts
