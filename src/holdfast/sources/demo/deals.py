"""Deals of the CRM, whose dates differ from billing; touches and programmes; and the limits of plans."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from holdfast.sources.demo import columns as col
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.accounts import books, csm
from holdfast.sources.demo.items import Rows
from holdfast.sources.demo.people import People
from holdfast.sources.demo.state import State
from holdfast.sources.demo.support import alive_all_month
from holdfast.sources.demo.traits import CURRENCIES, Traits
from holdfast.sources.demo.words import TOUCH_SUBJECTS
from holdfast.sources.demo.world import DEALS, NONE, SMB, TOUCHES, US_DAY, I, World

KINDS = ("new", "renewal", "expansion")
NEW, RENEWAL, EXPANSION = range(3)
STAGES = ("prospect", "negotiation", "won", "lost")
PROSPECT, NEGOTIATION, WON, LOST = range(4)
CHANNELS = ("email", "call", "meeting", "in_app", "qbr", "webinar")
EMAIL, CALL, MEETING, IN_APP, QBR, WEBINAR = range(6)
ARMS = ("treated", "holdout")


def limits(world: World, chunk: int, who: Traits, rows: Rows) -> pa.Table:
    """Seats as bought, from each change on, and the events a month that come with them."""
    main = np.flatnonzero((rows.slot == cfg.MAIN) | (rows.slot == cfg.RETURN))
    account, seats, day = rows.who[main], rows.qty[main], rows.day[main]
    changed = np.r_[True, (account[1:] != account[:-1]) | (seats[1:] != seats[:-1])][: main.size]
    account, seats, day = (np.repeat(part[changed], 2) for part in (account, seats, day))
    measure = np.arange(account.size) % 2
    columns = {
        "account_id": col.account_ids(who.number[account]),
        "measure": col.pick(("events", "seats"), measure),
        "allowed": col.ints(np.where(measure == 1, seats, seats * 400)),
        "valid_from": col.days(day),
    }
    rng = world.rng(DEALS, chunk, 1)
    order = np.lexsort((measure, day, account))
    return col.table("limit", columns, col.learn(rng, day, world.end_day)).take(pa.array(order))


def opportunities(world: World, chunk: int, who: Traits, state: State, rows: Rows) -> pa.Table:
    """New, renewal and expansion deals of mid-market and enterprise."""
    rng = world.rng(DEALS, chunk)
    account, kind, day, won = _deals(world, rng, who, state, rows)
    n = account.size
    before = np.where(kind == RENEWAL, 90, 60)
    opened = day - before + rng.integers(-10, 11, n)
    talks = opened + rng.integers(15, 35, n)
    closed = day + np.rint(rng.normal(0, 6, n)).astype(np.int64)
    amount = np.rint(who.mrr[account] * np.where(kind == EXPANSION, 3.0, 12.0) * rng.uniform(0.8, 1.2, n))
    amount = amount.astype(np.int64) * 100
    order = np.lexsort((opened, account))
    serial = np.empty(n, np.int64)
    serial[order] = col.running(account[order])
    deal = np.tile(np.arange(n), 3)
    changed = np.concatenate([opened, talks, np.maximum(closed, talks + 1)])
    stage = np.concatenate([np.full(n, PROSPECT), np.full(n, NEGOTIATION), np.where(won, WON, LOST)])
    keep = (changed < world.end_day) & (changed >= world.start_day - 120)
    deal, changed, stage = deal[keep], changed[keep], stage[keep]
    order = np.lexsort((deal, changed, account[deal]))
    deal, changed, stage = deal[order], changed[order], stage[order]
    number = who.number[account[deal]]
    columns = {
        "opportunity_id": col.text(deal.size, "op", (number, 7), "-", (serial[deal], 3)),
        "account_id": col.account_ids(number),
        "kind": col.pick(KINDS, kind[deal]),
        "stage": col.pick(STAGES, stage),
        "amount_minor": col.ints(amount[deal]),
        "currency": col.pick(CURRENCIES, who.currency[account[deal]]),
        "opened_on": col.days(opened[deal]),
        "close_on": col.days(np.where(stage >= WON, np.maximum(closed, talks + 1)[deal], day[deal])),
        "changed_on": col.days(changed),
    }
    return col.table("opportunity", columns, col.learn(rng, changed, world.end_day, late=0.05))


def _deals(world: World, rng: np.random.Generator, who: Traits, state: State, rows: Rows) -> tuple[I, I, I, I]:
    """(account, kind, billing day, whether won)."""
    larger = who.segment != SMB
    new = np.flatnonzero(larger & (who.started > 0))
    grown = [(a[larger[a]], d[larger[a]]) for a, d, _ in state.growths]
    grown_who = np.concatenate([np.zeros(0, np.int64), *(a for a, _ in grown)])
    grown_day = np.concatenate([np.zeros(0, np.int64), *(d for _, d in grown)])
    ending = (rows.slot == cfg.MAIN) & (rows.term_end != NONE)
    at = np.flatnonzero(ending & larger[rows.who] & who.annual[rows.who])
    term = np.unique(rows.who[at] * 100_000 + rows.term_end[at])
    due, due_day = term // 100_000, term % 100_000
    lost = (state.gone_day[due] != NONE) & (state.gone_day[due] <= due_day)
    hopes = np.flatnonzero(larger & (rng.random(len(who)) < 0.3))
    hope_day = world.start_day + rng.integers(90, world.months * 30, hopes.size)
    there = (state.gone_day[hopes] == NONE) & (who.start_day[hopes] + 120 < hope_day)
    hopes, hope_day = hopes[there], hope_day[there]
    account = np.concatenate([new, grown_who, due, hopes])
    day = np.concatenate([who.start_day[new], grown_day, due_day, hope_day])
    kind = np.repeat([NEW, EXPANSION, RENEWAL, EXPANSION], [new.size, grown_who.size, due.size, hopes.size])
    won = np.concatenate([~who.lost[new], np.ones(grown_who.size, bool), ~lost, np.zeros(hopes.size, bool)])
    return account, kind, day, won


def touches(world: World, chunk: int, who: Traits, state: State, folk: People, book: I) -> pa.Table:
    """Programme steps with their arms, and the ordinary contact of managers with accounts."""
    rng = world.rng(TOUCHES, chunk)
    rows = np.concatenate([_programmes(world, rng, state), _contact(world, rng, who, state)], axis=1)
    rows = rows[:, np.lexsort((rows[1], rows[0]))]
    account, at, channel, programme, arm = rows
    n = account.size
    number = who.number[account]
    person = folk.anyone(account, rng.integers(0, 1 << 20, n))
    value = state.value_then[account, np.searchsorted(world.firsts, at // US_DAY, side="right") - 1]
    held = arm == 2
    replied = (rng.random(n) < 0.35 / (1 + np.exp(-value))) & ~held
    plain = rng.integers(0, len(TOUCH_SUBJECTS), n)
    subject = np.where(programme > 0, len(TOUCH_SUBJECTS) + programme - 1, plain)
    columns = {
        "touch_id": col.text(n, "to", (number, 7), "-", (col.running(account), 4)),
        "account_id": col.account_ids(number),
        "contact_id": col.text(n, "co", (number, 7), "-", (folk.serial[person], 2)),
        "owner": col.pick([csm(i) for i in range(sum(books(world)) + 3)], book[account]),
        "happened_at": col.times(at),
        "channel": col.pick(CHANNELS, channel),
        "programme": col.pick((cfg.RESCUE, cfg.USELESS), np.maximum(programme - 1, 0), programme == 0),
        "arm": col.pick(ARMS, np.maximum(arm - 1, 0), arm == 0),
        "replied": pa.array(replied),
        "subject": col.pick([*TOUCH_SUBJECTS, cfg.RESCUE, cfg.USELESS], subject),
    }
    return col.table("touch", columns, np.minimum(at + 3_600_000_000, world.end_day * US_DAY - 1_000_000))


def _programmes(world: World, rng: np.random.Generator, state: State) -> I:
    """(account, time, channel, programme + 1, arm); the held-out have a row, though nothing was done."""
    parts = []
    for index, month, arm, programme in state.enrolments:
        at = world.firsts[month] * US_DAY + (rng.uniform(0.3, 0.7, index.size) * US_DAY).astype(np.int64)
        channel = np.full(index.size, WEBINAR if programme else EMAIL)
        parts.append(np.stack([index, at, channel, np.full(index.size, programme + 1), arm]))
    return np.concatenate(parts, axis=1)


def _contact(world: World, rng: np.random.Generator, who: Traits, state: State) -> I:
    rate = np.array([0.06, 0.5, 1.6])[who.segment][:, None] * alive_all_month(world, who, state)
    account, month = np.nonzero(rate)
    count = rng.poisson(rate[account, month])
    account, month = np.repeat(account, count), np.repeat(month, count)
    day = world.firsts[month] + rng.integers(0, 28, account.size)
    at = day * US_DAY + rng.integers(8 * 3600, 17 * 3600, account.size) * 1_000_000
    channel = rng.choice([EMAIL, CALL, MEETING, IN_APP, QBR], account.size, p=[0.5, 0.2, 0.15, 0.1, 0.05])
    none = np.zeros(account.size, np.int64)
    return np.stack([account, at, channel, none, none])
