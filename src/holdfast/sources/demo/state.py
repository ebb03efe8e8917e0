"""The running state of a chunk's accounts, and the log of what happened to their items."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.domain.facts import STATUSES
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.traits import Traits
from holdfast.sources.demo.world import NONE, B, F, I, World

AWAITED, ALIVE, OVER = range(3)
STATUS = {name: code for code, name in enumerate(STATUSES)}

#: Columns of the log of item states.
LOGGED = ("who", "slot", "day", "status", "qty", "unit", "plan", "asked", "term_end", "until")
CAUSES = ("none", "value", "champion", "support", "price", "budget", "unseen", "involuntary")
NO, VALUE, CHAMPION, SUPPORT, PRICE, BUDGET, UNSEEN, INVOLUNTARY = range(8)


class Log:
    """Item states in the order in which they were simulated."""

    def __init__(self) -> None:
        self._rows: list[I] = []

    def emit(
        self,
        s: State,
        who: I,
        day: I,
        *,
        status: str = "active",
        term_end: I | None = None,
        asked: I | None = None,
        until: I | None = None,
        only: int | None = None,
    ) -> None:
        """A new state of each item the accounts have (or of one item), as quantity and price are now."""
        none = np.full(who.size, NONE)
        parts = (
            day,
            none if asked is None else asked,
            none if term_end is None else term_end,
            none if until is None else until,
        )
        for slot in range(cfg.SLOTS) if only is None else (only,):
            held = s.has[who, slot]
            index = who[held]
            if not index.size:
                continue
            when, ask, term, end = (part[held] for part in parts)
            code = np.full(index.size, STATUS[status])
            where = np.full(index.size, slot)
            self._rows.append(
                np.stack(
                    [index, where, when, code, s.qty[index, slot], s.unit[index, slot], s.plan[index], ask, term, end]
                )
            )

    def end_trial(self, s: State, who: I, day: I) -> None:
        """The trial is over and nothing follows: half of the sources say so, half just end the state."""
        said = who % 2 == 0
        self.emit(s, who[said], day[said], status="canceled", only=cfg.MAIN)
        self.emit(s, who[~said], day[~said] - 14, status="trialing", until=day[~said], only=cfg.MAIN)

    def columns(self) -> dict[str, I]:
        rows = np.concatenate(self._rows, axis=1)
        return dict(zip(LOGGED, rows, strict=True))


@dataclass
class Declines:
    """Declines of usage: begun, and ended by leaving (`day` of the notice) or by getting well again."""

    who: list[I] = field(default_factory=list)
    begun: list[I] = field(default_factory=list)
    left: list[I] = field(default_factory=list)
    well: list[I] = field(default_factory=list)
    since: dict[str, I] = field(default_factory=dict)

    def start(self, n: int, who: I, day: I) -> None:
        self.since.setdefault("day", np.full(n, NONE))[who] = day

    def close(self, who: I, notice: I, today: int) -> None:
        """Those who leave began 30 to 120 days before their notice; the others are well from today."""
        if not who.size:
            return
        begun = self.since["day"][who]
        begun = np.where(notice == NONE, begun, np.clip(begun, notice - 120, notice - 30))
        self.who.append(who)
        self.begun.append(begun)
        self.left.append(notice)
        self.well.append(np.where(notice == NONE, today, NONE))

    def columns(self) -> tuple[I, I, I, I]:
        if not self.who:
            empty = np.zeros(0, np.int64)
            return empty, empty, empty, empty
        return (
            np.concatenate(self.who),
            np.concatenate(self.begun),
            np.concatenate(self.left),
            np.concatenate(self.well),
        )


class State:
    """Everything that changes, by account of the chunk; histories are (account, month)."""

    def __init__(self, world: World, who: Traits, rng: np.random.Generator) -> None:
        n, months = len(who), world.months
        self.world, self.who, self.rng, self.log, self.declines = world, who, rng, Log(), Declines()
        self.qty = np.zeros((n, cfg.SLOTS), np.int64)
        self.unit = np.zeros((n, cfg.SLOTS), np.int64)
        self.has = np.zeros((n, cfg.SLOTS), bool)
        self.main, self.phase, self.free = (np.zeros(n, np.int64) for _ in range(3))
        self.plan, self.renewal = who.plan.copy(), who.renewal.copy()
        self.value: F = who.fit + cfg.VALUE_SD * rng.normal(0, 1, n)
        self.use: F = cfg.USE_SD * rng.normal(0, 1, n)
        self.near, self.was_near, self.declining = (np.zeros(n, np.int64) for _ in range(3))
        self.champion_left, self.no_champion_until = np.full(n, -99), np.zeros(n, np.int64)
        self.budget_until, self.steep = np.zeros(n, np.int64), np.full(n, -99)
        self.last_decline, self.enrolled = np.full(n, -99), np.full(n, -99)
        self.squeezed: B = np.zeros(n, bool)
        self.ticket: B = np.zeros(n, bool)
        self.gone_day, self.back_day, self.gone_again = np.full(n, NONE), np.full(n, NONE), np.full(n, NONE)
        self.notice_day, self.returns, self.planned = np.full(n, NONE), np.full(n, NONE), np.full(n, NONE)
        self.arm, self.treated_until = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.departures: list[tuple[I, int]] = []
        self.sponsor_departures: list[tuple[I, int]] = []
        self.tickets: list[tuple[I, int]] = []
        self.enrolments: list[tuple[I, int, I, int]] = []
        self.growths: list[tuple[I, I, str]] = []
        self.plan_changes: list[tuple[I, I, I]] = []
        self.failures: list[tuple[I, I, I]] = []
        self.pauses: list[tuple[I, I, I]] = []
        self.hazard = np.full((n, months), np.nan, np.float32)
        self.cause = np.zeros((n, months), np.int8)
        self.path = np.zeros((n, months), np.int8)
        self.seats_then = np.zeros((n, months), np.int32)
        self.load_then = np.zeros((n, months), np.float32)
        self.value_then = np.zeros((n, months), np.float32)
        self.near_then = np.zeros((n, months), np.int16)
        self.champion_then = np.zeros((n, months), bool)
        self.dip_then = np.zeros((n, months), bool)

    def open_to_events(self, month: int) -> B:
        ready: B = (self.phase == ALIVE) & (month > self.who.started) & (self.free <= month)
        return ready

    def load(self) -> F:
        """Active seats ÷ seats."""
        raw = cfg.USE_MEAN[self.who.segment] + self.use + cfg.USE_OF_VALUE * self.value
        out: NDArray[np.float64] = np.clip(raw, 0.08, 1.0)
        return out

    def term_end(self, who: I) -> I:
        """First day after the current contract term; NONE where the customer pays month by month."""
        w, firsts = self.who, self.world.firsts
        annual = firsts[np.minimum(self.renewal[who], len(firsts) - 1)] + w.day[who]
        return np.where(w.annual[who], annual, NONE)

    def roll(self, who: I, month: int, before: I) -> None:
        """The month's new period, for those whose source reports it, where it begins before a day."""
        day = self.date(who, month)
        some = self.who.rolling[who] & (day < before)
        for slot in (cfg.MAIN, cfg.RETURN):
            self.log.emit(self, who[some], day[some], term_end=self.term_end(who[some]), only=slot)

    def date(self, who: I, month: int) -> I:
        """The billing day of the month."""
        day: I = self.world.firsts[month] + self.who.day[who]
        return day

    def add_item(self, who: I, slot: int, share: float) -> None:
        """One more item, priced as a share of the main one."""
        main = self.main[who]
        price = np.rint(self.qty[who, main] * self.unit[who, main] * share)
        self.has[who, slot], self.qty[who, slot], self.unit[who, slot] = True, 1, np.maximum(price, 100)

    def remember(self, month: int) -> None:
        rows = np.arange(len(self.who))
        self.seats_then[:, month] = self.qty[rows, self.main]
        self.load_then[:, month] = self.load()
        self.value_then[:, month] = self.value
        self.near_then[:, month] = self.was_near
        self.champion_then[:, month] = self.champion_left > month - 6
        self.dip_then[:, month] = self.declining > 0
