"""CTAs as a reader may see them: those of the accounts in reach, and those that were passed to them; by tab, with counts and money."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import QuerySet

from holdfast.desk.models import Cta
from holdfast.domain.ctas import KINDS
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


@dataclass(frozen=True)
class Listed:
    """The CTAs of a tab with the names of their accounts, the sums of all tabs, and the owners that there are."""

    rows: list[tuple[Cta, str]]
    sums: dict[str, Sum]
    owners: list[str]
    #: open ones whose cause has gone
    gone: int

    @property
    def minor(self) -> int:
        return sum(row.at_stake_minor for row, _ in self.rows)


def tab_of(row: Cta) -> str:
    """Where a CTA is listed."""
    if row.is_closed:
        return "closed"
    if row.state in ("snoozed", "waiting"):
        return row.state
    return "pooled" if row.is_pooled else row.kind


def listed(asked: Asked, eyes: Eyes, today: date) -> Listed:
    """What a reader sees of a tab. Of the closed ones the newest."""
    open_ones = _seen(Cta.objects.unclosed().defer("evidence"), eyes)
    closed = _seen(Cta.objects.exclude(closed_at=None).defer("evidence").order_by("-closed_at")[:CLOSED_SHOWN], eyes)
    owners = sorted({row.owner_name for row, _ in open_ones if row.owner_name}, key=str.casefold)
    if asked.owner is not None:
        open_ones, closed = ([one for one in some if one[0].owner_name == asked.owner] for some in (open_ones, closed))
    gone = {row.pk for row in Cta.objects.gone(today).only("pk")}
    here = [one for one in [*open_ones, *closed] if tab_of(one[0]) == asked.tab]
    if asked.gone_on:
        here = [one for one in open_ones if one[0].pk in gone]
    counts, money = Counter[str](), Counter[str]()
    for row, _ in (*open_ones, *closed):
        counts[tab_of(row)] += 1
        money[tab_of(row)] += row.at_stake_minor
    sums = {tab: Sum(counts[tab], money[tab]) for tab in TABS}
    return Listed(_in_order(here, asked.tab), sums, owners, sum(row.pk in gone for row, _ in open_ones))


def week(owner: str | None, eyes: Eyes) -> tuple[list[tuple[Cta, str]], Sum]:
    """What is on the list of the week, of an owner or of all (None), and what waits behind it."""
    found = Cta.objects.unclosed().filter(is_pooled=False, state__in=("open", "in_progress", "waiting"))
    if owner is not None:
        found = found.filter(owner_name=owner)
    seen = _seen(found.defer("evidence"), eyes)
    waiting = [row for row, _ in seen if row.state == "waiting"]
    now = [one for one in seen if one[0].state != "waiting"]
    return _in_order(now, "risk"), Sum(len(waiting), sum(row.at_stake_minor for row in waiting))


def of_account(account_id: str) -> tuple[list[Cta], list[Cta]]:
    """An account's open CTAs, the most pressing first, and those that were closed."""
    rows = list(Cta.objects.filter(account_id=account_id).defer("evidence").order_by("pk"))
    unclosed = [row for row in rows if not row.is_closed]
    unclosed.sort(key=lambda row: (row.priority, -row.at_stake_minor, row.pk))
    return unclosed, [row for row in rows if row.is_closed]


def seen(rows: Iterable[Cta], eyes: Eyes) -> list[tuple[Cta, str]]:
    """Those of some CTAs that a reader sees, with the names of their accounts."""
    return _seen(rows, eyes)


def _seen(rows: QuerySet[Cta] | Iterable[Cta], eyes: Eyes) -> list[tuple[Cta, str]]:
    found = list(rows)
    records = answers.records()
    names = accounts.names(records, {row.account_id for row in found}, eyes.owners, eyes.owner_in)
    if eyes.owner_in is None:
        # an account that is not in what is booked has its id for a name
        return [(row, names.get(row.account_id, row.account_id)) for row in found]
    passed = {row.account_id for row in found if _is_passed(row, eyes) and row.account_id not in names}
    others = accounts.names(records, passed, eyes.owners) if passed else {}
    told = []
    for row in found:
        if row.account_id in names:
            told.append((row, names[row.account_id]))
        elif _is_passed(row, eyes):
            told.append((row, others.get(row.account_id, row.account_id)))
    return told


def _is_passed(row: Cta, eyes: Eyes) -> bool:
    return row.is_placed and bool(eyes.own_name) and row.owner_name == eyes.own_name


def _in_order(rows: list[tuple[Cta, str]], tab: str) -> list[tuple[Cta, str]]:
    """What is due first; what waits by money, as it will be given out; what is closed newest first."""
    if tab == "closed":
        return rows
    if tab == "waiting":
        return sorted(rows, key=lambda one: (-one[0].at_stake_minor, -one[0].severity, one[0].pk))
    if tab == "snoozed":
        return sorted(rows, key=lambda one: (one[0].snoozed_until or date.max, one[0].pk))
    return sorted(rows, key=lambda one: (one[0].due_on or date.max, one[0].priority, -one[0].at_stake_minor, one[0].pk))


assert set(KINDS) < set(TABS)
