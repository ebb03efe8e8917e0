"""Mail with a link that lets somebody in: the text is kept until it is sent, and no longer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from holdfast.desk.models import Mail
from holdfast.flows import outbox

from .conftest import NOW
from .receivers import Mailbox


def queue(kind: str) -> Mail:
    return outbox.queue_mail(
        kind, "alice@example.com", "Come in", "https://x.example/join/1", "<p>1</p>", [], f"e:{kind}", NOW
    )


@pytest.mark.parametrize("kind", sorted(outbox.SECRET))
def test_what_was_sent_keeps_no_link(mailbox: Mailbox, kind: str) -> None:
    queue(kind)
    outbox.deliver(NOW)
    one = Mail.objects.get()
    assert (one.state, one.text, one.html) == ("sent", "", "")
    assert "/join/1" in mailbox.messages[0].as_string()


def test_other_mail_is_kept_as_it_was_sent(mailbox: Mailbox) -> None:
    queue("board")
    outbox.deliver(NOW)
    assert Mail.objects.get().text == "https://x.example/join/1"


def test_what_is_tried_again_keeps_its_link_until_it_is_sent(mailbox: Mailbox) -> None:
    mailbox.says = lambda: "451 try later"
    queue("invitation")
    outbox.deliver(NOW)
    assert Mail.objects.get().text
    mailbox.says = lambda: "250 OK"
    outbox.deliver(NOW + timedelta(hours=1))
    assert Mail.objects.get().text == "" and len(mailbox.messages) == 2


def test_a_link_that_was_used_while_the_mail_was_under_way_does_not_come_back(mailbox: Mailbox) -> None:
    mailbox.says = lambda: "451 try later"
    one = queue("invitation")
    [taken] = outbox.claim(Mail.objects.all(), NOW, 1)
    outbox.void(Mail.objects.filter(pk=one.pk))
    outbox._hand_off(taken, NOW)
    assert (Mail.objects.get().state, Mail.objects.get().text) == ("waiting", "")
    outbox.deliver(NOW + timedelta(hours=1))
    assert (Mail.objects.get().state, Mail.objects.get().error) == ("failed", outbox.VOID)
    assert len(mailbox.messages) == 1
