"""The timeline as a page shows it: facts, notes and hand-overs of the desk on one list, each with the address of its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from django.urls import reverse

from holdfast.desk.models import Cta, Handover, Note, Sentiment
from holdfast.domain.sentiment import VALUES
from holdfast.flows import notes
from holdfast.metrics import timeline
from holdfast.metrics.account import Source
from holdfast.metrics.timeline import Cursor, Entry
from holdfast.web import answers
from holdfast.web.lens import Lens
from holdfast.web.pages import cta_parts as parts

#: kinds that can be chosen, and what they are called
KINDS = {
    "movement": "MRR", "renewal": "Renewals", "payment": "Payments", "invoice": "Invoices", "contact": "People", "ticket": "Tickets",
    "survey": "Surveys", "opportunity": "Opportunities", "touch": "Touches", "cta": "CTAs", "sentiment": "Sentiment",
    "owner": "Owners", "note": "Notes",
}  # fmt: skip
#: entries told at once
SOME = 40
#: the class of an entry's dot, by its kind, and by what a movement's title begins with
DOTS = {
    "ticket": "ticket",
    "touch": "touch",
    "note": "note",
    "invoice": "warn",
    "payment": "invoice",
    "renewal": "reactivation",
    "sentiment": "note",
}
STEP_DOTS = {title: {"pause": "fx"}.get(kind, kind) for kind, title in timeline.STEPS.items()}


class Subject(Protocol):
    """The account that a timeline is of, with what the desk knows of it and the reader may see."""

    @property
    def account_id(self) -> str: ...
    @property
    def sees_notes(self) -> bool: ...
    @property
    def notes(self) -> list[Note]: ...
    @property
    def handovers(self) -> list[Handover]: ...
    @property
    def ctas(self) -> list[Cta]: ...
    @property
    def works(self) -> bool: ...
    @property
    def said(self) -> list[Sentiment]: ...


@dataclass(frozen=True)
class Line:
    """An entry with what the page adds: the heading of its month, its dot, its source's address, and a note's row."""

    entry: Entry
    on: date
    heading: str
    dot: str
    source: str
    note: Note | None = None
    #: the CTA that it leads to
    cta: str = ""
    may_edit: bool = False
    may_delete: bool = False


@dataclass(frozen=True)
class Told:
    """Some lines, and the place before which the older ones begin."""

    lines: list[Line]
    older: str


def told(
    lens: Lens,
    one: Subject,
    user: Any,
    kinds: tuple[str, ...] = (),
    before: Cursor | None = None,
    limit: int | None = None,
) -> Told:
    """A page of the timeline. Without the right to notes there are none in it, and nothing of them."""
    written = {str(note.pk): note for note in one.notes}
    extra = [*(_note(note) for note in written.values()), *_handed(one), *_asked(one), *_said(one)]
    page = timeline.entries(
        answers.records(), lens.ledger(), one.account_id, kinds or None, before, limit or SOME, extra=extra
    )
    lines = list(_lines(page.entries, one.account_id, written, user, before))
    return Told(lines, page.next.text() if page.next else "")


def _moment(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _asked(one: Subject) -> Iterator[Entry]:
    """CTAs when they were opened, with what was at stake, and when they were closed, with their outcome."""
    for row in one.ctas:
        title, currency = parts.title_of(row, theirs=one.works), row.currency or None
        detail = row.sentence if one.works or not row.is_own else ""
        at_stake = row.at_stake_minor or None if currency else None
        yield Entry(_moment(row.opened_at), "cta", row.public_id, f"CTA: {title}", detail, at_stake, currency)
        if row.closed_at:
            told = f"CTA closed, {row.outcome_title.lower()}: {title}"
            note = row.outcome_note if one.works else ""
            yield Entry(_moment(row.closed_at), "cta", f"{row.public_id}-closed", told, note)


def _said(one: Subject) -> Iterator[Entry]:
    for row in one.said:
        who = row.by or (row.via_key.name if row.via_key else "Somebody")
        title = f"{who} sees it as {VALUES[row.value]} ({row.value} of 5)"
        yield Entry(_moment(row.at), "sentiment", str(row.pk), title, row.note if one.sees_notes else "")


def _note(note: Note) -> Entry:
    at = _moment(note.written_at)
    return Entry(at, "note", str(note.pk), f"Note by {note.author or 'an API key'}", note.text)


def _handed(one: Subject) -> Iterator[Entry]:
    for order in one.handovers:
        if order.from_day <= answers.today():
            title = f"Handed over to {order.owner}" if order.owner else "Nobody's account any more"
            why = [f"by {order.by}" if order.by else "", order.reason if one.sees_notes else ""]
            yield Entry(order.from_day, "owner", f"desk-{order.pk}", title, ": ".join(filter(None, why)))


def _lines(
    entries: Iterable[Entry], account_id: str, written: dict[str, Note], user: Any, before: Cursor | None
) -> Iterator[Line]:
    month = f"{before.at:%B %Y}" if before else ""
    for entry in entries:
        on = entry.at.date() if isinstance(entry.at, datetime) else entry.at
        heading, month = (f"{on:%B %Y}" if f"{on:%B %Y}" != month else ""), f"{on:%B %Y}"
        note = written.get(entry.id) if entry.kind == "note" else None
        yield Line(
            entry, on, heading, _dot(entry), source_address(account_id, entry.source), note,
            entry.id.removesuffix("-closed") if entry.kind == "cta" else "",
            note is not None and notes.may_edit(note, user), note is not None and notes.may_delete(note, user),
        )  # fmt: skip


def _dot(entry: Entry) -> str:
    if entry.kind == "movement":
        return STEP_DOTS.get(entry.title.split(":")[0], "")
    if entry.kind == "cta":
        return "reactivation" if entry.id.endswith("-closed") else "warn"
    if entry.kind == "contact":
        return "warn" if entry.id.endswith("-left") else ""
    return DOTS.get(entry.kind, "")


def source_address(account_id: str, source: Source | None) -> str:
    """Where the row behind an entry is shown; nothing where there is no single row."""
    if source is None or source.load_no is None or source.source_row is None:
        return ""
    told = {"table": source.table, "key": source.key, "load": source.load_no, "row": source.source_row}
    return f"{reverse('account_source', args=[account_id])}?{urlencode(told)}"
