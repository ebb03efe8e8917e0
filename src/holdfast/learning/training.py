"""Training as it would have been on past days, and today.

At each origin models see only windows closed by then and predict the days that follow. What they said there chooses, for later ones, the ridge, the
trees, the blend and the calibration; and it is the track record. So nothing is judged or tuned on what it was fitted on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from threadpoolctl import threadpool_limits

from holdfast.learning import blend, design, rungs
from holdfast.learning.backtest import Backtest
from holdfast.learning.blend import Blend
from holdfast.learning.model import Model
from holdfast.learning.panel import Bools, Floats, Ints, Panel, events, row_weight
from holdfast.learning.rungs import Candidates, Columns, Kind
from holdfast.learning.settings import Settings


@dataclass(frozen=True)
class Head:
    """What is to be foreseen: hit is 1 or 0 for each row of the panel, nan where its window has not closed."""

    hit: Floats
    horizon: int


@dataclass(frozen=True)
class Trained:
    """A head's model of today, and what its forerunners said on past days."""

    model: Model
    backtest: Backtest


def train(panel: Panel, heads: Mapping[str, Head], settings: Settings) -> dict[str, Trained]:
    """Every head of a panel. They share origins and columns, so all at once is much faster than one after the other."""
    with threadpool_limits(settings.threads):
        return _trained(panel, heads, settings)


def _trained(panel: Panel, heads: Mapping[str, Head], settings: Settings) -> dict[str, Trained]:
    if rungs.most_at_once(panel.days) < settings.choosing_from:
        settings = replace(settings, trees=(settings.trees_of_few,))
    chains = {name: _Chain(panel, head, settings) for name, head in heads.items()}
    rehearsed, recorded = origins(panel, heads, settings)
    days = [*rehearsed, *recorded]
    for place, day in enumerate(days):
        until = days[place + 1] if place + 1 < len(days) else int(panel.days.max()) + 1
        seen = panel.days < until
        made = _Made(seen, _columns(panel.take(seen), panel.days[seen] <= day, settings))
        for chain in chains.values():
            chain.step(day, until, made, recorded=day in recorded)
    whole = np.ones(len(panel), dtype=bool)
    made = _Made(whole, _columns(panel, whole, settings))
    return {name: chain.finish(made) for name, chain in chains.items()}


def fit(panel: Panel, hit: Floats, settings: Settings) -> Model:
    """One head's model of today."""
    return train(panel, {"": Head(hit, settings.horizon)}, settings)[""].model


def backtest(panel: Panel, hit: Floats, settings: Settings) -> Backtest:
    """One head's track record."""
    return train(panel, {"": Head(hit, settings.horizon)}, settings)[""].backtest


def origins(panel: Panel, heads: Mapping[str, Head], settings: Settings) -> tuple[list[int], list[int]]:
    """Past days to train at: those that only rehearse, and those that are recorded.

    Evenly spread from the first with enough closed events for some head to the last with a closed window; recorded in the later part of the history,
    where models had about as much to learn from as today's.
    """
    days = np.unique(panel.days)
    last = max((_last_closed(panel, head) for head in heads.values()), default=0)
    first = min((_first_day(panel, head, days, settings.least_events) for head in heads.values()), default=last + 1)
    half = days[int(len(days) * settings.lead_in)]
    begin = max(first, int(half))
    early = days[(days >= first) & (days < begin)]
    return _spread(early, settings.rehearsals), _spread(days[(days >= begin) & (days <= last)], settings.origins)


def _spread(days: Ints, count: int) -> list[int]:
    places = np.linspace(0, len(days), min(count, len(days)) + 1)[:-1].astype(int)
    return [int(days[place]) for place in places]


def _last_closed(panel: Panel, head: Head) -> int:
    closed = panel.days[~np.isnan(head.hit)]
    return int(closed.max()) if len(closed) else 0


def _first_day(panel: Panel, head: Head, days: Ints, least: int) -> int:
    """The first date by which enough events were closed; where there never are, the first by which any window was."""
    known = ~np.isnan(head.hit)
    closing = panel.days + head.horizon
    feasible = [int(day) for day in days if (known & (closing <= day)).any()]
    low, high = 0, len(feasible)
    while low < high:  # events closed by a day only grow with it
        middle = (low + high) // 2
        rows = known & (closing <= feasible[middle])
        if events(panel.days[rows], panel.who[rows], head.hit[rows], head.horizon) >= least:
            high = middle
        else:
            low = middle + 1
    if low < len(feasible):
        return feasible[low]
    return feasible[0] if feasible else int(days[-1])


