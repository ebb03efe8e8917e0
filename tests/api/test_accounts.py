"""Accounts, contacts, notes and owners: read in pages, and told by programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.desk.models import AuditEntry, Event, Handover, Note

from .conftest import Caller

pytestmark = pytest.mark.slow

LATER = datetime(2026, 11, 21, 9, tzinfo=UTC)


def booked(home: Path) -> None:
    from holdfast.flows.book import book
    from holdfast.flows.home import open_home

    book(open_home(home), LATER)


def every(call: Caller, path: str, name: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = call("GET", f"{path}{'&' if '?' in path else '?'}limit={limit}{cursor}").json()
        assert len(page[name]) <= limit
        found += page[name]
        if page["next"] is None:
            return found
        assert len(page[name]) == limit
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize(
    ("path", "name", "id_name"), [("/accounts", "accounts", "account_id"), ("/contacts", "contacts", "contact_id")]
)
def test_pages_hold_every_entry_once(call: Caller, path: str, name: str, id_name: str) -> None:
    found = [one[id_name] for one in every(call, path, name, 97)]
    assert found == sorted(set(found)) and len(found) > 200
    assert found[:3] == [one[id_name] for one in call("GET", f"{path}?limit=3").json()[name]]


def test_accounts_are_filtered(call: Caller) -> None:
    everyone = every(call, "/accounts", "accounts", 200)
    customers = every(call, "/accounts?status=customer", "accounts", 50)
    assert [one["account_id"] for one in customers] == [
        one["account_id"] for one in everyone if one["status"] == "customer"
    ]
    one = next(one for one in everyone if one["segments"]["industry"])
    industry = one["segments"]["industry"]
    alike = every(call, f"/accounts?segment=industry%3D{industry}", "accounts", 200)
    assert alike == [other for other in everyone if other["segments"]["industry"] == industry]
    assert every(call, f"/accounts?owner={one['owner']}", "accounts", 200) == [
        o for o in everyone if o["owner"] == one["owner"]
    ]
    assert one in call("GET", f"/accounts?text={one['name']}").json()["accounts"]


def test_a_cursor_of_another_list_is_refused(call: Caller) -> None:
    cursor = call("GET", "/accounts?limit=1").json()["next"]
    assert call("GET", f"/contacts?limit=1&cursor={cursor}").status_code == 422


def test_what_is_told_of_an_account_shows_after_the_next_booking(call: Caller, own_home: Path) -> None:
    before = call("GET", "/accounts/ac0000001").json()
    told = call(
        "PUT",
        "/accounts/ac0000001",
        {"name": "Nettlefold & Sons", "attributes": {"industry": "Retail", "crm_stage": "live"}},
    )
    assert told.json() == {"changed": 1, "load_no": 14, "shows": "after the next booking"}
    assert call("GET", "/accounts/ac0000001").json()["name"] == before["name"]
    booked(own_home)
    after = call("GET", "/accounts/ac0000001").json()
    assert (
        after["name"] == "Nettlefold & Sons"
        and after["segments"]["industry"] == "Retail"
        and after["segments"]["crm_stage"] == "live"
    )
    assert after["domain"] == before["domain"] and after["segments"]["country"] == before["segments"]["country"]
    assert after["mrr_minor"] == before["mrr_minor"]


def test_the_same_again_lands_nothing(call: Caller, own_home: Path) -> None:
    body = {"name": "Acme", "domain": "acme.example", "attributes": {"industry": "Retail"}}
    assert call("PUT", "/accounts/a1", body).json()["changed"] == 1
    assert call("PUT", "/accounts/a1", body).json() == {"changed": 0, "load_no": None, "shows": "nothing new"}
    assert call("PUT", "/accounts/a1", {"name": "Acme"}).json()["changed"] == 0
    assert call("PUT", "/accounts/a1", {}).json()["changed"] == 0


def test_null_takes_a_value_away_and_silence_does_not(call: Caller, own_home: Path) -> None:
    call(
        "PUT",
        "/accounts/ac0000001",
        {"name": "N", "domain": "n.example", "attributes": {"industry": "Retail", "country": "DE"}},
    )
    call("PUT", "/accounts/ac0000001", {"domain": None, "attributes": {"industry": None}})
    booked(own_home)
    after = call("GET", "/accounts/ac0000001").json()
    assert (after["name"], after["domain"], after["segments"]["industry"], after["segments"]["country"]) == (
        "N",
        None,
        None,
        "DE",
    )


def test_an_attribute_is_known_however_it_is_written(call: Caller, own_home: Path) -> None:
    call("PUT", "/accounts/ac0000001", {"attributes": {"INDUSTRY": "Retail"}})
    booked(own_home)
    told = call("GET", "/accounts/ac0000001").json()["segments"]
    assert told["industry"] == "Retail" and "INDUSTRY" not in told


@pytest.mark.parametrize(
    "change", [{"attributes": {"owner": "Bob"}}, {"attributes": {"Parent": "x"}}, {"parent_id": "a1"}]
)
def test_what_would_break_the_book_is_refused(call: Caller, change: dict[str, Any]) -> None:
    assert call("PUT", "/accounts/a1", change).status_code == 422


def test_many_accounts_land_together_or_not_at_all(call: Caller, own_home: Path) -> None:
    many = [{"account_id": f"b{n}", "name": f"Company {n}"} for n in range(500)]
    assert call("PUT", "/accounts", {"accounts": many}).json() == {
        "changed": 500,
        "load_no": 14,
        "shows": "after the next booking",
    }
    assert (
        call(
            "PUT", "/accounts", {"accounts": [*many[:1], {"account_id": "b1", "attributes": {"owner": "x"}}]}
        ).status_code
        == 422
    )
    assert call("PUT", "/accounts", {"accounts": [many[0], many[0]]}).status_code == 422
    assert call("PUT", "/accounts", {"accounts": [*many, {"account_id": "b500"}]}).status_code == 400
    mixed = [
        {"account_id": "b0", "name": "New"},
        {"account_id": "b1", "domain": "b1.example"},
        {"account_id": "b2", "name": "Company 2"},
    ]
    assert call("PUT", "/accounts", {"accounts": mixed}).json()["changed"] == 2


def test_an_id_of_another_system_may_have_any_signs(call: Caller, own_home: Path) -> None:
    for address, account_id in (
        ("a~2Fb", "a/b"),
        ("a~7E2F", "a~2F"),
        ("a%20b~c", "a b~c"),
        ("100%25", "100%"),
        ("%C3%BC", "ü"),
    ):
        assert call("PUT", f"/accounts/{address}", {"name": account_id}).json()["changed"] == 1
    names = [one["name"] for one in _landed(own_home)]
    assert names == ["a/b", "a~2F", "a b~c", "100%", "ü"] and names == [one["account_id"] for one in _landed(own_home)]


def _landed(home: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    from holdfast.flows.home import open_home

    landing = open_home(home).landing
    files = [landing.root / "account" / part for load in landing.loads() if load.source == "api" for part in load.parts]
    return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_contact_is_told_of_and_told_on(call: Caller, own_home: Path) -> None:
    assert call("PUT", "/contacts/c1", {"name": "Bob"}).status_code == 422
    assert call("PUT", "/contacts/c1", {"account_id": "nobody", "name": "Bob"}).status_code == 422
    assert (
        call("PUT", "/contacts/c1", {"account_id": "ac0000001", "name": "Bob", "role": "champion"}).json()["changed"]
        == 1
    )
    assert call("PUT", "/contacts/c1", {"title": "CTO"}).json()["changed"] == 1
    assert call("PUT", "/contacts/c1", {"title": "CTO", "name": "Bob"}).json()["changed"] == 0
    booked(own_home)
    found = next(
        one for one in every(call, "/contacts?account_id=ac0000001", "contacts", 200) if one["contact_id"] == "c1"
    )
    assert (found["name"], found["title"], found["role"]) == ("Bob", "CTO", "champion")


def test_a_contact_of_an_account_that_was_only_just_told(call: Caller) -> None:
    call("PUT", "/accounts/fresh", {"name": "Fresh"})
    assert call("PUT", "/contacts/c2", {"account_id": "fresh", "name": "Bob"}).json()["changed"] == 1


def test_who_told_it_stands_in_the_audit_log(call: Caller) -> None:
    call("PUT", "/accounts/a1", {"name": "Acme"})
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.target, entry.key.name if entry.key else "") == ("upserted account", "a1", "a program")


def test_notes_are_written_set_anew_and_deleted(call: Caller) -> None:
    note = {"account_id": "ac0000001", "text": "First"}
    first = call("PUT", "/notes/external/crm-1", note).json()
    again = call("PUT", "/notes/external/crm-1", note | {"text": "Second", "pinned": True}).json()
    assert again["note_id"] == first["note_id"] and again["text"] == "Second" and again["pinned"] and again["edited_at"]
    assert call("PUT", "/notes/external/crm-1", note | {"account_id": "ac0000002"}).status_code == 409
    assert call("GET", f"/notes/{first['note_id']}").json() == again
    assert call("DELETE", f"/notes/{first['note_id']}").status_code == 204
    assert call("GET", f"/notes/{first['note_id']}").status_code == 404
    assert call("DELETE", f"/notes/{first['note_id']}").status_code == 404
    back = call("PUT", "/notes/external/crm-1", note | {"text": "Back"}).json()
    assert back["note_id"] == first["note_id"] and back["text"] == "Back"


def test_a_key_does_not_delete_what_a_person_wrote(call: Caller) -> None:
    from holdfast.desk.models import User

    alice = User.objects.create_user("alice@holdfast.example", "correct-horse-battery", role="csm", name="Alice")
    note = Note.objects.create(account_id="ac0000001", author=alice, text="Mine", written_at=LATER)
    assert call("GET", f"/notes/{note.pk}").json()["by"] == "Alice"
    assert call("DELETE", f"/notes/{note.pk}").status_code == 403
    assert Note.objects.get().text == "Mine"


def test_notes_go_on_in_pages_newest_first(call: Caller) -> None:
    for number in range(7):
        call("POST", "/notes", {"account_id": "ac0000001", "text": f"note {number}"})
    assert [one["text"] for one in every(call, "/notes", "notes", 3)] == [
        f"note {number}" for number in range(6, -1, -1)
    ]


def test_a_note_tells_an_event_without_its_text(call: Caller) -> None:
    call("POST", "/notes", {"account_id": "ac0000001", "text": "Secret plans"})
    event = Event.objects.get(kind="note.written")
    assert event.data["account_id"] == "ac0000001" and "Secret" not in str(event.data)


def test_accounts_are_handed_over(call: Caller) -> None:
    told = call(
        "POST",
        "/owners/handovers",
        {"account_ids": ["ac0000001", "ac0000002"], "owner": "Alice", "from_day": "2026-10-01"},
    )
    assert told.status_code == 201 and told.json() == {"accounts": 2, "owner": "Alice", "from_day": "2026-10-01"}
    assert Handover.objects.filter(owner="Alice").count() == 2
    assert {event.data["account_id"] for event in Event.objects.filter(kind="account.owner_changed")} == {
        "ac0000001",
        "ac0000002",
    }
    assert call("POST", "/owners/handovers", {"account_ids": ["nobody"], "owner": "Alice"}).status_code == 422
    assert call("POST", "/owners/handovers", {"account_ids": [], "owner": "Alice"}).status_code == 400
    assert call("POST", "/owners/handovers", {"account_ids": ["ac0000001"], "owner": None}).json()["owner"] is None
    assert call("GET", "/accounts?unowned=true").json()["accounts"][0]["account_id"] == "ac0000001"
