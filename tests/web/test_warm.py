"""What is asked ahead of readers, and what is noted of a session without writing at every request."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory

from holdfast.flows import answers as flow
from holdfast.web import answers, visits, warm

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


@pytest.fixture
def cold() -> None:
    answers.forget()


def test_the_pages_are_opened_as_the_first_admin_sees_them(cold: None, person: Callable[..., Any]) -> None:
    person("admin")
    assert warm.pages() == len(warm.PAGES)


def test_a_page_that_was_opened_ahead_asks_the_ledger_nothing(
    cold: None, site: Callable[..., Client], person: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    person("admin")
    warm.pages()
    monkeypatch.setattr("holdfast.warehouse.ledger.Ledger.rows", _refuse)
    monkeypatch.setattr("holdfast.warehouse.records.Records.rows", _refuse)
    assert site("viewer").get("/overview/").status_code == 200


def _refuse(*_: Any) -> Any:
    raise AssertionError("this was asked ahead already")


def test_without_an_admin_nothing_is_opened(cold: None) -> None:
    assert warm.pages() == 0


def test_a_session_in_use_is_noted_once_a_minute_and_at_once_from_another_address(
    site: Callable[..., Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    from allauth.usersessions.models import UserSession

    now = [1000.0]
    monkeypatch.setattr(visits.time, "monotonic", lambda: now[0])
    browser = site("viewer")

    def seen(**given: Any) -> Any:
        browser.get("/profile/", **given)
        found = UserSession.objects.get()
        return found.last_seen_at, found.ip

    first, _ = seen()
    assert seen()[0] == first
    moved, address = seen(REMOTE_ADDR="192.0.2.7")
    assert moved > first and address == "192.0.2.7"
    now[0] += visits.EVERY + 1
    time.sleep(0.001)
    assert seen(REMOTE_ADDR="192.0.2.7")[0] > moved


def test_within_one_look_the_home_stays_as_it_was(tmp_path: Any, settings: Any) -> None:
    from holdfast.flows.home import Settings, create

    settings.HOME = tmp_path / "home"
    create(settings.HOME, Settings(company="Before"))
    config = settings.HOME / "holdfast.toml"
    with flow.one_look():
        assert flow.home().settings.company == "Before"
        config.write_text(config.read_text().replace("Before", "After it"))
        assert flow.home().settings.company == "Before"
    assert flow.home().settings.company == "After it"


def test_a_visit_without_a_sign_in_is_not_noted() -> None:
    from django.contrib.auth.models import AnonymousUser
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpResponse

    request = RequestFactory().get("/")
    request.session, request.user = SessionStore(), AnonymousUser()
    middleware = visits.Visits(lambda _: HttpResponse("ok"))
    assert middleware(request).status_code == 200
    assert not middleware.noted
