"""Ridge logistic regression around a given starting opinion: one row of coefficients for each strength of the ridge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Floats

STEPS = 20
#: with so many columns at most there is little to tell apart: one pass, each held alike
FEW = 50
#: the strength of the first pass
FIRST = 1024.0
#: a column's size in the first pass against the usual one counts within these
LEAST, MOST = 0.1, 4.0
#: a step that promises less than this of log-likelihood is not taken
ENOUGH = 1e-2


@dataclass(frozen=True)
class Ridge:
    """Log-odds = intercept + trust × offset + columns · coefficients, for each strength."""

    intercept: Floats
    trust: Floats
    coefficients: Floats

    def log_odds(self, columns: Floats, offset: Floats) -> Floats:
        """(strengths, rows)."""
        told = (columns @ self.coefficients.T.astype(columns.dtype)).T.astype(np.float64)
        summed: Floats = self.intercept[:, None] + self.trust[:, None] * offset + told
        return summed


def fit(
    columns: Floats, hit: Floats, weight: Floats, offset: Floats, strengths: Sequence[float], trust_strength: float
) -> Ridge:
    """The offset's coefficient is drawn to 1 and all others to 0; the intercept is free. Strongest ridge first, each next starts where the last ended.

    Many columns in two passes: one to which the first, a firm ridge, gave much is held less firmly in the second, one to which it gave little more so.
    """
    ones = np.ones((len(columns), 1), dtype=columns.dtype)
    matrix = np.hstack([ones, offset[:, None].astype(columns.dtype), columns])
    centre = np.zeros(matrix.shape[1])
    centre[1] = 1.0
    rate = np.clip(np.average(hit, weights=weight), 1e-4, 1 - 1e-4)
    start = centre.copy()
    start[0] = np.log(rate / (1 - rate))
    search = _Search(matrix, hit, weight, centre, start)
    held = np.concatenate([[1e-6, trust_strength], np.ones(columns.shape[1])])
    free = np.arange(len(held)) > 1
    if columns.shape[1] > FEW:
        held[free] = _firmness(search.climb(np.where(free, FIRST * held, held))[free])
    every = np.array([search.climb(np.where(free, strength * held, held)) for strength in strengths])
    return Ridge(every[:, 0], every[:, 1], every[:, 2:])


def _firmness(coefficients: Floats) -> Floats:
    """How firmly each column is held in the second pass, 1 for one of the usual size in the first."""
    size = np.abs(coefficients)
    usual = size.sum() / max(len(size), 1)
    firmness: Floats = np.clip(size / max(usual, 1e-12), LEAST, MOST) ** -2.0
    return firmness


class _Search:
    """Newton's method that keeps its curvature for as long as it leads on fast: making it costs more than all else."""

    def __init__(self, matrix: Floats, hit: Floats, weight: Floats, centre: Floats, start: Floats) -> None:
        self.matrix, self.hit, self.weight, self.centre = matrix, hit, weight, centre
        self.beta = start
        self.told = self._told(start)
        self.curve = self._curve()

    def climb(self, penalty: Floats) -> Floats:
        """The best coefficients under a penalty, from where the last search ended."""
        loss = self._loss(self.beta, self.told, penalty)
        last = np.inf
        for _ in range(STEPS):
            slope = self._slope(penalty)
            step = np.linalg.solve(self.curve + np.diag(penalty), slope)
            gain = float(slope @ step)
            if gain < ENOUGH:
                break
            if gain > last / 4:
                self.curve = self._curve()
                step = np.linalg.solve(self.curve + np.diag(penalty), slope)
            last = gain
            ended = self._walk(step, penalty, loss)
            if ended is None:
                break
            loss = ended
        return self.beta.copy()

    def _walk(self, step: Floats, penalty: Floats, loss: float) -> float | None:
        """Go as far along a step as the loss falls; None where it never does."""
        for half in range(8):
            beta = self.beta + step / 2**half
            told = self._told(beta)
            reached = self._loss(beta, told, penalty)
            if reached < loss:
                self.beta, self.told = beta, told
                return reached
        return None

    def _chance(self) -> Floats:
        chance: Floats = 1 / (1 + np.exp(-self.told))
        return chance

    def _told(self, beta: Floats) -> Floats:
        told: Floats = np.clip((self.matrix @ beta.astype(self.matrix.dtype)).astype(np.float64), -30, 30)
        return told

    def _slope(self, penalty: Floats) -> Floats:
        wrong = (self.weight * (self.hit - self._chance())).astype(self.matrix.dtype)
        slope: Floats = (wrong @ self.matrix).astype(np.float64) - penalty * (self.beta - self.centre)
        return slope

    def _curve(self) -> Floats:
        chance = self._chance()
        root = np.sqrt(np.maximum(self.weight * chance * (1 - chance), 1e-9)).astype(self.matrix.dtype)
        scaled = self.matrix * root[:, None]
        curve: Floats = (scaled.T @ scaled).astype(np.float64)
        return curve

    def _loss(self, beta: Floats, told: Floats, penalty: Floats) -> float:
        wrong = np.logaddexp(0, told) - self.hit * told
        return float(self.weight @ wrong + penalty @ (beta - self.centre) ** 2 / 2)
