"""What hits all customers at once: a squeeze of budgets, a quarter with a bug, an outage of the tracker."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.sources.demo.world import F, World


@dataclass(frozen=True)
class Shocks:
    #: by month: share of accounts whose budget is squeezed by the times
    budget: F
    #: by month: fall of everybody's value
    trouble: F
    #: the first day without tracked usage, and the first with it again
    outage: tuple[int, int]


def shocks(world: World) -> Shocks:
    budget, trouble = np.zeros(world.months), np.zeros(world.months)
    first = max(world.months - 26, 2)
    budget[first : first + 5] = 0.12
    bug = max(world.months - 19, 5)
    trouble[bug : bug + 3] = 0.10
    outage = int(world.firsts[world.months - 6]) + 9
    return Shocks(budget, trouble, (outage, outage + 5))


def bug_months(world: World) -> tuple[int, int]:
    """First month of the bug quarter and the first month after it."""
    bug = max(world.months - 19, 5)
    return bug, bug + 3
