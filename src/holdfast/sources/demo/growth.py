"""Renewals with their uplift and true-up, expansion near a limit, contraction of what is not used."""

from __future__ import annotations

import numpy as np

from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.state import ALIVE, State
from holdfast.sources.demo.world import NONE, SMB, B, F, I


def renew(s: State, month: int, due: B) -> B:
    """Anniversaries: the price rises; where the term ends, seats are put right as well."""
    w = s.who
    turn: B = due & (s.phase == ALIVE) & ((month - s.renewal) % 12 == 0) & (month > w.started)
    who = np.flatnonzero(turn)
    u = s.rng.random((6, len(w)))[:, who]
    term = w.annual[who] & (s.renewal[who] == month)
    s.renewal[who] += np.where(~w.annual[who], 12, np.where(term, w.term[who], 0))
    _uplift(s, month, who, u[0], u[1])
    load, main, segment = s.load()[who], s.main[who], w.segment[who]
    whale = who == w.whale
    seats = s.qty[who, main]
    up = term & (load > 0.62) & (u[2] < cfg.TRUE_UP[segment]) & ~whale
    down = term & (load < 0.5) & (u[3] < cfg.SHRINKS_RENEWAL[segment]) & ~whale
    grown = np.ceil(seats * (1 + cfg.TRUE_UP_SIZE[segment] * 2 * u[4]))
    new = np.where(up, grown, np.where(down, np.ceil(seats * np.clip(load * 1.35, 0.45, 0.85)), seats))
    if w.whale >= 0:
        turning = whale & (month >= s.world.base_month) & (month < s.world.base_month + 12)
        new = np.where(turning, np.ceil(seats * 1.45), new)
    s.use[who] -= 0.5 * (1 - seats / np.maximum(new, 1)) * load
    s.qty[who, main] = np.maximum(new, 1)
    day = s.date(who, month)
    s.log.emit(s, who, day, term_end=s.term_end(who))
    return turn


def _uplift(s: State, month: int, who: I, kind: F, size: F) -> None:
    """3 to 5 % a year; steep for some, none for some."""
    rise = cfg.UPLIFT_LOW + (cfg.UPLIFT_HIGH - cfg.UPLIFT_LOW) * size
    rise = np.where(kind < cfg.UPLIFT_STEEP, 0.105 + 0.05 * size, rise)
    rise = np.where(kind > 1 - cfg.UPLIFT_NONE, 0.0, rise)
    s.steep[who[rise > 0.10]] = month
    factor = np.ones(cfg.SLOTS) + rise[:, None]
    factor[:, cfg.METERED] = 1.0
    s.unit[who] = np.rint(s.unit[who] * factor)


def grow(s: State, month: int, quiet: B) -> None:
    """Those long near a limit grow five times as often; it takes them 20 to 60 days from here."""
    w = s.who
    u = s.rng.random((2, len(w)))
    chance = np.where(s.was_near >= 2, cfg.GROWS_NEAR, cfg.GROWS)
    calm = (s.declining == 0) & (s.planned == NONE) & (s.phase == ALIVE)
    calm &= (np.arange(len(w)) != w.whale) & (s.qty[np.arange(len(w)), s.main] > 0)
    starts = quiet & calm & (u[0] < chance)
    s.planned[starts] = s.world.firsts[month] + 22 + (u[1][starts] * 38).astype(np.int64)


def pending(s: State, month: int, quiet: B) -> B:
    """Growth that was decided and takes effect this month."""
    first, last = s.world.firsts[month], s.world.firsts[month + 1]
    ripe: B = quiet & (s.planned != NONE) & (s.planned < last)
    who = np.flatnonzero(ripe)
    day = np.maximum(s.planned[who], first)
    s.planned[who] = NONE
    s.roll(who, month, day)
    kind = s.rng.random((2, len(s.who)))[:, who]
    segment = s.who.segment[who]
    choices = [kind[0] < 0.20, kind[0] < 0.35, (kind[0] < 0.42) & (segment > SMB)]
    picked = np.select(choices, [1, 2, 3], 0)
    picked = np.where((picked == 1) & (s.plan[who] == len(cfg.PLANS) - 1), 0, picked)
    _upgrade(s, who[picked == 1], day[picked == 1])
    _add_on(s, who[picked == 2], day[picked == 2], month)
    _second(s, who[picked == 3], day[picked == 3], month)
    seats = picked == 0
    _more_seats(s, who[seats], day[seats], kind[1][seats])
    rest = picked <= 1
    s.log.emit(s, who[rest], day[rest], term_end=s.term_end(who[rest]), only=cfg.MAIN)
    s.log.emit(s, who[rest], day[rest], term_end=s.term_end(who[rest]), only=cfg.RETURN)
    return ripe


