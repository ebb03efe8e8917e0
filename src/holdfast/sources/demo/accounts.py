"""The account table: names and attributes, and every dated change of owner, plan, segment and merge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.demo import columns as col
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.state import State
from holdfast.sources.demo.traits import Traits
from holdfast.sources.demo.words import (
    CHANNELS,
    COUNTRIES,
    ENDINGS,
    FIRST_NAMES,
    HEADS,
    INDUSTRIES,
    LAST_NAMES,
    TAILS,
)
from holdfast.sources.demo.world import ENT, MID, NAMES, NONE, SEGMENTS, SMB, B, I, World

#: Accounts of one customer success manager by segment, and the most books of a segment.
BOOK = (150, 45, 18)
MOST_BOOKS = 600
WHALE_FRIENDS = 24
#: Book 0 is the whale's; the books after it go segment by segment.
WHALE_BOOK = 0


@dataclass(frozen=True)
class Ties:
    """What binds accounts to each other and to us."""

    book: I
    parent: I  # index in the chunk, or NONE
    merged_day: I
    merged_into: I  # index in the chunk, or NONE
    segment_day: I  # SMB that counts as mid-market from this day
    created: I


def csm(index: int) -> str:
    """The name of a customer success manager: distinct for the first 2,000."""
    first, last = FIRST_NAMES[index % 40], LAST_NAMES[(index // 40 + 7 * index) % 50]
    return f"{first} {last}"


def books(world: World) -> tuple[int, int, int]:
    """How many books each segment has."""
    smb, mid, ent = (min(max(round(world.opening(code) / BOOK[code]), 1), MOST_BOOKS) for code in (SMB, MID, ENT))
    return smb, mid, ent


def handovers(world: World) -> dict[int, tuple[int, int]]:
    """Books that change hands: book -> (day, book number whose manager takes over)."""
    _, mid, _ = books(world)
    last = 1 + sum(books(world))
    firsts = world.firsts
    return {1: (int(firsts[world.months - 9]), last), 1 + mid: (int(firsts[world.months - 4]), last + 1)}


def ties(world: World, chunk: int, who: Traits, state: State) -> Ties:
    rng = world.rng(NAMES, chunk)
    n = len(who)
    count = np.array(books(world))
    first = np.array([1 + count[1] + count[2], 1, 1 + count[1]])
    book = first[who.segment] + rng.integers(0, 1 << 40, n) % count[who.segment]
    if who.whale >= 0:
        friends = np.flatnonzero((who.segment == MID) & (who.started == 0))[:WHALE_FRIENDS]
        book[friends] = WHALE_BOOK
        book[who.whale] = WHALE_BOOK
    child = (rng.random(n) < 0.04) & (who.segment <= MID)
    parent = np.where(child, _match(rng, who, who.segment == ENT), NONE)
    merged_day, merged_into = _merges(world, rng, who, state)
    moves = (who.segment == SMB) & (rng.random(n) < 0.02) & (who.size > 0.5)
    moved = world.start_day + rng.integers(60, world.months * 30, n)
    segment_day = np.where(moves & (moved > who.start_day) & (moved < world.end_day), moved, NONE)
    created = np.where(who.started == 0, who.start_day - who.tenure * 30, who.start_day - 14 * who.trial)
    return Ties(book, parent, merged_day, merged_into, segment_day, created)


def _match(rng: np.random.Generator, who: Traits, wanted: B) -> I:
    pool = np.flatnonzero(wanted)
    return pool[rng.integers(0, pool.size, len(who))] if pool.size else np.full(len(who), NONE)


def _merges(world: World, rng: np.random.Generator, who: Traits, state: State) -> tuple[I, I]:
    """A few small customers become part of another that pays in the same currency and is still there."""
    n = len(who)
    day, into = np.full(n, NONE), np.full(n, NONE)
    there = (state.gone_day == NONE) & ~who.lost & (state.back_day == NONE)
    stays = np.flatnonzero(there & (who.started <= 2) & (who.segment == MID) & (np.arange(n) % 2 == 0))
    joins = np.flatnonzero(there & (who.started <= 6) & (who.segment <= MID) & (np.arange(n) % 2 == 1))
    joins = joins[rng.permutation(joins.size)[: max(round(n * 0.0025), 1)]]
    for one in joins:
        fits = stays[who.currency[stays] == who.currency[one]]
        if fits.size:
            into[one] = fits[int(rng.integers(0, fits.size))]
            month = int(rng.integers(max(world.months - 11, 8), world.months - 1))
            day[one] = world.firsts[month] + int(rng.integers(0, 28))
    return day, into


def account_table(world: World, chunk: int, who: Traits, state: State, tie: Ties) -> pa.Table:
    """One row per state, oldest first."""
    index, day = _changes(world, who, state, tie)
    plan = _plans(world, who, state, index, day)
    rng = world.rng(NAMES, chunk, 1)
    first = day == NONE
    seen = np.where(first, np.maximum(tie.created[index], world.start_day), day)
    learned = col.learn(rng, seen, world.end_day)
    shift = (who.segment[index] == SMB) & (tie.segment_day[index] != NONE) & (day >= tie.segment_day[index])
    segment = who.segment[index] + shift
    name, domain = names(who)
    columns = {
        "account_id": col.account_ids(who.number[index]),
        "name": name.take(pa.array(index)),
        "domain": domain.take(pa.array(index)),
        "parent_id": _others(who, tie.parent[index]),
        "owner": _owners(world, tie.book[index], np.where(first, tie.created[index], day)),
        "created_on": col.days(tie.created[index]),
        "merged_into": _others(
            who,
            np.where((tie.merged_day[index] != NONE) & (day >= tie.merged_day[index]), tie.merged_into[index], NONE),
        ),
        "attributes": _attributes(who, index, segment, plan),
        "valid_from": col.days(day),
    }
    return col.table("account", columns, learned)


def _others(who: Traits, index: I) -> pa.Array:
    ids = col.account_ids(who.number)
    return ids.take(pa.array(index, mask=index == NONE))


def _changes(world: World, who: Traits, state: State, tie: Ties) -> tuple[I, I]:
    """(account, day) of each state, sorted; the first state of an account has no day."""
    n = len(who)
    parts: list[tuple[I, I]] = [(np.arange(n), np.full(n, NONE))]
    for book, (when, _) in handovers(world).items():
        held = np.flatnonzero((tie.book == book) & (tie.created < when))
        held = held[(state.gone_day[held] == NONE) | (state.gone_day[held] > when)]
        parts.append((held, np.full(held.size, when)))
    for days in (tie.merged_day, tie.segment_day):
        changed = np.flatnonzero(days != NONE)
        parts.append((changed, days[changed]))
    parts += [(a, d) for a, d, _ in state.plan_changes]
    index = np.concatenate([a for a, _ in parts])
    day = np.concatenate([d for _, d in parts])
    keys = np.unique((index * 200_000 + day + 1)[day < world.end_day])
    return keys // 200_000, keys % 200_000 - 1


def _plans(world: World, who: Traits, state: State, index: I, day: I) -> I:
    """The plan in force at each (account, day)."""
    changes = [part for part in state.plan_changes if part[0].size]
    n = len(who)
    account = np.concatenate([np.arange(n), *(a for a, _, _ in changes)])
    when = np.concatenate([np.full(n, NONE), *(d for _, d, _ in changes)])
    plan = np.concatenate([who.plan, *(p for _, _, p in changes)])
    order = np.argsort(account * 200_000 + when + 1, kind="stable")
    keys = (account * 200_000 + when + 1)[order]
    return plan[order][np.searchsorted(keys, index * 200_000 + day + 1, side="right") - 1]


def _owners(world: World, book: I, day: I) -> pa.Array:
    """The manager of each book on a day; those who begin after a handover begin with the new one."""
    owner = book.copy()
    for number, (when, successor) in handovers(world).items():
        owner = np.where((book == number) & (day >= when), successor, owner)
    return col.pick([csm(i) for i in range(sum(books(world)) + 3)], owner)


def names(who: Traits) -> tuple[pa.Array, pa.Array]:
    """Company name and domain of each account of the chunk."""
    core = who.number * 2_477 % (len(HEADS) * len(TAILS))
    head, tail = core // len(TAILS), core % len(TAILS)
    stem = pc.binary_join_element_wise(col.pick(HEADS, head), col.pick(TAILS, tail), "")
    ending = col.pick([e for group in ENDINGS for e in group], who.industry * 4 + who.number // 3 % 4)
    lap = (who.number - 1) // (len(HEADS) * len(TAILS))
    laps = pc.if_else(pa.array(lap > 0), pa.array(lap).cast(pa.string()), "")
    domain = pc.binary_join_element_wise(pc.utf8_lower(stem), laps, ".example", "")
    return pc.binary_join_element_wise(stem, ending, " "), domain


def _attributes(who: Traits, index: I, segment: I, plan: I) -> pa.Array:
    keys = ("segment", "industry", "country", "region", "plan", "channel")
    regions = sorted({c[1] for c in COUNTRIES})
    lists = (SEGMENTS, INDUSTRIES, [c[0] for c in COUNTRIES], regions, cfg.PLANS, CHANNELS)
    region = np.array([regions.index(c[1]) for c in COUNTRIES])[who.country[index]]
    codes = (segment, who.industry[index], who.country[index], region, plan, who.channel[index])
    base = np.cumsum([0, *(len(words) for words in lists[:-1])])
    flat = np.stack([code + b for code, b in zip(codes, base, strict=True)], axis=1).ravel()
    values = col.pick([word for words in lists for word in words], flat)
    offsets = np.arange(index.size + 1, dtype=np.int32) * len(keys)
    names_ = col.pick(keys, np.tile(np.arange(len(keys)), index.size))
    return pa.MapArray.from_arrays(pa.array(offsets), names_, values)
