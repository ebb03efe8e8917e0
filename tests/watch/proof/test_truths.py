"""Truths of the demo company, measured by what Holdfast sees of it: the interval of each covers its planted value.

Signals and the whole book (corner, whale, outage, the null, false alarms) are held against the truths in tests/signals/test_demo.py.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pytest

from holdfast.learning.panel import Bools, Floats
from holdfast.sources.demo.truths import truths

from .measuring import WITHOUT_CAUSE, Sight, interval

pytestmark = pytest.mark.slow

#: of 56 days: on half of them, weekends included, the seats were as good as full; or on hardly any
OFTEN_FULL, SELDOM_FULL = 28, 8
#: of its use before the likeliest turn an account has so much left, or less
FALLEN = 0.8


@pytest.fixture(scope="session", params=["small", pytest.param("large", marks=pytest.mark.large)])
def sight(request: pytest.FixtureRequest) -> Sight:
    found: Sight = request.getfixturevalue(request.param)
    return found


def share(hit: Bools) -> Callable[[Floats], float]:
    return lambda weight: float(weight @ hit / weight.sum())


def rates(weight: Floats, hit: Bools, exposed: Bools) -> tuple[float, float]:
    """How often it came to those exposed, and to the others."""
    return share(hit[exposed])(weight[exposed]), share(hit[~exposed])(weight[~exposed])


def ratio(hit: Bools, exposed: Bools) -> Callable[[Floats], float]:
    """How many times as often it comes to those exposed."""

    def of(weight: Floats) -> float:
        with_it, without = rates(weight, hit, exposed)
        return with_it / without

    return of


def excess(hit: Bools, exposed: Bools) -> Callable[[Floats], float]:
    """The share of those exposed that were hit and would not have been without it."""

    def of(weight: Floats) -> float:
        with_it, without = rates(weight, hit, exposed)
        return (with_it - without) / (1 - without)

    return of


def covers(name: str, figure: Callable[[Floats], float], accounts: npt.NDArray[np.str_]) -> bool:
    low, high = interval(figure, accounts)
    value = truths()[name].value
    print(f"{name}: {figure(np.ones(len(accounts))):.3f}, {low:.3f} to {high:.3f}; the truth is {value}")
    return low <= value <= high


def test_a_champion_who_left_makes_departures_three_times_as_frequent(sight: Sight) -> None:
    """Small monthly customers, of which the truth is told; departures that have a cause."""
    rows = np.array([one is not None and one["segment"] == "SMB" and not one["annual"] for one in sight.truth])
    caused = np.array([bool(one and one["churned"] and one["cause"] not in WITHOUT_CAUSE) for one in sight.truth])
    left = sight.number("champion_left_180d") > 0
    assert covers("champion_ratio", ratio(caused[rows], left[rows]), sight.accounts[rows])


def test_customers_at_their_limit_grow_as_often_as_was_planted(sight: Sight) -> None:
    rows = _no_renewal_ahead(sight) & (sight.number("limit_days_85_56d") >= OFTEN_FULL)
    assert covers("growth_near_limit", share(sight.grew[rows]), sight.accounts[rows])


def test_customers_far_from_it_grow_as_seldom(sight: Sight) -> None:
    rows = _no_renewal_ahead(sight) & (sight.number("limit_days_85_56d") < SELDOM_FULL)
    assert covers("growth_elsewhere", share(sight.grew[rows]), sight.accounts[rows])


def test_use_falls_before_as_many_departures_with_a_cause_as_was_planted(weekly: Sight) -> None:
    """So many more of those about to give notice use a fifth less than before the likeliest turn, than of those who stay."""
    ratio, leaving = weekly.number("person_days_since_turn"), weekly.before_notice()
    rows = ~np.isnan(ratio) & (leaving | weekly.staying())
    assert leaving[rows].sum() > 250
    assert covers("decline_share", excess(ratio[rows] <= FALLEN, leaving[rows]), weekly.accounts[rows])


def _no_renewal_ahead(sight: Sight) -> Bools:
    """Rows whose next 90 days are known and hold no renewal of an annual term, at which seats are trued up."""
    known = np.array([day + timedelta(days=90) <= sight.as_of for day in sight.days])
    free = np.array([one is not None and not one["annual"] for one in sight.truth])
    far = np.nan_to_num(sight.number("days_to_renewal")) > 90
    there = np.array([one is not None for one in sight.truth])
    rows: Bools = known & there & (free | far)
    return rows
