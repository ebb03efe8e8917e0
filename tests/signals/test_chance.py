"""Chance: tails that a pencil or another library gives as well."""

from __future__ import annotations

import pytest
from scipy.stats import binom, fisher_exact

from holdfast.signals.chance import as_many_or_more, more_than_chance, wilson


def test_all_of_three_in_the_last_third_is_one_in_27() -> None:
    assert more_than_chance(3, 0, 1 / 3) == pytest.approx(1 / 27)
    assert more_than_chance(0, 5, 1 / 3) == 1


@pytest.mark.parametrize(("late", "early"), [(4, 2), (12, 3), (40, 60), (200, 300)])
def test_the_tail_of_a_count_is_the_binomial_one(late: int, early: int) -> None:
    assert more_than_chance(late, early, 1 / 3) == pytest.approx(binom.sf(late - 1, late + early, 1 / 3), rel=1e-9)


def test_wilson_for_few_looks() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    low, high = wilson(5, 10)
    assert (round(low, 4), round(high, 4)) == (0.2366, 0.7634)
    assert wilson(0, 10)[0] == pytest.approx(0, abs=1e-12) and wilson(10, 10)[1] == pytest.approx(1)


@pytest.mark.parametrize(("total", "marked", "chosen", "both"), [(10, 5, 4, 4), (80, 20, 25, 11), (3000, 700, 90, 52)])
def test_more_departures_than_chance_is_fishers_test(total: int, marked: int, chosen: int, both: int) -> None:
    table = [[both, chosen - both], [marked - both, total - marked - chosen + both]]
    expected = fisher_exact(table, alternative="greater").pvalue
    assert as_many_or_more([(total, marked, chosen, both)]) == pytest.approx(expected, rel=1e-8)


def test_strata_add_up() -> None:
    # two coins with one head each, one of the two chosen twice: both heads are chosen by 1/2 × 1/2
    assert as_many_or_more([(2, 1, 1, 1), (2, 1, 1, 1)]) == pytest.approx(0.25)
    # a stratum that is chosen whole says nothing
    assert as_many_or_more([(2, 1, 1, 1), (9, 4, 9, 4)]) == pytest.approx(0.5)
