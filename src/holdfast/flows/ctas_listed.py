"""CTAs as a reader may see them: those of the accounts in reach, and those that were passed to them; by tab, with counts and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import F, QuerySet

from holdfast.desk.models import Cta
from holdfast.domain.ctas import CLOSED, KINDS, OUTCOMES
from holdfast.flows import answers
from holdfast.metrics import accounts
from holdfast.metrics.accounts import Owners

#: the lists there are, and what they are called
TABS = {
    "risk": "Risk", "opportunity": "Opportunity", "lifecycle": "Lifecycle", "snoozed": "Snoozed", "waiting": "Waiting",
    "pooled": "Pooled", "closed": "Closed",
}  # fmt: skip
#: closed ones that are looked through, the newest first
CLOSED_SHOWN = 500


@dataclass(frozen=True)
class Eyes:
    """Whose accounts a reader sees (None: everybody's), and the owner name under which CTAs are passed to them."""

    owners: Owners
    owner_in: frozenset[str] | None
    own_name: str = ""


@dataclass(frozen=True)
class Asked:
    """Which CTAs: a tab, an owner (None: of all, '': of nobody), and only those whose cause has gone by a day."""

    tab: str = "risk"
    owner: str | None = None
    gone_on: date | None = None


@dataclass(frozen=True)
class Sum:
    """How many there are on a tab, and how much is at stake."""

    count: int
    minor: int


class Brief(NamedTuple):
    """What sums and orders need of a CTA; whole rows are read only of those that are shown."""

    pk: int
    account_id: str
    kind: str
    state: str
    is_pooled: bool
    is_placed: bool
    owner_name: str
    at_stake_minor: int
    due_on: date | None

    @property
    def tab(self) -> str:
        """Where it is listed."""
        if self.state in CLOSED:
            return "closed"
        if self.state in ("snoozed", "waiting"):
            return self.state
        return "pooled" if self.is_pooled else self.kind


@dataclass(frozen=True)
class Listed:
    """Some CTAs of a tab with the names of their accounts, the sums of what was asked for and of all tabs, and the owners that there are."""

    rows: list[tuple[Cta, str]]
    here: Sum
    sums: dict[str, Sum]
    owners: list[str]
    #: open ones whose cause has gone
    gone: int


@dataclass(frozen=True)
class Week:
    """Some of the CTAs of the week with the names of their accounts, the sums of all of them, and of what waits behind them."""

    rows: list[tuple[Cta, str]]
    here: Sum
    overdue: int
    waiting: Sum


#: what is due first; what waits by money, as it will be given out; what is closed newest first
DUE_FIRST = (F("due_on").asc(nulls_last=True), "priority", "-at_stake_minor", "pk")
ORDERS: dict[str, tuple[Any, ...]] = {
    "waiting": ("-at_stake_minor", "-severity", "pk"),
    "snoozed": (F("snoozed_until").asc(nulls_last=True), "pk"),
    "closed": ("-closed_at", "-pk"),
}


def listed(asked: Asked, eyes: Eyes, today: date, limit: int, offset: int = 0) -> Listed:
    """What a reader sees of a tab, from a place on. Of the closed ones the newest."""
    order = ORDERS.get(asked.tab, DUE_FIRST) if asked.gone_on is None else DUE_FIRST
    open_ones = _briefs(Cta.objects.unclosed().order_by(*order), eyes)
    closed = _briefs(Cta.objects.exclude(closed_at=None).order_by(*ORDERS["closed"])[:CLOSED_SHOWN], eyes)
    owners = sorted({one.owner_name for one in open_ones if one.owner_name}, key=str.casefold)
    if asked.owner is not None:
        open_ones, closed = ([one for one in some if one.owner_name == asked.owner] for some in (open_ones, closed))
    gone = set(Cta.objects.gone(today).values_list("pk", flat=True))
    by_tab: dict[str, list[Brief]] = {tab: [] for tab in TABS}
    for one in (*open_ones, *closed):
        by_tab[one.tab].append(one)
    here = [one for one in open_ones if one.pk in gone] if asked.gone_on else by_tab[asked.tab]
    sums = {tab: _sum(some) for tab, some in by_tab.items()}
    shown = _rows(here[offset : offset + limit], eyes)
    return Listed(shown, _sum(here), sums, owners, sum(one.pk in gone for one in open_ones))


def week(owner: str | None, eyes: Eyes, today: date, limit: int) -> Week:
    """What is on the list of the week, of an owner or of all (None), and what waits behind it."""
    found = Cta.objects.unclosed().filter(is_pooled=False, state__in=("open", "in_progress", "waiting"))
    if owner is not None:
        found = found.filter(owner_name=owner)
    seen = _briefs(found.order_by(*DUE_FIRST), eyes)
    now = [one for one in seen if one.state != "waiting"]
    overdue = sum(one.due_on is not None and one.due_on < today for one in now)
    return Week(_rows(now[:limit], eyes), _sum(now), overdue, _sum(one for one in seen if one.state == "waiting"))


def _sum(some: Iterable[Brief]) -> Sum:
    amounts = [one.at_stake_minor for one in some]
    return Sum(len(amounts), sum(amounts))


def of_account(account_id: str) -> tuple[list[Cta], list[Cta]]:
    """An account's open CTAs, the most pressing first, and those that were closed."""
    rows = list(Cta.objects.filter(account_id=account_id).defer("evidence").order_by("pk"))
    unclosed = [row for row in rows if not row.is_closed]
    unclosed.sort(key=lambda row: (row.priority, -row.at_stake_minor, row.pk))
    return unclosed, [row for row in rows if row.is_closed]


def outcomes_of(signal: str) -> dict[str, int]:
    """How CTAs that a signal had part in ended, by outcome, the most frequent first; of all accounts."""
    found = Cta.objects.exclude(closed_at=None).values_list("signals", "outcome")
    counts = Counter(outcome for signals, outcome in found if signal in signals)
    return {OUTCOMES.get(outcome, outcome): count for outcome, count in counts.most_common()}


def seen(rows: Iterable[Cta], eyes: Eyes) -> list[Cta]:
    """Those of some CTAs that a reader sees."""
    return [row for row in rows if _is_seen(row, eyes)]


def _briefs(found: QuerySet[Cta], eyes: Eyes) -> list[Brief]:
    """Those of a query that a reader sees."""
    told = map(Brief._make, found.values_list(*Brief._fields))
    return list(told) if eyes.owner_in is None else [one for one in told if _is_seen(one, eyes)]


def _is_seen(one: Brief | Cta, eyes: Eyes) -> bool:
    """Whether it is of an account in reach, or was passed to the reader."""
    if eyes.owner_in is None:
        return True
    in_reach: dict[str, str] = answers.ask_records(accounts.names, None, eyes.owners, eyes.owner_in)
    is_passed = one.is_placed and bool(eyes.own_name) and one.owner_name == eyes.own_name
    return one.account_id in in_reach or is_passed


def _rows(some: list[Brief], eyes: Eyes) -> list[tuple[Cta, str]]:
    """The rows whole, with the names of their accounts; an account that is not in what is booked has its id for a name."""
    rows = Cta.objects.defer("evidence").in_bulk([one.pk for one in some])
    names = accounts.names(answers.records(), {one.account_id for one in some}, eyes.owners) if some else {}
    return [(rows[one.pk], names.get(one.account_id, one.account_id)) for one in some if one.pk in rows]


assert set(KINDS) < set(TABS)
