"""First steps: from an empty home to the first NRR, by files and by the demo company; closed to everybody else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from holdfast.desk import start
from holdfast.desk.models import AuditEntry, User
from holdfast.flows.home import Settings, create, open_home
from holdfast.web import answers
from tests.web.homes import SUBSCRIPTIONS, done

pytestmark = pytest.mark.slow

Site = Callable[..., Any]
ADMIN = {"name": "Alice", "email": "Alice@Holdfast.example", "password": "a-long-enough-secret"}


@pytest.fixture
def home(tmp_path: Path, settings: Any, db: None) -> Path:
    """A home as `holdfast serve` makes one."""
    settings.HOME = create(tmp_path / "home", Settings()).path
    answers.forget()
    return Path(settings.HOME)


@pytest.fixture
def alice(home: Path) -> Client:
    """The first admin, signed in, at the second step."""
    browser = Client()
    response = browser.post("/welcome/", ADMIN | {"token": start.first_link(home)})
    assert (response.status_code, response["Location"]) == (303, "/welcome/company/")
    return browser


def test_without_the_link_nobody_becomes_admin(home: Path) -> None:
    start.first_link(home)
    for given in ({}, {"token": ""}, {"token": "guessed"}):
        assert Client().get("/welcome/", given).status_code == 403
        assert Client().post("/welcome/", ADMIN | given).status_code == 403
    assert not User.objects.exists()


def test_the_link_makes_one_admin_and_is_gone(home: Path, alice: Client) -> None:
    made = User.objects.get()
    assert (made.email, made.role, made.name) == ("alice@holdfast.example", "admin", "Alice")
    assert not (home / "first-admin.token").exists()
    assert Client().get("/welcome/", {"token": "anything"})["Location"] == "/sign-in/"
    assert AuditEntry.objects.filter(action="made the first admin").exists()


def test_a_weak_password_of_the_first_admin_is_refused(home: Path) -> None:
    token = start.first_link(home)
    assert Client().post("/welcome/", ADMIN | {"token": token, "password": "alice"}).status_code == 400
    assert not User.objects.exists()
    assert (home / "first-admin.token").exists()


def test_an_open_page_leads_to_the_step_that_comes_next(home: Path, alice: Client) -> None:
    assert alice.get("/overview/")["Location"] == "/welcome/"
    assert alice.get("/welcome/")["Location"] == "/welcome/company/"
    response = alice.post("/welcome/company/", {"company": "Acme", "currency": "eur", "timezone": "Europe/Berlin"})
    assert response["Location"] == "/welcome/data/"
    assert open_home(home).settings == Settings("Acme", "EUR", "Europe/Berlin")
    assert alice.get("/welcome/")["Location"] == "/welcome/data/"
    assert (
        alice.post("/welcome/company/", {"company": "Acme", "currency": "X", "timezone": "Europe/Berlin"}).status_code
        == 400
    )


def test_from_files_to_the_first_nrr(home: Path, alice: Client) -> None:
    alice.post("/welcome/company/", {"company": "Acme", "currency": "USD", "timezone": "UTC"})
    file = SimpleUploadedFile("subscriptions.csv", SUBSCRIPTIONS.encode())
    review = alice.post("/welcome/files/", {"files": [file]})["Location"]
    page = alice.get(review).content.decode()
    assert "customer_id" in page
    assert "Every row can be read." in page
    assert alice.post(f"{review}load/")["Location"] == "/welcome/booking/"
    assert done(home).state == "done"
    assert alice.get("/welcome/booking/", HTTP_HX_REQUEST="true")["HX-Redirect"] == "/welcome/done/"
    first = alice.get("/welcome/booking/", follow=True).content.decode()
    assert "Your first NRR" in first
    assert "/explain/nrr/" in first
    assert alice.get("/overview/").status_code == 200
    assert alice.get("/welcome/data/")["Location"] == "/"


def test_files_without_what_customers_pay_say_what_is_missing(home: Path, alice: Client) -> None:
    file = SimpleUploadedFile("contacts.csv", b"contact_id,account_id,email\n1,c1,a@b.example\n")
    review = alice.post("/welcome/files/", {"files": [file]})["Location"]
    assert b"No subscriptions or invoices are among them" in alice.get(review).content
    alice.post(f"{review}load/")
    assert done(home).told["lacks"] == "subscriptions"
    assert b"Something is still missing" in alice.get("/welcome/booking/").content
    # the way on stays open
    assert alice.get("/welcome/data/").status_code == 200


@pytest.mark.slow
def test_the_demo_company_is_made_and_booked(home: Path, alice: Client) -> None:
    assert alice.post("/welcome/demo/")["Location"] == "/welcome/booking/"
    assert done(home, 120).state == "done"
    assert open_home(home).settings.company == "Tidewater Software (demo data)"
    assert b"Your first NRR" in alice.get("/welcome/done/").content
    # nobody else was made on the way
    assert User.objects.count() == 1


def test_the_demo_company_never_mixes_with_real_data(home: Path, alice: Client) -> None:
    file = SimpleUploadedFile("contacts.csv", b"contact_id,account_id,email\n1,c1,a@b.example\n")
    alice.post(alice.post("/welcome/files/", {"files": [file]})["Location"] + "load/")
    done(home)
    page = alice.post("/welcome/demo/", follow=True)
    assert b"never mixes with real data" in page.content
    assert open_home(home).settings.company == "My company"


def test_a_booking_that_fails_says_why_and_lets_one_try_again(home: Path, alice: Client) -> None:
    alice.post("/welcome/book/")
    assert done(home).state == "failed"
    page = alice.get("/welcome/booking/").content.decode()
    assert "nothing to book" in page
    assert "Try booking again" in page


def test_everybody_else_waits_until_an_admin_is_done(home: Path, alice: Client) -> None:
    bob = Client()
    bob.force_login(User.objects.create_user("bob@holdfast.example", "x", role="viewer"))
    page = bob.get("/overview/", follow=True)
    assert page.status_code == 200
    assert b"An admin is still setting Holdfast up" in page.content
    assert bob.get("/welcome/data/").status_code == 403


def test_no_step_needs_javascript(home: Path, alice: Client) -> None:
    for step in ("company", "data"):
        page = alice.get(f"/welcome/{step}/").content.decode()
        assert '<form class="form" method="post"' in page
