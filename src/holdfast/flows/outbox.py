"""The outbox: mail is queued in the same transaction as what caused it, and leaves the house once.

A row is committed as `sending` before it is handed off. Where nobody can know whether it arrived (we crashed in between, or the
server fell silent over the message) it becomes `unknown`: it is never sent again by itself, and listed for a person.
"""

from __future__ import annotations

import hashlib
import logging
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db.models import F, Q, QuerySet

from holdfast.desk.models import Mail
from holdfast.desk.models.outgoing import Outgoing
from holdfast.desk.start import home_path

log = logging.getLogger("holdfast.outbox")

Row = TypeVar("Row", bound=Outgoing)

#: waiting time after the first, second… failure; after the last the row is `failed`
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 600, 1440))
#: a hand-off takes seconds; one that claims to be under way for so long is not
STALE_AFTER = timedelta(minutes=10)
#: kinds of mail with a link that lets somebody in: their text is kept until it is sent, and shown to nobody
SECRET = frozenset(
    {"invitation", "password_reset", "password_reset_key", "password_reset_code", "login_code", "email_confirmation"}
)
VOID = "its link was used or withdrawn"
NOT_SET_UP = "no mail server: set HOLDFAST_SMTP_URL"
CRASHED = "Holdfast stopped while this was handed off; whether it arrived is not known"


def queue_mail(
    kind: str,
    to: str,
    subject: str,
    text: str,
    html: str,
    attachments: Sequence[dict[str, str]],
    effect_key: str,
    now: datetime,
) -> Mail:
    """Put a message into the outbox; the same effect asked for twice finds the same message.

    `attachments`: {"name", "type", "path"}, the path within the home. ValueError: a path that leads out of the home.
    """
    for one in attachments:
        _path_of(one)
    made, _ = Mail.objects.get_or_create(
        effect_key=short_key(effect_key),
        defaults={
            "kind": kind, "to": to, "subject": " ".join(subject.split())[:250], "text": text, "html": html,
            "attachments": list(attachments), "due_at": now, "created_at": now, "error": "" if settings.MAIL_READY else NOT_SET_UP,
        },
    )  # fmt: skip
    return made


def short_key(effect: str) -> str:
    """An effect's key as it fits the column."""
    return effect if len(effect) <= 200 else f"{effect[:130]}:{hashlib.sha256(effect.encode()).hexdigest()}"


def deliver(now: datetime, limit: int = 20) -> int:
    """Hand off the mail that is due; how many were taken up. Without a mail server everything waits, and says so."""
    stale(Mail.objects.all(), now)
    if not settings.MAIL_READY:
        Mail.objects.filter(state="waiting", error="").update(error=NOT_SET_UP)
        return 0
    taken = claim(Mail.objects.all(), now, limit)
    for mail in taken:
        _hand_off(mail, now)
    return len(taken)


def claim(rows: QuerySet[Row], now: datetime, limit: int) -> list[Row]:
    """Take up what is due: committed as `sending`, each by one update that only one process can win."""
    taken = []
    for pk in list(
        rows.filter(state="waiting", due_at__lte=now).order_by("due_at", "pk").values_list("pk", flat=True)[:limit]
    ):
        # on the row alone, without the conditions that chose it: only so does PostgreSQL look again at a row that it waited for
        mine = rows.model._default_manager.filter(pk=pk, state="waiting").update(
            state="sending", claimed_at=now, attempts=F("attempts") + 1, error=""
        )
        if mine:
            taken.append(rows.get(pk=pk))
    return taken


def stale(rows: QuerySet[Row], now: datetime, *, all_of_them: bool = False) -> int:
    """What was being handed off when somebody crashed becomes `unknown`. All of it, where nobody else can be at it."""
    under_way = rows.filter(state="sending")
    if not all_of_them:
        under_way = under_way.filter(Q(claimed_at=None) | Q(claimed_at__lt=now - STALE_AFTER))
    return under_way.update(state="unknown", error=CRASHED)


