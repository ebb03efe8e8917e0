"""Each figure of the track record against the plainest way to work it out."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.learning import scores
from holdfast.learning.backtest import Backtest
from holdfast.learning.panel import Panel, events

from .worlds import shuffled, world

RANDOM = np.random.default_rng(7)
#: with ties, as scorecards have them
SCORE = RANDOM.integers(0, 12, 120) / 12
HIT = (RANDOM.random(120) < 0.2 + 0.4 * SCORE).astype(float)
AMOUNT = HIT * RANDOM.integers(1, 500, 120)


def naive_auc(score: list[float], hit: list[float]) -> float:
    won = pairs = 0.0
    for mine, i in zip(score, hit, strict=True):
        for yours, j in zip(score, hit, strict=True):
            if i == 1 and j == 0:
                pairs += 1
                won += 1 if mine > yours else 0.5 if mine == yours else 0
    return won / pairs


def naive_average_precision(score: list[float], hit: list[float]) -> float:
    found = 0.0
    for level in sorted(set(score), reverse=True):
        at = [h for s, h in zip(score, hit, strict=True) if s == level]
        above = [h for s, h in zip(score, hit, strict=True) if s >= level]
        found += sum(at) * sum(above) / len(above)
    return found / sum(hit)


def test_auc_is_the_share_of_pairs_that_stand_the_right_way_round() -> None:
    assert scores.auc(SCORE, HIT) == pytest.approx(naive_auc(SCORE.tolist(), HIT.tolist()))


def test_average_precision_is_the_mean_precision_at_each_hit() -> None:
    assert scores.average_precision(SCORE, HIT) == pytest.approx(naive_average_precision(SCORE.tolist(), HIT.tolist()))


def test_what_the_top_tenth_catches_without_ties_is_a_plain_sum() -> None:
    score = RANDOM.permutation(120) / 120
    top = sorted(zip(score.tolist(), AMOUNT.tolist(), strict=True), reverse=True)[:12]
    assert scores.caught(score, AMOUNT) == pytest.approx(sum(amount for _, amount in top) / AMOUNT.sum())
    rate = sum(HIT) / 120
    hits = sorted(zip(score.tolist(), HIT.tolist(), strict=True), reverse=True)[:12]
    assert scores.lift(score, HIT) == pytest.approx(sum(h for _, h in hits) / 12 / rate)


def test_a_score_that_is_the_same_for_all_catches_a_tenth_in_its_top_tenth() -> None:
    assert scores.caught(np.ones(120), AMOUNT) == pytest.approx(0.1)
    assert scores.auc(np.ones(120), HIT) == 0.5


def test_calibration_slope_is_one_for_true_chances_and_a_half_for_doubled_log_odds() -> None:
    told = RANDOM.normal(-1, 1.2, 40_000)
    hit = (RANDOM.random(40_000) < 1 / (1 + np.exp(-told))).astype(float)
    intercept, slope = scores.fitted_line(told, hit)
    assert slope == pytest.approx(1, abs=0.05)
    assert intercept == pytest.approx(0, abs=0.06)
    assert scores.fitted_line(2 * told, hit)[1] == pytest.approx(0.5, abs=0.03)


def test_bins_hold_equal_numbers_and_the_means_of_their_rows() -> None:
    found = scores.bins(SCORE, HIT, 4)
    assert [one.rows for one in found] == [30, 30, 30, 30]
    assert sum(one.came * one.rows for one in found) == pytest.approx(HIT.sum())
    assert [one.predicted for one in found] == sorted(one.predicted for one in found)


def said(chance: np.ndarray, constant: float) -> Backtest:
    rows = len(chance)
    return Backtest(chance, np.full(rows, constant), np.ones(rows, dtype=np.int64), np.full(rows, "logistic"))


def test_the_truth_itself_is_better_and_its_record_holds_the_plain_figures() -> None:
    one = world(accounts=200, periods=24)
    rows = ~np.isnan(one.hit)
    hit, truth = one.hit[rows], one.truth[rows]
    found = scores.score(one.panel.take(rows), hit, said(truth, hit.mean()), 90)
    assert found.verdict == "better"
    assert found.brier == pytest.approx(sum((p - h) ** 2 for p, h in zip(truth, hit, strict=True)) / len(hit))
    assert found.brier_constant == pytest.approx(hit.mean() * (1 - hit.mean()))
    assert found.auc > found.auc_scorecard > 0.5
    assert found.skill_interval[0] > 0 and found.over_scorecard[0] > 0 and found.over_tenure[0] > 0


def test_chances_dealt_at_random_are_not_better() -> None:
    one = world(accounts=200, periods=24)
    rows = ~np.isnan(one.hit)
    hit = shuffled(one)[rows]
    found = scores.score(one.panel.take(rows), hit, said(one.truth[rows], hit.mean()), 90)
    assert found.verdict == "not better"
    assert found.auc == pytest.approx(0.5, abs=0.05)


def test_a_scorecard_said_over_again_is_not_better_than_itself() -> None:
    one = world(accounts=200, periods=24, good_card=2.0)
    rows = ~np.isnan(one.hit)
    panel, hit = one.panel.take(rows), one.hit[rows]
    found = scores.score(panel, hit, said(panel.prior * hit.mean() / panel.prior.mean(), hit.mean()), 90)
    assert found.verdict == "not better"


def test_of_many_heads_one_has_to_stand_out_more_than_a_single_one() -> None:
    one = world(accounts=60, periods=24)
    rows = ~np.isnan(one.hit)
    panel, hit, noise = one.panel.take(rows), one.hit[rows], RANDOM.random(int(rows.sum()))
    alone, of_nine = set(), set()
    for share in range(0, 100, 5):  # the truth, more and more of it
        chance = (share * one.truth[rows] + (100 - share) * noise) / 100
        known = said(chance * hit.mean() / chance.mean(), hit.mean())
        for better, asked in ((alone, 1), (of_nine, 9)):
            if scores.score(panel, hit, known, 90, asked=asked).verdict == "better":
                better.add(share)
    assert of_nine and of_nine < alone


def test_few_events_are_not_enough_history_and_the_missing_are_counted() -> None:
    one = world(accounts=60, periods=8)
    rows = ~np.isnan(one.hit)
    panel, hit = one.panel.take(rows), np.zeros(int(rows.sum()))
    hit[[3, 77, 150]] = 1
    found = scores.score(panel, hit, said(one.truth[rows], 0.05), 90)
    assert found.verdict == "not enough history"
    assert found.missing == 20 - found.events == 17


def test_one_event_seen_in_overlapping_windows_counts_once() -> None:
    days = np.array([0, 30, 60, 90, 0, 30, 0])
    who = np.array([1, 1, 1, 1, 2, 2, 3])
    hit = np.array([1.0, 1, 1, 1, 0, 1, 0])
    # account 1: the first three windows share an event, the fourth begins when the first has ended
    assert events(days, who, hit, 90) == 3


def test_a_panel_whose_columns_differ_in_length_is_refused() -> None:
    short = np.zeros(2)
    with pytest.raises(AssertionError, match="as many rows"):
        Panel(
            np.zeros(3, dtype=np.int64), np.zeros(3, dtype=np.int64), np.zeros((3, 1)), ("a",), np.zeros(1, np.int8),
            {}, short, short, short,
        )  # fmt: skip
