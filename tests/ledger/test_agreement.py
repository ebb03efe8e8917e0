"""The ledger made by SQL is the ledger of the plain oracle: on every small history, and on companies at random."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.domain.policy import Policy, load_policies

from ..oracle.histories import SMALL_AS_OF, SPECIAL_AS_OF, small_histories, special_histories
from ..oracle.ledger import Facts, Ledger, book
from ..oracle.strategies import companies, days, policies
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
        assert not wrong, f"{what}{name}: (ours, oracle) differ in {len(wrong)} places, such as {dict(list(wrong.items())[:5])}"


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


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
)
@given(
    many=st.lists(companies(), min_size=1, max_size=100),
    policy=policies(),
    as_of=days(),
    known_on=st.one_of(st.none(), days()),
    parts=st.integers(1, 3),
)
@pytest.mark.slow
def test_companies_at_random(many: list[Facts], policy: Policy, as_of: date, known_on: date | None, parts: int) -> None:
    whole = together(renamed(facts, f"{n}:") for n, facts in enumerate(many))
    assert_same(booked(whole, policy, as_of, known_on, parts), book(whole, policy, as_of, known_on))
