"""What is found in arrays is what the SQL models say, row by row: they are the specification, the arrays are quicker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from holdfast.domain.policy import Policy, load_policies
from holdfast.warehouse import balances, prices
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.build import jobs, open_book
from holdfast.warehouse.jobs import ITEM_COLUMNS, Job, Result, connect, is_plain
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.worker import work_one

from ..oracle.histories import SMALL_AS_OF, SPECIAL_AS_OF, small_histories, special_histories
from ..oracle.ledger import Facts
from .booked import files_of, land, together

POLICIES = load_policies()
DEFAULT = POLICIES["holdfast-1"]
COLUMNS = [name.strip('"') for name in ITEM_COLUMNS]
#: policies that make no MRR of invoice lines, with all that states can be told to do by themselves
NAMES = ("holdfast-1", "stripe", "public-filing", "recurly", "chargebee")


def plain_jobs(folder: Path, facts: Facts, policy: Policy, as_of: date, parts: int = 1) -> list[Job]:
    """The batches that arrays are made for."""
    with duckdb.connect(str(folder / "ledger.duckdb")) as connection:
        book = open_book(connection, files_of(land(folder, facts, parts)), Booking(policy, as_of))
        return [job for job in jobs(book) if is_plain(job)]


def rows_of(result: Result) -> dict[str, pa.Table]:
    """Every row of every table of a batch, by table, in one order; words as words."""
    return {name: in_order(table) for name, table in {**result.tables, "position": result.positions}.items()}


def in_order(table: pa.Table) -> pa.Table:
    """Columns by name, rows by all of them."""
    is_word = [pa.types.is_dictionary(column.type) for column in table.columns]
    columns = [
        column.cast(pa.string()) if word else column for column, word in zip(table.columns, is_word, strict=True)
    ]
    plain = pa.table(columns, names=table.column_names).select(sorted(table.column_names))
    return plain.sort_by([(name, "ascending") for name in plain.column_names])


def assert_same(job: Job) -> None:
    """Both ways give the same rows."""
    by_sql = rows_of(work_one(connect(job), job, in_arrays=False))
    in_arrays = rows_of(work_one(connect(job), job))
    for name, rows in by_sql.items():
        assert in_arrays[name].cast(rows.schema).equals(rows), name
    assert by_sql["change"].num_rows, "a batch in which nothing happens shows nothing"


def small(step: int) -> Facts:
    """Every so many of the small histories, together."""
    everything = Facts([], [], [])
    for _, rows in small_histories(step):
        everything.items += rows
    return everything


def special(step: int) -> Facts:
    """Every so many of the special histories, together."""
    return together(facts for _, facts in special_histories(step))


@pytest.mark.slow
def test_every_thousandth_small_history(tmp_path: Path) -> None:
    (job,) = plain_jobs(tmp_path, small(1000), DEFAULT, SMALL_AS_OF)
    assert job.batch.in_order, "the rows are to be read straight from the file"
    assert_same(job)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_special_histories(tmp_path: Path, name: str) -> None:
    """Trials, pauses, past due, two currencies, cancellations; linked accounts are left to SQL."""
    found = plain_jobs(tmp_path, special(97), POLICIES[name], SPECIAL_AS_OF)
    assert found or POLICIES[name].basis == "revenue" or POLICIES[name].metered_months
    for job in found:
        assert_same(job)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"grain": "subscription"},
        {"rounding": "down"},
        {"unpaid_counts": True},
        {"repeating_discounts": True, "once_discounts": True},
        {"cancel_at": "click"},
        {"pause_grace_days": None, "past_due_grace_days": None},
        {"pause_grace_days": 0, "past_due_grace_days": 0},
        {"past_due_counts": False},
        {"month_measure": "daily_mean"},
        {"new_after_days": 20},
        {"gap_days_contract": 0, "gap_days_file": 0, "gap_days_billing": 40},
    ],
    ids=str,
)
def test_policies_that_differ_in_one_thing(tmp_path: Path, change: dict[str, Any]) -> None:
    (job,) = plain_jobs(tmp_path, special(97), replace(DEFAULT, **change), SPECIAL_AS_OF)
    assert_same(job)


def test_entities_with_something_on_hold_or_several_currencies_are_left_to_sql(tmp_path: Path) -> None:
    """And only they: the histories have both kinds."""
    (job,) = plain_jobs(tmp_path, special(97), DEFAULT, SPECIAL_AS_OF)
    tables = rows_of(work_one(connect(job), job))
    held = set(tables["change"].filter(pc.field("held_delta_minor") != 0)["entity_no"].to_pylist())
    position = tables["position"]
    several = set(position.filter(~pc.field("is_plain"))["entity_no"].to_pylist())
    assert held - several and several - held and set(position["entity_no"].to_pylist()) - held - several


def test_what_does_not_end_at_nothing_is_not_booked() -> None:
    key = np.array([1 << 24 | 640 << 5 | 1, 1 << 24 | 641 << 5 | 1, 2 << 24 | 640 << 5 | 1, 2 << 24 | 650 << 5 | 1])
    assert balances.moved(key, np.array([7, -7, 5, -5]), None).balance["mrr"].tolist() == [7, 0, 5, 0]
    with pytest.raises(LedgerError, match="do not end at 0"):
        balances.moved(key, np.array([7, -6, 5, -5]), None)
    with pytest.raises(LedgerError, match="do not end at 0"):
        balances.moved(key, np.array([7, -8, 6, -5]), None)


@pytest.mark.parametrize("facts", [special, small], ids=["special", "small"])
def test_rows_of_several_loads_are_put_in_order(tmp_path: Path, facts: Callable[[int], Facts]) -> None:
    (job,) = plain_jobs(tmp_path, facts(97 if facts is special else 1000), DEFAULT, SPECIAL_AS_OF, parts=3)
    assert not job.batch.in_order
    assert_same(job)


@pytest.mark.parametrize("parts", [1, 3])
def test_some_accounts_alone(tmp_path: Path, parts: int) -> None:
    """As after a day's changes."""
    (job,) = plain_jobs(tmp_path, special(97), DEFAULT, SPECIAL_AS_OF, parts)
    ids = sorted({row.account_id for row in special(97).items})[::7]
    some = replace(job, batch=replace(job.batch, in_order=False), booking=replace(job.booking, only=tuple(ids)))
    assert_same(some)
    assert 0 < work_one(connect(some), some).entities < work_one(connect(job), job).entities


