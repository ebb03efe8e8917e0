"""The mailroom: what a person decides about mail. Of what may or may not have arrived they say which it is, or send it again.

The text of mail is not shown here; mail with a link that lets somebody in loses it when it is done with.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.db.models import Case, QuerySet, Value, When

from holdfast.desk.models import Mail
from holdfast.flows import outbox
from holdfast.flows.people import Actor

#: what a person may send again
AGAIN = ("unknown", "failed")


class MailroomError(ValueError):
    """It cannot be done with this mail; the message says why."""


def listed(state: str = "") -> QuerySet[Mail]:
    """Mail without its text, what needs a person first, then the newest; of one state, or of all."""
    found = Mail.objects.filter(state=state) if state else Mail.objects.all()
    first = Case(When(state="unknown", then=Value(0)), default=Value(1))
    return found.order_by(first, "-pk").defer("text", "html")


def arrived(mail_id: int, by: Actor) -> Mail:
    """Somebody asked, and it did arrive. MailroomError: it is not unknown whether it did. Mail.DoesNotExist: no such mail."""
    with transaction.atomic():
        mail = _held(mail_id)
        if mail.state != "unknown":
            raise MailroomError(f"what became of it is known: it is {mail.state}")
        outbox.arrived(mail, mail.claimed_at or by.now)
        _log(by, "marked mail as arrived", mail)
    return mail


def send_again(mail_id: int, by: Actor) -> Mail:
    """The same message as a mail of its own; the one before is done with. The new mail.

    MailroomError: it is on its way, or was sent, or its link is gone. Mail.DoesNotExist: no such mail.
    """
    with transaction.atomic():
        mail = _held(mail_id)
        if mail.state not in AGAIN:
            raise MailroomError(f"it is {mail.state}; only what failed, or may not have arrived, is sent again")
        if mail.kind in outbox.SECRET and not mail.text:
            raise MailroomError("its link was used or withdrawn; make a new one under Setup → People")
        made = outbox.queue_mail(
            mail.kind, mail.to, mail.subject, mail.text, mail.html, mail.attachments,
            f"{mail.effect_key}:again:{secrets.token_hex(6)}", by.now,
        )  # fmt: skip
        _close(mail, f"{'failed' if mail.state == 'failed' else 'may have arrived'}; sent again as a mail of its own")
        _log(by, "sent mail again", mail, new=made.pk)
    return made


def cancel(mail_id: int, by: Actor) -> Mail:
    """It is not to be sent. MailroomError: it does not wait any more. Mail.DoesNotExist: no such mail."""
    with transaction.atomic():
        mail = _held(mail_id)
        if mail.state != "waiting":
            raise MailroomError(f"it does not wait any more: it is {mail.state}")
        _close(mail, "cancelled by hand")
        _log(by, "cancelled mail", mail)
    return mail


def cancel_all(by: Actor) -> int:
    """Nothing that waits is to be sent; how much it was."""
    with transaction.atomic():
        waiting = list(Mail.objects.select_for_update().filter(state="waiting").values_list("pk", flat=True))
        Mail.objects.filter(pk__in=waiting).update(state="cancelled", error="cancelled by hand")
        outbox.blank(Mail.objects.filter(pk__in=waiting))
        if waiting:
            by.log("cancelled mail", f"{len(waiting)} that waited")
    return len(waiting)


def _held(mail_id: int) -> Mail:
    """A mail that nobody else can change until this is done."""
    return Mail.objects.select_for_update().get(pk=mail_id)


def _close(mail: Mail, why: str) -> None:
    mail.state, mail.error = "cancelled", why
    mail.save(update_fields=["state", "error"])
    outbox.blank(Mail.objects.filter(pk=mail.pk))


def _log(by: Actor, action: str, mail: Mail, **detail: Any) -> None:
    by.log(action, mail.to, mail=mail.pk, kind=mail.kind, subject=mail.subject, **detail)
