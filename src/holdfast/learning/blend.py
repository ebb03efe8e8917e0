"""Which ridge, how many trees, how much of each, and how sure: chosen by what candidates said of days that came after their training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Bools, Floats

#: events without which candidates are not told apart and predictions are not recalibrated
LEAST_EVENTS = 10.0
#: how firmly calibration is held at "as predicted": standard deviations of slope and intercept around 1 and 0
SLOPE_SPREAD = 0.25
INTERCEPT_SPREAD = 0.25
SHARES = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Blend:
    """Log-odds = intercept + slope × ((1 − share) × ridge + share × boosting)."""

    ridge: int
    trees: int
    #: of boosting
    share: float
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, ridge: Floats, boosted: Floats | None) -> Floats:
        """From the log-odds of the candidates, (candidates, rows)."""
        told = ridge[self.ridge]
        if boosted is not None and self.share:
            told = (1 - self.share) * told + self.share * boosted[self.trees]
        calibrated: Floats = self.intercept + self.slope * told
        return calibrated


def untried(strengths: int, trees: int, boosting: bool) -> Blend:
    """What is used before there is anything to choose by: a strong ridge, and half of each."""
    return Blend(min(2, strengths - 1), trees // 2, 0.5 if boosting else 0.0)


def choose(ridge: Floats, boosted: Floats | None, hit: Floats, weight: Floats) -> Blend:
    """By log-loss on rows that the candidates had not seen; boosting is nan where there was none."""
    first = untried(len(ridge), 0 if boosted is None else len(boosted), boosted is not None)
    if weight @ hit < LEAST_EVENTS:
        return first
    best = int(np.argmin([loss(told, hit, weight) for told in ridge]))
    chosen = Blend(best, first.trees, first.share)
    if boosted is not None:
        chosen = _with_trees(chosen, ridge[best], boosted, hit, weight)
    known = _known(boosted, chosen.share)
    rows = slice(None) if known is None else known
    told = chosen.log_odds(ridge[:, rows], None if boosted is None else boosted[:, rows])
    intercept, slope = calibration(told, hit[rows], weight[rows])
    return Blend(chosen.ridge, chosen.trees, chosen.share, slope, intercept)


def _known(boosted: Floats | None, share: float) -> Bools | None:
    if boosted is None or not share:
        return None
    known: Bools = ~np.isnan(boosted[0])
    return known


def _with_trees(blend: Blend, ridge: Floats, boosted: Floats, hit: Floats, weight: Floats) -> Blend:
    rows = ~np.isnan(boosted[0])
    hit, weight, ridge, boosted = hit[rows], weight[rows], ridge[rows], boosted[:, rows]
    if weight @ hit < LEAST_EVENTS:
        return blend
    trees = int(np.argmin([loss(told, hit, weight) for told in boosted]))
    losses = [loss((1 - share) * ridge + share * boosted[trees], hit, weight) for share in SHARES]
    return Blend(blend.ridge, trees, float(SHARES[int(np.argmin(losses))]))


def loss(log_odds: Floats, hit: Floats, weight: Floats) -> float:
    """Log-loss, weighted."""
    return float(np.average(np.logaddexp(0, log_odds) - hit * log_odds, weights=weight))


def calibration(
    log_odds: Floats,
    hit: Floats,
    weight: Floats,
    spreads: tuple[float, float] = (INTERCEPT_SPREAD, SLOPE_SPREAD),
) -> tuple[float, float]:
    """Intercept and slope of the outcome on the log-odds, drawn to 0 and 1 as long as the evidence is thin."""
    matrix = np.stack([np.ones_like(log_odds), log_odds], axis=1)
    centre = np.array([0.0, 1.0])
    precision = 1 / np.square(spreads)
    beta = centre.copy()
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(matrix @ beta, -30, 30)))
        slope = matrix.T @ (weight * (hit - chance)) - precision * (beta - centre)
        curve = (matrix * (weight * chance * (1 - chance))[:, None]).T @ matrix + np.diag(precision)
        step = np.linalg.solve(curve + 1e-9 * np.eye(2), slope)
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    return float(beta[0]), float(beta[1])
