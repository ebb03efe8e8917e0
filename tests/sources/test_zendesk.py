"""Zendesk: organisations, people and tickets from the incremental exports; against an emulator of their published rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.sources.problems import explained
from holdfast.sources.shelf.zendesk import SOURCE
from holdfast.sources.source import SourceError

from ..emulators.serving import Answer
from ..emulators.zendesk import EMAIL, OAUTH, TOKEN, Zendesk
from .harness import Reader
from .mangled import each

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> list[datetime]:
    return [NOW]


@pytest.fixture
def desk(clock: list[datetime], monkeypatch: pytest.MonkeyPatch) -> Iterator[Zendesk]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with Zendesk(lambda: clock[0]) as emulator:
        yield emulator


def reader(desk: Zendesk, folder: Path, **secrets: str) -> Reader:
    given = {"subdomain": "acme", "email": EMAIL, "base_url": desk.url}
    return Reader(SOURCE, folder, given, {"token": TOKEN} | secrets)


def organization(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Company {number}", "domain_names": [f"c{number}.example"], "external_id": None, "deleted_at": None,
            "created_at": "2025-01-01T00:00:00Z", "updated_at": "2025-01-01T00:00:00Z"} | more  # fmt: skip


def person(number: int, organization_id: int | None, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Person {number}", "email": f"P{number}@c1.example", "role": "end-user", "active": True,
            "organization_id": organization_id, "created_at": "2025-02-01T23:30:00Z", "updated_at": "2025-02-01T23:30:00Z"} | more  # fmt: skip


def ticket(number: int, requester: int, organization_id: int | None = None, **more: Any) -> dict[str, Any]:
    return {"id": number, "requester_id": requester, "organization_id": organization_id, "status": "open", "priority": "high",
            "subject": f"Ticket {number}", "description": "It does not start", "satisfaction_rating": {"score": "unoffered"},
            "created_at": "2026-01-05T10:00:00Z", "updated_at": "2026-01-06T10:00:00Z"} | more  # fmt: skip


def metrics(number: int, minutes: int | None, solved: str | None, reopens: int) -> dict[str, Any]:
    return {"id": 900 + number, "ticket_id": number, "reopens": reopens, "replies": 1, "solved_at": solved,
            "reply_time_in_minutes": {"calendar": minutes, "business": 1}}  # fmt: skip


def told(reader: Reader, now: datetime = NOW, **more: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Rows by table and id."""
    rows = reader.facts(now, **more).rows
    return {
        "contact": {row["contact_id"]: row for row in rows.get("contact", [])},
        "ticket": {row["ticket_id"]: row for row in rows.get("ticket", [])},
    }


def test_an_organisation_is_a_party_with_domain_and_key(desk: Zendesk, tmp_path: Path) -> None:
    desk.put(
        "organizations",
        organization(1, name="Ünïted Börse", domain_names=["C1.Example", "b.example"], external_id="cus_1"),
    )
    desk.put("organizations", organization(2, domain_names=[]))
    desk.put("organizations", organization(3, deleted_at="2026-01-01T00:00:00Z"))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    one, two, gone = sorted(read.facts(NOW).parties, key=lambda party: party.external_id)
    assert (one.external_id, one.name, one.domain, one.keys) == ("1", "Ünïted Börse", "c1.example", ("cus_1",))
    assert (two.domain, two.keys, two.is_gone) == ("", (), False)
    assert gone.is_gone