def _more_seats(s: State, who: I, day: I, u: F) -> None:
    main = s.main[who]
    seats = s.qty[who, main]
    new = np.maximum(np.ceil(seats * (1 + cfg.GROW_SIZE[s.who.segment[who]] * (0.4 + 1.2 * u))), seats + 1)
    s.use[who] -= s.load()[who] * (1 - seats / new)
    s.qty[who, main] = new
    s.growths.append((who, day, "seats"))


def _upgrade(s: State, who: I, day: I) -> None:
    main = s.main[who]
    s.plan[who] += 1
    s.unit[who, main] = np.rint(s.unit[who, main] * (1 + 0.8 * cfg.GROW_SIZE[s.who.segment[who]]))
    s.use[who] -= 0.08
    s.plan_changes.append((who, day, s.plan[who].copy()))
    s.growths.append((who, day, "plan"))


def _add_on(s: State, who: I, day: I, month: int) -> None:
    """The first add-on not yet bought; one more seat's worth of a price where all are."""
    free = ~s.has[who][:, [cfg.ANALYTICS, cfg.SSO, cfg.API]]
    slot = np.argmax(free, axis=1) + cfg.ANALYTICS
    open_ = free.any(axis=1) & (s.main[who] == cfg.MAIN)
    for code in (cfg.ANALYTICS, cfg.SSO, cfg.API):
        buys = open_ & (slot == code)
        s.add_item(who[buys], code, 0.14)
        s.log.emit(s, who[buys], day[buys], term_end=s.term_end(who[buys]), only=code)
    s.use[who[open_]] -= 0.05
    s.growths.append((who[open_], day[open_], "add_on"))


def _second(s: State, who: I, day: I, month: int) -> None:
    """A second subscription beside the first."""
    new = ~s.has[who, cfg.SECOND] & (s.main[who] == cfg.MAIN)
    s.add_item(who[new], cfg.SECOND, 0.30)
    s.log.emit(s, who[new], day[new], term_end=s.term_end(who[new]), only=cfg.SECOND)
    s.use[who[new]] -= 0.05
    s.growths.append((who[new], day[new], "cross_sell"))


def shrink(s: State, month: int, quiet: B) -> B:
    """Monthly customers give back seats they do not use; one in four takes a smaller plan instead."""
    w = s.who
    u = s.rng.random((3, len(w)))
    load = s.load()
    idle: B = quiet & ~w.annual & (load < 0.5) & (s.planned == NONE) & (u[0] < cfg.SHRINKS_MONTHLY)
    who = np.flatnonzero(idle)
    day = s.world.firsts[month] + (u[2][who] * 28).astype(np.int64)
    s.roll(who, month, day)
    main, seats = s.main[who], s.qty[who, s.main[who]]
    plan = (u[1][who] < 0.25) & (s.plan[who] > 0)
    s.plan[who] -= plan
    s.unit[who, main] = np.where(plan, np.rint(s.unit[who, main] * 0.75), s.unit[who, main])
    new = np.maximum(np.floor(seats * np.clip(load[who] * 1.35, 0.45, 0.85)), 1)
    s.qty[who, main] = np.where(plan, seats, new)
    s.use[who] += np.where(plan, 0.0, load[who] * (seats / new - 1) * 0.7)
    for only in (cfg.MAIN, cfg.RETURN):
        s.log.emit(s, who, day, term_end=s.term_end(who), only=only)
    s.plan_changes.append((who[plan], day[plan], s.plan[who[plan]].copy()))
    return idle


def roll_over(s: State, month: int, quiet: B) -> None:
    """Sources that report each monthly period as a state, though nothing changed."""
    who = np.flatnonzero(quiet & (s.phase == ALIVE))
    s.roll(who, month, np.full(who.size, s.world.firsts[month + 1]))
