"""The months of a chunk's accounts: hidden states move, hazards follow from them, and what happens is logged.

Nothing looks ahead: each month's chances are computed from the states before anything of the month is drawn.
"""

from __future__ import annotations

import numpy as np

from holdfast.sources.demo import growth, leaving
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.shocks import shocks
from holdfast.sources.demo.state import ALIVE, AWAITED, OVER, State
from holdfast.sources.demo.traits import WORTH, Traits
from holdfast.sources.demo.world import ENT, LIFE, NONE, I, World


def live(world: World, chunk: int, who: Traits) -> State:
    """Simulate every month of a chunk."""
    state = State(world, who, world.rng(LIFE, chunk))
    common = shocks(world)
    for month in range(world.months):
        _begin(state, month)
        _return(state, month)
        _drift(state, month, common.budget[month], common.trouble[month])
        due = state.open_to_events(month)
        leaving.enrol(state, month, due)
        due &= ~leaving.decide(state, month, due)
        renewed = growth.renew(state, month, due)
        failed = leaving.fail_payment(state, month, due, renewed)
        quiet = due & ~renewed & ~failed
        quiet &= ~leaving.pause(state, month, quiet)
        quiet &= ~growth.pending(state, month, quiet)
        quiet &= ~growth.shrink(state, month, quiet)
        growth.grow(state, month, quiet)
        growth.roll_over(state, month, due & quiet)
        state.remember(month)
    return state


def _begin(s: State, month: int) -> None:
    """First states of the accounts that join this month; all that are there at the start in month 0."""
    w = s.who
    new = np.flatnonzero((w.started == month) & (s.phase == AWAITED))
    if not new.size:
        return
    _first_items(s, new)
    s.phase[new] = ALIVE
    tried = new[w.trial[new]]
    lost = tried[w.lost[tried]]
    silent = w.lost & (np.arange(len(w)) % 2 == 1)
    said = tried[~silent[tried]]
    s.log.emit(s, said, w.start_day[said] - 14, status="trialing", only=cfg.MAIN)
    s.log.end_trial(s, lost, w.start_day[lost])
    s.phase[lost], s.gone_day[lost] = OVER, w.start_day[lost]
    paying = new[~w.lost[new]]
    s.log.emit(s, paying, w.start_day[paying], term_end=s.term_end(paying))


def _first_items(s: State, new: I) -> None:
    w, rng = s.who, s.rng
    seats = w.seats[new]
    local = w.mrr[new] / WORTH[w.currency[new]] * 100 * w.per[new]
    kept = np.where(w.forever_ppm[new] < 1_000_000, 1 - w.forever_ppm[new] / 1e6, 1.0)
    s.qty[new, cfg.MAIN] = seats
    s.unit[new, cfg.MAIN] = np.maximum(np.rint(local / seats / kept), 1)
    s.has[new, cfg.MAIN] = True
    for slot in (cfg.ANALYTICS, cfg.SSO, cfg.API):
        buys = new[rng.random(new.size) < cfg.ADD_ON[w.segment[new]] / 3]
        s.add_item(buys, slot, 0.12)
    metered = new[(rng.random(new.size) < 0.10) & (w.segment[new] != 0)]
    s.has[metered, cfg.METERED], s.qty[metered, cfg.METERED] = True, 1
    s.unit[metered, cfg.METERED] = 2


def _return(s: State, month: int) -> None:
    """Customers who left and come back, with a new subscription."""
    back = np.flatnonzero((s.returns == month) & (s.phase == OVER))
    if not back.size:
        return
    old = s.main[back]
    s.qty[back, cfg.RETURN] = np.maximum(np.rint(s.qty[back, old] * 0.8), 1)
    s.unit[back, cfg.RETURN] = s.unit[back, old]
    s.has[back] = False
    s.has[back, cfg.RETURN] = True
    s.main[back], s.phase[back], s.free[back] = cfg.RETURN, ALIVE, month + 1
    s.renewal[back] = month + np.where(s.who.annual[back], 12, 12)
    s.back_day[back] = s.world.firsts[month] + s.who.day[back]
    s.log.emit(s, back, s.back_day[back], term_end=s.term_end(back))


def _drift(s: State, month: int, budget: float, trouble: float) -> None:
    """Value, use, people and money move on, whatever the account may do about it."""
    w, rng, n = s.who, s.rng, len(s.who)
    noise = rng.normal(0.0, 1.0, (2, n))
    keep = cfg.VALUE_KEEP
    s.value = w.fit + keep * (s.value - w.fit) + np.sqrt(1 - keep**2) * cfg.VALUE_SD * noise[0] - trouble
    s.use = cfg.USE_KEEP * s.use + np.sqrt(1 - cfg.USE_KEEP**2) * cfg.USE_SD * noise[1]
    load = s.load()
    s.was_near = s.near
    s.near = np.where(load >= cfg.NEAR, s.near + 1, 0)
    u = rng.random((6, n))
    alive = s.phase == ALIVE
    leaves = alive & (s.no_champion_until <= month) & (u[0] < cfg.CHAMPION_LEAVES)
    s.champion_left[leaves] = month
    s.no_champion_until[leaves] = month + 3 + (u[1][leaves] * 6).astype(np.int64)
    s.departures.append((np.flatnonzero(leaves), month))
    sponsor = alive & (w.segment == ENT) & (u[2] < cfg.SPONSOR_LEAVES)
    s.sponsor_departures.append((np.flatnonzero(sponsor), month))
    s.budget_until[alive & (u[3] < 0.008)] = month + 4
    s.squeezed = (s.budget_until > month) | (u[5] < budget)
    chance = np.array([0.010, 0.022, 0.05])[w.segment] * np.exp(-0.5 * s.value)
    s.ticket = alive & (month > w.started) & (u[4] < chance)
    s.tickets.append((np.flatnonzero(s.ticket), month))
    _age_decline(s, month)


def _age_decline(s: State, month: int) -> None:
    """A decline nobody left from is over after four months."""
    on = s.declining > 0
    s.declining[on] += 1
    over = np.flatnonzero(s.declining > 5)
    s.declines.close(over, np.full(over.size, NONE), s.world.firsts[month])
    s.declining[over] = 0
