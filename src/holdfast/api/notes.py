"""Notes on accounts: listed, written, upserted by the id that another system gave them, and deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import BaseModel, Field, StringConstraints

from holdfast.api import moment, pages
from holdfast.api.door import Made, get, operation
from holdfast.api.fields import DIGITS, Flag, Given, Id, Line
from holdfast.api.pages import Paged
from holdfast.api.problems import Problem
from holdfast.desk.models import Note as Row
from holdfast.flows import answers, notes, upsert

RowId = Annotated[int, Path(ge=1, le=2**53), DIGITS]
Text = Annotated[str, StringConstraints(min_length=1, max_length=notes.LONGEST, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]


class Note(BaseModel):
    """A note; `by` is the person or the key that wrote it."""

    note_id: int
    account_id: str
    external_id: str | None
    by: str | None
    text: str
    pinned: bool
    written_at: datetime
    edited_at: datetime | None


class Notes(BaseModel):
    notes: list[Note]
    next: str | None


class NotesAsked(Paged):
    account_id: Line | None = Field(None, description="Only notes on this account.")


class NoteGiven(Given):
    account_id: Line
    text: Text
    pinned: Flag = False


def _note(row: Row) -> Note:
    by = str(row.author) if row.author else row.via_key.name if row.via_key else None
    return Note(
        note_id=row.pk, account_id=row.account_id, external_id=row.external_id, by=by, text=row.text, pinned=row.is_pinned,
        written_at=row.written_at, edited_at=row.edited_at,
    )  # fmt: skip


def _require_account(account_id: str) -> None:
    if not upsert.known_accounts(answers.home(), [account_id]):
        raise Problem(422, f"there is no account '{account_id}'", [("body.account_id", f"no account '{account_id}'")])


@get("/notes", needs="notes:read", answers=Notes, tag="Notes")
def list_notes(request: HttpRequest, asked: Query[NotesAsked]) -> Notes:
    """Notes, newest first."""
    found = Row.objects.filter(deleted_at=None, pk__lt=pages.after("notes", asked, 2**62))
    if asked.account_id:
        found = found.filter(account_id=asked.account_id)
    rows = list(found.select_related("author", "via_key").order_by("-pk")[: asked.limit + 1])
    more = len(rows) > asked.limit
    return Notes(
        notes=[_note(row) for row in rows[: asked.limit]],
        next=pages.cursor("notes", rows[asked.limit - 1].pk) if more else None,
    )


def _found(note_id: int) -> Row:
    row = Row.objects.select_related("author", "via_key").filter(pk=note_id, deleted_at=None).first()
    if row is None:
        raise Problem(404, f"there is no note {note_id}")
    return row


@get("/notes/{int:note_id}", needs="notes:read", answers=Note, tag="Notes")
def note(request: HttpRequest, note_id: RowId) -> Note:
    """One note."""
    return _note(_found(note_id))


@operation("POST", "/notes", needs="notes:write", answers=Note, status=201, tag="Notes")
def write_note(request: HttpRequest, given: NoteGiven) -> Made:
    """Write a note."""
    _require_account(given.account_id)
    row = notes.write(given.account_id, given.text, None, moment.now(), pinned=given.pinned, key=request.auth)  # type: ignore[attr-defined]
    return Made(_note(row), location=f"/api/v1/notes/{row.pk}")


@operation("PUT", "/notes/external/{external:external_id}", needs="notes:write", answers=Note, tag="Notes")
def put_note(request: HttpRequest, external_id: Annotated[Id, Path()], given: NoteGiven) -> Made:
    """Write a note, or set it anew, by the id that another system gave it."""
    _require_account(given.account_id)
    try:
        row, _ = notes.put(external_id, given.account_id, given.text, request.auth, moment.now(), pinned=given.pinned)  # type: ignore[attr-defined]
    except notes.NotYoursError:
        raise Problem(
            409, "the note with this id is on another account", [("body.account_id", "another account's")]
        ) from None
    return Made(_note(row), status=200)


@operation("DELETE", "/notes/{int:note_id}", needs="notes:write", answers=None, status=204, tag="Notes")
def delete_note(request: HttpRequest, note_id: RowId) -> Made:
    """Delete a note that a key wrote."""
    try:
        notes.delete(_found(note_id), None, moment.now(), key=request.auth)  # type: ignore[attr-defined]
    except notes.NotYoursError:
        raise Problem(403, "a key deletes only notes that a key wrote") from None
    return Made(None, 204)
