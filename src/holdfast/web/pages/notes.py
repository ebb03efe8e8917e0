"""Notes on an account: written, edited, pinned and deleted by forms; afterwards one is back where one came from."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from holdfast.desk.models import Note
from holdfast.flows import notes
from holdfast.web import answers, show
from holdfast.web.pages.account import opened
from holdfast.web.pages.account_reach import with_records
from holdfast.web.rights import page

#: the tabs that notes are written on
TABS = ("account", "account_timeline")


@require_POST
@with_records
def write(request: HttpRequest, account_id: str) -> HttpResponseBase:
    """A new note."""
    opened(request, account_id)
    try:
        notes.write(
            account_id, request.POST.get("text", ""), request.user, answers.now(), address=_address(request),
            pinned=bool(request.POST.get("pinned")),
        )  # fmt: skip
    except notes.NoteError as error:
        messages.error(request, str(error), extra_tags="bad")
    else:
        messages.success(request, "Note saved.", extra_tags="good")
    return _back(request, account_id)


@with_records
def edit(request: HttpRequest, account_id: str, note_id: int) -> HttpResponseBase:
    """The form for a note's text, and what it does."""
    one, note = opened(request, account_id), _note(account_id, note_id)
    if not notes.may_edit(note, request.user):
        raise PermissionDenied
    error = ""
    if request.method == "POST":
        try:
            notes.edit(note, request.POST.get("text", ""), request.user, answers.now(), address=_address(request))
        except notes.NoteError as said:
            error = str(said)
        else:
            messages.success(request, "Note changed.", extra_tags="good")
            return _back(request, account_id)
    context: dict[str, Any] = {"one": one, "row": one.row, "account_id": account_id, "note": note, "error": error}
    text = request.POST.get("text", note.text)
    return show.page(
        request, "web/account/note_edit.html", section="accounts", text=text, longest=notes.LONGEST, **context
    )


@require_POST
@with_records
def pin(request: HttpRequest, account_id: str, note_id: int) -> HttpResponseBase:
    """Pin a note, or let it go."""
    pinned = bool(request.POST.get("pinned"))
    notes.pin(_note(account_id, note_id), pinned, request.user, answers.now(), address=_address(request))
    messages.success(request, "Note pinned." if pinned else "Note no longer pinned.", extra_tags="good")
    return _back(request, account_id)


@require_POST
@with_records
def delete(request: HttpRequest, account_id: str, note_id: int) -> HttpResponseBase:
    """Take a note away."""
    try:
        notes.delete(_note(account_id, note_id), request.user, answers.now(), address=_address(request))
    except notes.NotYoursError:
        raise PermissionDenied from None
    messages.success(request, "Note deleted.", extra_tags="good")
    return _back(request, account_id)


def _note(account_id: str, note_id: int) -> Note:
    try:
        return notes.find(account_id, note_id)
    except Note.DoesNotExist:
        raise Http404("there is no such note") from None


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


def _back(request: HttpRequest, account_id: str) -> HttpResponse:
    tab = request.POST.get("tab", "")
    return HttpResponseRedirect(reverse(tab if tab in TABS else "account", args=[account_id]), status=303)


urls = [
    page("accounts/<account:account_id>/notes/", write, "note_write", needs="notes"),
    page("accounts/<account:account_id>/notes/<int:note_id>/", edit, "note_edit", needs="notes"),
    page("accounts/<account:account_id>/notes/<int:note_id>/pin/", pin, "note_pin", needs="notes"),
    page("accounts/<account:account_id>/notes/<int:note_id>/delete/", delete, "note_delete", needs="notes"),
]
