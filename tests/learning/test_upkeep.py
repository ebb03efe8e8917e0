"""Drift is told from chance, and a champion is only replaced by a model that is no worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from holdfast.learning import champion, drift
from holdfast.learning.panel import Panel

RANDOM = np.random.default_rng(5)


def panel(values: np.ndarray, names: tuple[str, ...]) -> Panel:
    rows = len(values)
    one = np.ones(rows)
    return Panel(np.arange(rows), np.arange(rows), values, names, np.zeros(len(names), np.int8), {}, one, one, one)


def test_a_feature_that_moved_comes_first_and_one_that_did_not_is_not_reported() -> None:
    then = panel(RANDOM.normal(size=(3000, 2)), ("still", "moved"))
    now = panel(RANDOM.normal(size=(500, 2)) + [0, 1.5], ("still", "moved"))
    first, second = drift.features(then, now)
    assert (first.name, first.moved, second.moved) == ("moved", True, False)


def test_stability_is_the_sum_over_bins_that_a_pencil_finds() -> None:
    """Ten values to a bin then; now all in the first: half a row is lent to each of 10 bins and the unknown."""
    then = panel(np.repeat(np.arange(10.0), 10)[:, None], ("one",))
    now = panel(np.zeros((100, 1)), ("one",))
    before = [10.5 / 105.5] * 10 + [0.5 / 105.5]
    after = [100.5 / 105.5] + [0.5 / 105.5] * 10
    by_hand = sum((a - b) * np.log(a / b) for a, b in zip(after, before, strict=True))
    assert drift.features(then, now)[0].stability == pytest.approx(by_hand)


def test_a_feature_that_fell_silent_has_moved() -> None:
    then = panel(RANDOM.normal(size=(1000, 1)), ("one",))
    assert drift.features(then, replace(then, values=np.full((1000, 1), np.nan)))[0].moved


def test_small_samples_are_not_called_drift() -> None:
    then = panel(RANDOM.normal(size=(2000, 30)), tuple(f"f{j}" for j in range(30)))
    now = panel(RANDOM.normal(size=(25, 30)), then.names)
    assert not any(one.moved for one in drift.features(then, now))


def test_predictions_that_came_half_as_often_again_have_drifted() -> None:
    said = np.full(4000, 0.1)
    hit = (RANDOM.random(4000) < 0.15).astype(float)
    hit[:100] = np.nan
    found = drift.predictions(said, hit, np.arange(4000))
    assert found.rows == 3900 and found.drifted
    assert found.ratio == pytest.approx(np.nansum(hit) / 390)
    right = drift.predictions(said, (np.arange(4000) % 10 == 0).astype(float), np.arange(4000))
    assert not right.drifted and right.ratio == pytest.approx(1)


def test_the_better_model_wins_and_the_worse_is_kept_out() -> None:
    truth = RANDOM.uniform(0.02, 0.5, 2000)
    hit = (RANDOM.random(2000) < truth).astype(float)
    flat = np.full(2000, hit.mean())
    assert champion.challenge(flat, truth, hit).replaces
    kept = champion.challenge(truth, flat, hit)
    assert not kept.replaces and kept.sentence.startswith("kept: log-loss")


def test_with_no_closed_window_the_newer_model_takes_over_and_says_why() -> None:
    nothing = np.full(5, np.nan)
    found = champion.challenge(np.full(5, 0.1), np.full(5, 0.2), nothing)
    assert found.replaces and found.rows == 0 and "no closed window" in found.sentence