def _columns(panel: Panel, known: Bools, settings: Settings) -> Columns:
    """The design comes from the rows known on the day; columns are made of all that are asked for."""
    learned = design.learn(panel.take(known), settings.bends)
    boosting = rungs.most_at_once(panel.days[known]) >= settings.boosting_from
    return rungs.columns(learned, panel, boosting)


@dataclass(frozen=True)
class _Made:
    """Columns of some of a panel's rows."""

    seen: Bools
    columns: Columns

    def take(self, rows: Bools) -> Columns:
        return self.columns.take(rows[self.seen])


@dataclass
class _Chain:
    """One head's way through the origins."""

    panel: Panel
    head: Head
    settings: Settings
    weight: float = field(init=False)
    ridge: Floats = field(init=False)
    boosted: Floats | None = field(init=False, default=None)
    #: how many rows stood behind each prediction
    learned_from: Floats = field(init=False)
    said: Backtest = field(init=False)

    def __post_init__(self) -> None:
        rows = len(self.panel)
        self.weight = row_weight(self.panel.days, self.head.horizon)
        self.ridge = np.full((len(self.settings.strengths), rows), np.nan)
        self.learned_from = np.zeros(rows)
        self.said = Backtest.empty(rows)

    def step(self, day: int, until: int, made: _Made, recorded: bool) -> None:
        """Train on what was closed by a day, say what follows up to another."""
        panel, hit = self.panel, self.head.hit
        closed = (panel.days + self.head.horizon <= day) & ~np.isnan(hit)
        block = (panel.days >= day) & (panel.days < until) & ~np.isnan(hit)
        if not closed.any() or not block.any():
            return
        fitted, kind = self._fit(made, closed, self.settings.chain_rows)
        if fitted.ridge is None:
            mean = rungs.mean_score(panel.prior[closed])
            chance = rungs.scorecard_alone(fitted.rate, panel.prior[block], mean)
        else:
            asked = made.take(block)
            self.ridge[:, block] = fitted.ridge.log_odds(asked.smooth, asked.offset)
            if fitted.boosted is not None and asked.plain is not None:
                if self.boosted is None:
                    self.boosted = np.full((len(self.settings.trees), len(panel)), np.nan)
                self.boosted[:, block] = fitted.boosted.log_odds(asked.plain)
            chosen = self._choose(closed, kind)
            told = chosen.log_odds(self.ridge[:, block], None if self.boosted is None else self.boosted[:, block])
            chance = 1 / (1 + np.exp(-told))
        self.learned_from[block] = closed.sum()
        if recorded:
            self.said.tell(block, chance, fitted.rate, day, kind)

    def finish(self, made: _Made) -> Trained:
        """Train on everything, choosing by all that was said."""
        closed = ~np.isnan(self.head.hit)
        fitted, kind = self._fit(made, closed, self.settings.rows)
        chosen = self._choose(closed, kind) if kind != "scorecard" else Blend(0, 0, 0.0)
        found = rungs.evidence(self.panel, self.head.hit, closed, self.head.horizon, self.settings)
        mean = rungs.mean_score(self.panel.prior)
        model = Model(self.head.horizon, replace(found, kind=kind), made.columns.design, fitted, chosen, mean)
        return Trained(model, self.said)

    def _fit(self, made: _Made, closed: Bools, most: int) -> tuple[Candidates, Kind]:
        found = rungs.evidence(self.panel, self.head.hit, closed, self.head.horizon, self.settings)
        rate = rungs.base_rate(self.panel, self.head.hit, closed, self.head.horizon, self.settings)
        rows = _some(closed, most, self.settings.seed)
        weight = self.weight * closed.sum() / max(rows.sum(), 1)
        taken = made.take(rows)
        return rungs.fit(taken, self.head.hit[rows], rate, weight, found.kind, self.settings), found.kind

    def _choose(self, closed: Bools, kind: Kind) -> Blend:
        """By what was said before and is closed by now; what was said from little counts little."""
        judged = closed & ~np.isnan(self.ridge[0])
        boosting = kind == "blended"
        if not judged.any():
            return blend.untried(len(self.ridge), len(self.settings.trees), boosting)
        boosted = self.boosted[:, judged] if boosting and self.boosted is not None else None
        hit = self.head.hit[judged]
        weight = self.weight * (self.learned_from[judged] / closed.sum()) ** self.settings.maturity
        return blend.choose(self.ridge[:, judged], boosted, hit, weight)


def _some(rows: Bools, most: int, seed: int) -> Bools:
    """At most so many of the rows, drawn evenly, whatever their outcome."""
    places = np.flatnonzero(rows)
    if len(places) <= most:
        return rows
    kept = np.zeros(len(rows), dtype=bool)
    kept[np.random.default_rng(seed).choice(places, most, replace=False)] = True
    return kept
