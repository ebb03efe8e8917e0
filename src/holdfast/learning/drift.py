"""Has the world moved since training: features that lie elsewhere now, and predictions that no longer come true as often as said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Floats, Ints, Panel
from holdfast.learning.scores import Interval, draws, interval

#: from here on a population is commonly said to have moved
MOVED = 0.25
BINS = 10


@dataclass(frozen=True)
class Moved:
    """A feature's population stability index between then and now; `noise` is what chance alone gives."""

    name: str
    stability: float
    noise: float

    @property
    def moved(self) -> bool:
        return self.stability > MOVED + 2 * self.noise


@dataclass(frozen=True)
class Drift:
    """What came against what was said: 1 is as said, above 1 more came than said."""

    rows: int
    said: float
    came: float
    ratio: float
    interval: Interval

    @property
    def drifted(self) -> bool:
        low, high = self.interval
        return low > 1 or high < 1


def features(then: Panel, now: Panel) -> tuple[Moved, ...]:
    """Every feature, the most moved first."""
    assert then.names == now.names, "the same features are compared"
    found = [_feature(name, then.values[:, j], now.values[:, j]) for j, name in enumerate(then.names)]
    return tuple(sorted(found, key=lambda one: (-one.stability, one.name)))


def _feature(name: str, then: Floats, now: Floats) -> Moved:
    edges = _edges(then)
    before, after = _shares(then, edges), _shares(now, edges)
    cells = len(before) - 1
    noise = cells * (1 / max(len(then), 1) + 1 / max(len(now), 1))
    return Moved(name, float(np.sum((after - before) * np.log(after / before))), noise)


def _edges(values: Floats) -> Floats:
    known = values[~np.isnan(values)]
    if not len(known):
        return np.zeros(0)
    return np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))


def _shares(values: Floats, edges: Floats) -> Floats:
    """The share of each bin, the unknown in one of their own; half a row is lent to each, so that none is empty."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(edges, known, side="left"), minlength=len(edges) + 1)
    lent = np.append(counts, len(values) - len(known)) + 0.5
    shares: Floats = lent / lent.sum()
    return shares


def predictions(said: Floats, hit: Floats, who: Ints) -> Drift:
    """Predictions whose window has closed since."""
    closed = ~np.isnan(hit) & ~np.isnan(said)
    said, hit, who = said[closed], hit[closed], who[closed]
    if not len(said) or not said.sum():
        return Drift(0, float("nan"), float("nan"), float("nan"), (float("nan"), float("nan")))
    weights = draws(who)
    ratios = (weights @ hit) / np.maximum(weights @ said, 1e-12)
    return Drift(len(said), float(said.sum()), float(hit.sum()), float(hit.sum() / said.sum()), interval(ratios))
