"""Setup → Outbox: what needs a person comes first, each decision is taken once and written down, and no letter is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from holdfast.desk.models import AuditEntry, Mail
from holdfast.flows import outbox

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAGE = "/setup/outbox/"
SECRET = "https://holdfast.example/join/the-secret/"


@pytest.fixture
def admin(site: Callable[..., Any]) -> Any:
    return site("admin")


def mail(state: str = "waiting", subject: str = "Your week", kind: str = "csm_digest", **told: Any) -> Mail:
    made = outbox.queue_mail(
        kind,
        "bob@example.com",
        subject,
        f"The letter itself: {SECRET}",
        f"<p>{SECRET}</p>",
        [],
        f"{subject}:{kind}",
        NOW,
    )
    Mail.objects.filter(pk=made.pk).update(state=state, **told)
    made.refresh_from_db()
    return made


def do(admin: Any, one: Mail, verb: str) -> str:
    answer = admin.post(f"{PAGE}{one.pk}/{verb}/", follow=True)
    assert answer.redirect_chain[0][1] == 303
    return str(answer.content.decode())


def test_without_mail_it_says_what_would_send_some(admin: Any) -> None:
    assert "Nothing was mailed yet" in admin.get(PAGE).content.decode()


def test_it_stands_among_the_rooms_of_setup(admin: Any) -> None:
    assert f'href="{PAGE}"' in admin.get("/setup/people/").content.decode()


def test_what_waits_says_why(admin: Any) -> None:
    mail()
    text = admin.get(PAGE).content.decode()
    assert "1 message waits: no mail server: set HOLDFAST_SMTP_URL" in text and "Your week" in text
    assert "bob@example.com" in text


def test_with_a_mail_server_it_does_not_ask_for_one(admin: Any, settings: Any) -> None:
    settings.MAIL_READY = True
    mail("sent")
    assert "HOLDFAST_SMTP_URL" not in admin.get(PAGE).content.decode()


def test_what_is_unknown_comes_first_and_says_what_to_do(admin: Any) -> None:
    mail("unknown", "The lost one", error=outbox.CRASHED)
    mail("sent", "A newer one")
    text = admin.get(PAGE).content.decode()
    assert text.index("The lost one") < text.index("A newer one")
    assert "1 message of which nobody can know whether it arrived" in text and "It arrived" in text


def test_it_is_filtered_by_state(admin: Any) -> None:
    mail("sent", "Sent one")
    mail("failed", "Failed one")
    text = admin.get(f"{PAGE}?state=failed").content.decode()
    assert "Failed one" in text and "Sent one" not in text
    assert "No mail in this state" in admin.get(f"{PAGE}?state=unknown").content.decode()
    assert "Sent one" in admin.get(f"{PAGE}?state=nonsense").content.decode()


def test_a_long_list_has_pages(admin: Any) -> None:
    for number in range(60):
        mail("sent", f"Mail {number:02}")
    first, second = (admin.get(f"{PAGE}?state=sent&page={page}").content.decode() for page in (1, 2))
    assert "Mail 59" in first and "Mail 00" not in first and "Mail 00" in second


@pytest.mark.parametrize("state", ["waiting", "sending", "unknown", "failed", "sent"])
def test_a_letter_is_shown_to_nobody(admin: Any, state: str) -> None:
    assert mail(state, kind="invitation").text
    text = admin.get(PAGE).content.decode()
    assert "the-secret" not in text and "The letter itself" not in text


def test_somebody_says_that_it_arrived(admin: Any) -> None:
    one = mail("unknown", kind="invitation", error=outbox.CRASHED, claimed_at=NOW + timedelta(minutes=1))
    assert "is marked as arrived" in do(admin, one, "arrived")
    one.refresh_from_db()
    assert (one.state, one.sent_at, one.error, one.text) == ("sent", NOW + timedelta(minutes=1), "", "")
    entry = AuditEntry.objects.get(action="marked mail as arrived")
    assert (entry.actor, entry.target, entry.detail["mail"]) == ("admin@holdfast.example", "bob@example.com", one.pk)


@pytest.mark.parametrize("state", ["unknown", "failed"])
def test_somebody_sends_it_again_as_a_mail_of_its_own(admin: Any, state: str) -> None:
    one = mail(state, attempts=3)
    before = one.text
    do(admin, one, "again")
    old, new = Mail.objects.order_by("pk")
    assert (old.state, new.state, new.attempts, new.text, new.to) == ("cancelled", "waiting", 0, before, one.to)
    assert "sent again" in old.error and new.effect_key != old.effect_key
    assert AuditEntry.objects.get(action="sent mail again").detail["new"] == new.pk


def test_sent_again_twice_it_is_sent_once(admin: Any) -> None:
    one = mail("unknown")
    do(admin, one, "again")
    assert "Nothing was done" in do(admin, one, "again")
    assert Mail.objects.filter(state="waiting").count() == 1


def test_only_what_waits_is_cancelled(admin: Any) -> None:
    one, under_way = mail(kind="password_reset_key"), mail("sending", "Under way")
    do(admin, one, "cancel")
    assert "Nothing was done" in do(admin, under_way, "cancel")
    one.refresh_from_db()
    under_way.refresh_from_db()
    assert (one.state, one.text, one.html, under_way.state) == ("cancelled", "", "", "sending")
    assert AuditEntry.objects.filter(action="cancelled mail").count() == 1


def test_all_that_waits_is_cancelled_at_once(admin: Any) -> None:
    mail(subject="One")
    mail(subject="Two", kind="invitation")
    mail("sent", "Three")
    assert "Cancelled: 2." in admin.post(f"{PAGE}cancel/", follow=True).content.decode()
    assert sorted(Mail.objects.values_list("subject", "state", "text")) == [
        ("One", "cancelled", f"The letter itself: {SECRET}"),
        ("Three", "sent", f"The letter itself: {SECRET}"),
        ("Two", "cancelled", ""),
    ]
    assert "Nothing waited" in admin.post(f"{PAGE}cancel/", follow=True).content.decode()


@pytest.mark.parametrize("state", ["waiting", "sending", "sent", "failed", "cancelled"])
def test_only_of_what_is_unknown_somebody_says_that_it_arrived(admin: Any, state: str) -> None:
    one = mail(state)
    assert "Nothing was done" in do(admin, one, "arrived")
    one.refresh_from_db()
    assert one.state == state


def test_reading_changes_nothing_and_a_mail_that_is_not_there_is_not_found(admin: Any) -> None:
    one = mail("unknown")
    for path in ("cancel/", f"{one.pk}/arrived/", f"{one.pk}/again/", f"{one.pk}/cancel/"):
        assert admin.get(PAGE + path).status_code == 405
    assert admin.post(f"{PAGE}{one.pk + 1}/again/").status_code == 404


@pytest.mark.parametrize("role", ["manager", "csm", "finance", "viewer"])
def test_it_is_the_admins(site: Callable[..., Any], role: str) -> None:
    one = mail("unknown")
    assert site(role).get(PAGE).status_code == 403
    assert site(role).post(f"{PAGE}{one.pk}/again/").status_code == 403
    assert Mail.objects.count() == 1


# -- links that let somebody in -----------------------------------------------------------------------------


def _forgotten(client: Any, email: str) -> str:
    """The link of a mail for a new password."""
    client.post("/password/reset/", {"email": email})
    letter = Mail.objects.get(kind__startswith="password_reset")
    return next(word for word in letter.text.split() if "/password/reset/key/" in word)


def _set_password(browser: Any, link: str) -> None:
    form = browser.get("/" + link.split("/", 3)[3])["Location"]
    browser.post(form, {"password1": "another-long-one", "password2": "another-long-one"})


def test_a_used_link_for_a_password_is_not_kept_and_not_sent(person: Callable[..., Any]) -> None:
    bob = person("viewer")
    _set_password(Client(), _forgotten(Client(), bob.email))
    one = Mail.objects.get(kind__startswith="password_reset_key")
    assert (one.state, one.text, one.html, one.error) == ("cancelled", "", "", outbox.VOID)
    assert Client().post("/sign-in/", {"login": bob.email, "password": "another-long-one"}).status_code == 302


def test_a_void_link_is_not_sent_again(admin: Any, person: Callable[..., Any]) -> None:
    bob = person("viewer")
    link = _forgotten(Client(), bob.email)
    Mail.objects.update(state="failed")
    _set_password(Client(), link)
    one = Mail.objects.get(kind="password_reset_key")
    assert (one.state, one.text) == ("failed", "")
    assert "its link was used or withdrawn" in do(admin, one, "again")


def _invited(admin: Any) -> Mail:
    admin.post("/setup/people/invite/", {"email": "bob@example.com", "role": "csm"})
    return Mail.objects.filter(kind="invitation").latest("pk")


def test_an_invitation_that_was_sent_again_is_void_with_the_first(admin: Any) -> None:
    first = _invited(admin)
    Mail.objects.update(state="unknown")
    do(admin, first, "again")
    second = Mail.objects.latest("pk")
    link = next(word for word in second.text.split() if "/join/" in word)
    Client().post("/" + link.split("/", 3)[3], {"name": "Bob", "password": "a-long-enough-secret"})
    assert set(Mail.objects.values_list("state", "text")) == {("cancelled", "")}


def test_a_newer_invitation_takes_the_first_out_of_the_outbox(admin: Any) -> None:
    first, second = _invited(admin), _invited(admin)
    first.refresh_from_db()
    assert (first.state, first.text, second.state) == ("cancelled", "", "waiting") and second.text
