"""A learned head: what happens to an account within a horizon, how likely, and why.

Reasons are the model's own: each says by how much its log-odds would move if that one feature stood at its typical value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.learning import rungs
from holdfast.learning.blend import Blend
from holdfast.learning.boost import Boosted
from holdfast.learning.design import SCORECARD, SEASON, Design, log_odds
from holdfast.learning.panel import Bools, Floats, Ints, Panel
from holdfast.learning.rungs import Candidates, Evidence, Kind


@dataclass(frozen=True)
class Model:
    """One head as it is used."""

    horizon: int
    evidence: Evidence
    design: Design
    candidates: Candidates
    blend: Blend
    #: the mean score that stands for the base rate, where only the scorecard speaks
    mean_score: float

    @property
    def kind(self) -> Kind:
        return self.evidence.kind

    @property
    def version(self) -> str:
        """Changes when what is predicted may change."""
        told = hashlib.sha256(repr((self.horizon, self.evidence, self.blend, self.candidates.rate)).encode())
        if self.candidates.ridge is not None:
            told.update(np.round(self.candidates.ridge.coefficients[self.blend.ridge], 9).tobytes())
        return told.hexdigest()[:12]

    def predict(self, panel: Panel) -> Floats:
        """The probability of each row."""
        chance: Floats = 1 / (1 + np.exp(-self.log_odds(panel)))
        return chance

    def log_odds(self, panel: Panel) -> Floats:
        ridge, boosted = self.candidates.ridge, self._boosted()
        if ridge is None:
            return log_odds(rungs.scorecard_alone(self.candidates.rate, panel.prior, self.mean_score))
        made = rungs.columns(self.design, panel, boosted is not None)
        told = boosted.log_odds(made.plain) if boosted is not None and made.plain is not None else None
        return self.blend.log_odds(ridge.log_odds(made.smooth, made.offset), told)

    def reasons(self, panel: Panel, rows: Ints | Sequence[int], top: int = 5) -> list[list[tuple[str, float]]]:
        """For each row the features and attributes that move its log-odds most, the largest first; + raises the probability.

        The season is left out: it is the same for every account.
        """
        names, moves = self.contributions(panel.take(np.asarray(rows, dtype=np.int64)))
        found = []
        for line in moves:
            order = np.argsort(-np.abs(line), kind="stable")[:top]
            found.append([(names[place], float(line[place])) for place in order if line[place]])
        return found

    def contributions(self, panel: Panel) -> tuple[tuple[str, ...], Floats]:
        """(rows, names): by how much each raises the log-odds against its typical value."""
        if self.candidates.ridge is None:
            typical = log_odds(np.array([self.candidates.rate]))[0]
            return (SCORECARD,), (self.log_odds(panel) - typical)[:, None]
        names = tuple(sorted({*self.design.sources, *self.design.plain_sources} - {SEASON}))
        moves = (1 - self.blend.share) * self._of_ridge(panel, names)
        boosted = self._boosted()
        if boosted is not None:
            moves = moves + self.blend.share * self._of_boosting(boosted, panel, names)
        return names, self.blend.slope * moves

    def _boosted(self) -> Boosted | None:
        return self.candidates.boosted if self.blend.share else None

    def _of_ridge(self, panel: Panel, names: tuple[str, ...]) -> Floats:
        ridge, at = self.candidates.ridge, self.blend.ridge
        assert ridge is not None, "a rung without a ridge has no coefficients"
        away = self.design.smooth(panel) - self.design.smooth(self._typical(panel))
        each = away * ridge.coefficients[at]
        place = {name: number for number, name in enumerate(names)}
        moves = np.zeros((len(panel), len(names)))
        for column, source in enumerate(self.design.sources):
            if source in place:
                moves[:, place[source]] += each[:, column]
        if SCORECARD in place:
            moves[:, place[SCORECARD]] += ridge.trust[at] * self.design.offset(panel)
        return moves

    def _typical(self, panel: Panel) -> Panel:
        for source in dict.fromkeys(self.design.sources):
            if source != SEASON:
                panel = self.design.typical(panel, source)
        return panel

    def _of_boosting(self, boosted: Boosted, panel: Panel, names: tuple[str, ...]) -> Floats:
        plain = self.design.plain(panel)
        typical = self.design.plain(self._typical(panel))
        sources = np.array(self.design.plain_sources)
        typical[:, sources == SCORECARD] = 0.0
        now = boosted.log_odds(plain, self.blend.trees)
        used = boosted.used(len(sources))
        moves = np.zeros((len(panel), len(names)))
        for number, name in enumerate(names):
            of: Bools = sources == name
            if (of & used).any():
                put = plain.copy()
                put[:, of] = typical[:, of]
                rows = np.flatnonzero((put[:, of] != plain[:, of]).any(axis=1))
                moves[rows, number] = now[rows] - boosted.log_odds(put[rows], self.blend.trees)
        return moves
