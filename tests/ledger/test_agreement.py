"""The ledger made by SQL is the ledger of the plain oracle: on every small history, and on companies at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.domain.policy import Policy, load_policies

from ..oracle.histories import SMALL_AS_OF, SPECIAL_AS_OF, small_histories, special_histories
from ..oracle.ledger import Facts, Ledger, book
from ..oracle.strategies import companies, company, day, days, dice, policies, policy
from .booked import Booked, booked, renamed, together

DEFAULT = load_policies()["holdfast-1"]


def assert_same(ours: Booked, oracle: Ledger, what: str = "") -> None:
    """Every balance, movement and lane is the same; the message shows the first few that are not."""
    for name in ("balance", "movements", "trial", "pending", "held"):
        found: Mapping[Any, int] = getattr(ours, name)
        wanted: Mapping[Any, int] = getattr(oracle, name)
        wrong = {
            key: (found.get(key, 0), wanted.get(key, 0))
            for key in {*found, *wanted}
            if found.get(key, 0) != wanted.get(key, 0)
        }
        assert not wrong, (
            f"{what}{name}: (ours, oracle) differ in {len(wrong)} places, such as {dict(list(wrong.items())[:5])}"
        )


@pytest.mark.slow
def test_every_small_history() -> None:
    """2 accounts × 3 subscriptions × 3 months × 2 prices: 157,464 histories, booked together."""
    everything = Facts([], [], [])
    for _, rows in small_histories():
        everything.items += rows
    assert_same(booked(everything, DEFAULT, SMALL_AS_OF), book(everything, DEFAULT, SMALL_AS_OF))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["holdfast-1", "stripe", "public-filing", "recurly", "chargebee"])
def test_every_special_history(name: str) -> None:
    """Trials, pauses, past due, two currencies, merges, cancellations: 53,388 histories, booked together."""
    policy = load_policies()[name]
    everything = together(facts for _, facts in special_histories())
    assert_same(booked(everything, policy, SPECIAL_AS_OF), book(everything, policy, SPECIAL_AS_OF))


@pytest.mark.slow
@pytest.mark.parametrize("quarter", range(4))
def test_two_thousand_companies_at_random(quarter: int) -> None:
    """2,000 companies in groups of 50, each group under a policy, an as-of day and a known-on day of its own."""
    for _ in range(10):
        with dice() as by:
            group = [renamed(company(by), f"{n}:") for n in range(50)]
            chosen, as_of, known_on, loads = policy(by), day(by), by.one((None, day(by))), by.whole(1, 3)
            whole = together(group)
            try:
                assert_same(booked(whole, chosen, as_of, known_on, loads), book(whole, chosen, as_of, known_on))
            except AssertionError:
                # name the one company that shows it
                for facts in group:
                    what = f"{chosen}, as of {as_of}, known on {known_on}: {facts}\n"
                    assert_same(booked(facts, chosen, as_of, known_on), book(facts, chosen, as_of, known_on), what)
                raise


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    facts=companies(), policy=policies(), as_of=days(), known_on=st.one_of(st.none(), days()), parts=st.integers(1, 3)
)
def test_a_company_at_random(facts: Facts, policy: Policy, as_of: date, known_on: date | None, parts: int) -> None:
    """The same for one company at a time, so that a difference shrinks to the smallest company that shows it."""
    assert_same(booked(facts, policy, as_of, known_on, parts), book(facts, policy, as_of, known_on))


@pytest.mark.slow
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(facts=companies(), order=st.randoms(use_true_random=False), as_of=days())
def test_any_order_of_arrival_gives_the_same_ledger(facts: Facts, order: Random, as_of: date) -> None:
    """Rows dealt to three loads in two orders. What was learned at one moment is told apart by its place, so moments differ."""
    moments = [
        replace(row, learned_at=row.learned_at + timedelta(microseconds=n), arrival=n)
        for n, row in enumerate(facts.items)
    ]
    shuffled = list(moments)
    order.shuffle(shuffled)
    again = [replace(row, arrival=n) for n, row in enumerate(shuffled)]
    one = booked(Facts(moments, facts.accounts, facts.lines), DEFAULT, as_of, parts=3)
    assert one == booked(Facts(again, facts.accounts, facts.lines), DEFAULT, as_of, parts=3)
