"""How good predictions were: figures that a reader can check, and a verdict that chance alone does not earn.

Accounts are drawn again, not rows, to see what chance does: rows of one account are alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from holdfast.learning.backtest import Backtest
from holdfast.learning.blend import calibration, loss
from holdfast.learning.design import log_odds
from holdfast.learning.panel import Floats, Ints, Panel, events

Verdict = Literal["better", "not better", "not enough history"]
Interval = tuple[float, float]

#: an advantage counts where it lies above 0 in all but this share of the draws; it is shared out among the questions asked of one history
CHANCE = 0.025
DRAWS = 200
BINS = 10


@dataclass(frozen=True)
class Bin:
    """Rows of about the same predicted probability: one point of the calibration plot."""

    predicted: float
    came: float
    rows: int


@dataclass(frozen=True)
class Scores:
    """One head's record. A figure is nan where it cannot be told; auc_scorecard and auc_tenure are of those alone."""

    n: int
    events: int
    auc: float
    average_precision: float
    brier: float
    brier_constant: float
    log_loss: float
    log_loss_constant: float
    calibration_slope: float
    calibration_intercept: float
    lift_top_decile: float
    #: of the money that was hit, the share that the top tenth held: by probability, and by probability × MRR
    money_by_probability: float
    money_by_worth: float
    auc_scorecard: float
    auc_tenure: float
    #: advantage in log-loss over the constant, and in AUC over the two: what remains in 95 % of draws
    skill_interval: Interval
    over_scorecard: Interval
    over_tenure: Interval
    verdict: Verdict
    #: how many more events are needed, where there is not enough history
    missing: int
    bins: tuple[Bin, ...]


def score(
    panel: Panel, hit: Floats, said: Backtest, horizon: int, money: Floats | None = None, least_events: int = 20,
    asked: int = 1,
) -> Scores:  # fmt: skip
    """The record of what was said. Money is what a hit row lost or won; all its MRR where not given.

    asked: how many heads are judged by the same history; the more, the likelier that chance alone would make one of them look good.
    """
    rows = said.said & ~np.isnan(hit)
    learned = rows & said.learned
    rows = learned if learned.any() else rows
    found = events(panel.days[rows], panel.who[rows], hit[rows], horizon)
    seen, worth, came = panel.take(rows), panel.worth[rows], hit[rows]
    chance, constant = said.probability[rows], said.constant[rows]
    lost = came * (worth if money is None else money[rows])
    told, flat = log_odds(chance), log_odds(constant)
    intercept, slope = fitted_line(told, came)
    advantages = _advantages(seen, came, told, flat)
    skill, card, tenure = (interval(one) for one in advantages)
    missing = max(least_events - found, 0) if learned.any() else max(least_events, 1)
    each = np.ones(len(came))
    return Scores(
        n=len(came), events=found, auc=auc(chance, came), average_precision=average_precision(chance, came),
        brier=_mean((chance - came) ** 2), brier_constant=_mean((constant - came) ** 2),
        log_loss=loss(told, came, each) if len(came) else np.nan,
        log_loss_constant=loss(flat, came, each) if len(came) else np.nan,
        calibration_slope=slope, calibration_intercept=intercept, lift_top_decile=lift(chance, came),
        money_by_probability=caught(chance, lost), money_by_worth=caught(chance * worth, lost),
        auc_scorecard=_auc_scorecard(seen.prior, came), auc_tenure=auc_either(seen.tenure, came),
        skill_interval=skill, over_scorecard=card, over_tenure=tenure,
        verdict=_verdict(missing, advantages, asked), missing=missing, bins=bins(chance, came),
    )  # fmt: skip


def _verdict(missing: int, advantages: tuple[Floats, ...], asked: int) -> Verdict:
    if missing:
        return "not enough history"
    told = [_is_beyond_chance(one, asked) for one in advantages if len(one)]
    return "better" if told and all(told) else "not better"


def _is_beyond_chance(advantage: Floats, asked: int) -> bool:
    """Whether it is above 0 as surely as one of so many has to be; that far out draws are too few to count, so they are taken as normal."""
    away = NormalDist().inv_cdf(1 - CHANCE / asked)
    return bool(np.nanmean(advantage) > away * np.nanstd(advantage))


def auc(score: Floats, hit: Floats) -> float:
    """The chance that a row that was hit scores above one that was not; ties count half."""
    return float(weighted_auc(score, hit, np.ones((1, len(hit))))[0])


def auc_either(score: Floats, hit: Floats) -> float:
    """The better of a score and its reverse: a baseline gets the benefit of the doubt."""
    one = auc(_filled(score), hit)
    return max(one, 1 - one)


def _auc_scorecard(prior: Floats, hit: Floats) -> float:
    """nan where there is no scorecard, or one that says the same of all."""
    return auc(_filled(prior), hit) if _tells(prior) else float("nan")


