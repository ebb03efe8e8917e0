"""Signals of the whole book: two bad quarters, a segment in decay that is no chance, and one account that carries a book."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pyarrow as pa
import pytest

from holdfast.domain.judgement import Judgement
from holdfast.signals.book import Book, Member, book_of
from holdfast.signals.decay import decaying
from holdfast.signals.judging import judge_book
from holdfast.signals.shelf import signal

DAY = date(2026, 6, 7)


def said(name: str, book: Book) -> list[Judgement]:
    return judge_book(book, [signal(name)])


# ---- quarters ----


def quarters(*rates: float) -> Book:
    return Book(DAY, None, (), tuple((DAY - timedelta(days=91 * i), rate) for i, rate in enumerate(rates)))


def test_two_quarters_under_100_are_said() -> None:
    (one,) = said("nrr_below_100", quarters(0.97, 0.99, 1.02, 1.03))
    assert one.sentence == (
        "NRR has been under 100 % for 2 quarters: 97.0 % in the year to 2026-06-07, 99.0 % in the year to 2026-03-08."
    )
    assert (one.account_id, one.kind) == ("", "portfolio")


@pytest.mark.parametrize("rates", [(0.97, 1.0, 0.9), (1.01, 0.9, 0.9), (0.97,), ()])
def test_one_quarter_is_not(rates: tuple[float, ...]) -> None:
    assert said("nrr_below_100", quarters(*rates)) == []


# ---- the book ----


def measured(day: date, **accounts: tuple[int, str]) -> pa.Table:
    """A measured day: account=(MRR, owner)."""
    return pa.table(
        {
            "account_id": list(accounts),
            "as_of": [day] * len(accounts),
            "mrr_minor": [mrr for mrr, _ in accounts.values()],
            "attribute.owner": [owner for _, owner in accounts.values()],
        }
    )


def test_the_book_is_made_of_measured_days() -> None:
    year, quarter = DAY - timedelta(days=364), DAY - timedelta(days=91)
    days = {
        quarter - timedelta(days=364): measured(quarter, a=(100, "Alice")),
        year: measured(year, a=(100, "Alice"), b=(100, "Bob")),
        quarter: measured(quarter, a=(95, "Alice"), b=(100, "Bob")),
        DAY: measured(DAY, a=(120, "Bob"), c=(50, "Bob")),
    }
    book = book_of(days)
    assert (book.as_of, book.since) == (DAY, year)
    assert book.quarters == ((DAY, 0.6), (quarter, 0.95))
    told = {one.account_id: (one.opening, one.closing, one.has_left, one.owner) for one in book.members}
    assert told == {"a": (100, 120, False, "Bob"), "b": (100, 0, True, "Bob"), "c": (0, 50, False, "Bob")}
    assert book.members[0].attributes == {"owner": "Alice"}, "segments are those of the year's beginning"


def test_a_short_history_has_no_year() -> None:
    book = book_of({DAY: measured(DAY, a=(120, "Bob"))})
    assert (book.since, book.quarters) == (None, ())
    assert judge_book(book) == []


# ---- a whale ----


def owned(owner: str, *amounts: int) -> list[Member]:
    return [Member(f"{owner}{i}", amount, amount, {}, owner) for i, amount in enumerate(amounts)]


def test_one_account_that_carries_a_book_is_said() -> None:
    others = owned("Bob", *[1_000] * 100)
    members = (*owned("Alice", 9_000, *[500] * 9), *others)
    (one,) = said("whale", Book(DAY, DAY, members))
    assert one.sentence == (
        "One account carries 67 % of the MRR of Alice's book (10 accounts). NRR is 100.0 % with it and 100.0 % without."
    )
    assert (one.about, one.account_id) == ("owner=Alice", "")
    assert [(fact.table, fact.row_id) for fact in one.evidence] == [("account", "Alice0")]


def test_a_book_of_few_accounts_or_of_even_ones_has_no_whale() -> None:
    assert said("whale", Book(DAY, DAY, tuple(owned("Alice", 900, 50, 50)))) == []
    assert said("whale", Book(DAY, DAY, tuple(owned("Alice", *[100] * 10)))) == []


# ---- decay ----

Rate = Callable[[dict[str, str]], float]


def company(seed: int, accounts: int, rate: Rate) -> list[Member]:
    """Accounts whose attributes are drawn at random, and which leave at a rate that depends on them."""
    rng = random.Random(seed)
    found = []
    for i in range(accounts):
        small = rng.random() < 0.7
        attributes = {
            "segment": "SMB" if small else "Enterprise",
            "plan": rng.choice(["Starter", "Team"] if small else ["Team", "Business"]),
            "industry": rng.choice(["Logistics", "Retail", "Health", "Finance", "Media"]),
            "channel": rng.choice(["Partner", "Direct", "Web", "Event"]),
        }
        left = rng.random() < rate(attributes)
        found.append(Member(f"a{i}", 100, 0 if left else 103, attributes))
    return found


def corner(attributes: dict[str, str]) -> float:
    base = 0.3 if attributes["segment"] == "SMB" else 0.08
    return base * (2.4 if (attributes["industry"], attributes["plan"]) == ("Logistics", "Team") else 1)


@pytest.mark.parametrize("seed", range(4))
def test_a_corner_is_found_and_what_is_only_part_of_it_is_not(seed: int) -> None:
    names = [one.name for one in decaying(company(seed, 3000, corner))]
    assert sorted(names) == ["industry=Logistics, plan=Team", "segment=SMB"]


def test_in_a_book_without_differences_nothing_is_reported() -> None:
    """At most one book in twenty may have a false report; of 60, more than six would be a wonder (1 in 40)."""
    false = sum(bool(decaying(company(seed, 500, lambda _: 0.2))) for seed in range(60))
    assert false <= 6


def test_a_segment_that_grows_all_the_same_is_not_in_decay() -> None:
    def grown() -> Iterator[Member]:
        for one in company(1, 2000, corner):
            yield Member(one.account_id, 100, 0 if one.has_left else 200, one.attributes)

    assert all(one.retention < 1 for one in decaying(list(grown())))
    assert "segment=SMB" not in [one.name for one in decaying(list(grown()))]


def test_it_is_said_with_its_numbers() -> None:
    book = Book(DAY, DAY, tuple(company(0, 3000, corner)))
    one = next(one for one in said("segment_decay", book) if one.about == "industry=Logistics, plan=Team")
    assert one.sentence.startswith("industry=Logistics, plan=Team: ")
    assert "accounts left in a year" in one.sentence and "were to be expected from like accounts; NRR" in one.sentence
