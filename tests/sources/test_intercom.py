"""Intercom: companies, contacts and conversations; against an emulator of the published rules of its REST API."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.sources.access import Access
from holdfast.sources.intercom_words import text_of
from holdfast.sources.problems import explained
from holdfast.sources.shelf.intercom import SOURCE, _client
from holdfast.sources.source import SourceError

from ..emulators.intercom import ALL, TOKEN, Intercom
from ..emulators.serving import Answer
from .harness import Reader
from .mangled import each

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Intercom]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with Intercom() as emulator:
        yield emulator


def reader(desk: Intercom, folder: Path, token: str = TOKEN) -> Reader:
    return Reader(SOURCE, folder, {"base_url": desk.url}, {"token": token})


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def company(key: str, **more: Any) -> dict[str, Any]:
    return {"type": "company", "id": key, "company_id": f"cus_{key}", "name": f"Company {key}", "website": None, "plan": {},
            "monthly_spend": 9900, "created_at": at("2025-01-01"), "updated_at": at("2025-01-01")} | more  # fmt: skip


def contact(key: str, *companies: str, **more: Any) -> dict[str, Any]:
    listed = {"type": "list", "data": [{"type": "company", "id": one} for one in companies], "has_more": False}
    return {"type": "contact", "id": key, "role": "user", "name": f"Person {key}", "email": f"{key}@Firm.example",
            "companies": listed, "signed_up_at": at("2025-02-01T23:30"), "created_at": at("2025-02-02"), "updated_at": at("2026-01-01")} | more  # fmt: skip


def conversation(key: str, asker: str, **more: Any) -> dict[str, Any]:
    people = [{"type": "contact", "id": asker, "external_id": None}]
    return {"type": "conversation", "id": key, "title": None, "state": "open", "open": True, "priority": "not_priority",
            "created_at": at("2026-02-01T10:00"), "updated_at": at("2026-02-02T10:00"),
            "source": {"type": "conversation", "delivered_as": "customer_initiated", "subject": "<p>Invoice</p>",
                       "body": "<p>Hello &amp; thanks</p><p>It does<br>not start</p>"},
            "contacts": {"type": "contact.list", "contacts": people}, "statistics": {}, "conversation_rating": None} | more  # fmt: skip


def told(reader: Reader, timezone: str = "UTC") -> dict[str, dict[str, dict[str, Any]]]:
    """Rows by table and id."""
    rows = reader.facts(NOW, timezone=timezone).rows
    return {
        "contact": {row["contact_id"]: row for row in rows.get("contact", [])},
        "ticket": {row["ticket_id"]: row for row in rows.get("ticket", [])},
    }


def test_a_company_is_a_party_with_its_key_domain_and_plan(desk: Intercom, tmp_path: Path) -> None:
    desk.put(
        "companies",
        company(
            "a", name="Ünïted", website="https://www.Firm.example/x", plan={"id": "1", "name": "Pro"}, industry="Retail"
        ),
    )
    desk.put("companies", company("b", company_id=None))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    one, two = sorted(read.facts(NOW).parties, key=lambda party: party.external_id)
    assert (one.external_id, one.name, one.domain, one.keys) == ("a", "Ünïted", "firm.example", ("cus_a",))
    assert one.attributes == {"plan": "Pro", "industry": "Retail"}
    assert (two.keys, two.domain, two.attributes) == ((), "", {})


def test_a_contact_is_of_their_first_company_or_of_their_domain(desk: Intercom, tmp_path: Path) -> None:
    desk.put("contacts", contact("1", "a", "b"))
    desk.put("contacts", contact("2"))
    desk.put("contacts", contact("3", email="x@gmail.com"))
    desk.put("contacts", contact("4", email=None, companies=None))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    contacts = told(read, "Europe/Berlin")["contact"]
    assert contacts["1"] == {
        "contact_id": "1", "account_id": "a", "name": "Person 1", "email": "1@firm.example", "joined_on": date(2025, 2, 2), "deleted": False,
    }  # fmt: skip
    assert {key: row["account_id"] for key, row in contacts.items()} == {"1": "a", "2": "domain:firm.example"}
    assert [party.domain for party in read.facts(NOW).parties] == ["firm.example"]


def test_a_conversation_is_a_ticket_with_its_times_and_rating(desk: Intercom, tmp_path: Path) -> None:
    counted = {
        "first_admin_reply_at": at("2026-02-01T10:20"),
        "last_close_at": at("2026-02-02T09:00"),
        "count_reopens": 2,
    }
    desk.put("contacts", contact("1", "a"))
    desk.put(
        "conversations",
        conversation(
            "7", "1", state="closed", priority="priority", statistics=counted, conversation_rating={"rating": 4}
        ),
    )
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert told(read)["ticket"]["7"] == {
        "ticket_id": "7", "account_id": "a", "contact_id": "1", "opened_at": datetime(2026, 2, 1, 10, tzinfo=UTC),
        "first_response_at": datetime(2026, 2, 1, 10, 20, tzinfo=UTC), "closed_at": datetime(2026, 2, 2, 9, tzinfo=UTC),
        "priority": "high", "subject": "Invoice", "body": "Hello & thanks\nIt does\nnot start", "reopened": 2, "satisfaction": 4,
        "deleted": False,
    }  # fmt: skip


def test_a_reopened_conversation_is_not_closed(desk: Intercom, tmp_path: Path) -> None:
    desk.put("contacts", contact("1", "a"))
    desk.put(
        "conversations", conversation("7", "1", statistics={"last_close_at": at("2026-02-02"), "count_reopens": 1})
    )
    read = reader(desk, tmp_path)
    read.pull(NOW)
    row = told(read)["ticket"]["7"]
    assert (row["closed_at"], row["first_response_at"], row["satisfaction"]) == (None, None, None)


def test_what_we_sent_is_a_ticket_only_once_it_was_answered(desk: Intercom, tmp_path: Path) -> None:
    sent = {"delivered_as": "campaigns_initiated", "subject": None, "body": "<p>New!</p>"}
    desk.put("contacts", contact("1", "a"))
    desk.put("conversations", conversation("7", "1", source=sent))
    desk.put(
        "conversations",
        conversation("8", "1", source=sent, statistics={"first_contact_reply_at": at("2026-02-01T12:00")}),
    )
    read = reader(desk, tmp_path)
    read.pull(NOW)
    tickets = told(read)["ticket"]
    assert {key: row["opened_at"] for key, row in tickets.items()} == {"8": datetime(2026, 2, 1, 12, tzinfo=UTC)}


def test_a_contact_who_changes_company_takes_the_conversations_along(desk: Intercom, tmp_path: Path) -> None:
    desk.put("contacts", contact("1", "a"))
    desk.put("conversations", conversation("7", "1"))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    desk.put("contacts", contact("1", "b", updated_at=at("2026-03-10T11:00")))
    read.pull(NOW + timedelta(hours=1))
    assert told(read)["ticket"]["7"]["account_id"] == "b"


def test_every_page_is_read(desk: Intercom, tmp_path: Path) -> None:
    desk.page = 2
    for number in range(5):
        desk.put("companies", company(f"c{number}"))
        desk.put("contacts", contact(f"p{number}", f"c{number}"))
        desk.put("conversations", conversation(f"v{number}", f"p{number}"))
    read = reader(desk, tmp_path)
    assert read.pull(NOW).new == {"companies": 5, "contacts": 5, "conversations": 5}
    assert len([one for one in desk.asked if one.path == "/conversations/search"]) == 3
    # the scroll is over with an empty page, and free for the next one
    assert len([one for one in desk.asked if one.path == "/companies/scroll"]) == 4
    assert desk.open is None


def test_afterwards_only_what_changed_is_asked_for(desk: Intercom, tmp_path: Path) -> None:
    desk.put("contacts", contact("1", "a"))
    for key in ("7", "8"):
        desk.put("conversations", conversation(key, "1"))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    desk.asked.clear()
    desk.put("conversations", conversation("7", "1", state="closed", updated_at=at("2026-03-10T12:30")))
    # within the day: the search of contacts knows days only
    desk.put("contacts", contact("1", "a", name="Other Name", updated_at=at("2026-01-01T09:00")))
    pulled = read.pull(NOW + timedelta(hours=1))
    assert pulled.new == {"contacts": 1, "conversations": 1}
    asked = {one.path: one.json()["query"] for one in desk.asked}
    assert asked["/conversations/search"] == {"field": "updated_at", "operator": ">", "value": at("2026-02-02T09:50")}
    assert asked["/contacts/search"]["value"] == at("2025-12-30")
    assert "/companies/scroll" not in asked


def test_what_is_not_listed_any_more_is_deleted(desk: Intercom, tmp_path: Path) -> None:
    desk.put("companies", company("a"))
    desk.put("contacts", contact("1", "a"))
    desk.put("conversations", conversation("7", "1"))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    for kind, key in (("companies", "a"), ("contacts", "1"), ("conversations", "7")):
        desk.remove(kind, key)
    read.pull(NOW + timedelta(days=1), whole=True)
    rows = told(read)
    assert rows["contact"]["1"]["deleted"] and rows["ticket"]["7"]["deleted"]
    assert [party.is_gone for party in read.facts(NOW).parties] == [True]


def test_a_broken_scroll_is_said_so_and_nothing_of_it_counts(desk: Intercom, tmp_path: Path) -> None:
    desk.page, desk.breaks_after = 2, 1
    for number in range(5):
        desk.put("companies", company(f"c{number}"))
    read = reader(desk, tmp_path)
    with pytest.raises(Exception) as raised:
        read.pull(NOW)
    assert "broke off the list of companies" in explained(raised.value, SOURCE).problem
    desk.breaks_after = None
    assert read.pull(NOW).new["companies"] == 5


def test_a_second_scroll_is_refused_and_explained(desk: Intercom, tmp_path: Path) -> None:
    desk.open = ("somebody-elses", 0)
    with pytest.raises(Exception) as raised:
        reader(desk, tmp_path).pull(NOW)
    assert "one at a time" in explained(raised.value, SOURCE).problem


def test_a_bad_conversation_is_told_and_the_others_are_read(desk: Intercom, tmp_path: Path) -> None:
    desk.put("contacts", contact("1", "a"))
    desk.put(
        "conversations",
        conversation(
            "7", "1", source={"delivered_as": "campaigns_initiated"}, statistics={"first_contact_reply_at": "soon"}
        ),
    )
    desk.put("conversations", conversation("8", "1"))
    desk.put("conversations", conversation("9", "1", contacts=None))
    read = reader(desk, tmp_path)
    read.pull(NOW)
    (bad,) = read.facts(NOW).bad
    assert (bad.stream, bad.object_id) == ("conversations", "7")
    assert set(told(read)["ticket"]) == {"8"}


def test_nothing_that_is_odd_stops_the_others() -> None:
    counted = {
        "first_admin_reply_at": 1_769_000_000,
        "last_close_at": 1_769_100_000,
        "count_reopens": 2,
        "first_contact_reply_at": 1_769_000_000,
    }
    rich = conversation("7", "1", state="closed", statistics=counted, conversation_rating={"rating": 4})
    known = {
        "contacts": [contact("1", "a")],
        "conversations": [rich, conversation("8", "1")],
        "companies": [company("a", website="a.example")],
    }
    said = list(each(SOURCE, "contact:1", known, {}))
    assert len(said) > 500
    # only one of the two is odd
    assert all(facts.rows.get("ticket") for facts in said if facts.rows.get("contact"))


@pytest.mark.parametrize("fault", [Answer(429, {}, {"Retry-After": "0"}), Answer(503, {})])
def test_waiting_and_trying_again(desk: Intercom, tmp_path: Path, fault: Answer) -> None:
    desk.put("contacts", contact("1", "a"))
    desk.faults = [fault, fault]
    read = reader(desk, tmp_path)
    read.pull(NOW)
    assert set(told(read)["contact"]) == {"1"}


def test_checking_tells_who_it_is_and_leaves_no_scroll_open(desk: Intercom, tmp_path: Path) -> None:
    desk.put("companies", company("a"))
    checked = SOURCE.check(reader(desk, tmp_path).access)
    assert checked.who == "Ada Admin <ada@acme.test> of Acme"
    assert checked.seen == {"companies": 1, "contacts": 0, "conversations": 0}
    assert desk.open is None and not any("scroll" in one.path for one in desk.asked)


def test_a_wrong_token_is_said_so(desk: Intercom, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not take the token") as caught:
        SOURCE.check(reader(desk, tmp_path, "wrong-token").access)
    assert "region" in caught.value.remedy and "wrong-token" not in str(caught.value)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("people", "Read and list users and companies"),
        ("conversations", "Read conversations"),
        ("admin", "Read one admin"),
    ],
)
def test_a_missing_permission_is_named(desk: Intercom, tmp_path: Path, missing: str, named: str) -> None:
    desk.granted = ALL - {missing}
    with pytest.raises(SourceError, match=f"lacks the permission '{named}'"):
        SOURCE.check(reader(desk, tmp_path).access)


@pytest.mark.parametrize(
    ("region", "address"), [("", "api.intercom.io"), ("eu", "api.eu.intercom.io"), ("au", "api.au.intercom.io")]
)
def test_each_region_has_its_address(region: str, address: str) -> None:
    assert _client(Access({"region": region}, {"token": "x"})).base_url == f"https://{address}"


def test_html_becomes_words() -> None:
    assert text_of("<p>a <b>b</b></p>\n<ul><li>c&nbsp;d</li></ul>") == "a b\nc d"
    assert text_of(None) == ""
