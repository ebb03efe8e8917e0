"""Mail leaves through a real mail server, once; what surely did not leave is tried again, and what may have is not."""

from __future__ import annotations

import smtplib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from holdfast.desk.models import Mail
from holdfast.flows import outbox

from .conftest import NOW
from .receivers import Mailbox


def queue(effect: str = "e1", **told: Any) -> Mail:
    given: dict[str, Any] = {
        "kind": "digest", "to": "alice@example.com", "subject": "Your week", "text": "Two renewals.", "html": "<p>Two renewals.</p>",
        "attachments": [], "effect_key": effect, "now": NOW,
    } | told  # fmt: skip
    return outbox.queue_mail(**given)


def one() -> Mail:
    return Mail.objects.get()


def test_a_message_arrives_with_both_its_forms_and_its_files(mailbox: Mailbox, home: Path) -> None:
    (home / "reports").mkdir()
    (home / "reports" / "pack.pdf").write_bytes(b"%PDF-1.7 pack")
    queue(attachments=[{"name": "Acme 2026-10.pdf", "type": "application/pdf", "path": "reports/pack.pdf"}])
    assert outbox.deliver(NOW) == 1
    assert (one().state, one().sent_at, one().attempts) == ("sent", NOW, 1)
    message = mailbox.messages[0]
    assert (message["Subject"], message["To"]) == ("Your week", "alice@example.com")
    parts = {part.get_content_type(): part for part in message.walk()}
    assert parts["text/plain"].get_content().strip() == "Two renewals."
    assert "<p>Two renewals.</p>" in parts["text/html"].get_content()
    assert (
        parts["application/pdf"].get_content() == b"%PDF-1.7 pack"
        and parts["application/pdf"].get_filename() == "Acme 2026-10.pdf"
    )


def test_it_leaves_once(mailbox: Mailbox) -> None:
    queue()
    assert [outbox.deliver(NOW) for _ in range(3)] == [1, 0, 0]
    assert len(mailbox.messages) == 1


def test_the_same_effect_is_one_message(mailbox: Mailbox) -> None:
    assert queue("schedule:1:2026-11-20:alice").pk == queue("schedule:1:2026-11-20:alice").pk
    long = "x" * 300
    assert queue(long).pk == queue(long).pk != queue(long + "y").pk


def test_what_caused_it_and_the_message_stand_or_fall_together(home: Path) -> None:
    with pytest.raises(RuntimeError), transaction.atomic():
        queue()
        raise RuntimeError("what caused it failed")
    assert not Mail.objects.exists()


def test_without_a_mail_server_it_waits_and_says_so(home: Path, settings: Any) -> None:
    settings.MAIL_READY = False
    queue()
    assert outbox.deliver(NOW) == 0
    assert one().state == "waiting" and "HOLDFAST_SMTP_URL" in one().error


def test_what_waited_leaves_when_there_is_a_mail_server(mailbox: Mailbox, settings: Any) -> None:
    settings.MAIL_READY = False
    queue()
    outbox.deliver(NOW)
    settings.MAIL_READY = True
    assert outbox.deliver(NOW) == 1 and one().state == "sent" and one().error == ""


def test_while_the_server_is_away_it_is_tried_again_later_and_later(home: Path, settings: Any) -> None:
    settings.MAIL_READY, settings.EMAIL_HOST, settings.EMAIL_PORT = True, "127.0.0.1", 9
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    queue()
    moment, waits = NOW, []
    for _ in outbox.BACKOFF:
        assert outbox.deliver(moment) == 1
        assert one().state == "waiting" and one().error
        waits.append(one().due_at - moment)
        assert outbox.deliver(one().due_at - timedelta(seconds=1)) == 0
        moment = one().due_at
    assert tuple(waits) == outbox.BACKOFF
    outbox.deliver(moment)
    assert one().state == "failed" and one().attempts == len(outbox.BACKOFF) + 1


def test_an_address_that_is_refused_fails_for_good(mailbox: Mailbox) -> None:
    mailbox.refuses = "550 no such person"
    queue()
    outbox.deliver(NOW)
    assert one().state == "failed" and "550" in one().error and "no such person" in one().error


def test_a_server_that_says_come_again_is_asked_again(mailbox: Mailbox) -> None:
    mailbox.says = lambda: "451 try later"
    queue()
    outbox.deliver(NOW)
    assert one().state == "waiting" and "451" in one().error
    mailbox.says = lambda: "250 OK"
    outbox.deliver(one().due_at)
    assert one().state == "sent"


def test_a_server_that_falls_silent_over_the_message_leaves_it_unknown(mailbox: Mailbox) -> None:
    import time

    def slow() -> str:
        time.sleep(2)
        return "250 OK"

    mailbox.says = slow
    queue()
    outbox.deliver(NOW)
    assert one().state == "unknown" and "fell silent" in one().error
    for hours in range(0, 200, 10):
        assert outbox.deliver(NOW + timedelta(hours=hours)) == 0
    assert len(mailbox.messages) == 1


def test_a_file_outside_the_home_is_never_attached(mailbox: Mailbox, home: Path) -> None:
    (home.parent / "secret.txt").write_text("secret")
    for path in ("../secret.txt", "/etc/hostname"):
        with pytest.raises(ValueError, match="home"):
            queue(path, attachments=[{"name": "x", "type": "text/plain", "path": path}])


def test_a_file_that_is_gone_fails_and_says_so(mailbox: Mailbox) -> None:
    queue(attachments=[{"name": "x", "type": "text/plain", "path": "reports/gone.txt"}])
    outbox.deliver(NOW)
    assert one().state == "failed" and "gone.txt" in one().error and not mailbox.messages


def test_a_subject_has_one_line(mailbox: Mailbox) -> None:
    queue(subject="Your week\nBcc: bob@example.com")
    outbox.deliver(NOW)
    assert mailbox.messages[0]["Subject"] == "Your week Bcc: bob@example.com" and mailbox.messages[0]["Bcc"] is None


def test_only_one_of_two_takes_a_message_up(home: Path) -> None:
    queue()
    assert len(outbox.claim(Mail.objects.all(), NOW, 10)) == 1
    assert outbox.claim(Mail.objects.all(), NOW, 10) == []


def test_what_is_under_way_for_too_long_is_unknown(mailbox: Mailbox) -> None:
    queue()
    outbox.claim(Mail.objects.all(), NOW, 10)
    outbox.deliver(NOW + outbox.STALE_AFTER)
    assert one().state == "sending"
    outbox.deliver(NOW + outbox.STALE_AFTER + timedelta(seconds=1))
    assert one().state == "unknown" and not mailbox.messages


def test_a_password_never_stands_in_an_error(home: Path) -> None:
    told = outbox._said(smtplib.SMTPAuthenticationError(535, b"user hunter2 rejected"))
    assert "hunter2" not in told and "535" in told
