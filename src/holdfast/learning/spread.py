"""How firm a record is: what chance leaves of an AUC, how it was from one past day to the next, and what the scorecard alone would have caught."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.backtest import Backtest
from holdfast.learning.panel import Floats, Panel, events
from holdfast.learning.scores import Interval, auc, caught, draws, interval, weighted_auc


@dataclass(frozen=True)
class Origin:
    """One past day on which a model was trained, and the rows that it was asked about. AUC is nan where all or none were hit."""

    day: int
    rows: int
    events: int
    auc: float


@dataclass(frozen=True)
class Spread:
    """Beside the scores of one head."""

    auc_interval: Interval
    money_by_scorecard: float
    origins: tuple[Origin, ...]


def spread(panel: Panel, hit: Floats, said: Backtest, horizon: int, money: Floats) -> Spread:
    """Of the rows that the head's scores are of. `money`: what a hit row lost or won."""
    rows = said.said & ~np.isnan(hit)
    learned = rows & said.learned
    rows = learned if learned.any() else rows
    chance, came, who = said.probability[rows], hit[rows], panel.who[rows]
    firm = (float("nan"), float("nan"))
    if 0 < came.sum() < len(came):
        firm = interval(weighted_auc(chance, came, draws(who)))
    card = panel.prior[rows]
    lost = caught(np.nan_to_num(card), came * money[rows]) if not np.isnan(card).all() else float("nan")
    return Spread(
        firm, lost, tuple(_origin(panel, hit, said, rows & (said.origin == day), day, horizon) for day in said.origins)
    )


def _origin(panel: Panel, hit: Floats, said: Backtest, rows: np.ndarray, day: int, horizon: int) -> Origin:
    came = hit[rows]
    both = 0 < came.sum() < len(came)
    found = events(panel.days[rows], panel.who[rows], came, horizon)
    return Origin(day, int(rows.sum()), found, auc(said.probability[rows], came) if both else float("nan"))
