"""Chance: exact tails of small counts, so that noise is not taken for news."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Strata = Sequence[tuple[int, int, int, int]]


def more_than_chance(late: float, early: float, late_share: float) -> float:
    """The chance that of all that happened at least `late` fall into the last part of the time, if the pace never changed.

    `late_share`: the last part's share of the time. Exact (binomial): both counts are as uncertain as they are.
    """
    k, n = round(late), round(late) + round(early)
    if k <= 0 or late_share >= 1:
        return 1.0
    if late_share <= 0:
        return 0.0
    logs = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + i * math.log(late_share) + (n - i) * math.log1p(-late_share)
        for i in range(k, n + 1)
    ]  # fmt: skip
    return min(sum(map(math.exp, logs)), 1.0)


def wilson(hits: float, looks: float, level: float = 0.95) -> tuple[float, float]:
    """The interval of a share by Wilson, which holds for few looks too; (0, 1) for none."""
    if looks <= 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = hits / looks
    middle = share + z * z / (2 * looks)
    spread = z * math.sqrt(share * (1 - share) / looks + z * z / (4 * looks * looks))
    scale = 1 + z * z / looks
    return max((middle - spread) / scale, 0.0), min((middle + spread) / scale, 1.0)


def as_many_or_more(strata: Strata) -> float:
    """The chance of as many marked among the chosen as there are, or more, if they were chosen without regard to the mark.

    Exact (Fisher's test), summed over strata, each (all, marked, chosen, marked among the chosen).
    """
    chances: NDArray[np.float64] = np.ones(1)
    least = seen = 0
    for total, marked, chosen, both in strata:
        seen += both
        low, part = _hypergeometric(total, marked, chosen)
        least += low
        chances = np.convolve(chances, part)
    return float(min(chances[max(seen - least, 0) :].sum(), 1.0))


def _hypergeometric(total: int, marked: int, chosen: int) -> tuple[int, NDArray[np.float64]]:
    """The least number of marked among the chosen, and the chance of each number from it on."""
    low, high = max(0, chosen - (total - marked)), min(marked, chosen)
    k = np.arange(low, high, dtype=np.float64)
    steps = np.log((marked - k) * (chosen - k)) - np.log((k + 1) * (total - marked - chosen + k + 1))
    logs = np.concatenate([[0.0], np.cumsum(steps)])
    chances = np.exp(logs - logs.max())
    return low, chances / chances.sum()
