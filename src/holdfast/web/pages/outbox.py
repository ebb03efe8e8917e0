"""The outbox: mail by state, why it waits, and what only a person can decide. Its text is not shown: it may hold links that let somebody in."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from holdfast.desk.models import Mail
from holdfast.flows import mailroom
from holdfast.flows.outbox import NOT_SET_UP
from holdfast.flows.people import Actor
from holdfast.web import doing
from holdfast.web.pages.setup import LINES, page_of, pager, shown
from holdfast.web.rights import page

#: states of a mail, what needs a person first: what they are called, and how they are shown
STATES = {
    "unknown": ("unknown", "pill-warn"), "waiting": ("waiting", "pill-info"), "sending": ("under way", "pill-info"),
    "failed": ("failed", "pill-bad"), "sent": ("sent", "pill-good"), "cancelled": ("cancelled", ""),
}  # fmt: skip
#: what kinds of mail are called; others are called as they are named
KINDS = {
    "invitation": "Invitation", "password_reset_key": "New password", "password_reset": "New password", "board": "Board pack",
    "csm_digest": "Weekly digest", "manager_digest": "Weekly digest",
}  # fmt: skip


def outbox(request: HttpRequest) -> HttpResponseBase:
    """Mail, of all states or of one."""
    number, state = page_of(request), request.GET.get("state", "")
    state = state if state in STATES else ""
    counts = dict(Mail.objects.values_list("state").annotate(Count("pk")))
    total = counts.get(state, 0) if state else sum(counts.values())
    lines = mailroom.listed(state)[(number - 1) * LINES : number * LINES]
    return shown(
        request, "web/outbox/list.html", "outbox", mails=[(one, _kind(one), *STATES[one.state]) for one in lines], state=state,
        states=[(name, title, counts.get(name, 0)) for name, (title, _) in STATES.items()], total=sum(counts.values()),
        unknown=counts.get("unknown", 0), waiting=counts.get("waiting", 0), failed=counts.get("failed", 0),
        why="" if settings.MAIL_READY else NOT_SET_UP, pager=pager(number, total),
    )  # fmt: skip


def _kind(mail: Mail) -> str:
    return KINDS.get(mail.kind) or mail.kind.replace("_", " ").capitalize()


def _decided(request: HttpRequest, verb: Callable[[int, Actor], Mail], mail_id: int, text: str) -> HttpResponseBase:
    try:
        mail = verb(mail_id, doing.actor(request))
    except Mail.DoesNotExist:
        raise Http404 from None
    except mailroom.MailroomError as error:
        doing.say(request, "warn", f"Nothing was done with the mail: {error}.")
    else:
        doing.say(request, "good", text.format(to=mail.to))
    return doing.see("outbox")


@require_POST
def arrived(request: HttpRequest, mail_id: int) -> HttpResponseBase:
    """Whoever it went to has it."""
    return _decided(request, mailroom.arrived, mail_id, "The mail to {to} is marked as arrived.")


@require_POST
def again(request: HttpRequest, mail_id: int) -> HttpResponseBase:
    """Send it once more, as a mail of its own."""
    return _decided(request, mailroom.send_again, mail_id, "The message to {to} is sent again, as a mail of its own.")


@require_POST
def cancel(request: HttpRequest, mail_id: int) -> HttpResponseBase:
    """Do not send what waits."""
    return _decided(request, mailroom.cancel, mail_id, "The mail to {to} is cancelled.")


@require_POST
def cancel_all(request: HttpRequest) -> HttpResponseBase:
    """Do not send any of what waits."""
    count = mailroom.cancel_all(doing.actor(request))
    doing.say(request, "good" if count else "info", f"Cancelled: {count}." if count else "Nothing waited.")
    return doing.see("outbox")


urls = [
    page("setup/outbox/", outbox, "outbox", needs="setup"),
    page("setup/outbox/cancel/", cancel_all, "outbox_cancel_all", needs="setup"),
    page("setup/outbox/<int:mail_id>/arrived/", arrived, "outbox_arrived", needs="setup"),
    page("setup/outbox/<int:mail_id>/again/", again, "outbox_again", needs="setup"),
    page("setup/outbox/<int:mail_id>/cancel/", cancel, "outbox_cancel", needs="setup"),
]
