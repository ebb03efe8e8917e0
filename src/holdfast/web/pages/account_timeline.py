"""The timeline as a page shows it: facts, notes and hand-overs of the desk on one list, each with the address of its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from holdfast.desk.models import Note
from holdfast.flows import handover, notes
from holdfast.metrics import timeline
from holdfast.metrics.account import Source
from holdfast.metrics.timeline import Cursor, Entry
from holdfast.web import answers
from holdfast.web.lens import Lens

#: kinds that can be chosen, and what they are called
KINDS = {
    "movement": "MRR", "renewal": "Renewals", "payment": "Payments", "invoice": "Invoices", "contact": "People", "ticket": "Tickets",
    "survey": "Surveys", "opportunity": "Opportunities", "touch": "Touches", "owner": "Owners", "note": "Notes",
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
}
STEP_DOTS = {title: {"pause": "fx"}.get(kind, kind) for kind, title in timeline.STEPS.items()}


@dataclass(frozen=True)
class Line:
    """An entry with what the page adds: the heading of its month, its dot, its source's address, and a note's row."""

    entry: Entry
    on: date
    heading: str
    dot: str
    source: str
    note: Note | None = None
    may_edit: bool = False
    may_delete: bool = False


@dataclass(frozen=True)
class Told:
    """Some lines, and the place before which the older ones begin."""

    lines: list[Line]
    older: str


def told(
    lens: Lens,
    account_id: str,
    user: Any,
    kinds: tuple[str, ...] = (),
    before: Cursor | None = None,
    limit: int | None = None,
    *,
    with_notes: bool,
) -> Told:
    """A page of the timeline. Without the right to notes there are none in it, and nothing of them."""
    written = {str(note.pk): note for note in notes.of_account(account_id)} if with_notes else {}
    extra = [*(_note(note) for note in written.values()), *_handed(account_id, with_notes)]
    page = timeline.entries(
        answers.records(), lens.ledger(), account_id, kinds or None, before, limit or SOME, extra=extra
    )
    lines = list(_lines(page.entries, account_id, written, user, before))
    return Told(lines, page.next.text() if page.next else "")


def _note(note: Note) -> Entry:
    at = note.written_at.astimezone(UTC).replace(tzinfo=None)
    return Entry(at, "note", str(note.pk), f"Note by {note.author or 'an API key'}", note.text)


def _handed(account_id: str, with_reasons: bool) -> Iterator[Entry]:
    for one in handover.of_account(account_id):
        if one.from_day <= answers.today():
            title = f"Handed over to {one.owner}" if one.owner else "Nobody's account any more"
            parts = [f"by {one.by}" if one.by else "", one.reason if with_reasons else ""]
            yield Entry(one.from_day, "owner", f"desk-{one.pk}", title, ": ".join(filter(None, parts)))


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
            note is not None and notes.may_edit(note, user), note is not None and notes.may_delete(note, user),
        )  # fmt: skip


def _dot(entry: Entry) -> str:
    if entry.kind == "movement":
        return STEP_DOTS.get(entry.title.split(":")[0], "")
    if entry.kind == "contact":
        return "warn" if entry.id.endswith("-left") else ""
    return DOTS.get(entry.kind, "")


def source_address(account_id: str, source: Source | None) -> str:
    """Where the row behind an entry is shown; nothing where there is no single row."""
    if source is None or source.load_no is None or source.source_row is None:
        return ""
    told = {"table": source.table, "key": source.key, "load": source.load_no, "row": source.source_row}
    return f"{reverse('account_source', args=[account_id])}?{urlencode(told)}"
