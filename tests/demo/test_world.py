"""The demo world at its default size: columns, order, states and references are as the fact tables ask."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from holdfast.domain.facts import STATUSES, TABLES
from holdfast.sources.demo import World, generate, truths
from holdfast.sources.demo.columns import schema

pytestmark = pytest.mark.slow

DEFAULT = World()
#: what companies tell by themselves, and who is who; the demo company has none of it
TOLD = ("outcome", "launch", "target", "account_link")
MADE = [name for name in TABLES if name not in TOLD]


@cache
def tables() -> dict[str, pa.Table]:
    parts: dict[str, list[pa.Table]] = {}
    for name, table in generate(DEFAULT):
        parts.setdefault(name, []).append(table)
    return {name: pa.concat_tables(chunks) for name, chunks in parts.items()}


@cache
def database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, table in tables().items():
        connection.register(f"{name}_", table)
    return connection


def count(query: str) -> int:
    row = database().execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_the_fact_tables_are_there_with_their_columns() -> None:
    assert set(tables()) == set(MADE)
    for name, table in tables().items():
        assert table.schema == schema(name), name
        assert table.num_rows > 0, name


@pytest.mark.parametrize("name", MADE)
def test_required_and_listed_values(name: str) -> None:
    for column in TABLES[name].columns:
        if column.required or column.default is not None:
            assert tables()[name][column.name].null_count == 0, column.name
        if column.choices:
            assert set(tables()[name][column.name].unique().to_pylist()) <= {*column.choices}, column.name


@pytest.mark.parametrize("name", MADE)
def test_sorted(name: str) -> None:
    table = tables()[name]
    for at, field in enumerate(table.schema):
        if field.type == pa.date32():
            table = table.set_column(at, field, table[field.name].fill_null(date(1900, 1, 1)))
    keys = [(column, "ascending") for column in TABLES[name].sort]
    order = pc.sort_indices(table, sort_keys=keys).to_numpy()
    assert (order == np.arange(table.num_rows)).all()


@pytest.mark.parametrize("name", MADE)
def test_keys_are_unique_but_for_later_versions(name: str) -> None:
    key = ", ".join(f'"{c}"' for c in TABLES[name].key)
    repeated = f"select {key}, learned_at from {name}_ group by all having count(*) > 1"
    assert count(f"select count(*) from ({repeated})") == 0


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_learned_after_the_end(name: str) -> None:
    late = f"learned_at is null or learned_at >= '{DEFAULT.end}'"
    assert count(f"select count(*) from {name}_ where {late}") == 0


def test_nothing_is_learned_before_it_was_true() -> None:
    for name, day in (
        ("subscription_item", "valid_from"),
        ("invoice", "issued_on"),
        ("usage_day", "day"),
        ("ticket", "opened_at"),
        ("survey", "sent_on"),
        ("touch", "happened_at"),
        ("account", "valid_from"),
        ("invoice_line", "issued_on"),
        ("opportunity", "changed_on"),
    ):
        assert count(f"select count(*) from {name}_ where learned_at < {day}") == 0, name


def test_item_states_are_well_formed() -> None:
    assert count("select count(*) from subscription_item_ where valid_to <= valid_from") == 0
    assert count("select count(*) from subscription_item_ where quantity < 1 or unit_amount_minor < 1") == 0
    assert count("select count(*) from subscription_item_ where cancel_requested_on >= valid_to") == 0
    assert count(f"select count(*) from subscription_item_ where valid_from >= '{DEFAULT.end}'") == 0
    overlapping = """select count(*) from (
        select valid_to, lead(valid_from) over (partition by item_id order by valid_from) as next
        from (select distinct item_id, valid_from, valid_to from subscription_item_)) where valid_to > next"""
    assert count(overlapping) == 0


def test_states_landed_twice_are_the_same_state() -> None:
    twice = count("select count(*) - count(distinct (item_id, valid_from)) from subscription_item_")
    same = count("select count(*) from (select distinct * exclude learned_at from subscription_item_)")
    assert twice > 0
    assert same == count("select count(distinct (item_id, valid_from)) from subscription_item_")


@pytest.mark.parametrize("name", [n for n in MADE if "account_id" in TABLES[n].names and n != "account"])
def test_accounts_exist(name: str) -> None:
    unknown = count(f"select count(*) from {name}_ anti join account_ using (account_id)")
    assert (unknown > 0) == (name == "usage_day")


def test_references_between_tables() -> None:
    assert count("select count(*) from invoice_line_ anti join invoice_ using (invoice_id)") == 0
    assert count("select count(*) from invoice_line_ anti join subscription_item_ using (item_id)") == 0
    assert (
        count(
            "select count(*) from account_ a anti join account_ b on a.parent_id = b.account_id "
            "where a.parent_id is not null"
        )
        == 0
    )
    assert (
        count(
            "select count(*) from account_ a anti join account_ b on a.merged_into = b.account_id "
            "where a.merged_into is not null"
        )
        == 0
    )
    itself = "merged_into = account_id or parent_id = account_id"
    assert count(f"select count(*) from account_ where {itself}") == 0
    for name in ("ticket", "survey", "touch"):
        lost = count(f"select count(*) from {name}_ t anti join contact_ c using (contact_id, account_id)")
        assert lost == 0, name


def test_an_invoice_is_the_sum_of_its_lines() -> None:
    wrong = """select count(*) from (select distinct invoice_id, total_minor, tax_minor from invoice_) i
        join (select invoice_id, sum(amount_minor) as lines from invoice_line_
              where kind not in ('credit', 'refund') group by all) l using (invoice_id)
        where total_minor - tax_minor <> lines"""
    assert count(wrong) == 0


def test_everything_the_story_needs_happens() -> None:
    items = tables()["subscription_item"]
    assert set(STATUSES) == set(items["status"].unique().to_pylist())
    assert {"USD", "EUR", "GBP"} == set(items["currency"].unique().to_pylist())
    for column in ("forever_off_ppm", "forever_off_minor", "repeating_off_ppm", "once_off_ppm"):
        assert count(f"select count(*) from subscription_item_ where {column} > 0") > 0, column
    kinds = tables()["invoice_line"]["kind"].unique().to_pylist()
    assert set(kinds) == {"recurring", "proration", "metered", "one_off", "credit", "refund"}
    assert set(tables()["invoice"]["status"].unique().to_pylist()) == {"open", "paid", "uncollectible"}
    for query in ("merged_into is not null", "parent_id is not null", "attributes['segment'] is not null"):
        assert count(f"select count(*) from account_ where {query}") > 0, query
    assert count("select count(*) from subscription_item_ where item_id like '%-6'") > 0, "a win-back"
    handed_over = "select account_id from account_ group by all having count(distinct owner) = 2"
    assert count(f"select count(*) from ({handed_over})") > 20


def test_states_of_an_attribute_are_dated() -> None:
    changed = "select account_id from account_ group by all having count(distinct attributes) > 1"
    assert count(f"select count(*) from ({changed})") > 5


def test_the_same_seed_gives_the_same_world_whatever_is_left_out() -> None:
    small = World(accounts=120, tables=frozenset({"subscription_item", "ticket"}))
    again = dict(generate(small))
    full = {name: table for name, table in generate(World(accounts=120)) if name in again}
    assert all(again[name].equals(full[name]) for name in again)
    other = dict(generate(World(accounts=120, seed=8, tables=frozenset({"subscription_item"}))))
    assert not other["subscription_item"].equals(again["subscription_item"])


def test_the_opening_customers_are_those_of_the_table() -> None:
    first = DEFAULT.end.replace(year=2023)
    there = f"""select attributes['segment'] as s, count(*) as n from account_
        where valid_from is null and account_id in (
            select account_id from subscription_item_ where valid_from = '{first}') group by all"""
    assert dict(database().execute(there).fetchall()) == {"SMB": 420, "Mid-market": 130, "Enterprise": 50}


def test_the_outage_leaves_five_days_without_usage() -> None:
    days = set(tables()["usage_day"]["day"].unique().to_pylist())
    first = DEFAULT.end.replace(year=2023)
    missing = sorted({first + timedelta(n) for n in range((DEFAULT.end - first).days)} - days)
    assert len(missing) == 5
    assert (missing[-1] - missing[0]).days == 4


def test_sizes_and_wishes_that_cannot_be_met_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        World(accounts=3)
    with pytest.raises(ValueError, match="first day of a month"):
        World(end=date(2026, 11, 2))
    with pytest.raises(ValueError, match="no such table: invoices"):
        next(generate(World(tables=frozenset({"invoices"}))))


def test_counting_all_accounts_gives_exactly_so_many() -> None:
    world = World(accounts=500, months=24, count="all", tables=frozenset({"account"}))
    found = dict(generate(world))["account"]["account_id"].unique()
    assert len(found) == world.total == 500


def test_truths_are_told() -> None:
    assert len(truths()) >= 20
    assert all(truth.sentence.endswith(".") and truth.seen_in for truth in truths().values())
