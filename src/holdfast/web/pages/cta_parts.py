"""What pages tell of CTAs: lines, groups by due date, histories in words; and whose words a reader may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import HttpRequest

from holdfast.charts import numbers
from holdfast.desk.models import Cta, CtaEvent, User
from holdfast.domain.ctas import OUTCOMES, in_words, is_gone
from holdfast.domain.health import Disagreement, disagreement
from holdfast.domain.judgement import SEVERITIES
from holdfast.flows import ctas_listed as listed
from holdfast.flows.ctas_work import MOST, CtaError
from holdfast.metrics import accounts, standing
from holdfast.web import answers, owners, rights
from holdfast.web.pages import watch_words as words
from holdfast.web.pages.account_columns import until
from holdfast.web.pages.account_reach import reach_of

#: how a priority is shown
PILLS = {1: "pill-bad", 2: "pill-warn", 3: ""}
#: stands for nobody's CTAs in the address
NOBODY = "-"


@dataclass(frozen=True)
class Line:
    """A CTA as a list tells it."""

    cta: Cta
    account: str
    #: the reader may work on it, and read what people wrote
    is_theirs: bool
    due: str
    is_overdue: bool
    is_gone: bool
    title: str

    @property
    def pill(self) -> str:
        return PILLS[self.cta.priority]

    @property
    def sentence(self) -> str:
        return self.cta.sentence if self.is_theirs or not self.cta.is_own else ""


@dataclass(frozen=True)
class Group:
    """Lines with the same span of due dates."""

    title: str
    lines: list[Line]

    @property
    def minor(self) -> int:
        return sum(line.cta.at_stake_minor for line in self.lines)


@dataclass(frozen=True)
class Told:
    """An entry of a CTA's history."""

    event: CtaEvent
    title: str
    who: str
    text: str
    dot: str


def eyes_of(request: HttpRequest) -> listed.Eyes:
    """What the request's person sees of CTAs."""
    reach, user = reach_of(request), rights.person(request)
    return listed.Eyes(reach.owners, reach.owner_in, user.owner_name if user.role == "csm" else "")


def line(request: HttpRequest, row: Cta, account: str, today: date) -> Line:
    theirs = rights.may(request.user, "cta.work", row.account_id) if _asks_each(request) else _works(request)
    return Line(
        row, account, theirs, until(row.due_on, today) if row.due_on else "", bool(row.due_on and row.due_on < today and not row.is_closed),
        not row.is_closed and is_gone(row.seen_on, today), title_of(row, theirs=theirs),
    )  # fmt: skip


def _asks_each(request: HttpRequest) -> bool:
    """A CSM works on some accounts and not on others; other roles on all, or none."""
    return rights.person(request).role == "csm"


def _works(request: HttpRequest) -> bool:
    return rights.may(request.user, "cta.work")


def title_of(row: Cta, *, theirs: bool) -> str:
    """Its title; what a person wrote is for those who may read notes."""
    return row.title if theirs or not row.is_own else f"{row.kind_title}, written by a person"


def grouped(lines: Iterable[Line], tab: str, today: date) -> list[Group]:
    """Open ones by when they are due; other tabs have an order of their own, and are one group."""
    told = list(lines)
    if tab in ("waiting", "snoozed", "closed"):
        return [Group("", told)] if told else []
    groups: dict[str, list[Line]] = {}
    for one in told:
        groups.setdefault(_span(one.cta.due_on, today), []).append(one)
    return [Group(title, some) for title, some in groups.items()]


def _span(due_on: date | None, today: date) -> str:
    if due_on is None:
        return "No day set"
    if due_on < today:
        return "Overdue"
    sunday = today + timedelta(days=6 - today.weekday())
    if due_on <= sunday:
        return "This week"
    return "Next week" if due_on <= sunday + timedelta(days=7) else "Later"


def history(row: Cta, *, theirs: bool) -> list[Told]:
    """What happened to it, the newest first; without what people wrote for those who may not read it."""
    found = row.events.select_related("by", "via_key").order_by("-pk")
    return [_told(row, event, theirs=theirs) for event in found]


def _told(row: Cta, event: CtaEvent, *, theirs: bool) -> Told:
    who = str(event.by) if event.by else event.via_key.name if event.via_key else ""
    dot = {"opened": "note", "closed": "reactivation", "note": "note", "rose": "churn", "joined": "warn"}
    text = event.text if theirs else ""
    return Told(event, _title(row, event.kind, event.detail), who, text, dot.get(event.kind, ""))


def _title(row: Cta, kind: str, detail: dict[str, Any]) -> str:
    named = ", ".join(in_words(name).lower() for name in detail.get("signals", []))
    if kind == "opened":
        return f"Opened: {named}" if named else "Opened"
    if kind == "joined":
        return f"Joined: {named}"
    if kind == "rose":
        return f"More severe: {SEVERITIES[detail['before']]} → {SEVERITIES[detail['after']]}"
    if kind == "snoozed":
        return f"Snoozed until {numbers.day(date.fromisoformat(detail['until']))}"
    if kind in ("reassigned", "moved"):
        what = "Passed" if kind == "reassigned" else "Moved with its account"
        return f"{what} from {detail['before'] or 'nobody'} to {detail['after'] or 'nobody'}"
    if kind == "closed":
        return f"Closed: {OUTCOMES.get(detail['outcome'], detail['outcome']).lower()}"
    return {
        "pooled": "Pooled: looked after in a digital programme", "unpooled": "Taken out of the pool", "given": "Given for the week",
        "postponed": "Waits: others have more at stake this week", "started": "Taken up", "returned": "Back from its snooze",
        "note": "Note",
    }[kind]  # fmt: skip


def apart(account_id: str, said: int | None) -> Disagreement | None:
    """Where the CSM's word and the health that the last watch gave disagree."""
    stands = answers.ask_records(standing.of_account, account_id)
    return disagreement(stands.health, said, words.in_force()) if stands else None


def known_names() -> list[str]:
    """To whom a CTA may be passed: people with an owner name, and who carries accounts."""
    told = answers.ask_records(accounts.choices, "owner", owners.standing(), None)
    people = User.objects.filter(is_active=True).exclude(owner_name="").values_list("owner_name", flat=True)
    return sorted({choice.value for choice in told if choice.value} | set(people), key=str.casefold)


def amount(text: str, currency: str) -> int:
    """An amount that somebody typed, in minor units. CtaError: it is none."""
    try:
        minor = Decimal(text.strip().replace(",", "")).scaleb(numbers.exponent(currency))
        if 0 <= minor <= MOST:
            return int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise CtaError(f"'{text[:40]}' is not an amount; write 1200 or 1200.50")
