"""Batches: ranges of accounts, each whole, however rows lie in their files; and month ends as wide as they have to be."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from holdfast.domain.policy import load_policies
from holdfast.warehouse import batches, parts
from holdfast.warehouse.appending import cell_type
from holdfast.warehouse.batches import plan_batches
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.update import update

from ..oracle.histories import SMALL_AS_OF, small_histories
from ..oracle.ledger import AccountState, Facts, ItemState
from .booked import Booked, files_of, land, read, rows_of

POLICY = load_policies()["holdfast-1"]
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def histories() -> Facts:
    facts = Facts([], [], [])
    for _, rows in small_histories(1000):
        facts.items += rows
    return facts


def booked(path: Path, landing: Landing) -> Booked:
    build(path, files_of(landing), Booking(POLICY, SMALL_AS_OF))
    with Ledger(path, POLICY) as ledger:
        return read(ledger)


def test_rows_of_an_account_share_a_row_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "ROW_GROUP_ROWS", 50)
    landing = land(tmp_path, histories())
    (file,) = landing.files("subscription_item")
    footer = pq.ParquetFile(file).metadata
    spans = [footer.row_group(n).column(0).statistics for n in range(footer.num_row_groups)]
    assert len(spans) > 5
    assert all(before.max < after.min for before, after in pairwise(spans))


@pytest.mark.slow
@pytest.mark.parametrize("rows", [1, 70, 500])
def test_many_batches_give_the_same_ledger_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """Also where an account's rows lie in two row groups, as in files of older versions."""
    landing = land(tmp_path, histories())
    (file,) = landing.files("subscription_item")
    whole = booked(tmp_path / "whole.duckdb", landing)
    pq.write_table(pq.read_table(file), file, row_group_size=47)
    monkeypatch.setattr(batches, "BATCH_ROWS", rows)
    planned = plan_batches([file], rows)
    assert len(planned) > 1
    monkeypatch.setattr("holdfast.warehouse.build.plan_batches", lambda files: plan_batches(files, rows))
    assert booked(tmp_path / "parts.duckdb", landing) == whole


def account(name: str, price: int) -> ItemState:
    one = next(row for row in histories().items if row.valid_to is None and not row.deleted)
    return replace(
        one, account_id=name, subscription_id=name, item_id=name, quantity=1, unit_amount_minor=price,
        interval="month", interval_count=1, status="active", valid_from=date(2024, 1, 1),
    )  # fmt: skip


def test_month_ends_are_as_wide_as_they_have_to_be(tmp_path: Path) -> None:
    """2,147,483,647 minor units still take 32 bits; one more needs 64, and every account's columns with it."""
    for name, most, cells in (("narrow", 2**31 - 1, "INTEGER"), ("wide", 2**31, "BIGINT")):
        folder = tmp_path / name
        landing = land(folder, Facts([account("a", most), account("b", most - 1)], [], []))
        found = booked(folder / "ledger.duckdb", landing)
        with Ledger(folder / "ledger.duckdb", POLICY) as ledger:
            assert cell_type(ledger.connection) == cells
            column = ledger.month_column(ledger.last_month)
            assert ledger.rows(f"select sum({column} + {column})::bigint from position") == [(4 * most - 2,)]
        assert {amount for (_, _, day), amount in found.balance.items() if day.month == SMALL_AS_OF.month} == {
            most,
            most - 1,
        }


def test_an_account_that_grows_beyond_the_columns_takes_a_full_booking(tmp_path: Path) -> None:
    landing = land(tmp_path, Facts([account("a", 100), account("b", 200)], [], []))
    booked(tmp_path / "before.duckdb", landing)
    last = landing.last_load_no()
    grown = replace(account("a", 2**31), valid_from=date(2024, 1, 2))
    landing.append(
        "subscription_item",
        [rows_of("subscription_item", [grown])],
        source="test",
        source_kind="billing",
        loaded_at=NOW,
    )
    since = type(files_of(landing))(tuple(landing.files("subscription_item", since_load=last)), (), (), ())
    after = tmp_path / "after.duckdb"
    assert not update(tmp_path / "before.duckdb", after, files_of(landing), since, Booking(POLICY, SMALL_AS_OF))
    assert not after.exists()
    assert max(booked(after, landing).balance.values()) == 2**31


def test_accounts_without_any_item_are_booked_as_well(tmp_path: Path) -> None:
    """As where there are invoices alone, under a policy that makes no MRR of them."""
    landing = land(
        tmp_path, Facts([], [AccountState("a", None, None, (), None, datetime(2024, 1, 1, tzinfo=UTC), 0)], [])
    )
    assert booked(tmp_path / "ledger.duckdb", landing) == Booked({}, {}, {}, {}, {})
