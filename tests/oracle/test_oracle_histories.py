"""The histories: every one is there, and one company of many is the many one by one (rules 16, 17, 21)."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from .histories import (
    MONTHS,
    SMALL_AS_OF,
    SMALL_COUNT,
    SPECIAL_AS_OF,
    SPECIAL_COUNT,
    small_histories,
    special_histories,
)
from .ledger import Facts, ItemState, Ledger, book
from .pencil import policy


def test_there_are_as_many_as_there_should_be() -> None:
    """27 paths for each of 3 subscriptions, each on one of 2 accounts."""
    assert SMALL_COUNT == 27**3 * 2**3 == 157_464
    assert sum(1 for _ in special_histories()) == SPECIAL_COUNT == 53_388


@pytest.mark.slow
def test_every_small_history_is_another_one() -> None:
    seen = set()
    for number, rows in small_histories():
        cut = len(str(number)) + 1
        seen.add(tuple((row.account_id[cut:], row.item_id[cut:], *state(row)) for row in rows))
    # an account does not show where its subscription never has a price: 26 paths x 2 accounts, and none
    assert len(seen) == (26 * 2 + 1) ** 3


def state(row: ItemState) -> tuple[object, ...]:
    return row.unit_amount_minor, row.valid_from, row.valid_to


@pytest.mark.slow
def test_one_company_of_many_is_the_many_one_by_one() -> None:
    histories = [Facts(rows) for _, rows in small_histories(1009)]
    assert_same(histories, SMALL_AS_OF)
    histories = [company for _, company in special_histories(509)]
    assert_same(histories, SPECIAL_AS_OF)


def assert_same(histories: list[Facts], as_of: date) -> None:
    whole = Facts(
        [row for company in histories for row in company.items],
        [row for company in histories for row in company.accounts],
    )
    together = book(whole, policy(), as_of)
    alone = [book(company, policy(), as_of) for company in histories]
    for table in ("balance", "held", "movements", "trial", "pending"):
        parts: dict[object, int] = {}
        for ledger in alone:
            parts |= getattr(ledger, table)
        assert getattr(together, table) == parts


def adds_up(ledger: Ledger) -> bool:
    """Rule 21, for every entity, currency and month."""
    closing = Counter(ledger.balance)
    steps: Counter[tuple[str, str, object]] = Counter()
    for (entity, currency, month, _), amount in ledger.movements.items():
        steps[entity, currency, month] += amount
    for entity, currency in {key[:2] for key in (*closing, *steps)}:
        opening = 0
        for month in ledger.months:
            opening += steps[entity, currency, month]
            if opening != closing[entity, currency, month]:
                return False
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", ["holdfast-1", "ghost", "recurly", "chargebee"])
def test_every_special_history_adds_up(name: str) -> None:
    settings = policy(name)
    assert all(adds_up(book(company, settings, SPECIAL_AS_OF)) for _, company in special_histories())


@pytest.mark.slow
def test_every_small_history_against_the_shortest_code() -> None:
    """On first days of months and with plain prices, the ledger is a few lines."""
    for _, rows in small_histories():
        ledger = book(Facts(rows), policy(), SMALL_AS_OF)
        assert (ledger.balance, ledger.movements) == shortest(rows)


def shortest(rows: list[ItemState]) -> tuple[dict[object, int], dict[object, int]]:
    balance: dict[object, int] = {}
    movements: dict[object, int] = {}
    for account in {row.account_id for row in rows}:
        before, ever = 0, False
        for month in MONTHS:
            newest = {r.item_id: r for r in rows if r.account_id == account and r.valid_from <= month}
            in_force = (r for r in newest.values() if r.valid_to is None or month < r.valid_to)
            after = sum(r.unit_amount_minor for r in in_force)
            if after and not before:
                kind = "reactivation" if ever else "new"
            elif before and not after:
                kind = "churn"
            else:
                kind = "expansion" if after > before else "contraction"
            if after != before:
                movements[account, "USD", month, kind] = after - before
            if after:
                balance[account, "USD", month] = after
            before, ever = after, ever or after > 0
    return balance, movements
