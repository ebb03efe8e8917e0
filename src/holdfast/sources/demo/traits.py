"""What does not change about the accounts of a chunk: segment, size, plan, term, place, people's numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.words import CHANNELS, COUNTRIES, INDUSTRIES
from holdfast.sources.demo.world import CHUNK, ENT, NONE, TRAITS, B, F, I, World, apportion

CURRENCIES = ("USD", "EUR", "GBP")
#: Rough worth of one unit in dollars, to make prices alike; the dated rates are in rates.py.
WORTH = np.array([1.0, 1.10, 1.27])
WHALE_MRR = 52_000.0


@dataclass(frozen=True)
class Traits:
    """Columns by account of one chunk."""

    number: I
    segment: I
    started: I  # month of the first state
    start_day: I  # day of the first state
    day: I  # billing day of the month, counted from 0
    lost: B  # a trial that never pays
    trial: B  # began with a trial
    annual: B
    term: I  # months of a term; 1 where monthly
    renewal: I  # month of the first renewal (or first anniversary where monthly)
    tenure: I  # months as a customer before the world began
    per: I  # months billed at once
    rolling: B
    currency: I
    country: I
    industry: I
    channel: I
    plan: I
    size: F  # standard deviations from the segment's mean log size
    mrr: F  # US dollars a month at the first state
    seats: I
    fit: F
    card: B
    forever_ppm: I
    forever_minor: I
    repeating_ppm: I
    repeating_until: I
    once_ppm: I
    once_until: I
    whale: int  # index of the whale, or -1

    def __len__(self) -> int:
        return len(self.number)


def traits(world: World, chunk: int) -> Traits:
    """Draw the fixed facts of one chunk."""
    rng = world.rng(TRAITS, chunk)
    n = world.size(chunk)
    segment, started, lost = _kinds(world, chunk, rng)
    opening = started == 0
    trial = lost | (~opening & (segment != ENT) & (rng.random(n) < 0.45))
    day = np.where(trial, rng.integers(14, 26, n), rng.integers(0, 26, n))
    start_day = np.where(opening, world.start_day, world.firsts[started] + day)
    annual, term, per = _terms(rng, segment, n)
    ahead = rng.integers(0, 10_000, n) % np.where(annual, term, 12) + 1
    renewal = np.where(opening, ahead, started + np.where(annual, term, 12))
    country = rng.choice(len(COUNTRIES), n, p=np.array([c[3] for c in COUNTRIES]))
    money = np.array([CURRENCIES.index(c[2]) for c in COUNTRIES])[country]
    size, mrr, seats = _sizes(world, rng, segment, started)
    industry = rng.integers(0, len(INDUSTRIES), n)
    channel = rng.integers(0, len(CHANNELS), n)
    plan = (rng.random(n)[:, None] > np.cumsum(cfg.PLAN_SHARE, axis=1)[segment]).sum(axis=1)
    offers = _offers(rng, start_day, per, opening)
    fit = rng.normal(0.0, cfg.FIT_SD, n)
    flat = (offers[0] == 0) & (rng.random(n) < 0.03)
    whale = _whale(chunk, segment, started)
    if whale >= 0:
        mrr[whale], seats[whale], fit[whale], term[whale], money[whale] = WHALE_MRR, 1_600, 1.2, 12, 0
        flat[whale] = False
        annual[whale], renewal[whale], per[whale] = True, world.base_month % 12 + 5, 12
        for offer in offers:
            offer[whale] = 0
    return Traits(
        number=chunk * CHUNK + np.arange(n) + 1,
        segment=segment,
        started=started,
        start_day=start_day,
        day=day,
        lost=lost,
        trial=trial,
        annual=annual,
        term=term,
        renewal=renewal,
        tenure=np.where(opening, rng.integers(1, 49, n), 0),
        per=per,
        rolling=~annual & (rng.random(n) < cfg.ROLLING),
        currency=money,
        country=country,
        industry=industry,
        channel=channel,
        plan=plan.astype(np.int64),
        size=size,
        mrr=mrr,
        seats=seats,
        fit=fit,
        card=rng.random(n) < np.array([0.9, 0.35, 0.02])[segment],
        forever_ppm=offers[0],
        forever_minor=np.where(flat, np.rint(mrr / WORTH[money] * per * 6.0), 0).astype(np.int64),
        repeating_ppm=offers[1],
        repeating_until=offers[2],
        once_ppm=offers[3],
        once_until=offers[4],
        whale=whale,
    )


def _kinds(world: World, chunk: int, rng: np.random.Generator) -> tuple[I, I, B]:
    weights, segment, month, lost = world.cells()
    order = rng.permutation(np.repeat(np.arange(weights.size), apportion(weights, world.size(chunk))))
    return segment[order], month[order], lost[order]


def _terms(rng: np.random.Generator, segment: I, n: int) -> tuple[B, I, I]:
    annual = rng.random(n) > cfg.MONTHLY_TERM[segment]
    longer = annual & (rng.random(n) < cfg.LONG_TERM[segment])
    term = np.where(annual, np.where(longer, rng.choice([24, 36], n), 12), 1)
    quarterly = annual & (rng.random(n) < np.array([0.05, 0.15, 0.10])[segment])
    return annual, term, np.where(quarterly, 3, np.where(annual, 12, 1))


def _sizes(world: World, rng: np.random.Generator, segment: I, started: I) -> tuple[F, F, I]:
    n = segment.size
    size = np.clip(rng.normal(0.0, 1.0, n), -2.6, 2.6)
    sigma = cfg.SIGMA[segment]
    age = np.minimum(started - world.base_month, 0) / 12
    mrr = cfg.MEAN_MRR[segment] * np.exp(sigma * size - sigma**2 / 2) * cfg.GROWTH[segment] ** age
    price = cfg.SEAT_PRICE[segment] * np.exp(rng.normal(0.0, 0.25, n))
    seats = np.clip(np.rint(mrr / price), cfg.SEATS_LOW[segment], cfg.SEATS_HIGH[segment])
    return size, mrr, seats.astype(np.int64)


def _offers(rng: np.random.Generator, start_day: I, per: I, opening: B) -> list[I]:
    """Discounts: forever, repeating and its end, once and its end. 1 % are free for ever (partners)."""
    n = start_day.size
    draw = rng.random(n)
    forever = np.where(draw < 0.12, rng.choice([50_000, 100_000, 150_000, 200_000], n), 0)
    forever = np.where(draw > 0.99, 1_000_000, forever)
    repeats = (draw > 0.30) & (draw < 0.38)
    once = (draw > 0.40) & (draw < 0.46) & ~opening
    length = rng.choice([3, 6, 12], n) * 30
    return [
        forever,
        np.where(repeats, rng.choice([200_000, 300_000, 500_000], n), 0),
        np.where(repeats, start_day + length, NONE),
        np.where(once, 250_000, 0),
        np.where(once, start_day + per * 30, NONE),
    ]


def _whale(chunk: int, segment: I, started: I) -> int:
    if chunk:
        return -1
    return int(np.flatnonzero((segment == ENT) & (started == 0))[0])
