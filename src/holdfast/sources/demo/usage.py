"""What customers did each day: people and events, weekdays and holidays, declines, an outage, strays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.demo import columns as col
from holdfast.sources.demo.shocks import shocks
from holdfast.sources.demo.state import State
from holdfast.sources.demo.traits import Traits
from holdfast.sources.demo.words import FEATURES
from holdfast.sources.demo.world import NONE, US_DAY, USAGE, B, F, I, World

#: Accounts made at once.
BLOCK = 500
#: Monday to Sunday.
WEEK = np.array([1.0, 1.06, 1.05, 1.02, 0.92, 0.16, 0.11])
#: Active people's spread, and events of one active person.
SHAPE, EVENTS = 25.0, 9.0
#: Share of accounts with a second tracking key nobody matched, and its share of their use.
STRAY, STRAY_USE = 0.60, 0.145
#: Share of each feature in the events.
FEATURE_SHARE = np.array([0.42, 0.22, 0.08, 0.16, 0.12])
LEVEL = 0.35


def usage_days(world: World, chunk: int, who: Traits, state: State) -> Iterator[pa.Table]:
    """Usage in blocks of accounts, sorted by account and day; strays lie behind their account."""
    calendar = _calendar(world)
    dips = _dips(world, state)
    for part, first in enumerate(range(0, len(who), BLOCK)):
        index = np.arange(first, min(first + BLOCK, len(who)))
        rng = world.rng(USAGE, chunk, part)
        people = _expected(world, who, state, index, calendar)
        _apply(people, dips, first, world.start_day)
        account, day = np.nonzero(people > 0)
        month = np.searchsorted(world.firsts, day + world.start_day, side="right") - 1
        seats = state.seats_then[index[account], month].astype(np.int64)
        active, events = _draw(rng, people[account, day], seats, who.number[index][account])
        stray = _strays(rng, who.number[index][account], active, events)
        yield _table(world, rng, who.number[index][account], day + world.start_day, active, events, stray)


def _calendar(world: World) -> F:
    """Share of people at work by day: the week, August, the year's end; nothing tracked in the outage."""
    day = np.arange(world.start_day, world.end_day)
    factor = WEEK[(day + 3) % 7]
    date = day.astype("datetime64[D]")
    in_year = (date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    month = date.astype("datetime64[M]").astype(np.int64) % 12
    factor = factor * np.where(month == 7, 0.86, 1.0) * np.where((in_year >= 356) | (in_year <= 2), 0.35, 1.0)
    begun, over = shocks(world).outage
    return np.where((day >= begun) & (day < over), 0.0, factor)


def _expected(world: World, who: Traits, state: State, index: I, calendar: F) -> F:
    """Expected active people by account and day; 0 where there is no subscription."""
    month = np.repeat(np.arange(world.months), np.diff(world.firsts[: world.months + 1]))
    level = state.load_then[index] * state.seats_then[index]
    people: F = level[:, month] * calendar
    day = np.arange(world.start_day, world.end_day)
    begun = np.where(who.trial[index], who.start_day[index] - 14, who.start_day[index])
    there = _between(day, begun, state.gone_day[index])
    back = state.back_day[index]
    there |= _between(day, back, state.gone_again[index]) & (back != NONE)[:, None]
    people *= there
    for account, stopped, resumed in state.pauses:
        inside = (account >= index[0]) & (account <= index[-1])
        for one, a, b in zip(account[inside], stopped[inside], resumed[inside], strict=True):
            people[one - index[0], max(a - world.start_day, 0) : max(b - world.start_day, 0)] = 0.0
    return people


def _between(day: I, begun: I, over: I) -> B:
    last = np.where(over == NONE, 1 << 30, over)
    return (day >= begun[:, None]) & (day < last[:, None])


def _dips(world: World, state: State) -> tuple[I, I, I, I]:
    """Declines sorted by account; those still open at the end among them."""
    who, begun, left, well = state.declines.columns()
    still = np.flatnonzero(state.declining > 0)
    since = state.declines.since.get("day", np.full(state.declining.size, NONE))
    who = np.concatenate([who, still])
    begun = np.concatenate([begun, since[still]])
    left = np.concatenate([left, np.full(still.size, world.end_day + 40)])
    well = np.concatenate([well, np.full(still.size, NONE)])
    order = np.argsort(who, kind="stable")
    return who[order], begun[order], left[order], well[order]


def _apply(people: F, dips: tuple[I, I, I, I], first: int, start_day: int) -> None:
    """Fall over some weeks to a third; come back within a month where the account gets well."""
    who, begun, left, well = dips
    low, high = np.searchsorted(who, [first, first + people.shape[0]])
    part = slice(low, high)
    for one, a, gone, fine in zip(who[part], begun[part], left[part], well[part], strict=True):
        a = max(int(a) - start_day, 0)
        span = people.shape[1] - a
        if span <= 0:
            continue
        fall = 75 if gone == NONE else int(np.clip(gone - start_day - a, 30, 75))
        ramp = np.maximum(1 - (1 - LEVEL) * np.arange(span) / fall, LEVEL)
        if fine != NONE:
            well_at = int(fine) - start_day - a
            ramp[well_at:] = np.minimum(LEVEL + (1 - LEVEL) * np.arange(max(span - well_at, 0)) / 25, 1.0)
        people[one - first, a:] *= ramp


def _draw(rng: np.random.Generator, mean: F, seats: I, number: I) -> tuple[I, I]:
    """Negative-binomial people, no more than there are seats, and their events."""
    active = np.minimum(rng.poisson(rng.gamma(SHAPE, 1.0 / SHAPE, mean.size) * mean), seats)
    busy = EVENTS * (0.6 + (number * 37 % 100) / 125)
    events = rng.poisson(active * busy * rng.gamma(8.0, 1 / 8.0, mean.size))
    return active, np.maximum(events, active)


def _strays(rng: np.random.Generator, number: I, active: I, events: I) -> tuple[B, I, I]:
    """Rows of accounts with a second tracking key: which, and what was counted there."""
    has = (number * 131 % 1_000 < STRAY * 1_000) & (active > 0)
    share = rng.uniform(0.7, 1.3, active.size) * STRAY_USE
    return has, np.ceil(active * share).astype(np.int64), np.rint(events * share).astype(np.int64)


def _table(
    world: World, rng: np.random.Generator, number: I, day: I, active: I, events: I, stray: tuple[B, I, I]
) -> pa.Table:
    has, stray_active, stray_events = stray
    some = np.flatnonzero(events > 0)
    other = np.flatnonzero(has & (stray_events > 0))
    number, day = np.r_[number[some], number[other]], np.r_[day[some], day[other]]
    odd = np.r_[np.zeros(some.size, np.int64), np.ones(other.size, np.int64)]
    active, events = np.r_[active[some], stray_active[other]], np.r_[events[some], stray_events[other]]
    feature = np.zeros(number.size, np.int64)
    if world.usage == "features":
        number, day, odd, feature, active, events = _split(rng, number, day, odd, active, events)
    order = np.argsort(((number * 2 + odd) * 100_000 + day) * 8 + feature, kind="stable")
    number, odd = number[order], odd[order]
    ids = col.text(number.size, "ac", (number, 7))
    if odd.any():
        odd_ids = col.text(number.size, "ac", (number, 7), "-app2")
        ids = pc.if_else(pa.array(odd > 0), odd_ids, ids)
    columns = {
        "account_id": ids,
        "day": col.days(day[order]),
        "feature": col.pick(("*", *FEATURES), feature[order]),
        "events": col.ints(events[order]),
        "active_users": col.ints(active[order]),
    }
    return col.table("usage_day", columns, _learned(world, rng, day[order]))


def _split(rng: np.random.Generator, number: I, day: I, odd: I, active: I, events: I) -> tuple[I, I, I, I, I, I]:
    """All features together, and each feature that was used; strays come without features."""
    lean = 0.4 + (number[:, None] * np.array([7, 11, 13, 17, 19]) % 100) / 83
    share = FEATURE_SHARE * lean
    part = rng.poisson(events[:, None] * (share / share.sum(axis=1, keepdims=True)))
    part[odd > 0] = 0
    row, column = np.nonzero(part)
    most = np.maximum(np.rint(active[row] * np.sqrt(FEATURE_SHARE[column])), 1)
    people = np.minimum(part[row, column], most)
    total = np.where(odd > 0, events, np.maximum(part.sum(axis=1), np.maximum(active, 1)))
    return (
        np.r_[number, number[row]],
        np.r_[day, day[row]],
        np.r_[odd, odd[row]],
        np.r_[np.zeros(number.size, np.int64), column + 1],
        np.r_[active, people.astype(np.int64)],
        np.r_[total, part[row, column]],
    )


def _learned(world: World, rng: np.random.Generator, day: I) -> I:
    """Counted the next night; one in eight some days later: 95 of 100 within three days."""
    lag = 1.0 + rng.uniform(0.05, 0.4, day.size)
    slow = rng.random(day.size) < 0.12
    lag = np.where(slow, lag + rng.exponential(3.2, day.size), lag)
    return np.minimum(((day + lag) * US_DAY).astype(np.int64), world.end_day * US_DAY - 1_000_000)