def test_people_are_contacts_of_their_organisation_and_agents_are_not(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("users", person(10, 1))
    desk.put("users", person(11, 1, role="agent"))
    desk.put("users", person(12, 1, active=False))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    contacts = told(read, timezone="Europe/Berlin")["contact"]
    assert set(contacts) == {"10", "12"}
    assert contacts["10"] == {
        "contact_id": "10", "account_id": "1", "name": "Person 10", "email": "p10@c1.example", "joined_on": date(2025, 2, 2), "deleted": False,
    }  # fmt: skip
    assert contacts["12"]["deleted"]


def test_a_ticket_tells_its_times_and_how_it_went(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("users", person(10, 1))
    desk.put("tickets", ticket(5, 10, 1, status="closed", satisfaction_rating={"score": "good", "comment": "quick"}))
    desk.metrics[5] = metrics(5, 90, "2026-01-06T09:00:00Z", 2)
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert told(read)["ticket"]["5"] == {
        "ticket_id": "5", "account_id": "1", "contact_id": "10", "opened_at": datetime(2026, 1, 5, 10, tzinfo=UTC),
        "first_response_at": datetime(2026, 1, 5, 11, 30, tzinfo=UTC), "closed_at": datetime(2026, 1, 6, 9, tzinfo=UTC),
        "priority": "high", "subject": "Ticket 5", "body": "It does not start", "reopened": 2, "satisfaction": 5, "deleted": False,
    }  # fmt: skip


def test_metric_sets_beside_the_tickets_are_read_as_well(desk: Zendesk, tmp_path: Path) -> None:
    desk.beside = True
    desk.put("users", person(10, 1))
    desk.put("tickets", ticket(5, 10, 1))
    desk.metrics[5] = metrics(5, 10, None, 1)
    read = reader(desk, tmp_path)
    read.pull(NOW)
    row = told(read)["ticket"]["5"]
    assert (row["first_response_at"], row["reopened"]) == (datetime(2026, 1, 5, 10, 10, tzinfo=UTC), 1)


def test_an_open_ticket_has_no_end_even_if_it_was_solved_before(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("users", person(10, 1))
    desk.put("tickets", ticket(5, 10, 1, status="open", priority=None, satisfaction_rating={"score": "offered"}))
    desk.metrics[5] = metrics(5, None, "2026-01-05T12:00:00Z", 1)
    read = reader(desk, tmp_path)
    read.pull(NOW)
    row = told(read)["ticket"]["5"]
    assert (row["closed_at"], row["first_response_at"], row["priority"], row["satisfaction"]) == (
        None,
        None,
        "normal",
        None,
    )


def test_ratings(desk: Zendesk, tmp_path: Path) -> None:
    scores = {1: "good", 2: "bad", 3: "offered", 4: "unoffered"}
    for number, score in scores.items():
        desk.put("tickets", ticket(number, 10, 1, satisfaction_rating={"score": score}))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert [row["satisfaction"] for _, row in sorted(told(read)["ticket"].items())] == [5, 1, None, None]


def test_a_ticket_without_organisation_is_its_requesters_or_their_domains(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("users", person(10, 1))
    desk.put("users", person(11, None, email="x@Sub.Firm.example"))
    desk.put("users", person(12, None, email="somebody@gmail.com"))
    desk.put("users", person(13, None, email=None))
    for number in (10, 11, 12, 13):
        desk.put("tickets", ticket(number, number))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert {key: row["account_id"] for key, row in told(read)["ticket"].items()} == {
        "10": "1",
        "11": "domain:firm.example",
    }
    (party,) = read.facts(NOW).parties
    assert (party.external_id, party.domain) == ("domain:firm.example", "firm.example")


def test_a_requester_who_moves_takes_the_tickets_without_organisation_along(
    desk: Zendesk, clock: list[datetime], tmp_path: Path
) -> None:
    desk.put("users", person(10, 1))
    desk.put("tickets", ticket(5, 10))
    desk.put("tickets", ticket(6, 10, 1))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    clock[0] = NOW + timedelta(hours=1)
    desk.put("users", person(10, 2, updated_at="2026-03-10T12:30:00Z"))
    read.pull(clock[0])
    assert {key: row["account_id"] for key, row in told(read)["ticket"].items()} == {"5": "2", "6": "1"}


def test_the_cursor_never_ends_but_the_stream_does(desk: Zendesk, tmp_path: Path) -> None:
    desk.page = 2
    for number in range(5):
        desk.put("tickets", ticket(number + 1, 10, 1, updated_at=f"2026-01-0{number + 1}T00:00:00Z"))
        desk.put("organizations", organization(number + 1, updated_at=f"2026-01-0{number // 2 + 1}T00:00:00Z"))
    read = reader(desk, tmp_path)
    pulled = read.pull(NOW)
    assert len([one for one in desk.asked if "tickets" in one.path]) == 3
    assert len(told(read)["ticket"]) == 5
    # pages by time overlap; nothing is kept twice
    assert pulled.new["organizations"] == 5


def test_afterwards_only_what_changed_is_asked_for_and_kept(
    desk: Zendesk, clock: list[datetime], tmp_path: Path
) -> None:
    desk.put("tickets", ticket(5, 10, 1))
    desk.put("tickets", ticket(6, 10, 1))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    desk.asked.clear()
    clock[0] = NOW + timedelta(hours=1)
    desk.put("tickets", ticket(5, 10, 1, status="solved", updated_at="2026-03-10T12:20:00Z"))
    pulled = read.pull(clock[0])
    (asked,) = [one for one in desk.asked if "tickets" in one.path]
    # from the newest change on, less the overlap
    assert int(asked.first("start_time")) == int(datetime(2026, 1, 6, 9, 45, tzinfo=UTC).timestamp())
    assert pulled.new == {"tickets": 1}
    assert told(read)["ticket"]["5"]["closed_at"] == datetime(2026, 3, 10, 12, 20, tzinfo=UTC)


def test_a_change_by_the_system_itself_is_seen(desk: Zendesk, clock: list[datetime], tmp_path: Path) -> None:
    early = int(datetime(2026, 1, 6, 10, tzinfo=UTC).timestamp())
    desk.put("tickets", ticket(5, 10, 1, generated_timestamp=early))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    desk.put("tickets", ticket(5, 10, 1, satisfaction_rating={"score": "bad"}, generated_timestamp=early + 86_400))
    read.pull(NOW + timedelta(hours=1))
    assert told(read)["ticket"]["5"]["satisfaction"] == 1


def test_a_deleted_ticket_is_deleted_and_stays_with_its_account(
    desk: Zendesk, clock: list[datetime], tmp_path: Path
) -> None:
    desk.put("tickets", ticket(5, 10, 1))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    scrubbed = ticket(
        5, 10, None, status="deleted", subject="SCRUBBED", description=None, updated_at="2026-03-10T12:20:00Z"
    )
    desk.put("tickets", scrubbed)
    clock[0] = NOW + timedelta(hours=1)
    read.pull(clock[0])
    row = told(read)["ticket"]["5"]
    assert (row["deleted"], row["account_id"]) == (True, "1")


def test_a_bad_ticket_is_told_and_the_others_are_read(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("tickets", ticket(5, 10, 1, created_at="soon"))
    desk.put("tickets", ticket(6, 10, 1))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    (bad,) = read.facts(NOW).bad
    assert (bad.stream, bad.object_id, bad.field, bad.value) == ("tickets", "5", "created_at", "soon")
    assert set(told(read)["ticket"]) == {"6"}


def test_nothing_that_is_odd_stops_the_others() -> None:
    rated = ticket(
        5,
        10,
        1,
        satisfaction_rating={"score": "good"},
        metric_set=metrics(5, 90, "2026-01-06T09:00:00Z", 2),
        generated_timestamp=1_767_000_000,
    )
    known = {
        "users": [person(10, 1)],
        "tickets": [rated, ticket(6, 10)],
        "organizations": [organization(1, external_id="x")],
    }
    said = list(each(SOURCE, "user:10", known, {}))
    assert len(said) > 500
    # only one of the two is odd
    assert all(facts.rows.get("ticket") for facts in said if facts.rows.get("contact"))


@pytest.mark.parametrize("fault", [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {}), Answer(500, {})])
def test_waiting_and_trying_again(desk: Zendesk, tmp_path: Path, fault: Answer) -> None:
    desk.put("tickets", ticket(5, 10, 1))
    desk.faults = [fault, fault]
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert set(told(read)["ticket"]) == {"5"}


def test_checking_tells_who_it_is_and_the_first_page(desk: Zendesk, tmp_path: Path) -> None:
    desk.put("tickets", ticket(5, 10, 1))
    checked = SOURCE.check(reader(desk, tmp_path).access)
    assert checked.who == f"Ada Admin <{EMAIL}>"
    assert checked.seen == {"organizations": 0, "users": 0, "tickets": 1}


def test_an_oauth_token_needs_no_mail_address(desk: Zendesk, tmp_path: Path) -> None:
    read = Reader(SOURCE, tmp_path, {"subdomain": "acme", "base_url": desk.url}, {"token": OAUTH})
    assert SOURCE.check(read.access).who.startswith("Ada Admin")


def test_a_wrong_token_is_said_so_though_zendesk_answers_as_to_a_stranger(desk: Zendesk, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not take the token") as caught:
        SOURCE.check(reader(desk, tmp_path, token="wrong-token").access)
    assert "API tokens" in caught.value.remedy and "wrong-token" not in str(caught.value)
    with pytest.raises(Exception) as raised:
        reader(desk, tmp_path, token="wrong-token").pull(NOW)
    assert explained(raised.value, SOURCE).problem.startswith("Zendesk does not take the key (401")


def test_an_agent_may_not_export_and_is_told_what_it_takes(desk: Zendesk, tmp_path: Path) -> None:
    desk.role = "agent"
    with pytest.raises(SourceError, match="is 'agent' and may not export organizations") as caught:
        SOURCE.check(reader(desk, tmp_path).access)
    assert "admin" in caught.value.remedy


def test_a_wrong_subdomain_is_said_so(desk: Zendesk, tmp_path: Path) -> None:
    desk.faults = [Answer(404, b"<html>No such host</html>", {"Content-Type": "text/html"})]
    with pytest.raises(SourceError, match="there is no Zendesk at 'acme'"):
        SOURCE.check(reader(desk, tmp_path).access)


@pytest.mark.parametrize("typed", ["acme", "acme.zendesk.com", "https://ACME.zendesk.com/agent"])
def test_the_subdomain_may_be_typed_as_an_address(typed: str) -> None:
    from holdfast.sources.access import Access
    from holdfast.sources.shelf.zendesk import _client

    assert _client(Access({"subdomain": typed}, {"token": "x"})).base_url == "https://acme.zendesk.com/api/v2"
