"""Setup → Webhooks: the secret is shown once, and what a person has to look at is listed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast.desk.models import AuditEntry, Delivery, Endpoint
from holdfast.flows import events, outbox

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PAGE = "/setup/webhooks/"


@pytest.fixture
def admin(site: Callable[..., Any]) -> Any:
    return site("admin")


def added(admin: Any) -> Endpoint:
    answer = admin.post(
        f"{PAGE}create/", {"url": "https://example.com/hooks", "description": "data team", "events": ["month.closed"]}
    )
    assert answer.status_code == 303
    return Endpoint.objects.get()


def test_without_endpoints_it_says_what_they_are_for(admin: Any) -> None:
    text = admin.get(PAGE).content.decode()
    assert "No endpoints yet" in text and all(kind in text for kind in events.SUBSCRIBABLE)


def test_the_secret_is_shown_once(admin: Any) -> None:
    endpoint = added(admin)
    first, again = admin.get(PAGE).content.decode(), admin.get(PAGE).content.decode()
    assert "whsec_" in first and "whsec_" not in again
    assert "https://example.com/hooks" in again and endpoint.events == ["month.closed"]
    assert AuditEntry.objects.filter(action="added webhook").count() == 1


@pytest.mark.parametrize("url", ["http://example.com/", "https://10.0.0.1/", "nonsense", ""])
def test_an_address_that_cannot_be_used_is_refused(admin: Any, url: str) -> None:
    answer = admin.post(f"{PAGE}create/", {"url": url}, follow=True)
    assert "No endpoint was added" in answer.content.decode() and not Endpoint.objects.exists()


def test_an_endpoint_is_switched_tested_and_removed(admin: Any) -> None:
    endpoint = added(admin)
    admin.post(f"{PAGE}{endpoint.pk}/test/")
    assert Delivery.objects.get().event.kind == "webhook.test"
    admin.post(f"{PAGE}{endpoint.pk}/switch/", {"on": "no"})
    assert not Endpoint.objects.get().is_on and Delivery.objects.get().state == "cancelled"
    admin.post(f"{PAGE}{endpoint.pk}/test/")
    assert Delivery.objects.count() == 1
    admin.post(f"{PAGE}{endpoint.pk}/switch/", {"on": "yes"})
    assert Endpoint.objects.get().is_on
    admin.post(f"{PAGE}{endpoint.pk}/remove/")
    assert not Endpoint.objects.exists()


def test_what_is_unknown_is_listed_for_a_person_who_sends_it_again(admin: Any) -> None:
    added(admin)
    events.emit("month.closed", {"month": "2026-10"}, NOW, effect="e1")
    outbox.claim(Delivery.objects.all(), NOW, 1)
    outbox.stale(Delivery.objects.all(), NOW, all_of_them=True)
    text = admin.get(f"{PAGE}?state=unknown").content.decode()
    assert "1 delivery of which nobody can know" in text and "whether it is not known" not in text
    admin.post(f"{PAGE}deliveries/{Delivery.objects.get().pk}/replay/")
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["unknown", "waiting"]


def test_reading_the_page_changes_nothing_and_writing_needs_a_post(admin: Any) -> None:
    endpoint = added(admin)
    for path in (
        "create/",
        f"{endpoint.pk}/switch/",
        f"{endpoint.pk}/test/",
        f"{endpoint.pk}/remove/",
        "deliveries/1/replay/",
    ):
        assert admin.get(PAGE + path).status_code == 405
    assert Endpoint.objects.get().is_on


@pytest.mark.parametrize("role", ["manager", "csm", "finance", "viewer"])
def test_it_is_the_admins(site: Callable[..., Any], role: str) -> None:
    assert site(role).get(PAGE).status_code == 403
    assert site(role).post(f"{PAGE}create/", {"url": "https://example.com/"}).status_code == 403
    assert not Endpoint.objects.exists()
