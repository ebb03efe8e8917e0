"""CTAs as a reader may see them: those of the accounts in reach, and those that were passed to them; by tab, with counts and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Count, F, QuerySet
from django.db.models import Sum as Sum_

from holdfast.desk.models import Cta
from holdfast.desk.models.ctas import CtaQuerySet
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


def tab_of(state: str, is_pooled: bool, kind: str) -> str:
    """Where a CTA is listed."""
    if state in CLOSED:
        return "closed"
    if state in ("snoozed", "waiting"):
        return state
    return "pooled" if is_pooled else kind


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
        return tab_of(self.state, self.is_pooled, self.kind)


@dataclass(frozen=True)
class Listed:
    """Some CTAs of a tab with the names of their accounts, the sums of what was asked for and of all tabs; the owners there are, for who sees all."""

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
    """What a reader sees of a tab, from a place on. Who sees a part of the accounts has their newest closed ones."""
    order = DUE_FIRST if asked.gone_on else ORDERS.get(asked.tab, DUE_FIRST)
    everyone = Cta.objects.all() if asked.owner is None else Cta.objects.filter(owner_name=asked.owner)
    if eyes.owner_in is None:
        found = everyone.gone(today) if asked.gone_on else _on(asked.tab, everyone)
        shown = _rows(list(found.order_by(*order).values_list("pk", "account_id")[offset : offset + limit]), eyes)
        sums = _by_tab(everyone)
        names = Cta.objects.unclosed().exclude(owner_name="").values_list("owner_name", flat=True).distinct()
        here = _counted(found) if asked.gone_on else sums[asked.tab]
        return Listed(shown, here, sums, sorted(names, key=str.casefold), everyone.gone(today).count())
    open_ones = _briefs(everyone.unclosed().order_by(*order), eyes)
    closed = _briefs(everyone.exclude(closed_at=None).order_by(*ORDERS["closed"])[:CLOSED_SHOWN], eyes)
    gone = set(everyone.gone(today).values_list("pk", flat=True))
    by_tab: dict[str, list[Brief]] = {tab: [] for tab in TABS}
    for one in (*open_ones, *closed):
        by_tab[one.tab].append(one)
    some = [one for one in open_ones if one.pk in gone] if asked.gone_on else by_tab[asked.tab]
    shown = _rows([(one.pk, one.account_id) for one in some[offset : offset + limit]], eyes)
    sums = {tab: _sum(briefs) for tab, briefs in by_tab.items()}
    return Listed(shown, _sum(some), sums, [], sum(one.pk in gone for one in open_ones))


def week(owner: str | None, eyes: Eyes, today: date, limit: int) -> Week:
    """What is on the list of the week, of an owner or of all (None), and what waits behind it."""
    found = Cta.objects.unclosed().filter(is_pooled=False)
    if owner is not None:
        found = found.filter(owner_name=owner)
    now, waiting = found.to_do().order_by(*DUE_FIRST), found.filter(state="waiting")
    if eyes.owner_in is None:
        shown = _rows(list(now.values_list("pk", "account_id")[:limit]), eyes)
        return Week(shown, _counted(now), now.filter(due_on__lt=today).count(), _counted(waiting))
    some = _briefs(now, eyes)
    overdue = sum(one.due_on is not None and one.due_on < today for one in some)
    shown = _rows([(one.pk, one.account_id) for one in some[:limit]], eyes)
    return Week(shown, _sum(some), overdue, _sum(_briefs(waiting, eyes)))


def _on(tab: str, found: CtaQuerySet) -> CtaQuerySet:
    """Those of a tab, as `tab_of` has it."""
    if tab == "closed":
        return found.exclude(closed_at=None)
    if tab in ("snoozed", "waiting"):
        return found.unclosed().filter(state=tab)
    working = found.unclosed().exclude(state__in=("snoozed", "waiting"))
    return working.filter(is_pooled=True) if tab == "pooled" else working.filter(is_pooled=False, kind=tab)


def _by_tab(found: CtaQuerySet) -> dict[str, Sum]:
    sums = dict.fromkeys(TABS, Sum(0, 0))
    grouped = found.order_by().values_list("state", "is_pooled", "kind")
    for state, is_pooled, kind, count, minor in grouped.annotate(count=Count("pk"), minor=Sum_("at_stake_minor")):
        before = sums[tab_of(state, is_pooled, kind)]
        sums[tab_of(state, is_pooled, kind)] = Sum(before.count + count, before.minor + minor)
    return sums


def _counted(found: QuerySet[Cta]) -> Sum:
    told = found.order_by().aggregate(count=Count("pk"), minor=Sum_("at_stake_minor"))
    return Sum(told["count"], told["minor"] or 0)


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
    is_seen = _sight(eyes)
    return [row for row in rows if is_seen(row)]


def _briefs(found: QuerySet[Cta], eyes: Eyes) -> list[Brief]:
    """Those of a query that a reader sees."""
    return list(filter(_sight(eyes), map(Brief._make, found.values_list(*Brief._fields))))


def _sight(eyes: Eyes) -> Callable[[Brief | Cta], bool]:
    """What a reader sees: what is of an account in reach, or was passed to them."""
    if eyes.owner_in is None:
        return lambda one: True
    in_reach: dict[str, str] = answers.ask_records(accounts.names, None, eyes.owners, eyes.owner_in)
    own = eyes.own_name or None
    return lambda one: one.account_id in in_reach or (one.is_placed and one.owner_name == own)


def _rows(some: list[tuple[int, str]], eyes: Eyes) -> list[tuple[Cta, str]]:
    """The rows whole, by number and account, with the names of their accounts; one that is not in what is booked has its id for a name."""
    rows = Cta.objects.defer("evidence").in_bulk([number for number, _ in some])
    names = accounts.names(answers.records(), {account for _, account in some}, eyes.owners) if some else {}
    return [(rows[number], names.get(account, account)) for number, account in some if number in rows]


assert set(KINDS) < set(TABS)