def _tells(prior: Floats) -> bool:
    known = prior[~np.isnan(prior)]
    return bool(len(known)) and bool(np.ptp(known) > 0)


def average_precision(score: Floats, hit: Floats) -> float:
    """The mean precision at each hit, ties taken together."""
    if not hit.sum():
        return float("nan")
    ends, hits, rows = _steps(score, hit)
    return float(np.sum(np.diff(hits[ends], prepend=0) * hits[ends] / rows[ends]) / hit.sum())


def lift(score: Floats, hit: Floats, share: float = 0.1) -> float:
    """How many times as often the top tenth was hit as all; ties at the edge count in part."""
    rate = _mean(hit)
    if not rate > 0:
        return float("nan")
    return caught(score, hit, share) / share


def caught(score: Floats, amount: Floats, share: float = 0.1) -> float:
    """Of an amount, the part that the highest-scored tenth of the rows holds; ties at the edge count in part."""
    total = float(amount.sum())
    if not total:
        return float("nan")
    ends, amounts, rows = _steps(score, amount)
    wanted = share * len(score)
    return float(np.interp(wanted, np.concatenate([[0], rows[ends]]), np.concatenate([[0], amounts[ends]])) / total)


def bins(chance: Floats, hit: Floats, count: int = BINS) -> tuple[Bin, ...]:
    """Equal numbers of rows, lowest probability first."""
    parts = np.array_split(np.argsort(chance, kind="stable"), count)
    return tuple(Bin(float(chance[p].mean()), float(hit[p].mean()), len(p)) for p in parts if len(p))


def fitted_line(told: Floats, hit: Floats) -> tuple[float, float]:
    """Intercept and slope of what came on the predicted log-odds: 0 and 1 is right; a slope under 1 is too sure."""
    if not 0 < hit.sum() < len(hit) or np.ptp(told) < 1e-9:
        return float("nan"), float("nan")
    return calibration(told, hit, np.ones(len(hit)), (1e4, 1e4))


def draws(who: Ints, count: int = DRAWS, seed: int = 0) -> Floats:
    """(count, rows): how often each row is in a draw of accounts with return."""
    accounts, inverse = np.unique(who, return_inverse=True)
    if not len(accounts):
        return np.zeros((count, 0))
    even = np.full(len(accounts), 1 / len(accounts))
    drawn = np.random.default_rng(seed).multinomial(len(accounts), even, size=count)
    weights: Floats = drawn[:, inverse].astype(np.float64)
    return weights


def interval(values: Floats, chance: float = CHANCE) -> Interval:
    known = values[~np.isnan(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [chance, 1 - chance])
    return float(low), float(high)


def _advantages(panel: Panel, hit: Floats, told: Floats, flat: Floats) -> tuple[Floats, Floats, Floats]:
    """Draw by draw: over the constant in log-loss, over scorecard and tenure in AUC; empty where nothing is told."""
    nothing = np.zeros(0)
    if not 0 < hit.sum() < len(hit):
        return nothing, nothing, nothing
    weights = draws(panel.who)
    gain = np.logaddexp(0, flat) - hit * flat - np.logaddexp(0, told) + hit * told
    mine = weighted_auc(told, hit, weights)
    tenure = _filled(panel.tenure)
    aged = weighted_auc(tenure if auc(tenure, hit) >= 0.5 else -tenure, hit, weights)
    card = mine - weighted_auc(_filled(panel.prior), hit, weights) if _tells(panel.prior) else nothing
    return weights @ gain / weights.sum(axis=1), card, mine - aged


def weighted_auc(score: Floats, hit: Floats, weights: Floats) -> Floats:
    """One for each row of weights."""
    if not len(score):
        return np.full(len(weights), np.nan)
    order = np.argsort(score, kind="stable")
    starts = np.flatnonzero(np.diff(score[order], prepend=-np.inf) != 0)
    hits = np.add.reduceat(weights[:, order] * hit[order], starts, axis=1)
    others = np.add.reduceat(weights[:, order] * (1 - hit[order]), starts, axis=1)
    below = np.cumsum(others, axis=1) - others / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (hits * below).sum(axis=1) / (hits.sum(axis=1) * others.sum(axis=1))
    return found


def _steps(score: Floats, amount: Floats) -> tuple[Ints, Floats, Ints]:
    """Highest score first: the ends of runs of equal scores, amounts summed and rows counted up to each place."""
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    return ends, np.cumsum(amount[order]), np.arange(1, len(score) + 1)


def _filled(score: Floats) -> Floats:
    """What is not known stands at the middle."""
    known = score[~np.isnan(score)]
    return np.where(np.isnan(score), np.median(known) if len(known) else 0.0, score)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else float("nan")
