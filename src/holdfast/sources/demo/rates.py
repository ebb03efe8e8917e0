"""Exchange rates by day and sales and marketing spend by month."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.sources.demo import columns as col
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.traits import CURRENCIES, WORTH
from holdfast.sources.demo.world import RATES, US_DAY, F, I, World

#: Rates begin this many days before the world.
BEFORE = 40
CATEGORIES = ("marketing", "sales", "success")


def daily_worth(world: World) -> tuple[I, F]:
    """Days, and what one unit of each currency was worth in dollars on each."""
    rng = world.rng(RATES)
    day = np.arange(world.start_day - BEFORE, world.end_day)
    steps = rng.normal(0.0, 0.004, (2, day.size))
    path = np.zeros((2, day.size))
    for i in range(1, day.size):
        path[:, i] = 0.997 * path[:, i - 1] + steps[:, i]
    return day, np.stack([np.ones(day.size), WORTH[1] * np.exp(path[0]), WORTH[2] * np.exp(path[1])])


def fx_rates(world: World) -> pa.Table:
    """Each currency in each other one."""
    day, worth = daily_worth(world)
    pairs = [(a, b) for a in ("EUR", "GBP", "USD") for b in ("EUR", "GBP", "USD") if a != b]
    rate = np.concatenate([worth[CURRENCIES.index(a)] / worth[CURRENCIES.index(b)] for a, b in pairs])
    days = np.tile(day, len(pairs))
    pair = np.repeat(np.arange(len(pairs)), day.size)
    columns = {
        "currency": col.pick([a for a, _ in pairs], pair),
        "quote": col.pick([b for _, b in pairs], pair),
        "day": col.days(days),
        "rate": pa.array(np.round(rate, 6)),
    }
    return col.table("fx_rate", columns, days * US_DAY + US_DAY * 16 // 24)


def spend(world: World) -> pa.Table:
    """Spend a month, in proportion to the new business of a company of this size."""
    rng = world.rng(RATES, part=1)
    book = sum(world.opening(code) * float(cfg.MEAN_MRR[code]) for code in range(3)) * 100
    month = np.repeat(world.firsts[: world.months], len(CATEGORIES))
    category = np.tile(np.arange(len(CATEGORIES)), world.months)
    share = np.array([0.10, 0.16, 0.06])[category]
    growth = np.repeat(np.linspace(0.75, 1.1, world.months), len(CATEGORIES))
    amount = np.rint(book * share * growth * rng.uniform(0.85, 1.15, month.size)).astype(np.int64)
    columns = {
        "month": col.days(month),
        "category": col.pick(CATEGORIES, category),
        "amount_minor": col.ints(amount),
        "currency": col.pick(("USD",), np.zeros(month.size, np.int64)),
    }
    return col.table("spend", columns, col.known(month, np.full(month.size, 35.0), world.end_day))