@pytest.mark.parametrize("replaces", [False, True])
def test_a_whole_history_that_came_later_replaces_the_earlier_one(tmp_path: Path, replaces: bool) -> None:
    """Rows of three loads: of those that say an item's whole history only the newest count, and what was learned since."""
    facts = small(1000)
    facts.items = [
        replace(row, replaces_item=replaces and n % 3 > 0, learned_at=row.learned_at + timedelta(days=n % 5))
        for n, row in enumerate(facts.items)
    ]
    (job,) = plain_jobs(tmp_path, facts, DEFAULT, SMALL_AS_OF, parts=3)
    rows = prices.read(job.batch, [*COLUMNS, *prices.ORDER], [])
    assert rows is not None
    assert (rows.table.num_rows < len(facts.items)) == replaces
    assert_same(job)


def test_rows_without_an_item_s_name_are_left_to_sql(tmp_path: Path) -> None:
    (job,) = plain_jobs(tmp_path, small(4000), DEFAULT, SMALL_AS_OF, parts=2)
    (file, _) = job.batch.files
    rows = pq.read_table(file)
    place = rows.schema.get_field_index("item_id")
    nameless = pa.array([None, *rows["item_id"].to_pylist()[1:]], pa.string())
    pq.write_table(rows.set_column(place, rows.schema.field(place).with_nullable(True), nameless), file)
    assert prices.read(job.batch, [*COLUMNS, *prices.ORDER], []) is None
    assert_same(job)


@pytest.mark.slow
@pytest.mark.parametrize("gap_days", [0, 3])
def test_a_connection_serves_batches_in_order_and_others(tmp_path: Path, gap_days: int) -> None:
    policy = replace(DEFAULT, gap_days_billing=gap_days, gap_days_contract=gap_days, gap_days_file=gap_days)
    found = []
    for parts in (1, 3, 1):
        folder = tmp_path / str(len(found))
        folder.mkdir()
        found += plain_jobs(folder, special(97 + len(found)), policy, SPECIAL_AS_OF, parts)
    connection = connect(found[0])
    for job in found:
        assert rows_of(work_one(connection, job)) == rows_of(work_one(connect(job), job, in_arrays=False))


@pytest.mark.slow
@pytest.mark.parametrize(("quantity", "price"), [(1, 10**10 + 1), (10**9, 10**9), (-3, 500), (1, 10**15)])
def test_amounts_beyond_64_bits_are_priced_by_sql(tmp_path: Path, quantity: int, price: int) -> None:
    facts = small(4000)
    facts.items[0] = replace(facts.items[0], quantity=quantity, unit_amount_minor=price)
    (job,) = plain_jobs(tmp_path, facts, DEFAULT, SMALL_AS_OF)
    rows = prices.read(job.batch, COLUMNS, [])
    assert rows is not None
    assert prices.priced(rows, DEFAULT, job.currencies) is None
    assert_same(job)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after", "price"), [(3, 7, 10**9), (7, 3, 1_428_571_429), (2, 3, 4_999_999_999)])
def test_seats_of_large_amounts_are_shared_exactly(tmp_path: Path, before: int, after: int, price: int) -> None:
    """Beyond 10^9 a product of two may leave 64 bits."""
    facts = small(4000)
    one = next(row for row in facts.items if row.valid_to is None)
    state = replace(one, account_id="large", subscription_id="large", item_id="large", unit_amount_minor=price)
    facts.items += [
        replace(state, quantity=before, valid_from=date(2024, 1, 1), valid_to=date(2024, 2, 1)),
        replace(state, quantity=after, valid_from=date(2024, 2, 1), unit_amount_minor=price // 2),
    ]
    (job,) = plain_jobs(tmp_path, facts, DEFAULT, max(SMALL_AS_OF, date(2024, 3, 1)))
    assert_same(job)


@pytest.mark.slow
def test_every_small_history(tmp_path: Path) -> None:
    for job in plain_jobs(tmp_path, small(1), DEFAULT, SMALL_AS_OF):
        assert_same(job)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_special_history(tmp_path: Path, name: str) -> None:
    for job in plain_jobs(tmp_path, special(1), POLICIES[name], SPECIAL_AS_OF):
        assert_same(job)
