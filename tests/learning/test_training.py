"""What is learned, from how much, and that nothing is learned where there is nothing to learn."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from holdfast.learning import scores
from holdfast.learning.panel import Floats
from holdfast.learning.settings import Settings
from holdfast.learning.training import Head, Trained, backtest, fit, train

from .worlds import World, shuffled, world

QUICK = Settings(origins=3, rehearsals=1)


@cache
def company() -> World:
    return world(accounts=300, periods=30, columns=16)


@cache
def trained() -> dict[str, Trained]:
    one = company()
    heads = {"churn": Head(one.hit, one.horizon), "shuffled": Head(shuffled(one), one.horizon)}
    return train(one.panel, heads, QUICK)


def judged(name: str) -> tuple[Floats, Floats, Floats]:
    """Out of time: what was said, what came, and the true chances."""
    one, found = company(), trained()[name]
    hit = one.hit if name == "churn" else shuffled(one)
    rows = found.backtest.learned & ~np.isnan(hit)
    return found.backtest.probability[rows], hit[rows], one.truth[rows]


def test_most_of_what_the_truth_knows_is_learned() -> None:
    chance, hit, truth = judged("churn")
    oracle = scores.auc(truth, hit)
    assert oracle > 0.7
    assert scores.auc(chance, hit) - 0.5 >= 0.85 * (oracle - 0.5)


def test_what_is_said_is_calibrated_out_of_time() -> None:
    chance, hit, _ = judged("churn")
    _, slope = scores.fitted_line(np.log(chance / (1 - chance)), hit)
    assert 0.8 <= slope <= 1.25
    assert chance.mean() == pytest.approx(hit.mean(), rel=0.25)


def test_the_record_says_better() -> None:
    one = company()
    found = scores.score(one.panel, one.hit, trained()["churn"].backtest, one.horizon)
    assert found.verdict == "better"


def test_shuffled_outcomes_are_chance_and_the_record_says_so() -> None:
    one = company()
    found = scores.score(one.panel, shuffled(one), trained()["shuffled"].backtest, one.horizon)
    assert found.auc == pytest.approx(0.5, abs=0.06)
    assert found.verdict == "not better"


def test_the_last_date_alone_teaches_less_than_the_panel() -> None:
    differences = []
    for seed in (1, 2):
        one = world(accounts=300, periods=24, columns=16, seed=seed)
        split = int(np.unique(one.panel.days)[15])
        known = np.where(one.panel.days + one.horizon <= split, one.hit, np.nan)
        last = int(one.panel.days[~np.isnan(known)].max())
        later = (one.panel.days >= split) & ~np.isnan(one.hit)
        whole = fit(one.panel, known, QUICK)
        alone = fit(one.panel, np.where(one.panel.days == last, known, np.nan), QUICK)
        assert alone.evidence.rows < whole.evidence.rows
        told = one.panel.take(later)
        panel_auc, alone_auc = (scores.auc(model.predict(told), one.hit[later]) for model in (whole, alone))
        differences.append(panel_auc - alone_auc)
    assert min(differences) > 0.01


def test_nothing_said_of_a_day_changes_with_what_came_after_it() -> None:
    one = company()
    said = trained()["churn"].backtest
    middle = said.origins[1]
    changed = one.hit.copy()
    unknown_then = one.panel.days + one.horizon > middle
    changed[unknown_then & ~np.isnan(changed)] = 1 - changed[unknown_then & ~np.isnan(changed)]
    again = backtest(one.panel, changed, QUICK)
    up_to = said.said & (one.panel.days < said.origins[2])
    np.testing.assert_array_equal(said.probability[up_to], again.probability[up_to])


def test_the_order_of_the_rows_does_not_matter() -> None:
    one = world(accounts=60, periods=20, columns=4)
    order = np.random.default_rng(0).permutation(len(one.panel))
    first = backtest(one.panel, one.hit, QUICK)
    mixed = backtest(one.panel.take(order), one.hit[order], QUICK)
    np.testing.assert_allclose(first.probability[order], mixed.probability, rtol=1e-3, atol=1e-4)


def test_the_same_rows_teach_the_same_model() -> None:
    one = world(accounts=80, periods=16, columns=6)
    settings = replace(QUICK, boosting_from=50)
    first, second = (fit(one.panel, one.hit, settings) for _ in range(2))
    assert first.kind == "blended"
    assert first.version == second.version
    np.testing.assert_array_equal(first.predict(one.panel), second.predict(one.panel))


def test_under_twenty_events_the_scorecard_stands_and_the_missing_are_named() -> None:
    one = company()
    hit = np.where(np.isnan(one.hit), np.nan, 0.0)
    hit[np.flatnonzero(hit == 0)[:2000:250]] = 1.0
    found = fit(one.panel, hit, QUICK)
    assert found.kind == "scorecard"
    assert found.evidence.events == 8
    assert found.evidence.sentence("churn") == "not enough history to predict: needs about 12 more churns"
    chance = found.predict(one.panel)
    assert np.all(np.diff(chance[np.argsort(one.panel.prior)]) >= 0)
    assert chance.mean() == pytest.approx(found.candidates.rate, rel=0.05)


def test_a_scorecard_with_nothing_behind_it_predicts_the_usual_rate() -> None:
    one = company()
    found = fit(one.panel, np.full(len(one.panel), np.nan), QUICK)
    assert found.kind == "scorecard"
    assert found.predict(one.panel).mean() == pytest.approx(1 - 0.85 ** (90 / 365), rel=0.05)


def test_trees_are_blended_in_from_the_set_number_of_accounts_on() -> None:
    one = world(accounts=80, periods=16, columns=6)
    assert fit(one.panel, one.hit, replace(QUICK, boosting_from=81)).kind == "logistic"
    assert fit(one.panel, one.hit, replace(QUICK, boosting_from=80)).kind == "blended"


def test_where_features_say_nothing_a_good_scorecard_is_kept() -> None:
    one = world(accounts=250, periods=24, columns=8, good_card=2.5)
    noise = replace(one.panel, values=np.random.default_rng(3).normal(size=one.panel.values.shape))
    said = backtest(noise, one.hit, QUICK)
    rows = said.learned & ~np.isnan(one.hit)
    card = scores.auc(one.panel.prior[rows], one.hit[rows])
    assert card > 0.6
    assert scores.auc(said.probability[rows], one.hit[rows]) > card - 0.03
