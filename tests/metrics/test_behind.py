"""Behind a cell: the parts of the accounts sum to the cell, also where accounts merge or have several currencies."""

from __future__ import annotations

from holdfast.domain.period import parse_month
from holdfast.metrics import behind, bridge

from ..oracle.pencil import account, facts, item
from .worlds import DOLLARS, ledger_of, path


def month(name: str) -> range:
    return range(parse_month(name), parse_month(name) + 1)


def test_a_merge_shows_both_accounts_and_sums_to_nothing() -> None:
    company = facts(*path("A", 100), *path("B", 70), account("A", "2024-02-10", merged_into="B"))
    with ledger_of(company) as ledger:
        found = behind.movements(ledger, month("2024-02"), DOLLARS, "transfer")
    assert sorted((line.entity, line.opening, line.amount, line.closing) for line in found.lines) == [
        ("A", 100, -100, 0),
        ("B", 70, 100, 170),
    ]
    assert found.amount == 0


def test_an_account_that_moved_in_two_currencies_is_one_line() -> None:
    """100 dollars become 100 euros on 10 March 2023: one expansion of 12.03."""
    company = facts(
        item("2023-01-01", 100_00, "A", "a", valid_to="2023-03-10"),
        item("2023-03-10", 100_00, "A", "b", currency="EUR"),
    )
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, month("2023-03"), DOLLARS)
        [line] = behind.movements(ledger, month("2023-03"), DOLLARS).lines
    assert (line.kind, line.amount) == ("expansion", row.moved["expansion"]) == ("expansion", 12_03)


def test_what_exchange_rates_did_is_told_by_account() -> None:
    """The euro rises on 10 February 2023; A pays in euros, B in dollars."""
    company = facts(
        item("2023-01-01", 100_00, "A", "a", currency="EUR"),
        item("2023-01-01", 50_00, "B", "b"),
    )
    with ledger_of(company) as ledger:
        [row] = bridge.measure(ledger, month("2023-02"), DOLLARS)
        found = behind.movements(ledger, month("2023-02"), DOLLARS, "fx")
    assert [(line.entity, line.amount) for line in found.lines] == [("A", row.fx)] == [("A", 112_03 - 108_37)]


def test_pages_follow_one_another_and_totals_are_those_of_all() -> None:
    company = facts(*(one for n in range(5) for one in path(f"A{n}", 100 + n)))
    with ledger_of(company) as ledger:
        first = behind.movements(ledger, month("2024-02"), DOLLARS, "closing", sort="-amount", limit=2)
        last = behind.movements(ledger, month("2024-02"), DOLLARS, "closing", sort="-amount", limit=2, offset=4)
    assert [line.amount for line in first.lines] == [104, 103]
    assert [line.amount for line in last.lines] == [100]
    assert (first.count, first.amount) == (last.count, last.amount) == (5, 510)
