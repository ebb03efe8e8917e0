"""The ladder: what may be learned from so many events, and the candidates that are fitted on each rung."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from holdfast.learning import boost, ridge
from holdfast.learning.boost import Boosted
from holdfast.learning.design import Design
from holdfast.learning.panel import Bools, Floats, Ints, Panel, events, row_weight
from holdfast.learning.ridge import Ridge
from holdfast.learning.settings import Settings

Kind = Literal["scorecard", "logistic", "blended"]


@dataclass(frozen=True)
class Evidence:
    """What a head can be learned from."""

    events: int
    accounts: int
    rows: int
    #: distinct events still missing before anything is learned
    missing: int
    kind: Kind

    def sentence(self, what: str = "event") -> str:
        """Why this rung; says how many more are needed where that is the matter."""
        if self.kind == "scorecard":
            return f"not enough history to predict: needs about {self.missing} more {what}{'s' * (self.missing != 1)}"
        models = "a ridge logistic around the scorecard"
        if self.kind == "blended":
            models += " blended with small monotone trees"
        return (
            f"learned from {self.events:,} {what}{'s' * (self.events != 1)} of {self.accounts:,} accounts by {models}"
        )


@dataclass(frozen=True)
class Columns:
    """A panel's rows as a design sees them, made once for all heads."""

    design: Design
    smooth: Floats
    plain: Floats | None
    offset: Floats

    def take(self, rows: Bools) -> Columns:
        plain = None if self.plain is None else self.plain[rows]
        return Columns(self.design, self.smooth[rows], plain, self.offset[rows])


@dataclass(frozen=True)
class Candidates:
    """What was fitted on one set of rows; None where the rung has none."""

    rate: float
    ridge: Ridge | None
    boosted: Boosted | None


def columns(design: Design, panel: Panel, boosting: bool) -> Columns:
    """The columns of some rows; those of boosting only where it may be used."""
    return Columns(design, design.smooth(panel), design.plain(panel) if boosting else None, design.offset(panel))


def evidence(panel: Panel, hit: Floats, rows: Bools, horizon: int, settings: Settings) -> Evidence:
    """What some rows of a panel allow."""
    found = events(panel.days[rows], panel.who[rows], hit[rows], horizon)
    kept = events(panel.days[rows], panel.who[rows], 1 - hit[rows], horizon)
    accounts = most_at_once(panel.days[rows])
    missing = max(settings.least_events - found, 0)
    kind: Kind = "logistic" if accounts < settings.boosting_from else "blended"
    if missing or kept < settings.least_events:
        kind = "scorecard"
    return Evidence(found, accounts, int(rows.sum()), missing, kind)


def most_at_once(days: Ints) -> int:
    """The accounts on the date with the most of them."""
    return int(np.unique(days, return_counts=True)[1].max()) if len(days) else 0


def base_rate(panel: Panel, hit: Floats, rows: Bools, horizon: int, settings: Settings) -> float:
    """The share of rows that were hit, drawn to the usual rate as long as there are few."""
    usual = 1 - (1 - settings.yearly_rate) ** (horizon / 365)
    weight = row_weight(panel.days, horizon)
    worth = 2 / usual  # as if two events had been seen at the usual rate
    seen = float(weight * np.sum(hit[rows]))
    return float((seen + 2) / (weight * int(rows.sum()) + worth))


def fit(made: Columns, hit: Floats, rate: float, weight: float, kind: Kind, settings: Settings) -> Candidates:
    """Every candidate that the rung allows."""
    if kind == "scorecard":
        return Candidates(rate, None, None)
    weights = np.full(len(hit), weight)
    fitted = ridge.fit(made.smooth, hit, weights, made.offset, settings.strengths, settings.scorecard_strength)
    if kind == "logistic" or made.plain is None:
        return Candidates(rate, fitted, None)
    directions = made.design.plain_directions()
    kept = _mattering(made.design, fitted, settings)
    return Candidates(rate, fitted, boost.fit(made.plain, hit, directions, settings, settings.trees, kept))


def _mattering(design: Design, fitted: Ridge, settings: Settings) -> Ints:
    """The plain columns of the sources to which the ridge of middle strength gives most, and those that it has no coefficient for."""
    size: dict[str, float] = {}
    for source, coefficient in zip(design.sources, fitted.coefficients[len(fitted.coefficients) // 2], strict=True):
        size[source] = max(size.get(source, 0.0), abs(float(coefficient)))
    chosen = set(sorted(size, key=lambda source: -size[source])[: settings.boosted_sources])
    plain = design.plain_sources
    return np.array([n for n, source in enumerate(plain) if source in chosen or source not in size], dtype=np.int64)


def mean_score(prior: Floats) -> float:
    """The mean of the scores that are known; 0 where none is."""
    known = prior[~np.isnan(prior)]
    return float(known.mean()) if len(known) else 0.0


def scorecard_alone(rate: float, prior: Floats, mean: float) -> Floats:
    """The base rate, scaled by how an account's score stands to the mean score: a prior, nothing learned."""
    if mean <= 0:
        return np.full(len(prior), rate)
    return np.clip(rate * np.where(np.isnan(prior), mean, prior) / mean, 0.0, 0.95)
