"""What people do with CTAs: write their own, take one up, put it off, pass it on, add a word, and close it with what came of it.

Whether somebody may work on an account's CTAs at all is the door's question.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from holdfast.desk.models import ApiKey, AuditEntry, Cta, CtaEvent
from holdfast.desk.turns import take_turn
from holdfast.domain import ctas
from holdfast.domain.judgement import WARNING
from holdfast.flows import ctas as flow

#: characters of a title, and of what a person writes; days that a CTA can be put off
LONGEST_TITLE, LONGEST, FARTHEST = 200, 10_000, 366
#: the largest amount that can be at stake, in minor units
MOST = 10**14


class CtaError(ValueError):
    """Something that cannot be done with a CTA; the message says why."""


class ClosedError(CtaError):
    """It is closed already."""


@dataclass(frozen=True)
class By:
    """Who does it, when, and from which address: a person, or a program with its key."""

    now: datetime
    user: Any = None
    key: ApiKey | None = None
    address: str = ""

    @property
    def person(self) -> Any:
        return self.user if self.user is not None and self.user.pk else None


@dataclass(frozen=True)
class Written:
    """A CTA as a person writes it."""

    kind: str
    title: str
    sentence: str = ""
    next_step: str = ""
    owner: str = ""
    due_on: date | None = None
    at_stake_minor: int = 0
    currency: str = ""
    severity: int = WARNING

    def __post_init__(self) -> None:
        if self.kind not in ctas.KINDS:
            raise CtaError(f"there is no kind '{self.kind}'; the kinds are {', '.join(ctas.KINDS)}")
        if not 0 < len(self.title) <= LONGEST_TITLE:
            raise CtaError(f"a title has 1 to {LONGEST_TITLE} characters")
        if max(len(self.sentence), len(self.next_step)) > LONGEST or len(self.owner) > 200:
            raise CtaError(f"a text has up to {LONGEST:,} characters, a name up to 200")
        if not 0 <= self.at_stake_minor <= MOST:
            raise CtaError("what is at stake is an amount from 0 on")
        if self.severity not in (1, 2, 3):
            raise CtaError("a severity is 1, 2 or 3")


def write(account_id: str, told: Written, by: By) -> Cta:
    """A person's own CTA: it stands on its owner's list at once, and counts."""
    public_id = Cta._meta.get_field("public_id").get_default()
    with transaction.atomic():
        take_turn()
        row = Cta.objects.create(
            public_id=public_id, account_id=account_id, kind=told.kind, cause=f"own:{public_id}", title=told.title,
            sentence=told.sentence, next_step=told.next_step, owner_name=told.owner, due_on=told.due_on,
            at_stake_minor=told.at_stake_minor, currency=told.currency, severity=told.severity,
            priority=ctas.priority(told.at_stake_minor, told.severity, flow.budget().large_minor),
            opened_at=by.now, opened_by=by.person, via_key=by.key, is_own=True, is_placed=True, state="open",
            week=ctas.monday(by.now.date()),
        )  # fmt: skip
        _happened(row, "opened", by)
        _audit("opened CTA", row, by)
        flow.tell_opened(row, by.now)
        flow.give_out(by.now)
        row.refresh_from_db()
    return row


def find(account_id: str, public_id: str) -> Cta:
    """A CTA of an account. Cta.DoesNotExist: there is none."""
    return Cta.objects.select_related("opened_by", "closed_by", "via_key").get(
        public_id=public_id, account_id=account_id
    )


def is_assigned(owner_name: str, account_id: str) -> bool:
    """Whether somebody gave this owner an open CTA of the account, whoever carries the account."""
    if not owner_name:
        return False
    return Cta.objects.unclosed().filter(account_id=account_id, owner_name=owner_name, is_placed=True).exists()


def start(row: Cta, by: By) -> Cta:
    """Take it up, also one that waits or is pooled."""
    with transaction.atomic():
        row = _held(row)
        if row.state != "in_progress":
            row.state, row.snoozed_until, row.is_pooled, row.is_placed = "in_progress", None, False, True
            row.week = row.week or ctas.monday(by.now.date())
            _save(row, "state", "snoozed_until", "is_pooled", "is_placed", "week")
            _happened(row, "started", by)
            _audit("took up CTA", row, by)
            flow.give_out(by.now)
    return row


def snooze(row: Cta, until: date, by: By) -> Cta:
    """Put it off until a day; its place on the list is free meanwhile. CtaError: the day is not in the year ahead."""
    if not by.now.date() < until <= by.now.date() + timedelta(days=FARTHEST):
        raise CtaError("choose a day from tomorrow on, within a year")
    with transaction.atomic():
        row = _held(row)
        row.state, row.snoozed_until, row.week = "snoozed", until, None
        _save(row, "state", "snoozed_until", "week")
        _happened(row, "snoozed", by, until=until.isoformat())
        _audit("snoozed CTA", row, by, until=until.isoformat())
        flow.give_out(by.now)
    return row


def reassign(row: Cta, owner: str, by: By) -> Cta:
    """Pass it to another owner, on whose list it stands from then on. CtaError: no name, or too long a one."""
    if not 0 < len(owner) <= 200:
        raise CtaError("say to whom: a name of up to 200 characters")
    with transaction.atomic():
        row = _held(row)
        before = row.owner_name
        if before == owner and row.is_placed:
            return row
        row.owner_name, row.is_placed, row.is_pooled = owner, True, False
        if row.state == "waiting":
            row.state = "open"
        row.week = ctas.monday(by.now.date()) if row.state == "open" else row.week
        _save(row, "owner_name", "is_placed", "is_pooled", "state", "week")
        _happened(row, "reassigned", by, before=before, after=owner)
        _audit("reassigned CTA", row, by, before=before, after=owner)
        flow.give_out(by.now)
    return row


def note(row: Cta, text: str, by: By) -> CtaEvent:
    """Add a word to its history, also after it was closed. CtaError: no text, or too much of it."""
    told = _checked(text)
    if not told:
        raise CtaError("write something first")
    with transaction.atomic():
        made = _happened(row, "note", by, told)
        _audit("noted on CTA", row, by)
    return made


def close(row: Cta, outcome: str, by: By, text: str = "") -> Cta:
    """Close it with what came of it. CtaError: there is no such outcome, or it is closed already."""
    told = _checked(text)
    try:
        state = ctas.state_after(outcome)
    except ValueError as error:
        raise CtaError(str(error)) from None
    with transaction.atomic():
        row = _held(row)
        row.state, row.outcome, row.outcome_note = state, outcome, told
        row.closed_at, row.closed_by, row.snoozed_until = by.now, by.person, None
        _save(row, "state", "outcome", "outcome_note", "closed_at", "closed_by", "snoozed_until")
        _happened(row, "closed", by, told, outcome=outcome)
        _audit("closed CTA", row, by, outcome=outcome)
        flow.tell_closed(row, by.now)
        flow.give_out(by.now)
    return row


def _held(row: Cta) -> Cta:
    """The row as it stands now, in this transaction's turn. ClosedError: it is closed."""
    take_turn()
    now = Cta.objects.get(pk=row.pk)
    if now.is_closed:
        raise ClosedError(f"it is closed already: {now.outcome_title.lower()}")
    return now


def _checked(text: str) -> str:
    told = text.replace("\r\n", "\n").replace("\0", "").strip()
    if len(told) > LONGEST:
        raise CtaError(f"a note has up to {LONGEST:,} characters; this one has {len(told):,}")
    return told


def _save(row: Cta, *names: str) -> None:
    row.save(update_fields=names)


def _happened(row: Cta, kind: str, by: By, text: str = "", **detail: Any) -> CtaEvent:
    return CtaEvent.objects.create(
        cta=row, kind=kind, at=by.now, by=by.person, via_key=by.key, text=text, detail=detail
    )


def _audit(action: str, row: Cta, by: By, **detail: Any) -> None:
    AuditEntry.add(
        action, row.account_id, by.now, user=by.user, key=by.key, address=by.address, cta=row.public_id, **detail
    )
