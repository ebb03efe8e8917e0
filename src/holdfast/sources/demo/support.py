"""Tickets and surveys: noisy sayings of the hidden state, and silences that are not by chance."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.demo import columns as col
from holdfast.sources.demo.people import CHAMPION, People
from holdfast.sources.demo.shocks import bug_months
from holdfast.sources.demo.state import State
from holdfast.sources.demo.traits import Traits
from holdfast.sources.demo.words import BLAME, BUG_TOPIC, CLOSERS, NEUTRAL, OBJECTS, OPENERS, PRAISE, TOPICS
from holdfast.sources.demo.world import NONE, SUPPORT, SURVEYS, US_DAY, B, F, I, World

PRIORITIES = ("low", "normal", "high", "urgent")
URGENT = 3
#: What is not answered within this many days was urgent and stayed open.
LONG_DAYS = 14


def alive_all_month(world: World, who: Traits, state: State) -> B:
    """Accounts with a subscription through the whole month."""
    first, last = world.firsts[: world.months], world.firsts[1 : world.months + 1]
    gone = np.where(state.gone_day == NONE, 1 << 30, state.gone_day)[:, None]
    again = np.where(state.gone_again == NONE, 1 << 30, state.gone_again)[:, None]
    here: B = (who.start_day[:, None] <= first) & (gone >= last)
    here |= (state.back_day != NONE)[:, None] & (state.back_day[:, None] <= first) & (again >= last)
    return here


def tickets(world: World, chunk: int, who: Traits, state: State, folk: People) -> pa.Table:
    rng = world.rng(SUPPORT, chunk)
    account, opened, closed, priority = _opened(world, rng, who, state)
    order = np.lexsort((opened, account))
    account, opened, closed, priority = account[order], opened[order], closed[order], priority[order]
    n = account.size
    month = np.searchsorted(world.firsts, opened // US_DAY, side="right") - 1
    value = state.value_then[account, np.clip(month, 0, world.months - 1)].astype(np.float64)
    wait = rng.lognormal(np.log(5.0), 0.9, n) / (1 + priority) / 24
    response = np.minimum(opened + (wait * US_DAY).astype(np.int64), closed - 1_000_000)
    end = world.end_day * US_DAY - 1_000_000
    still_open, silent = closed >= end, response >= end
    number = who.number[account]
    serial = col.running(account)
    person = folk.anyone(account, rng.integers(0, 1 << 20, n))
    rating, unrated = _satisfaction(rng, value, still_open)
    columns = {
        "ticket_id": col.text(n, "ti", (number, 7), "-", (serial, 4)),
        "account_id": col.account_ids(number),
        "contact_id": col.text(n, "co", (number, 7), "-", (folk.serial[person], 2)),
        "opened_at": col.times(opened),
        "first_response_at": col.times(response, silent),
        "closed_at": col.times(closed, still_open),
        "priority": col.pick(PRIORITIES, priority),
        "reopened": col.ints(rng.binomial(2, 0.05, n)),
        "satisfaction": col.ints(rating, unrated),
        **_words(world, rng, month),
    }
    return _twice(
        col.table("ticket", columns, np.minimum(np.where(still_open, opened, closed), end)),
        np.minimum(opened + 60_000_000, end),
        np.flatnonzero(~still_open),
    )


def _twice(table: pa.Table, opened: I, closed: I) -> pa.Table:
    """Closed tickets landed twice: as they were opened, and as they were closed."""
    n = table.num_rows
    fresh = table
    for name in ("first_response_at", "closed_at", "satisfaction"):
        at = table.schema.get_field_index(name)
        fresh = fresh.set_column(at, table.schema.field(at), pa.nulls(n, table.schema.field(at).type))
    at = table.schema.get_field_index("learned_at")
    fresh = fresh.set_column(at, table.schema.field(at), col.times(opened))
    both = pa.concat_tables([fresh, table])
    order = np.sort(np.concatenate([np.arange(n) * 2, closed * 2 + 1]))
    still = np.setdiff1d(np.arange(n), closed)
    assert order.size == n + closed.size and still.size + closed.size == n
    return both.take(pa.array(order // 2 + (order % 2) * n))


def _opened(world: World, rng: np.random.Generator, who: Traits, state: State) -> tuple[I, I, I, I]:
    """Ordinary tickets by active people and mood, and the urgent ones that stayed open."""
    alive = alive_all_month(world, who, state)
    people = state.load_then * state.seats_then
    bug = np.zeros(world.months)
    bug[slice(*bug_months(world))] = 0.8
    rate = 0.055 * people**0.72 * np.exp(-0.25 * state.value_then) * (1 + bug) * alive
    account, month = np.nonzero(rate)
    count = rng.poisson(rate[account, month])
    account, month = np.repeat(account, count), np.repeat(month, count)
    days = (world.firsts[month + 1] - world.firsts[month]).astype(np.float64)
    opened = ((world.firsts[month] + rng.random(account.size) * days) * US_DAY).astype(np.int64)
    priority = rng.choice(4, account.size, p=[0.2, 0.58, 0.17, 0.05])
    length = rng.lognormal(np.log(1.6), 1.0, account.size) / (1 + 0.5 * priority)
    closed = opened + (np.minimum(length, LONG_DAYS - 1.0) * US_DAY).astype(np.int64) + 1_800_000_000
    late_who = np.concatenate([index for index, _ in state.tickets])
    late_month = np.concatenate([np.full(index.size, month) for index, month in state.tickets])
    begun = (world.firsts[late_month] - rng.uniform(15, 24, late_who.size)) * US_DAY
    late = np.maximum(begun.astype(np.int64), world.start_day * US_DAY)
    over = late + (rng.uniform(26, 45, late_who.size) * US_DAY).astype(np.int64)
    return (
        np.r_[account, late_who],
        np.r_[opened, late],
        np.r_[closed, over],
        np.r_[priority, np.full(late_who.size, URGENT)],
    )


def _satisfaction(rng: np.random.Generator, value: F, still_open: B) -> tuple[I, B]:
    """Ratings 1 to 5; the unhappy and the middling rate less often."""
    mood = 3.7 + 0.8 * value + rng.normal(0, 0.9, value.size)
    rating = np.clip(np.rint(mood), 1, 5).astype(np.int64)
    answers = np.array([0.0, 0.22, 0.15, 0.14, 0.28, 0.40])[rating]
    return rating, still_open | (rng.random(value.size) > answers)


def _words(world: World, rng: np.random.Generator, month: I) -> dict[str, pa.Array]:
    n = month.size
    first, over = bug_months(world)
    bug = (month >= first) & (month < over) & (rng.random(n) < 0.45)
    topic = np.where(bug, BUG_TOPIC, rng.integers(0, len(TOPICS) - 1, n))
    thing = rng.integers(0, len(OBJECTS), n)
    middle = [f"{what.format(what=thing_)} {so}" for _, what, so in TOPICS for thing_ in OBJECTS]
    body = pc.binary_join_element_wise(
        col.pick(OPENERS, rng.integers(0, len(OPENERS), n)),
        col.pick(middle, topic * len(OBJECTS) + thing),
        col.pick(CLOSERS, rng.integers(0, len(CLOSERS), n)),
        " ",
    )
    return {"subject": col.pick([subject for subject, _, _ in TOPICS], topic), "body": body}


def surveys(world: World, chunk: int, who: Traits, state: State, folk: People) -> pa.Table:
    """NPS each quarter, to champions and some others; a quarter answer, detractors less."""
    rng = world.rng(SURVEYS, chunk)
    alive = alive_all_month(world, who, state)
    quarters = np.arange(2, world.months, 3)
    person = np.flatnonzero((folk.role == CHAMPION) | (rng.random(folk.who.size) < 0.35))
    asked = alive[folk.who[person]][:, quarters]
    at, q = np.nonzero(asked)
    person, month = person[at], quarters[q]
    sent = world.firsts[month] + 7
    here = (folk.joined[person] < sent) & ((folk.left[person] == NONE) | (folk.left[person] > sent))
    person, month, sent = person[here], month[here], sent[here]
    order = np.lexsort((person, sent, folk.who[person]))
    person, month, sent = person[order], month[order], sent[order]
    account, n = folk.who[person], person.size
    mood = 7.4 + 1.6 * state.value_then[account, month] + rng.normal(0, 1.7, n)
    score = np.clip(np.rint(mood), 0, 10).astype(np.int64)
    chance = np.where(score <= 6, 0.17, np.where(score <= 8, 0.24, 0.34))
    answered = sent + rng.integers(0, 12, n)
    silent = (rng.random(n) > chance) | (answered >= world.end_day)
    number = who.number[account]
    learned = col.known(np.where(silent, sent, answered), rng.uniform(0.3, 0.95, n), world.end_day)
    columns = {
        "response_id": col.text(n, "nr", (number, 7), "-", (col.running(account), 4)),
        "account_id": col.account_ids(number),
        "contact_id": col.text(n, "co", (number, 7), "-", (folk.serial[person], 2)),
        "sent_on": col.days(sent),
        "answered_on": col.days(np.where(silent, NONE, answered)),
        "score": col.ints(score, silent),
        "comment": _comments(rng, score, silent),
    }
    return col.table("survey", columns, learned)


def _comments(rng: np.random.Generator, score: I, silent: B) -> pa.Array:
    groups = (BLAME, NEUTRAL, PRAISE)
    base = np.array([0, len(BLAME), len(BLAME) + len(NEUTRAL)])
    kind = np.where(score <= 6, 0, np.where(score <= 8, 1, 2))
    size = np.array([len(group) for group in groups])[kind]
    code = base[kind] + rng.integers(0, 1 << 20, score.size) % size
    return col.pick([c for group in groups for c in group], code, silent | (rng.random(score.size) < 0.5))
