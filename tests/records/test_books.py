"""A book: its totals, its renewals and what happened in it, for one owner or everyone."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from holdfast.metrics import book
from holdfast.metrics.accounts import NO_OVERRIDES, Owners
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

pytestmark = pytest.mark.slow

ALICE, BOB = frozenset({"Alice"}), frozenset({"Bob"})


def test_totals_of_everyone_and_of_one(records: Records, ledger: Ledger) -> None:
    everyone = book.totals(records, ledger)
    assert (everyone.accounts, everyone.customers) == (5, 3)
    assert (everyone.mrr_minor, everyone.mrr_month_ago_minor, everyone.mrr_year_ago_minor) == (32_500, 29_500, 29_000)
    assert (everyone.nrr, everyone.grr) == (Fraction(32_500, 29_000), Fraction(24_000, 29_000))
    alice = book.totals(records, ledger, owner_in=ALICE)
    assert (alice.accounts, alice.mrr_minor) == (2, 20_500)
    assert (alice.nrr, alice.grr) == (Fraction(20_500, 16_000), Fraction(12_000, 16_000))
    nobody = book.totals(records, ledger, owner_in=frozenset({"Charlie"}))
    assert (nobody.accounts, nobody.mrr_minor, nobody.nrr) == (0, 0, None)


def test_a_hand_over_moves_the_history_too(records: Records, ledger: Ledger) -> None:
    alice = book.totals(records, ledger, Owners({"bolt": "Alice"}), ALICE)
    assert (alice.mrr_minor, alice.nrr) == (30_500, Fraction(30_500, 26_000))


def test_renewals_due(records: Records) -> None:
    assert [(r.account_id, r.renewal_on, r.renewal_minor) for r in book.renewals(records, 365)] == [
        ("acme", date(2026, 1, 20), 20_000),
        ("bolt", date(2026, 6, 1), 10_000),
    ]
    assert [r.account_id for r in book.renewals(records, 30)] == ["acme"]
    assert book.renewals(records, 365, owner_in=frozenset({"Charlie"})) == []


@pytest.mark.parametrize(
    ("owner_in", "told"),
    [
        (
            None,
            [
                ("overdue", "acme", 15_000), ("urgent_ticket", "acme", None), ("champion_left", "bolt", None),
                ("churn", "dune", -4_000), ("expansion", "acme", 8_000), ("contraction", "cora", -1_000),
            ],
        ),
        (ALICE, [("overdue", "acme", 15_000), ("urgent_ticket", "acme", None), ("churn", "dune", -4_000), ("expansion", "acme", 8_000)]),
        (BOB, [("champion_left", "bolt", None)]),
        (frozenset({"Charlie"}), []),
    ],
)  # fmt: skip
def test_what_happened(
    records: Records, ledger: Ledger, owner_in: frozenset[str] | None, told: list[tuple[str, str, int | None]]
) -> None:
    found = book.happened(records, ledger, 31, owner_in=owner_in)
    assert [(one.kind, one.account_id, one.amount_minor) for one in found] == told


def test_what_happened_says_why_and_where(records: Records, ledger: Ledger) -> None:
    found = {one.kind: one for one in book.happened(records, ledger, 31)}
    assert (found["expansion"].detail, found["expansion"].source.source_row) == ("seats", 2)
    assert found["champion_left"].at == date(2025, 12, 27), "the day on which it was noticed"
    assert found["champion_left"].detail == "Cid, Head"
    assert {one.kind for one in book.happened(records, ledger, 4)} == {"overdue", "urgent_ticket"}
    assert book.happened(records, ledger, 1) == []


def test_the_largest_and_the_untouched(records: Records) -> None:
    assert [row.account_id for row in book.largest(records)] == ["acme", "bolt", "cora"]
    assert [row.account_id for row in book.largest(records, limit=1)] == ["acme"]
    assert [row.account_id for row in book.untouched(records, 30)] == ["bolt", "cora"]
    assert [row.account_id for row in book.untouched(records, 10)] == ["acme", "bolt", "cora"]
    assert [row.account_id for row in book.untouched(records, 30, NO_OVERRIDES, BOB)] == ["bolt"]
