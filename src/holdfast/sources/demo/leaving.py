"""Ways out: notices, failed payments, pauses; and the programme that tries to keep people."""

from __future__ import annotations

import numpy as np

from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo import state as st
from holdfast.sources.demo.state import ALIVE, OVER, State
from holdfast.sources.demo.words import INDUSTRIES
from holdfast.sources.demo.world import MID, NONE, B, F, I

CORNER = INDUSTRIES.index(cfg.CORNER_INDUSTRY)
CORNER_PLAN = cfg.PLANS.index(cfg.CORNER_PLAN)


def logit(s: State, month: int) -> F:
    """The caused hazard's logit, the term's timing apart."""
    w = s.who
    age = month - np.where(s.main == cfg.RETURN, s.renewal - 12, w.started)
    new = (w.tenure == 0) & (age >= 2) & (age <= 4)
    out: F = (
        cfg.BASE[w.segment, w.annual.astype(np.int64)]
        - cfg.ON_VALUE * s.value
        + cfg.ON_CHAMPION * (s.champion_left > month - 6)
        + cfg.ON_TICKET * s.ticket
        + cfg.ON_PRICE * (s.steep > month - 4)
        + cfg.ON_BUDGET * s.squeezed
        + cfg.ON_HUMP * new
    )
    return out


def decide(s: State, month: int, due: B) -> B:
    """Who gives notice this month, and who slides into a decline."""
    w = s.who
    ahead = s.renewal - month
    window = w.annual & (ahead >= 1) & (ahead <= 2)
    soon = w.annual & (ahead >= 3) & (ahead <= 5)
    size = np.exp(-cfg.ON_SIZE[w.segment] * w.size)
    easing = np.where((s.arm == 1) & (s.treated_until > month), cfg.RESCUE_WORKS[w.segment], 1.0)
    scale = size * easing * (np.arange(len(w)) != w.whale)
    caused = _expit(logit(s, month) + cfg.ON_RENEWAL * (w.annual & (ahead <= 5))) * scale
    timing = np.where(w.annual & ~window, np.where(ahead > 0, cfg.LOCKED, 0.0), 1.0)
    falling, lately = s.declining > 0, s.last_decline > month - 5
    direct = np.where(falling, 0.0, (1 - cfg.THROUGH_DECLINE) * caused * timing)
    fading = np.where(w.annual, np.where(window, cfg.DECLINE_LEAVES[1], 0.0), cfg.DECLINE_LEAVES[0])
    fading *= easing * np.where(s.champion_left > month - 6, *cfg.DECLINE_ALONE)
    fading = np.where(falling & (s.declining >= 2), fading, 0.0)
    unseen = cfg.UNSEEN[w.segment, w.annual.astype(np.int64)] * scale * timing
    corner = (w.industry == CORNER) & (s.plan == CORNER_PLAN)
    base_total = caused * timing + unseen + 1.25 * _bill_loss(s, month)
    unseen += np.where(corner & (timing > 0), (cfg.CORNER_TIMES - 1) * base_total, 0.0)
    unseen = np.where(falling | lately, 0.0, unseen)
    u = s.rng.random((4, len(w)))
    leaves: B = due & (u[0] < direct + fading + unseen)
    s.hazard[due, month] = (direct + fading + unseen + _bill_loss(s, month) * ~(falling | lately))[due]
    seen = leaves & (u[1] * (direct + fading + unseen) < direct + fading)
    s.cause[:, month] = np.where(leaves, np.where(seen, _cause(s, month), st.UNSEEN), s.cause[:, month])
    s.path[:, month] = falling & leaves
    _give_notice(s, month, np.flatnonzero(leaves), u[2], window & leaves)
    onset = np.where(w.annual, np.where(soon, caused * (2 / 3), 0.0), caused)
    onset *= cfg.THROUGH_DECLINE / cfg.DECLINE_ENDS
    begins = np.flatnonzero(due & ~leaves & ~falling & ~lately & (u[3] < np.minimum(onset, 0.5)))
    s.declining[begins], s.last_decline[begins] = 1, month
    s.declines.start(len(w), begins, s.world.firsts[month] + (u[1][begins] * 28).astype(np.int64))
    return leaves


def _expit(x: F) -> F:
    out: F = 1.0 / (1.0 + np.exp(-x))
    return out


def _cause(s: State, month: int) -> I:
    """The strongest of what stands against the account; value where nothing else does."""
    return np.select(
        [s.champion_left > month - 6, s.squeezed, s.ticket, s.steep > month - 4],
        [st.CHAMPION, st.BUDGET, st.SUPPORT, st.PRICE],
        st.VALUE,
    )


def _give_notice(s: State, month: int, who: I, u: F, window: B) -> None:
    """A cancellation at the end of the period: asked for now, MRR until then."""
    w, first = s.who, s.world.firsts
    pull = u[who]
    day = w.day[who]
    last = np.where(window[who] & (s.renewal[who] == month + 1), day, 26)
    asked = first[month] + (pull * (last + 1)).astype(np.int64)
    asked = np.minimum(asked, first[month + 1] - 1)
    in_month = first[month] + day
    period = np.where(asked < in_month, in_month, first[month + 1] + day)
    renewal = first[np.minimum(s.renewal[who], len(first) - 1)] + day
    end = np.where(window[who], renewal, np.where(w.annual[who], np.minimum(asked + 30, renewal), period))
    s.roll(who, month, asked)
    s.log.emit(s, who, asked, asked=asked, until=end, term_end=s.term_end(who))
    falling = s.declining[who] > 0
    s.declines.close(who[falling], asked[falling], int(first[month]))
    s.declining[who] = 0
    s.notice_day[who] = asked
    _go(s, who, end)


