"""Saved views: a list's filters, order and columns under a name, one's own or shared with everybody."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from holdfast.desk.models import AuditEntry, SavedView
from holdfast.web import answers
from holdfast.web.pages.account_reach import reach_of, with_records
from holdfast.web.pages.accounts import asked_of
from holdfast.web.rights import page

#: characters of a name
LONGEST = 80


@require_POST
@with_records
def save(request: HttpRequest) -> HttpResponseBase:
    """Save the list's query under a name; one's view of that name is replaced."""
    name = " ".join(request.POST.get("name", "").replace("\0", "").split())
    kept = asked_of(QueryDict(request.POST.get("query", "")), reach_of(request)).kept()
    if not name or len(name) > LONGEST:
        messages.error(request, f"A view's name has 1 to {LONGEST} characters.", extra_tags="bad")
        return _to(kept)
    shared = bool(request.POST.get("shared"))
    user: Any = request.user
    view, is_new = SavedView.objects.update_or_create(
        user=user, page="accounts", name=name,
        defaults={"query": kept, "is_shared": shared}, create_defaults={"query": kept, "is_shared": shared, "created_at": answers.now()},
    )  # fmt: skip
    _audit(request, "saved view", view)
    messages.success(request, f"View “{name}” {'saved' if is_new else 'replaced'}.", extra_tags="good")
    return _to(kept)


@require_POST
def share(request: HttpRequest, view_id: int) -> HttpResponseBase:
    """Show one's view to everybody, or to oneself again. Each sees only the accounts that are theirs to see."""
    view = _own(request, view_id)
    view.is_shared = bool(request.POST.get("shared"))
    view.save(update_fields=["is_shared"])
    _audit(request, "shared view" if view.is_shared else "unshared view", view)
    messages.success(
        request,
        f"View “{view.name}” is {'shared with everybody' if view.is_shared else 'yours alone'}.",
        extra_tags="good",
    )
    return _to(view.query)


@require_POST
def delete(request: HttpRequest, view_id: int) -> HttpResponseBase:
    """Take one's view away."""
    view = _own(request, view_id)
    _audit(request, "deleted view", view)
    view.delete()
    messages.success(request, f"View “{view.name}” deleted.", extra_tags="good")
    return _to("")


def _own(request: HttpRequest, view_id: int) -> SavedView:
    user: Any = request.user
    view = SavedView.objects.filter(pk=view_id, page="accounts", user=user).first()
    if view is None:
        raise Http404("there is no such view of yours")
    return view


def _audit(request: HttpRequest, action: str, view: SavedView) -> None:
    AuditEntry.add(
        action, view.name, answers.now(), user=request.user, address=request.META.get("REMOTE_ADDR", ""),
        query=view.query, shared=view.is_shared,
    )  # fmt: skip


def _to(query: str) -> HttpResponse:
    return HttpResponseRedirect(reverse("accounts") + (f"?{query}" if query else ""), status=303)


urls = [
    page("accounts/views", save, "view_save", needs="accounts"),
    page("accounts/views/share/<int:view_id>", share, "view_share", needs="accounts"),
    page("accounts/views/delete/<int:view_id>", delete, "view_delete", needs="accounts"),
]
