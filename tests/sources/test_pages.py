"""Connections in the web app: tried before they are kept, told as they stand, and their webhooks taken in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from holdfast.flows import connections, hooks_in, sync
from holdfast.flows.book import book
from holdfast.flows.home import Home

from .acme import Acme
from .conftest import NOW, fill

PASSWORD = "quiet-harbour-lantern"


def person(role: str) -> Client:
    from holdfast.desk.models import User

    client = Client()
    client.force_login(User.objects.create_user(f"{role}@acme.example", PASSWORD, role=role))
    return client


@pytest.fixture
def alice(home: Home) -> Client:
    """An admin."""
    return person("admin")


def form(server: Acme, **values: str) -> dict[str, str]:
    return {"key": server.key, "base_url": server.url, "name": "acme", **values}


def test_a_wrong_key_is_said_with_its_remedy_and_nothing_is_kept(home: Home, server: Acme, alice: Client) -> None:
    from holdfast.desk.models import Connection

    answer = alice.post("/setup/connections/new/acme/", form(server, key="wrong"))
    assert answer.status_code == 400
    page = answer.content.decode()
    assert "Acme does not take the key" in page and "Copy the key again" in page and "wrong" not in page
    assert not Connection.objects.exists()


def test_a_good_key_is_kept_sealed_and_runs_at_once(home: Home, server: Acme, alice: Client) -> None:
    from holdfast.desk.models import AuditEntry, Connection

    fill(server, 3)
    answer = alice.post("/setup/connections/new/acme/", form(server))
    assert (answer.status_code, answer["Location"]) == (303, "/setup/connections/acme/")
    row = Connection.objects.get()
    assert row.next_run_at is not None and row.created_by is not None
    assert AuditEntry.objects.filter(action="connected", target="acme").exists()
    sync.sync(home, "acme", NOW)
    book(home, NOW)
    for address in (
        "/setup/connections/",
        "/setup/connections/acme/",
        "/setup/connections/new/acme/?name=acme",
        "/setup/audit/",
    ):
        page = alice.get(address).content.decode()
        assert server.key not in page, address
    assert "3 <code>subscription_item</code>" in alice.get("/setup/connections/acme/").content.decode()


def test_it_can_be_paused_run_listed_anew_and_disconnected(home: Home, server: Acme, alice: Client) -> None:
    from holdfast.desk.models import Connection

    alice.post("/setup/connections/new/acme/", form(server))
    alice.post("/setup/connections/acme/pause/", {"paused": "on"})
    assert Connection.objects.get().is_paused
    alice.post("/setup/connections/acme/run/", {"whole": "on"})
    row = Connection.objects.get()
    assert row.is_whole_next and not row.is_paused
    sync.sync(home, "acme", NOW)
    assert not Connection.objects.get().is_whole_next
    alice.post("/setup/connections/acme/revoke/")
    assert Connection.objects.get().sealed == ""
    assert "disconnected" in alice.get("/setup/connections/acme/").content.decode()


def test_a_failure_is_shown_with_its_remedy(home: Home, server: Acme, alice: Client) -> None:
    alice.post("/setup/connections/new/acme/", form(server))
    server.key = "rotated"
    sync.sync(home, "acme", NOW)
    for address in ("/setup/connections/", "/setup/connections/acme/"):
        assert "does not take the key (401 at /customers)" in alice.get(address).content.decode()


@pytest.mark.parametrize("role", ["manager", "csm", "finance", "viewer"])
def test_only_admins_see_connections(home: Home, server: Acme, role: str) -> None:
    charlie = person(role)
    for address in (
        "/setup/connections/",
        "/setup/connections/new/acme/",
        "/setup/connections/acme/",
        "/welcome/connect/",
    ):
        assert charlie.get(address).status_code == 403
    assert charlie.post("/setup/connections/new/acme/", form(server)).status_code == 403
    assert server.asked == []


def test_webhooks_are_taken_when_their_signature_is_good(home: Home, server: Acme, alice: Client) -> None:
    alice.post("/setup/connections/new/acme/", form(server))
    subscription = {"id": "s1", "customer": "c1", "amount": 100, "from": "2026-11-01", "updated": int(NOW.timestamp())}
    body = json.dumps({"id": "e1", "subscription": subscription})
    anybody = Client()

    def post(name: str = "acme", key: str = server.key) -> Any:
        return anybody.post(f"/hooks/{name}/", body, content_type="application/json", headers={"X-Acme": key})

    assert post(key="forged").status_code == 400 and post(name="nobody").status_code == 404
    assert anybody.get("/hooks/acme/").status_code == 405
    assert not hooks_in.is_waiting(home, "acme")
    assert [post().status_code, post().status_code] == [200, 200]
    assert len(hooks_in.waiting(home, "acme")[1]) == 1
    connections.revoke(home, "acme", NOW)
    assert post().status_code == 404


def test_the_first_steps_lead_from_a_connection_to_the_first_nrr(home: Home, server: Acme, alice: Client) -> None:
    fill(server, 3)
    assert "Acme Billing" in alice.get("/welcome/connect/").content.decode()
    answer = alice.post("/setup/connections/new/acme/?from=welcome", form(server))
    assert answer["Location"] == "/welcome/connected/acme/"
    assert "begins within seconds" in alice.get("/welcome/connected/acme/").content.decode()
    sync.sync(home, "acme", NOW)
    assert "Booking" in alice.get("/welcome/connected/acme/", headers={"HX-Request": "true"}).content.decode()
    book(home, NOW)
    answer = alice.get("/welcome/connected/acme/", headers={"HX-Request": "true"})
    assert (answer.status_code, answer["HX-Redirect"]) == (204, "/welcome/done/")
