"""Signing in: password, second factor, passkeys, single sign-on's door, too many attempts, sessions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

Site = Callable[..., Any]
Person = Callable[..., Any]
PASSWORD = "correct-horse-battery"


@pytest.fixture(autouse=True)
def no_attempts_yet() -> Iterator[None]:
    """Attempts are counted from here on."""
    cache.clear()
    yield
    cache.clear()


def _sign_in(browser: Client, email: str, password: str = PASSWORD) -> Any:
    return browser.post("/sign-in/", {"login": email, "password": password})


def _page(response: Any) -> str:
    return str(response.content.decode())


def test_who_is_not_signed_in_is_led_to_the_sign_in_and_back(person: Person) -> None:
    alice, browser = person("admin"), Client()
    led = browser.get("/setup/people/?x=1")
    assert led["Location"] == "/sign-in/?next=/setup/people/%3Fx%3D1"
    form = browser.get(led["Location"])
    assert 'name="next" value="/setup/people/?x=1"' in _page(form)
    back = browser.post("/sign-in/", {"login": alice.email, "password": PASSWORD, "next": "/setup/people/?x=1"})
    assert (back.status_code, back["Location"]) == (302, "/setup/people/?x=1")


def test_next_never_leads_to_another_site(person: Person) -> None:
    alice = person("admin")
    back = Client().post("/sign-in/", {"login": alice.email, "password": PASSWORD, "next": "https://evil.example/"})
    assert back["Location"] == "/"


def test_the_address_is_read_in_any_case_and_a_wrong_password_says_no_more_than_that(person: Person) -> None:
    alice = person("viewer", email="alice@holdfast.example")
    assert _sign_in(Client(), "Alice@Holdfast.EXAMPLE").status_code == 302
    wrong, nobody = _sign_in(Client(), alice.email, "wrong"), _sign_in(Client(), "nobody@holdfast.example", "wrong")
    said = [re.findall(r'role="alert"><p>(.*?)</p>', _page(one)) for one in (wrong, nobody)]
    assert said[0] == said[1] != []


def test_sign_ins_that_worked_and_failed_are_in_the_audit_log(person: Person) -> None:
    from holdfast.desk.models import AuditEntry

    alice = person("viewer")
    _sign_in(Client(), alice.email, "wrong")
    _sign_in(Client(), alice.email)
    told = list(AuditEntry.objects.order_by("id").values_list("action", "target", "address"))
    assert told == [("sign-in failed", alice.email, "127.0.0.1"), ("signed in", alice.email, "127.0.0.1")]
    assert not AuditEntry.objects.filter(detail__icontains="wrong").exists()


def test_after_five_wrong_passwords_even_the_right_one_waits(person: Person) -> None:
    alice, bob = person("viewer"), person("manager")
    for _ in range(5):
        assert "Too many failed" not in _page(_sign_in(Client(), alice.email, "wrong"))
    sixth = _sign_in(Client(), alice.email)
    assert sixth.status_code == 200
    assert "Too many failed login attempts. Try again later." in _page(sixth)
    assert _sign_in(Client(), bob.email).status_code == 302


def test_an_address_that_tries_many_people_is_stopped(person: Person) -> None:
    person("viewer")
    for n in range(10):
        _sign_in(Client(), f"guess-{n}@holdfast.example", "wrong")
    assert "Too many failed login attempts" in _page(_sign_in(Client(), "guess-10@holdfast.example", "wrong"))


def test_a_flood_is_answered_with_429_and_a_page_that_says_what_to_do(person: Person) -> None:
    person("viewer")
    browser = Client()
    answers = [browser.post("/sign-in/", {}) for _ in range(61)]
    assert answers[-1].status_code == 429
    assert "Wait a few minutes" in _page(answers[-1])


def test_the_deactivated_do_not_get_in(person: Person) -> None:
    alice = person("viewer")
    alice.is_active = False
    alice.save()
    browser = Client()
    _sign_in(browser, alice.email)
    assert browser.get("/profile/").status_code == 302


def test_single_sign_on_has_a_button_where_a_provider_is_set_and_takes_a_post(db: None, settings: Any) -> None:
    assert "Sign in with Okta" not in _page(Client().get("/sign-in/"))
    app = {
        "provider_id": "sso",
        "name": "Okta",
        "client_id": "x",
        "secret": "y",
        "settings": {"server_url": "https://id.example"},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app], "OAUTH_PKCE_ENABLED": True}}
    page = _page(Client().get("/sign-in/?next=/accounts/"))
    assert "Sign in with Okta" in page
    form = re.findall(r'<form method="post" action="(/oidc/sso/login/[^"]*)"', page)[0]
    assert "next=%2Faccounts%2F" in form
    # a link alone starts nothing
    assert Client().get("/oidc/sso/login/").status_code == 200


def test_signing_out_takes_a_post(site: Site) -> None:
    browser = site("viewer")
    assert browser.get("/logout/").status_code == 200
    assert browser.get("/profile/").status_code == 200
    browser.post("/logout/")
    assert browser.get("/profile/").status_code == 302


def test_nobody_signs_up(site: Site) -> None:
    for address in ("/signup/", "/3rdparty/signup/", "/email/"):
        assert Client().get(address)["Location"].startswith("/sign-in/?next=")
        assert site("admin").get(address).status_code == 403


def test_pages_of_the_sign_in_have_no_script_or_style_that_the_policy_forbids(site: Site) -> None:
    browser = site("admin")
    browser.post("/reauthenticate/", {"password": PASSWORD})
    pages = {address: _page(Client().get(address)) for address in ("/sign-in/", "/password/reset/")}
    pages |= {
        a: _page(browser.get(a))
        for a in ("/2fa/", "/2fa/totp/activate/", "/2fa/webauthn/add/", "/password/change/", "/sessions/", "/profile/")
    }
    for address, page in pages.items():
        assert "<h1" in page, address
        for script in re.findall(r"<script\b[^>]*>", page):
            assert "src=" in script or 'type="application/json"' in script, f"{address}: {script}"
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"", page), address


def test_a_second_factor_is_asked_for_and_a_recovery_code_stands_in(person: Person) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    alice, browser = person("viewer"), Client()
    TOTP.activate(alice, generate_totp_secret())
    code = RecoveryCodes.activate(alice).get_unused_codes()[0]
    asked = _sign_in(browser, alice.email)
    assert asked["Location"] == "/2fa/authenticate/"
    assert browser.get("/profile/").status_code == 302
    assert browser.post("/2fa/authenticate/", {"code": "000000"}).status_code == 200
    browser.post("/2fa/authenticate/", {"code": code})
    assert browser.get("/profile/").status_code == 200


def test_a_new_password_comes_by_mail_that_waits_and_the_link_works_once(person: Person, settings: Any) -> None:
    from holdfast.desk.models import Mail

    settings.MAIL_READY = True
    alice = person("viewer")
    assert "Send the link" in _page(Client().get("/password/reset/"))
    Client().post("/password/reset/", {"email": alice.email})
    mail = Mail.objects.get(to=alice.email)
    assert (mail.kind, mail.state) == ("password_reset_key", "waiting")
    link = re.findall(r"http://testserver(/password/reset/key/\S+)", mail.text)[0]
    browser = Client()
    form = browser.get(link)["Location"]
    assert browser.post(form, {"password1": "short"}).status_code == 200
    browser.post(form, {"password1": "a-quite-new-password", "password2": "a-quite-new-password"})
    assert _sign_in(Client(), alice.email, "a-quite-new-password").status_code == 302
    assert "This link is over" in _page(Client().get(link, follow=True))


def test_without_a_mail_server_the_page_says_who_can_help() -> None:
    assert "Ask an admin for a link" in _page(Client().get("/password/reset/"))


def test_a_reset_does_not_tell_who_has_an_account(person: Person) -> None:
    person("viewer")
    known = Client().post("/password/reset/", {"email": "viewer@holdfast.example"})
    unknown = Client().post("/password/reset/", {"email": "nobody@holdfast.example"})
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])


def test_the_profile_is_kept(site: Site) -> None:
    from holdfast.desk.models import User

    browser = site("viewer")
    browser.post("/profile/", {"name": "Alice A.", "locale": "de_DE"})
    alice = User.objects.get(email="viewer@holdfast.example")
    assert (alice.name, alice.locale, alice.weekly_digest) == ("Alice A.", "de_DE", False)
    assert "1.234.567,89\N{NO-BREAK SPACE}€" in _page(browser.get("/profile/"))
    browser.post("/profile/", {"name": "Alice A.", "locale": "xx_XX", "weekly_digest": "on"})
    alice.refresh_from_db()
    assert (alice.locale, alice.weekly_digest) == ("", True)


def test_one_signs_oneself_out_elsewhere_and_nobody_else(person: Person) -> None:
    from allauth.usersessions.models import UserSession

    alice, charlie = person("viewer"), person("manager")
    here, there, other = Client(), Client(), Client()
    for browser, user in ((here, alice), (there, alice), (other, charlie)):
        _sign_in(browser, user.email)
    elsewhere = UserSession.objects.get(session_key=there.session.session_key)
    assert other.post(f"/profile/sessions/{elsewhere.pk}/end/").status_code == 404
    assert there.get("/profile/").status_code == 200
    here.post(f"/profile/sessions/{elsewhere.pk}/end/")
    assert there.get("/profile/").status_code == 302
    assert here.get("/profile/").status_code == 200
