"""Contacts: champions who leave and are replaced, sponsors, administrators, users and those who pay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.demo import columns as col
from holdfast.sources.demo.accounts import names
from holdfast.sources.demo.state import State
from holdfast.sources.demo.traits import Traits
from holdfast.sources.demo.words import DEPARTMENTS, FIRST_NAMES, LAST_NAMES, TITLES
from holdfast.sources.demo.world import ENT, MID, NONE, PEOPLE, I, World

ROLES = ("champion", "sponsor", "admin", "user", "billing")
CHAMPION, SPONSOR, ADMIN, USER, BILLING = range(len(ROLES))


@dataclass(frozen=True)
class People:
    """Contacts sorted by account; columns by person."""

    who: I
    role: I
    joined: I
    left: I
    serial: I

    def anyone(self, account: I, draw: I) -> I:
        """Some person of each account."""
        first: I = np.searchsorted(self.who, account, side="left")
        count = np.searchsorted(self.who, account, side="right") - first
        chosen: I = first + draw % np.maximum(count, 1)
        return chosen


def people(world: World, chunk: int, who: Traits, state: State) -> People:
    rng = world.rng(PEOPLE, chunk)
    n = len(who)
    every = np.arange(n)
    begun = np.where(who.started == 0, who.start_day - who.tenure * 30, who.start_day)
    parts = [_chain(rng, world, state.departures, every, begun, CHAMPION)]
    large = every[who.segment == ENT]
    parts.append(_chain(rng, world, state.sponsor_departures, large, begun, SPONSOR))
    more = np.select([who.segment == ENT, who.segment == MID], [rng.integers(1, 5, n), every % 2], 0)
    parts.append(_staff(rng, world, every, more, begun, CHAMPION))
    parts.append(_staff(rng, world, every, (rng.random(n) < 0.8).astype(np.int64), begun, ADMIN))
    parts.append(_staff(rng, world, every, np.where(who.segment == 0, 1, 2 + who.segment), begun, USER))
    parts.append(_staff(rng, world, every, (rng.random(n) < 0.6).astype(np.int64), begun, BILLING))
    rows = np.concatenate(parts, axis=1)
    rows = rows[:, rows[2] < world.end_day]
    rows = rows[:, np.lexsort((rows[2], rows[1], rows[0]))]
    left = np.where(rows[3] < world.end_day, rows[3], NONE)
    return People(rows[0], rows[1], rows[2], left, col.running(rows[0]))


def _chain(
    rng: np.random.Generator, world: World, departures: list[tuple[I, int]], holders: I, begun: I, role: int
) -> I:
    """The one who holds a role, and after each departure the one who follows some months later."""
    account = np.concatenate([index for index, _ in departures])
    day = np.concatenate([world.firsts[m] + rng.integers(0, 28, index.size) for index, m in departures])
    order = np.lexsort((day, account))
    account, day = account[order], day[order]
    who = np.concatenate([holders, account])
    joined = np.concatenate([begun[holders], day + rng.integers(60, 200, day.size)])
    order = np.lexsort((joined, who))
    who, joined = who[order], joined[order]
    nth = col.running(who)
    left = np.full(who.size, NONE)
    at = np.searchsorted(who, account) + col.running(account)
    left[at] = day
    # A departure before the successor came: that successor never did.
    empty = (left != NONE) & (left <= joined) & (nth > 0)
    joined = np.where(empty, np.maximum(left - 20, 0), joined)
    return np.stack([who, np.full(who.size, role), joined, left])


def _staff(rng: np.random.Generator, world: World, every: I, count: I, begun: I, role: int) -> I:
    """Further people, who come and go without much ado."""
    who = np.repeat(every, count)
    joined = begun[who] + rng.integers(0, 200, who.size)
    stays = np.rint(rng.exponential(1_800, who.size)).astype(np.int64) + 60
    left = np.where(joined + stays < world.end_day, joined + stays, NONE)
    return np.stack([who, np.full(who.size, role), joined, left])


def contacts(world: World, chunk: int, who: Traits, folk: People) -> pa.Table:
    """The fact table: each as first noted and, where the leaving was noticed, once more."""
    rng = world.rng(PEOPLE, chunk, 1)
    n = folk.who.size
    first, last = rng.integers(0, len(FIRST_NAMES), n), rng.integers(0, len(LAST_NAMES), n)
    title = rng.integers(0, 4, n) + folk.role * 4
    noticed = folk.left + np.rint(rng.gamma(2.0, 12.0, n)).astype(np.int64) + 1
    noticed = np.where((folk.left != NONE) & (noticed < world.end_day), noticed, NONE)
    twice = np.flatnonzero(noticed != NONE)
    row = np.sort(np.concatenate([np.arange(n), twice]), kind="stable")
    second = np.r_[False, row[1:] == row[:-1]]
    number = who.number[folk.who[row]]
    joined = np.maximum(folk.joined, world.start_day)[row]
    learned = np.where(second, noticed[row], joined)
    name, email = _names(who, folk, first, last)
    columns = {
        "contact_id": col.text(row.size, "co", (number, 7), "-", (folk.serial[row], 2)),
        "account_id": col.account_ids(number),
        "name": name.take(pa.array(row)),
        "email": email.take(pa.array(row)),
        "title": col.pick([t for group in TITLES for t in group], title[row]),
        "department": col.pick(DEPARTMENTS, folk.role[row]),
        "role": col.pick(ROLES, folk.role[row]),
        "joined_on": col.days(folk.joined[row]),
        "left_on": col.days(np.where(second, folk.left[row], NONE)),
        "left_noticed_on": col.days(np.where(second, noticed[row], NONE)),
    }
    return col.table("contact", columns, col.known(learned, rng.uniform(0.1, 0.95, row.size), world.end_day))


def _names(who: Traits, folk: People, first: I, last: I) -> tuple[pa.Array, pa.Array]:
    given, family = col.pick(FIRST_NAMES, first), col.pick(LAST_NAMES, last)
    domain = names(who)[1].take(pa.array(folk.who))
    mail = pc.binary_join_element_wise(pc.utf8_lower(given), pc.utf8_lower(family), ".")
    return pc.binary_join_element_wise(given, family, " "), pc.binary_join_element_wise(mail, domain, "@")
