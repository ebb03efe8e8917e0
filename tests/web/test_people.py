"""People: invited, joined, given another role, let go; keys; the audit log. The last admin stays."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from holdfast.desk.models import ApiKey, AuditEntry, Invitation, Mail, User

Site = Callable[..., Any]
Person = Callable[..., Any]


def _link(page: bytes) -> str:
    return re.findall(r"http://testserver(/join/[\w-]+/)", page.decode())[0]


def _invite(admin: Any, email: str = "bob@holdfast.example", role: str = "csm", **fields: str) -> str:
    page = admin.post("/setup/people/invite/", {"email": email, "role": role, **fields}, follow=True)
    return _link(page.content)


JOINING = {"name": "Bob", "password": "a-long-enough-secret"}


def test_who_is_invited_joins_with_a_name_and_a_password_and_is_in(site: Site) -> None:
    link = _invite(site("admin"), "Bob@Holdfast.example", owner="Bob Owner")
    browser = Client()
    assert b"bob@holdfast.example, as CSM" in browser.get(link).content
    browser.post(link, JOINING)
    bob = User.objects.get(email="bob@holdfast.example")
    assert (bob.role, bob.owner_name, bob.name) == ("csm", "Bob Owner", "Bob")
    assert browser.get("/profile/").status_code == 200


def test_the_link_is_shown_once_and_goes_by_mail_and_only_its_hash_is_kept(site: Site) -> None:
    admin = site("admin")
    link = _invite(admin)
    assert b"/join/" not in admin.get("/setup/people/").content
    mail = Mail.objects.get(kind="invitation")
    assert (mail.to, mail.state, mail.effect_key) == (
        "bob@holdfast.example",
        "waiting",
        f"invitation:{Invitation.objects.get().pk}",
    )
    assert link in mail.text
    assert link.split("/")[2] not in str(Invitation.objects.values().get())
    Client().post(link, JOINING)
    mail.refresh_from_db()
    assert link not in mail.text


def test_a_link_works_once_and_not_after_14_days_and_not_when_withdrawn(site: Site) -> None:
    admin = site("admin")
    used = _invite(admin)
    Client().post(used, JOINING)
    assert Client().get(used).status_code == 404
    old = _invite(admin, "old@holdfast.example")
    Invitation.objects.filter(email="old@holdfast.example").update(invited_at=datetime.now(UTC) - timedelta(days=15))
    assert Client().post(old, JOINING).status_code == 404
    withdrawn = _invite(admin, "gone@holdfast.example")
    admin.post(f"/setup/invitations/{Invitation.objects.get(email='gone@holdfast.example').pk}/withdraw/")
    assert Client().post(withdrawn, JOINING).status_code == 404
    assert Mail.objects.get(to="gone@holdfast.example").state == "cancelled"
    assert set(User.objects.values_list("email", flat=True)) == {"admin@holdfast.example", "bob@holdfast.example"}


def test_a_second_invitation_makes_the_first_void(site: Site) -> None:
    admin = site("admin")
    first, second = _invite(admin), _invite(admin, role="viewer")
    assert Client().get(first).status_code == 404
    assert Client().get(second).status_code == 200


@pytest.mark.parametrize("password", ["short", "password123", "bob@holdfast.example"])
def test_a_weak_password_is_refused(site: Site, password: str) -> None:
    link = _invite(site("admin"))
    assert Client().post(link, {"name": "Bob", "password": password}).status_code == 400
    assert not User.objects.filter(email="bob@holdfast.example").exists()


@pytest.mark.parametrize(
    ("email", "role", "told"),
    [("not-an-address", "csm", "is not an e-mail address"), ("bob@holdfast.example", "king", "there is no role"),
     ("admin@holdfast.example", "csm", "can sign in already")],
)  # fmt: skip
def test_what_cannot_be_invited_is_said(site: Site, email: str, role: str, told: str) -> None:
    page = site("admin").post("/setup/people/invite/", {"email": email, "role": role}, follow=True)
    assert told.encode() in page.content
    assert not Invitation.objects.exists()


def test_the_last_admin_keeps_the_role_and_stays(site: Site, person: Person) -> None:
    admin, alice = site("admin"), User.objects.get(role="admin")
    for address, given in (
        (f"/setup/people/{alice.pk}/", {"role": "viewer"}),
        (f"/setup/people/{alice.pk}/deactivate/", {}),
    ):
        assert b"is the last admin" in admin.post(address, given, follow=True).content
        alice.refresh_from_db()
        assert (alice.role, alice.is_active) == ("admin", True)
    bob = person("admin", email="bob@holdfast.example")
    admin.post(f"/setup/people/{bob.pk}/deactivate/")
    bob.refresh_from_db()
    assert not bob.is_active
    # Bob does not count any more
    assert b"is the last admin" in admin.post(f"/setup/people/{alice.pk}/", {"role": "viewer"}, follow=True).content


def test_who_is_deactivated_is_signed_out_everywhere_at_once(site: Site, person: Person) -> None:
    admin, charlie = site("admin"), person("viewer")
    browser = Client()
    browser.post("/sign-in/", {"login": charlie.email, "password": "correct-horse-battery"})
    assert browser.get("/profile/").status_code == 200
    admin.post(f"/setup/people/{charlie.pk}/deactivate/")
    assert browser.get("/profile/").status_code == 302
    admin.post(f"/setup/people/{charlie.pk}/activate/")
    assert browser.post("/sign-in/", {"login": charlie.email, "password": "correct-horse-battery"}).status_code == 302


def test_a_changed_role_holds_with_the_next_page(site: Site, person: Person) -> None:
    admin, browser = site("admin"), site("viewer")
    assert browser.get("/setup/people/").status_code == 403
    admin.post(f"/setup/people/{person('viewer').pk}/", {"role": "admin", "owner": "Somebody"})
    assert browser.get("/setup/people/").status_code == 200
    told = AuditEntry.objects.get(action="changed role")
    assert (told.actor, told.detail) == ("admin@holdfast.example", {"before": "viewer", "after": "admin"})


def test_an_admin_gives_a_link_for_a_new_password(site: Site, person: Person) -> None:
    bob = person("viewer")
    page = site("admin").post(f"/setup/people/{bob.pk}/password-link/", follow=True).content.decode()
    link = re.findall(r"http://testserver(/password/reset/key/[\w-]+/)", page)[0]
    browser = Client()
    form = browser.get(link)["Location"]
    browser.post(form, {"password1": "another-long-one", "password2": "another-long-one"})
    assert Client().post("/sign-in/", {"login": bob.email, "password": "another-long-one"}).status_code == 302


def test_a_key_is_shown_once_works_and_is_revoked(site: Site) -> None:
    admin = site("admin")
    page = admin.post(
        "/setup/keys/create/", {"name": "nightly", "scopes": ["sources:read"]}, follow=True
    ).content.decode()
    key = re.findall(r"hf_[\w-]{43}", page)[0]
    assert key not in admin.get("/setup/keys/").content.decode()
    made = ApiKey.known(key)
    assert made is not None
    assert made.scopes == ["sources:read"]
    admin.post(f"/setup/keys/{made.pk}/revoke/")
    assert ApiKey.known(key) is None
    assert key not in str(list(AuditEntry.objects.values()))


@pytest.mark.parametrize(
    "given", [{"name": "", "scopes": ["sources:read"]}, {"name": "x"}, {"name": "x", "scopes": ["all"]}]
)
def test_a_key_needs_a_name_and_scopes_that_there_are(site: Site, given: dict[str, Any]) -> None:
    site("admin").post("/setup/keys/create/", given)
    assert not ApiKey.objects.exists()


def test_the_audit_log_is_searched_and_exported_safely(site: Site, person: Person) -> None:
    admin, now = site("admin"), datetime.now(UTC)
    AuditEntry.add("exported", "=HYPERLINK(0)", now, user=person("viewer"), address="192.0.2.1")
    AuditEntry.add("exported", "long ago", now - timedelta(days=40), user=person("viewer"))
    page = admin.get(
        "/setup/audit/", {"person": "viewer", "action": "exported", "from": f"{now.date() - timedelta(days=2)}"}
    ).content
    assert b"=HYPERLINK(0)" in page
    assert b"long ago" not in page
    found = b"".join(admin.get("/setup/audit.csv", {"person": "viewer"}).streaming_content).decode()
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [row["target"] for row in rows] == ["long ago", "'=HYPERLINK(0)"]
    assert AuditEntry.objects.filter(action="exported", target="audit log", actor="admin@holdfast.example").exists()
    assert admin.get("/setup/audit/", {"from": "no-day", "page": "zero"}).status_code == 200