def _go(s: State, who: I, end: I) -> None:
    """Gone from `end` on; one in thirty will be back."""
    again = s.main[who] == cfg.RETURN
    s.gone_day[who] = np.where(again, s.gone_day[who], end)
    s.gone_again[who] = np.where(again, end, NONE)
    s.phase[who] = OVER
    u = s.rng.random((2, who.size))
    month = np.searchsorted(s.world.firsts, end, side="right") - 1
    s.returns[who] = np.where((u[0] < cfg.WIN_BACK) & ~again, month + 2 + (u[1] * 8).astype(np.int64), NONE)


def _bill_loss(s: State, month: int) -> F:
    """Chance of a bill this month that is never paid."""
    w = s.who
    kind = w.annual.astype(np.int64)
    billed = ~w.annual | ((month - s.renewal) % 12 == 0)
    out: F = np.where(billed, cfg.FAILS[w.segment, kind] * cfg.LOST_BILL[w.segment, kind], 0.0)
    out[w.whale if w.whale >= 0 else slice(0, 0)] = 0.0
    return out


def fail_payment(s: State, month: int, due: B, renewed: B) -> B:
    """Failed bills: past due from two days after the bill, then paid after all, or the end."""
    w = s.who
    kind = w.annual.astype(np.int64)
    billed = ~w.annual | ((month - s.renewal) % 12 == 0)
    u = s.rng.random((3, len(w)))
    calm = (s.declining == 0) & (s.last_decline <= month - 5) & (np.arange(len(w)) != w.whale)
    fails: B = due & (s.phase == ALIVE) & billed & (u[0] < cfg.FAILS[w.segment, kind])
    lost = fails & calm & (u[1] < cfg.LOST_BILL[w.segment, kind])
    rolled = np.flatnonzero(fails & ~renewed)
    s.roll(rolled, month, s.date(rolled, month) + 1)
    who = np.flatnonzero(fails & ~lost)
    begun = s.date(who, month) + 2
    s.log.emit(s, who, begun, status="past_due", term_end=s.term_end(who))
    paid = begun + 1 + (u[2][who] * 21).astype(np.int64)
    s.log.emit(s, who, paid, term_end=s.term_end(who))
    s.failures.append((who, begun, paid))
    s.free[who] = month + 2
    gone = np.flatnonzero(lost)
    _lose(s, month, gone, u[2][gone])
    s.cause[gone, month] = st.INVOLUNTARY
    return fails


def _lose(s: State, month: int, who: I, u: F) -> None:
    begun = s.date(who, month) + 2
    end = begun + 21
    s.log.emit(s, who, begun, status="past_due")
    unpaid = u < 0.3
    s.log.emit(s, who[unpaid], end[unpaid], status="unpaid")
    final = np.where(unpaid, end + 14, end)
    s.log.emit(s, who, final, status="canceled")
    s.failures.append((who, begun, np.full(who.size, NONE)))
    _go(s, who, end)


def pause(s: State, month: int, quiet: B) -> B:
    """A few monthly customers stop for one to four months."""
    w = s.who
    u = s.rng.random((2, len(w)))
    stops: B = quiet & ~w.annual & (s.declining == 0) & (u[0] < cfg.PAUSE)
    who = np.flatnonzero(stops)
    length = 1 + (u[1][who] ** 2 * 4).astype(np.int64)
    begun = s.date(who, month)
    ends = np.minimum(month + length, len(s.world.firsts) - 1)
    resumed = s.world.firsts[ends] + w.day[who]
    s.log.emit(s, who, begun, status="paused")
    s.log.emit(s, who, resumed)
    s.pauses.append((who, begun, resumed))
    s.free[who] = ends + 1
    return stops


def enrol(s: State, month: int, due: B) -> None:
    """The outreach goes to those at risk, a holdout apart; the tips go to anybody."""
    w, n = s.who, len(s.who)
    u = s.rng.random((3, n))
    ahead = s.renewal - month
    state = logit(s, month) - cfg.BASE[w.segment, w.annual.astype(np.int64)]
    score = state + 1.6 * (s.declining > 0) + s.rng.normal(0.0, 0.6, n)
    score += np.where(w.annual, np.where((ahead >= 1) & (ahead <= 4), 0.8, -1.5), 0.0)
    at_risk = due & (w.segment <= MID) & (score > cfg.AT_RISK[w.segment])
    at_risk &= (month >= 2) & (s.enrolled <= month - cfg.RESCUE_MONTHS)
    who = np.flatnonzero(at_risk)
    s.arm[who] = np.where(u[0][who] < cfg.HOLDOUT, 2, 1)
    s.enrolled[who], s.treated_until[who] = month, month + cfg.RESCUE_MONTHS
    s.enrolments.append((who, month, s.arm[who].copy(), 0))
    tips = np.flatnonzero(due & (u[1] < 0.03))
    s.enrolments.append((tips, month, np.where(u[2][tips] < 0.5, 2, 1), 1))
