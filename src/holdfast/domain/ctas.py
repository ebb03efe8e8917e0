"""What becomes a call to action (CTA), and what becomes of it: joining, quiet periods, priority, pooling, and a week's budget.

Decisions alone: nothing is read and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from holdfast.domain.judgement import NOTICE, URGENT, Evidence

#: what a CTA is about, and what it is called
KINDS = {"risk": "Risk", "opportunity": "Opportunity", "lifecycle": "Lifecycle"}
#: how it stands; those before `done` are not closed. `waiting`: the week's budget has no place for it yet
STATES = {
    "waiting": "waiting", "open": "open", "in_progress": "in progress", "snoozed": "snoozed", "done": "done", "dismissed": "dismissed",
}  # fmt: skip
CLOSED = frozenset({"done", "dismissed"})
#: what came of it, as the person says who closes it
OUTCOMES = {
    "retained": "Retained", "lost": "Lost", "grew": "Grew", "no_change": "No change", "wrong_alarm": "Wrong alarm",
    "not_worth_it": "Not worth the effort",
}  # fmt: skip
#: outcomes that say nothing was done
DISMISSING = frozenset({"wrong_alarm", "not_worth_it"})
HIGH, MEDIUM, LOW = 1, 2, 3
PRIORITIES = {HIGH: "high", MEDIUM: "medium", LOW: "low"}
#: days without its cause after which a CTA is offered for closing
GONE_AFTER = 28


@dataclass(frozen=True)
class Budget:
    """How many CTAs a CSM is given a week, and what counts as little and as much money. Amounts are minor units of MRR."""

    per_week: int = 10
    #: accounts with less MRR are looked after in a digital programme
    pool_under_minor: int = 10_000
    #: from so much at stake on money weighs in full
    large_minor: int = 100_000
    #: days for which a closed CTA's cause opens no other
    quiet_days: int = 45

    def __post_init__(self) -> None:
        if min(self.per_week, self.pool_under_minor, self.large_minor, self.quiet_days) < 0:
            raise ValueError("a budget has no negative numbers")


@dataclass(frozen=True)
class Wanted:
    """A CTA that signals or risk ask for. One account has one open CTA of a kind and cause at most."""

    account_id: str
    kind: str
    cause: str
    severity: int
    sentence: str
    evidence: tuple[Evidence, ...]
    signals: tuple[str, ...]
    at_stake_minor: int
    currency: str
    owner: str
    next_step: str
    due_on: date | None
    #: the cause in words where it is left out
    title: str = ""
    #: the account's MRR, by which it is pooled; what is at stake where it is left out
    mrr_minor: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"there is no kind of CTA '{self.kind}'; the kinds are {', '.join(KINDS)}")
        if not self.account_id or not self.cause:
            raise ValueError("a CTA has an account and a cause")
        if not NOTICE <= self.severity <= URGENT:
            raise ValueError(f"a severity is from {NOTICE} to {URGENT}")

    @property
    def key(self) -> tuple[str, str, str]:
        """By which it is known again."""
        return self.account_id, self.kind, self.cause

    @property
    def called(self) -> str:
        return self.title or in_words(self.cause)

    def is_small(self, budget: Budget) -> bool:
        """Whether its account is looked after in a digital programme."""
        worth = self.at_stake_minor if self.mrr_minor is None else self.mrr_minor
        return worth < budget.pool_under_minor


def in_words(name: str) -> str:
    """declining_use → Declining use"""
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]


def merged(wanted: Iterable[Wanted]) -> list[Wanted]:
    """One for each account, kind and cause: the most severe speaks, and brings what the others saw."""
    found: dict[tuple[str, str, str], Wanted] = {}
    for one in sorted(wanted, key=lambda w: (-w.severity, -w.at_stake_minor, w.signals)):
        first = found.get(one.key)
        found[one.key] = one if first is None else _with(first, one)
    return list(found.values())


def _with(first: Wanted, other: Wanted) -> Wanted:
    days = [day for day in (first.due_on, other.due_on) if day]
    return replace(
        first,
        evidence=tuple(dict.fromkeys((*first.evidence, *other.evidence))),
        signals=tuple(dict.fromkeys((*first.signals, *other.signals))),
        at_stake_minor=max(first.at_stake_minor, other.at_stake_minor),
        due_on=min(days, default=None),
    )


def new_signals(known: Collection[str], told: Iterable[str]) -> list[str]:
    """The signals that an open CTA does not have yet."""
    return [name for name in dict.fromkeys(told) if name not in known]


def may_open(closed_on: date, closed_severity: int, severity: int, today: date, quiet_days: int) -> bool:
    """Whether a cause may open a CTA after the last one was closed: when the quiet period is over, or it is more severe now."""
    return severity > closed_severity or (today - closed_on).days >= quiet_days


def priority(at_stake_minor: int, severity: int, large_minor: int) -> int:
    """From the money at stake and the severity: large and a warning, or a quarter of that and urgent, is high."""
    money = 2 if at_stake_minor >= large_minor else 1 if 4 * at_stake_minor >= large_minor else 0
    points = money + severity
    return HIGH if points >= 4 else MEDIUM if points >= 2 else LOW


def is_gone(seen_on: date | None, today: date) -> bool:
    """Whether a CTA's cause has not been seen for so long that it is offered for closing."""
    return seen_on is not None and (today - seen_on).days >= GONE_AFTER


def state_after(outcome: str) -> str:
    """`done`, or `dismissed` where nothing was done. ValueError: there is no such outcome."""
    if outcome not in OUTCOMES:
        raise ValueError(f"there is no outcome '{outcome}'; the outcomes are {', '.join(OUTCOMES)}")
    return "dismissed" if outcome in DISMISSING else "done"


# -- the week's budget -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ranked:
    """A CTA that may be on its owner's list of the week."""

    id: int
    at_stake_minor: int
    severity: int
    opened_on: date
    #: somebody works on it, or put it there: it stays
    is_kept: bool = False
    #: it was given for this week already
    is_given: bool = False

    @property
    def place(self) -> tuple[int, int, date, int]:
        """Its place in the order: by money at stake, then severity, then age."""
        return -self.at_stake_minor, -self.severity, self.opened_on, self.id


def monday(day: date) -> date:
    """The first day of a day's week."""
    return day - timedelta(days=day.weekday())


def week_list(ranked: Sequence[Ranked], per_week: int) -> frozenset[int]:
    """Which of an owner's CTAs are on the list of the week: the most money first, up to the budget; the rest wait.

    What is worked on stays and counts. What was given for the week stays until it is closed, unless an urgent one with more at
    stake comes meanwhile: that one takes the place of the smallest.
    """
    kept = [one for one in ranked if one.is_kept]
    free = max(0, per_week - len(kept))
    given = sorted((one for one in ranked if one.is_given and not one.is_kept), key=lambda one: one.place)[:free]
    others = sorted((one for one in ranked if one not in kept and one not in given), key=lambda one: one.place)
    given += others[: free - len(given)]
    urgent = [one for one in others if one.severity == URGENT and one not in given]
    given = sorted(given, key=lambda one: one.place)
    for one in urgent:
        if not given or one.place > given[-1].place:
            break
        given = sorted([*given[:-1], one], key=lambda one: one.place)
    return frozenset(one.id for one in (*kept, *given))
