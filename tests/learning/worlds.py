"""Small companies whose hazards are known, so that what was learned can be held against the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.panel import Bools, Floats, Panel

START = 737_000
STEP = 30


@dataclass(frozen=True)
class World:
    """A panel with what came, and the true chance of each row as the state behind it knows it."""

    panel: Panel
    hit: Floats
    truth: Floats
    horizon: int


def world(
    accounts: int = 400,
    periods: int = 36,
    columns: int = 20,
    seed: int = 0,
    base: float = -3.6,
    effect: float = 1.3,
    horizon: int = 90,
    good_card: float = 0.4,
) -> World:
    """Accounts with a hidden value that wanders; the lower, the likelier they leave; each that leaves makes room for a new one.

    Half of the columns see the value through noise, half see nothing. The scorecard sees it more dimly than the columns do together.
    """
    random = np.random.default_rng(seed)
    value = random.normal(size=accounts)
    trait = random.normal(size=(accounts, columns))
    who = np.arange(accounts)
    size = np.exp(random.normal(7, 1, accounts)) * 100
    region = random.integers(0, 4, accounts)
    born = np.zeros(accounts, dtype=int)
    rows, left = [], {}
    for period in range(periods):
        hazard = 1 / (1 + np.exp(-(base - effect * value + 0.3 * (region == 2))))
        seen = 0.5 * trait + random.normal(size=(accounts, columns))
        seen[:, : columns // 2] += value[:, None]
        card = 1 / (1 + np.exp(good_card * value + random.normal(size=accounts)))
        chance = 1 - (1 - hazard) ** (horizon // STEP)
        rows.append(
            (np.full(accounts, period), who.copy(), seen, region.copy(), size.copy(), card, period - born, chance)
        )
        gone = random.random(accounts) < hazard
        for account in who[gone].tolist():
            left[account] = period
        value = 0.9 * value + np.sqrt(1 - 0.81) * random.normal(size=accounts)
        fresh = int(gone.sum())
        who[gone] = who.max() + 1 + np.arange(fresh)
        value[gone], trait[gone] = random.normal(size=fresh), random.normal(size=(fresh, columns))
        region[gone], born[gone] = random.integers(0, 4, fresh), period + 1
    period, who, seen, region, size, card, tenure, chance = (np.concatenate(part) for part in zip(*rows, strict=True))
    seen = np.where(random.random(seen.shape) < 0.05, np.nan, seen)
    gone_at = np.array([left.get(account, periods * 10) for account in who.tolist()])
    hit = (gone_at < period + horizon // STEP).astype(float)
    hit[period + horizon // STEP > periods] = np.nan
    names = tuple(f"signal_{j}" if j < columns // 2 else f"noise_{j}" for j in range(columns))
    directions = np.array([-1 if name.startswith("signal") else 0 for name in names], dtype=np.int8)
    texts = np.array([f"region {one}" for one in region], dtype=object)
    days = START + STEP * period
    panel = Panel(days, who, seen, names, directions, {"region": texts}, size, card, STEP * tenure.astype(float))
    return World(panel, hit, chance, horizon)


def shuffled(world: World, seed: int = 0) -> Floats:
    """The same outcomes, dealt to other accounts of the same day: nothing is left to learn."""
    random = np.random.default_rng(seed)
    hit = world.hit.copy()
    for day in np.unique(world.panel.days):
        rows = np.flatnonzero(world.panel.days == day)
        hit[rows] = hit[random.permutation(rows)]
    return hit


def closed(world: World) -> Bools:
    known: Bools = ~np.isnan(world.hit)
    return known
