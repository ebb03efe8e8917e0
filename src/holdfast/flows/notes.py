"""Notes on accounts: written, edited, pinned and deleted, each with an entry in the audit log that does not repeat the text.

Whether somebody may see an account's notes at all is the door's question; here it is whose note it is.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from holdfast.desk import roles
from holdfast.desk.models import ApiKey, AuditEntry, Note
from holdfast.desk.turns import take_turn
from holdfast.flows import events

#: characters of a note
LONGEST = 20_000


class NoteError(ValueError):
    """A note that cannot be written; the message says why."""


class NotYoursError(Exception):
    """Somebody else wrote the note."""


def of_account(account_id: str) -> list[Note]:
    """An account's notes that are there, newest first."""
    found = Note.objects.filter(account_id=account_id, deleted_at=None).select_related("author")
    return list(found.order_by("-written_at", "-id"))


def find(account_id: str, note_id: int) -> Note:
    """A note of an account. Note.DoesNotExist: there is none, or it was deleted."""
    return Note.objects.select_related("author").get(pk=note_id, account_id=account_id, deleted_at=None)


def write(
    account_id: str, text: str, by: Any, now: datetime, *, address: str = "", pinned: bool = False, key: ApiKey | None = None,
    external_id: str | None = None,
) -> Note:  # fmt: skip
    """A new note, by a person or through a key. NoteError: no text, or too much of it."""
    told = _checked(text)
    with transaction.atomic():
        note = Note.objects.create(
            account_id=account_id,
            author=by,
            via_key=key,
            external_id=external_id,
            text=told,
            is_pinned=pinned,
            written_at=now,
        )
        _audit("wrote note", note, by, now, address, key)
        _tell(note, now)
    return note


def put(
    external_id: str, account_id: str, text: str, key: ApiKey, now: datetime, *, pinned: bool = False
) -> tuple[Note, bool]:
    """The note that another system knows by its id, as it stands there; and whether it is new here. One that was deleted comes back.

    NoteError: no text, or too much of it; NotYoursError: the note is another account's.
    """
    told = _checked(text)
    with transaction.atomic():
        take_turn()
        note = Note.objects.filter(external_id=external_id).first()
        if note is None:
            return write(account_id, text, None, now, pinned=pinned, key=key, external_id=external_id), True
        if note.account_id != account_id:
            raise NotYoursError
        if (note.text, note.is_pinned, note.deleted_at) != (told, pinned, None):
            note.text, note.is_pinned, note.edited_at, note.deleted_at = told, pinned, now, None
            note.save(update_fields=["text", "is_pinned", "edited_at", "deleted_at"])
            _audit("edited note", note, None, now, "", key)
            _tell(note, now)
    return note, False


def edit(note: Note, text: str, by: Any, now: datetime, *, address: str = "") -> Note:
    """Another text. NoteError: no text, or too much; NotYoursError: only the author may."""
    if not may_edit(note, by):
        raise NotYoursError
    told = _checked(text)
    if told != note.text:
        note.text, note.edited_at = told, now
        with transaction.atomic():
            note.save(update_fields=["text", "edited_at"])
            _audit("edited note", note, by, now, address)
            _tell(note, now)
    return note


def pin(note: Note, pinned: bool, by: Any, now: datetime, *, address: str = "") -> Note:
    """Put a note above the others, or back among them."""
    note.is_pinned = pinned
    with transaction.atomic():
        note.save(update_fields=["is_pinned"])
        _audit("pinned note" if pinned else "unpinned note", note, by, now, address)
    return note


def delete(note: Note, by: Any, now: datetime, *, address: str = "", key: ApiKey | None = None) -> None:
    """Take a note away: the row stays, its text does not.

    NotYoursError: only the author, a manager or an admin may; a key may where a key wrote it.
    """
    if not (note.via_key_id is not None if key else may_delete(note, by)):
        raise NotYoursError
    note.text, note.is_pinned, note.deleted_at = "", False, now
    with transaction.atomic():
        note.save(update_fields=["text", "is_pinned", "deleted_at"])
        _audit("deleted note", note, by, now, address, key)


def may_edit(note: Note, user: Any) -> bool:
    """Whether the text is theirs to change."""
    return note.author_id is not None and note.author_id == user.pk


def may_delete(note: Note, user: Any) -> bool:
    """Whether they may take it away: its author, and whoever arranges the books."""
    return may_edit(note, user) or roles.may(user.role, "owners")


def _checked(text: str) -> str:
    told = text.replace("\r\n", "\n").replace("\0", "").strip()
    if not told:
        raise NoteError("Write something first.")
    if len(told) > LONGEST:
        raise NoteError(f"A note has up to {LONGEST:,} characters; this one has {len(told):,}.")
    return told


def _audit(action: str, note: Note, by: Any, now: datetime, address: str, key: ApiKey | None = None) -> None:
    AuditEntry.add(action, note.account_id, now, user=by, key=key, address=address, note=note.pk)


def _tell(note: Note, now: datetime) -> None:
    data = {
        "note_id": note.pk,
        "account_id": note.account_id,
        "external_id": note.external_id,
        "edited": note.edited_at is not None,
    }
    events.emit("note.written", data, now, effect=f"{note.pk}:{(note.edited_at or note.written_at).isoformat()}")
