"""What would have been forecast of the whole book on past days, what came, and how far forecasts were off beyond the luck of accounts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np

from holdfast.flows.labels import CONTRACTION, EXPANSION, HORIZONS, TARGETS
from holdfast.flows.past import Bools, Floats, Past, name_of
from holdfast.learning.backtest import Backtest
from holdfast.learning.book import Chances, PastError, Sizes, accounts, book, past_error

#: the attribute that sizes of movements are told apart by
SEGMENT = "segment"


def forecasts(
    past: Past, said: Mapping[str, Backtest], sizes: Mapping[str, Sizes], noticed: Mapping[int, float]
) -> tuple[tuple[dict[str, Any], ...], dict[int, PastError]]:
    """By past day and horizon the book's forecast and what came; and by horizon the error to reckon with today."""
    lines: list[dict[str, Any]] = []
    errors = {}
    for horizon in HORIZONS:
        told, errors[horizon] = _of_horizon(past, said, sizes, noticed[horizon], horizon)
        lines += told
    return tuple(lines), errors


def _of_horizon(
    past: Past, said: Mapping[str, Backtest], sizes: Mapping[str, Sizes], noticed: float, horizon: int
) -> tuple[list[dict[str, Any]], PastError]:
    chances, rows = _chances(past, said, noticed, horizon)
    chances = chances.take(rows)
    panel, came = past.panel.take(rows), past.after[horizon].after[rows]
    segments = panel.categories.get(SEGMENT, np.full(len(panel), ""))
    shrinking, growing = (sizes[name_of(t, horizon)].of(segments) for t in (CONTRACTION, EXPANSION))
    alone = accounts(panel.worth, chances, shrinking, growing)

    def error(of: Bools) -> PastError:
        return past_error(panel.days[of], panel.worth[of], alone.expected[of], alone.variance[of], came[of], horizon)

    lines = []
    for day in np.unique(panel.days).tolist():
        # what was known on the day about earlier forecasts: those whose horizon was over
        here, before = panel.days == day, panel.days + horizon <= day
        told = book(panel.worth[here], chances.take(here), shrinking[here], growing[here], error(before))
        lines.append(
            {
                "day": str(date.fromordinal(day)), "horizon_days": horizon, "mrr_minor": round(told.opening),
                "forecast_minor": round(told.expected), "low_minor": round(told.low), "high_minor": round(told.high),
                "actual_minor": round(float(came[here].sum())),
            }
        )  # fmt: skip
    return lines, error(np.ones(len(panel), bool))


def _chances(past: Past, said: Mapping[str, Backtest], noticed: float, horizon: int) -> tuple[Chances, Bools]:
    """What was said of each row on its day, and the rows of days on which everything was said and is known by now."""
    known = ~np.isnan(past.after[horizon].after)
    told = [said[name_of(target, horizon)] for target in TARGETS]
    all_said = np.logical_and.reduce([one.said for one in told])
    days = np.unique(past.panel.days[all_said & known])
    rows = known & np.isin(past.panel.days, days) & (all_said | past.noticed)
    churn, contraction, expansion = (np.nan_to_num(one.probability).astype(np.float64) for one in told)

    def beside(chance: Floats, then: float) -> Floats:
        return np.where(past.noticed, then, chance)

    return Chances(beside(churn, noticed), beside(contraction, 0.0), beside(expansion, 0.0)), rows
