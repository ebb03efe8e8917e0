"""Which numbers ran ahead of retention: accounts that stood high on one kept more of their revenue later than those that stood low.

Accounts are compared with others of their size on the same day, so that neither growth of the book nor large customers make an
indicator look good. Intervals are over accounts, since one account's days tell the same story again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Floats, Ints

#: groups by size within a day
SIZES = 4
#: share of a group that has to stand on each side
SIDE = 0.05
#: an account counts with its MRR, at most that of this quantile
LARGEST = 0.95
RESAMPLED = 400
#: accounts on each side without which nothing is said
LEAST = 20


@dataclass(frozen=True)
class Lead:
    """Retention over a horizon of who stood high on an indicator (the upper third), less that of who stood low; with 95 % interval."""

    horizon_days: int
    upper: float
    lower: float
    effect: float
    low: float
    high: float
    accounts: int


def leads(
    indicator: Floats,
    days: Ints,
    who: Ints,
    before: Floats,
    after: Mapping[int, Floats],
    *,
    compared: int,
    seed: int = 0,
) -> list[Lead]:
    """By horizon what the indicator foretold; rows are accounts on days, `after` has nan where it is not known yet.

    `compared`: how many indicators and horizons are looked at together; intervals are widened for it (Bonferroni).
    """
    thirds = _thirds(indicator, days, before)
    weight = np.minimum(before, np.quantile(before, LARGEST)) / before if before.size else before
    found = []
    for horizon, later in sorted(after.items()):
        known = ~np.isnan(later) & (thirds != 0)
        lead = _lead(
            horizon, thirds[known], who[known], (before * weight)[known], (later * weight)[known], compared, seed
        )
        if lead is not None:
            found.append(lead)
    return found


def _thirds(indicator: Floats, days: Ints, before: Floats) -> Ints:
    """+1 in the upper third of its day and size, −1 in the lower third, 0 between and where the indicator is not known."""
    result = np.zeros(indicator.size, np.int64)
    for day in np.unique(days):
        here = np.flatnonzero((days == day) & ~np.isnan(indicator))
        if here.size < 3 * SIZES:
            continue
        for group in np.array_split(here[np.argsort(before[here], kind="stable")], SIZES):
            low, high = np.quantile(indicator[group], [1 / 3, 2 / 3])
            side = np.where(indicator[group] > high, 1, np.where(indicator[group] <= low, -1, 0))
            # where most stand at one value those above it are compared with them, if there are enough
            if min((side > 0).mean(), (side < 0).mean()) >= SIDE:
                result[group] = side
    return result


def _lead(
    horizon: int, thirds: Ints, who: Ints, before: Floats, after: Floats, compared: int, seed: int
) -> Lead | None:
    upper, lower = thirds > 0, thirds < 0
    if min(np.unique(who[upper]).size, np.unique(who[lower]).size) < LEAST:
        return None
    accounts, place = np.unique(who, return_inverse=True)
    sums = np.column_stack(
        [np.bincount(place, part * side, accounts.size) for side in (upper, lower) for part in (after, before)]
    )
    chance = np.random.default_rng(seed)
    drawn = chance.multinomial(accounts.size, np.full(accounts.size, 1 / accounts.size), RESAMPLED) @ sums
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = drawn[:, 0] / drawn[:, 1] - drawn[:, 2] / drawn[:, 3]
    told = sums.sum(axis=0)
    kept_upper, kept_lower = told[0] / told[1], told[2] / told[3]
    # a normal interval from the spread: the tails of few resamples say little about a widened one
    half = _deviations(compared) * float(np.nanstd(effects))
    effect = float(kept_upper - kept_lower)
    return Lead(horizon, float(kept_upper), float(kept_lower), effect, effect - half, effect + half, int(accounts.size))


def _deviations(compared: int) -> float:
    """Standard deviations of a two-sided 95 % interval that holds for so many at once."""
    from scipy.stats import norm

    return float(norm.ppf(1 - 0.025 / max(1, compared)))