def failed(row: Outgoing, error: str, now: datetime, *, again: bool, schedule: Sequence[timedelta] = BACKOFF) -> None:
    """A hand-off that surely did not arrive: it waits for its next turn, or has failed for good."""
    retry = again and row.attempts <= len(schedule)
    row.state, row.error = ("waiting" if retry else "failed"), error[:500]
    if retry:
        row.due_at = now + schedule[row.attempts - 1]
    row.save(update_fields=["state", "error", "due_at"])


def arrived(mail: Mail, at: datetime) -> None:
    """It arrived; a link that lets somebody in is not kept."""
    mail.state, mail.sent_at, mail.error = "sent", at, ""
    mail.save(update_fields=["state", "sent_at", "error"])
    blank(Mail.objects.filter(pk=mail.pk))


def void(rows: QuerySet[Mail]) -> None:
    """The links of these mails lead nowhere any more: what waited is not sent, and no link is kept."""
    rows = rows.filter(kind__in=SECRET)
    rows.filter(state="waiting").update(state="cancelled", error=VOID)
    blank(rows)


def blank(rows: QuerySet[Mail]) -> None:
    """Take the text out of mail with links that let somebody in."""
    rows.filter(kind__in=SECRET).update(text="", html="")


def _hand_off(mail: Mail, now: datetime) -> None:
    """Give one message to the mail server, and write down what it said."""
    try:
        message = _message(mail)
    except (OSError, ValueError) as error:
        failed(mail, str(error), now, again=False)
        return
    connection = get_connection(fail_silently=False)
    try:
        connection.open()
    except (smtplib.SMTPException, OSError) as error:
        # nothing was said of the message yet
        failed(
            mail, _said(error), now, again=not isinstance(error, smtplib.SMTPAuthenticationError) or mail.attempts < 3
        )
        return
    try:
        connection.send_messages([message])
        arrived(mail, now)
    except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused) as error:
        failed(mail, _said(error), now, again=_is_temporary(error))
    except (smtplib.SMTPException, OSError) as error:
        mail.state, mail.error = "unknown", f"the mail server fell silent: {_said(error)}"[:500]
        mail.save(update_fields=["state", "error"])
    finally:
        _close(connection)


def _close(connection: Any) -> None:
    try:
        connection.close()
    except (smtplib.SMTPException, OSError) as error:
        log.info("the mail server did not say goodbye: %s", type(error).__name__)


def _message(mail: Mail) -> EmailMultiAlternatives:
    """The message; its id is made of the row, so that a receiver knows it again. ValueError: its link is gone."""
    if mail.kind in SECRET and not mail.text:
        raise ValueError(VOID)
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ") or "localhost"
    told = hashlib.sha256(f"{settings.HOME}:{mail.effect_key}".encode()).hexdigest()[:32]
    message = EmailMultiAlternatives(
        mail.subject, mail.text, to=[mail.to], headers={"Message-ID": f"<{told}@{domain}>"}
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for one in mail.attachments:
        message.attach(one["name"], _path_of(one).read_bytes(), one["type"])
    return message


def _path_of(attachment: dict[str, str]) -> Any:
    home = home_path().resolve()
    path = (home / attachment["path"]).resolve()
    if not path.is_relative_to(home):
        raise ValueError(f"the attachment {attachment['name']} does not lie in the home")
    return path


def _is_temporary(error: smtplib.SMTPException) -> bool:
    """Whether the server's answer says to come again."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(400 <= code < 500 for code, _ in error.recipients.values())
    return isinstance(error, smtplib.SMTPResponseException) and 400 <= error.smtp_code < 500


def _said(error: Exception) -> str:
    """What went wrong, in a line, without what was said to the server."""
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the mail server did not let us in ({error.smtp_code})"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"the mail server said {error.smtp_code}: {_text(error.smtp_error)}"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()))
        return f"the mail server refused the address, {code}: {_text(text)}"
    return f"{type(error).__name__}: {error}"


def _text(said: bytes | str) -> str:
    return said.decode(errors="replace") if isinstance(said, bytes) else said
