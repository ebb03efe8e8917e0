"""A panel is what is known of accounts on many past days: one row per account and day, numbers only.

Rows of one account whose windows overlap tell of the same event; what counts evidence here counts such an event once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]
Texts = npt.NDArray[Any]


@dataclass(frozen=True)
class Panel:
    """n rows of k features. A number that is not known is nan, a segment that is not known None or ''."""

    #: the day of a row, as a date's ordinal
    days: Ints
    #: which account a row is of
    who: Ints
    #: (n, k)
    values: Floats
    names: tuple[str, ...]
    #: (k,): +1 the higher the likelier the hit, -1 the less likely, 0 not known beforehand
    directions: Ints
    #: attributes by which accounts are told apart
    categories: Mapping[str, Texts]
    #: MRR in minor units
    worth: Floats
    #: the hand scorecard's risk, 0 to 1; nan where it has none
    prior: Floats
    #: days since the account began to pay
    tenure: Floats

    def __post_init__(self) -> None:
        rows, columns = self.values.shape
        vectors = (self.days, self.who, self.worth, self.prior, self.tenure, *self.categories.values())
        assert all(len(one) == rows for one in vectors), "every column of a panel has as many rows as its values"
        assert len(self.names) == len(self.directions) == columns, "every feature has a name and a direction"

    def __len__(self) -> int:
        return len(self.days)

    def take(self, rows: Bools | Ints) -> Panel:
        """Some of the rows, by a mask or by their places."""
        return Panel(
            self.days[rows],
            self.who[rows],
            self.values[rows],
            self.names,
            self.directions,
            {name: levels[rows] for name, levels in self.categories.items()},
            self.worth[rows],
            self.prior[rows],
            self.tenure[rows],
        )


def step_days(days: Ints) -> int:
    """The days from one date of the panel to the next; 0 where there is one date only."""
    dates = np.unique(days)
    return int(np.median(np.diff(dates))) if len(dates) > 1 else 0


def row_weight(days: Ints, horizon: int) -> float:
    """What a row counts, so that an event seen in several overlapping windows weighs as one."""
    step = step_days(days)
    return min(1.0, step / horizon) if step else 1.0


def events(days: Ints, who: Ints, hit: Floats | Bools, horizon: int) -> int:
    """Distinct events: hits of one account whose windows overlap with the first of them are one event."""
    rows = np.flatnonzero(hit == 1)
    rows = rows[np.lexsort((days[rows], who[rows]))]
    count, account, until = 0, None, 0
    for one, day in zip(who[rows].tolist(), days[rows].tolist(), strict=True):
        if one != account or day >= until:
            count, account, until = count + 1, one, day + horizon
    return count
