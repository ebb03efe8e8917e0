"""What models of past days said of days after them, row by row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Bools, Floats, Ints, Texts
from holdfast.learning.rungs import Kind


@dataclass(frozen=True)
class Backtest:
    """As long as the panel; nan and '' where nothing was said."""

    probability: Floats
    #: the base rate known on the origin: what is said without any model
    constant: Floats
    #: the day a row's model was trained on, 0 for none
    origin: Ints
    #: the rung it stood on
    kind: Texts

    @classmethod
    def empty(cls, rows: int) -> Backtest:
        nothing = np.full(rows, np.nan)
        return cls(nothing, nothing.copy(), np.zeros(rows, dtype=np.int64), np.full(rows, "", dtype="U9"))

    @property
    def said(self) -> Bools:
        """Rows that were predicted."""
        return ~np.isnan(self.probability)

    @property
    def learned(self) -> Bools:
        """Rows that were predicted by something learned, not by the scorecard alone."""
        told: Bools = (self.kind != "") & (self.kind != "scorecard")
        return told

    @property
    def origins(self) -> tuple[int, ...]:
        return tuple(int(day) for day in np.unique(self.origin[self.said]))

    def tell(self, rows: Bools, probability: Floats, constant: float, origin: int, kind: Kind) -> None:
        self.probability[rows] = probability
        self.constant[rows] = constant
        self.origin[rows] = origin
        self.kind[rows] = kind
