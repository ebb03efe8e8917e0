"""HubSpot, read from end to end from an emulator: what becomes which fact, and the traps of its paging."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import HTTPError

from holdfast.sources.access import Access
from holdfast.sources.hubspot_reading import KINDS
from holdfast.sources.problems import explained
from holdfast.sources.shelf.hubspot import SOURCE
from holdfast.sources.source import Facts, SourceError, State, Told

from ..emulators.hubspot import TOKEN, HubSpot, failed
from ..emulators.serving import Answer
from .crm_facts import JUNK, assert_fits, facts_of
from .harness import Reader

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
THEN = datetime(2026, 1, 10, 9, tzinfo=UTC)


@pytest.fixture
def hubspot(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpot]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with HubSpot() as served:
        served.owners = [
            {"id": "71", "firstName": "Ada", "lastName": "Moreno", "email": "ada@us.example", "archived": False},
            {"id": "72", "firstName": "", "lastName": "", "email": "left@us.example", "archived": True},
        ]
        served.pipelines = [
            {"id": "default", "label": "Sales", "stages": [{"id": "s1", "label": "Proposal"}, {"id": "s2", "label": "Won"}]},
            {"id": "p9", "label": "Renewals 2026", "stages": [{"id": "r1", "label": "To renew"}]},
        ]  # fmt: skip
        served.put("companies", "10", THEN, name="Größe & Söhne", domain="groesse.example", hubspot_owner_id="71")
        yield served


def reader(hubspot: HubSpot, folder: Path, **settings: str) -> Reader:
    return Reader(SOURCE, folder, {"base_url": hubspot.url, **settings}, {"token": TOKEN})


def access(hubspot: HubSpot, token: str = TOKEN, **settings: str) -> Access:
    return Access({"base_url": hubspot.url, **settings}, {"token": token})


def seen(hubspot: HubSpot, timezone: str = "UTC", **settings: str) -> Facts:
    """What everything says that is listed now, without landing it."""
    return facts_of(SOURCE, access(hubspot, **settings), NOW, timezone)


# -- companies and people ------------------------------------------------------------------------------------


def test_a_company_becomes_a_party_with_its_owner_keys_and_attributes(hubspot: HubSpot) -> None:
    hubspot.put(
        "companies", "11", THEN, name="Acme", domain=None, website="https://www.Acme.com/de?x=1", industry="SOFTWARE", country="DE",
        numberofemployees="340", lifecyclestage="customer", hubspot_owner_id="72", stripe_customer_id="cus_9", crm_no="A-7",
        acme_tier="gold", hs_parent_company_id="10",
    )  # fmt: skip
    found = seen(hubspot, id_property="crm_no", attributes="acme_tier, not_there")
    first, acme = sorted(found.parties, key=lambda party: party.external_id)
    assert (first.name, first.domain, first.owner) == ("Größe & Söhne", "groesse.example", "Ada Moreno")
    assert (acme.domain, acme.owner, acme.keys) == ("acme.com", "left@us.example", ("A-7", "stripe:cus_9"))
    assert acme.attributes == {
        "industry": "SOFTWARE", "country": "DE", "employees": "201-1000", "lifecycle_stage": "customer", "parent": "10", "acme_tier": "gold",
    }  # fmt: skip
    assert not acme.is_gone


def test_a_company_that_is_archived_is_gone_and_keeps_its_name(hubspot: HubSpot, tmp_path: Path) -> None:
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.archive("companies", "10", NOW)
    it.pull(NOW + timedelta(minutes=15))
    assert not it.facts(NOW).parties[0].is_gone, "only a whole listing shows it"
    it.pull(NOW + timedelta(days=1, minutes=1))
    assert [(party.name, party.is_gone) for party in it.facts(NOW).parties] == [("Größe & Söhne", True)]


def test_a_new_owner_of_a_company_is_a_new_state_with_the_time_of_the_change(hubspot: HubSpot, tmp_path: Path) -> None:
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.put("companies", "10", NOW + timedelta(minutes=5), hubspot_owner_id="72")
    it.pull(NOW + timedelta(minutes=15))
    ((_, objects),) = it.raw.told(["companies"], ["10"])
    states = objects["companies"]["10"]
    assert [(s.obj["properties"]["hubspot_owner_id"], s.changed_at) for s in states] == [
        ("71", THEN), ("72", NOW + timedelta(minutes=5)),
    ]  # fmt: skip
    assert it.facts(NOW).parties[0].owner == "left@us.example"


def test_a_contact_belongs_to_its_primary_company(hubspot: HubSpot) -> None:
    hubspot.put(
        "contacts", "5", datetime(2026, 1, 1, 23, 30, tzinfo=UTC), firstname="Zoë", lastname="O'Hara", email="Zoe@Acme.com",
        jobtitle="CFO", job_function="Finance", hs_buying_role="BUDGET_HOLDER;CHAMPION",
    )  # fmt: skip
    hubspot.link("contacts", "5", "companies", "9")
    hubspot.link("contacts", "5", "companies", "10", primary=True)
    assert seen(hubspot, timezone="Europe/Berlin").rows["contact"] == [
        {
            "contact_id": "5", "account_id": "10", "name": "Zoë O'Hara", "email": "zoe@acme.com", "title": "CFO",
            "department": "Finance", "role": "champion", "joined_on": date(2026, 1, 2),
        }
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("told", "role"),
    [("EXECUTIVE_SPONSOR", "sponsor"), ("DECISION_MAKER", "sponsor"), ("BUDGET_HOLDER", "billing"), ("END_USER", "user"), (None, "user")],
)  # fmt: skip
def test_buying_roles(hubspot: HubSpot, told: str | None, role: str) -> None:
    hubspot.put("contacts", "5", THEN, email="a@b.example", hs_buying_role=told)
    hubspot.link("contacts", "5", "companies", "10")
    assert seen(hubspot).rows["contact"][0]["role"] == role


def test_a_contact_without_company_is_not_kept(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.put("contacts", "5", THEN, email="nobody@b.example")
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    assert it.raw.rows("contacts") == 0 and "contact" not in it.facts(NOW).rows


@pytest.mark.parametrize("how", ["archived", "taken from the company"])
def test_a_contact_that_goes_has_left_and_is_deleted(hubspot: HubSpot, tmp_path: Path, how: str) -> None:
    hubspot.put("contacts", "5", THEN, email="a@b.example")
    hubspot.link("contacts", "5", "companies", "10")
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    if how == "archived":
        hubspot.archive("contacts", "5", NOW)
    else:
        hubspot.links.clear()
    it.pull(NOW + timedelta(days=2))
    (row,) = it.facts(NOW).rows["contact"]
    assert row["deleted"] and row["account_id"] == "10"
    assert row["left_on"] == row["left_noticed_on"] == date(2026, 6, 3)


# -- deals ---------------------------------------------------------------------------------------------------


def test_a_deal_tells_all_its_stages_those_before_we_came_too(hubspot: HubSpot) -> None:
    def on(day: int) -> datetime:
        return datetime(2026, 2, day, 10, tzinfo=UTC)

    hubspot.put("deals", "3", on(1), dealstage="s1", pipeline="default", amount="1200.50", dealtype="newbusiness")
    hubspot.put("deals", "3", on(5), amount="1500", closedate="2026-03-31T22:30:00Z")
    hubspot.put("deals", "3", on(9), dealstage="s2")
    hubspot.put("deals", "3", on(12), dealname="only renamed")
    hubspot.link("deals", "3", "companies", "10", primary=True)
    rows = seen(hubspot, timezone="Europe/Berlin").rows["opportunity"]
    told = [(r["changed_on"].day, r["stage"], r["amount_minor"], r["close_on"]) for r in rows]
    assert told == [
        (1, "Proposal", 120050, None), (5, "Proposal", 150000, date(2026, 4, 1)), (9, "Won", 150000, date(2026, 4, 1)),
    ]  # fmt: skip
    assert {(r["opportunity_id"], r["account_id"], r["kind"], r["currency"], r["opened_on"]) for r in rows} == {
        ("3", "10", "new", "USD", date(2026, 2, 1))
    }


def test_a_deal_that_changes_between_two_readings_brings_its_new_stage(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.put("deals", "3", THEN, dealstage="s1", amount="10")
    hubspot.link("deals", "3", "companies", "10")
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.put("deals", "3", NOW + timedelta(minutes=1), dealstage="s2")
    assert it.pull(NOW + timedelta(minutes=5)).new == {"deals": 1}
    rows = it.facts(NOW).rows["opportunity"]
    assert [(row["stage"], row["changed_on"]) for row in rows] == [("Proposal", THEN.date()), ("Won", NOW.date())]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("5000", "JPY", 5000), ("1.005", "EUR", 100), ("12.3456", "KWD", 12346), ("", "EUR", None)],
)
def test_amounts_are_minor_units_of_their_currency(
    hubspot: HubSpot, amount: str, currency: str, minor: int | None
) -> None:
    hubspot.put("deals", "3", THEN, dealstage="s1", amount=amount, deal_currency_code=currency)
    hubspot.link("deals", "3", "companies", "10")
    (row,) = seen(hubspot).rows["opportunity"]
    assert (row["amount_minor"], row["currency"]) == (minor, currency)


@pytest.mark.parametrize(
    ("deal", "settings", "kind"),
    [
        ({"dealtype": "existingbusiness"}, {}, "expansion"),
        ({"dealtype": "newbusiness"}, {}, "new"),
        ({}, {}, "new"),
        ({"dealtype": "existingbusiness", "pipeline": "p9"}, {}, "renewal"),
        ({"pipeline": "p9"}, {"renewal_pipelines": "Sales"}, "new"),
        ({"pipeline": "default"}, {"renewal_pipelines": "sales"}, "renewal"),
    ],
)
def test_what_a_deal_is_for(hubspot: HubSpot, deal: dict[str, str], settings: dict[str, str], kind: str) -> None:
    hubspot.put("deals", "3", THEN, dealstage="s1", **deal)
    hubspot.link("deals", "3", "companies", "10")
    assert seen(hubspot, **settings).rows["opportunity"][0]["kind"] == kind


def test_an_amount_that_is_none_is_told_and_the_rest_of_the_deal_stands(hubspot: HubSpot) -> None:
    hubspot.put("deals", "3", THEN, dealstage="s1", amount="a lot")
    hubspot.put("deals", "4", THEN, dealstage="", amount="1")
    for key in ("3", "4"):
        hubspot.link("deals", key, "companies", "10")
    found = seen(hubspot)
    assert [(row["opportunity_id"], row["amount_minor"]) for row in found.rows["opportunity"]] == [("3", None)]
    assert [(bad.object_id, bad.field, bad.value) for bad in found.bad] == [
        ("3", "amount", "a lot"),
        ("4", "dealstage", ""),
    ]


def test_a_deal_that_goes_takes_all_its_rows_back(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.put("deals", "3", THEN, dealstage="s1", amount="10")
    hubspot.put("deals", "3", THEN + timedelta(days=3), dealstage="s2")
    hubspot.link("deals", "3", "companies", "10")
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.archive("deals", "3", NOW)
    it.pull(NOW + timedelta(days=2))
    rows = it.facts(NOW).rows["opportunity"]
    assert len(rows) == 2 and all(row["deleted"] for row in rows)


# -- touches and tickets -------------------------------------------------------------------------------------


def test_calls_meetings_and_mails_become_touches(hubspot: HubSpot) -> None:
    at = "2026-02-03T10:00:00Z"
    hubspot.put("calls", "1", THEN, hs_timestamp=at, hs_call_title="Check-in", hubspot_owner_id="71")
    hubspot.put(
        "meetings", "2", THEN, hs_timestamp=at, hs_meeting_title="Q1 QBR", hs_meeting_start_time="2026-02-04T08:00:00Z"
    )
    hubspot.put("meetings", "3", THEN, hs_timestamp=at, hs_meeting_title="Lunch", hs_meeting_outcome="NO_SHOW")
    hubspot.put(
        "emails",
        "4",
        THEN,
        hs_timestamp=at,
        hs_email_subject="Hello",
        hs_email_direction="EMAIL",
        hs_email_thread_id="t1",
    )
    hubspot.put(
        "emails",
        "5",
        THEN,
        hs_timestamp="2026-02-03T12:00:00Z",
        hs_email_direction="INCOMING_EMAIL",
        hs_email_thread_id="t1",
    )
    hubspot.put("emails", "6", THEN, hs_timestamp=at, hs_email_direction="EMAIL", hs_email_thread_id="t2")
    for kind, key in (
        ("calls", "1"),
        ("meetings", "2"),
        ("meetings", "3"),
        ("emails", "4"),
        ("emails", "5"),
        ("emails", "6"),
    ):
        hubspot.link(kind, key, "companies", "10")
    hubspot.link("calls", "1", "contacts", "5")
    found = seen(hubspot)
    told = [
        (r["touch_id"], r["channel"], r["owner"], r["contact_id"], r["subject"], r.get("replied"))
        for r in found.rows["touch"]
    ]
    assert told == [
        ("calls:1", "call", "Ada Moreno", "5", "Check-in", None), ("meetings:2", "qbr", None, None, "Q1 QBR", None),
        ("emails:4", "email", None, None, "Hello", True), ("emails:6", "email", None, None, None, False),
    ]  # fmt: skip
    assert found.rows["touch"][1]["happened_at"] == datetime(2026, 2, 4, 8, tzinfo=UTC)
    assert not found.bad


def test_the_text_of_mails_is_never_asked_for(hubspot: HubSpot) -> None:
    hubspot.put(
        "emails", "4", THEN, hs_timestamp="2026-02-03T10:00:00Z", hs_email_direction="EMAIL", hs_email_text="private"
    )
    hubspot.link("emails", "4", "companies", "10")
    seen(hubspot)
    said = "".join(f"{asked.query}{asked.body.decode()}" for asked in hubspot.asked)
    assert "hs_email_subject" in said
    assert not any(name in said for name in ("hs_email_text", "hs_email_html", "hs_body_preview"))


def test_a_meeting_that_is_called_off_is_taken_back(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.put("meetings", "2", THEN, hs_timestamp="2026-02-03T10:00:00Z", hs_meeting_outcome="SCHEDULED")
    hubspot.link("meetings", "2", "companies", "10")
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.put("meetings", "2", NOW, hs_meeting_outcome="CANCELED")
    it.pull(NOW + timedelta(minutes=5))
    assert [(row["touch_id"], row["deleted"]) for row in it.facts(NOW).rows["touch"]] == [("meetings:2", True)]


def test_a_call_with_a_person_only_belongs_to_the_company_of_the_person(hubspot: HubSpot) -> None:
    hubspot.put("calls", "1", THEN, hs_timestamp="2026-02-03T10:00:00Z")
    hubspot.link("calls", "1", "contacts", "5")
    hubspot.link("contacts", "5", "companies", "10", primary=True)
    assert [(row["account_id"], row["contact_id"]) for row in seen(hubspot).rows["touch"]] == [("10", "5")]


def test_a_call_without_time_is_told_as_bad(hubspot: HubSpot) -> None:
    hubspot.put("calls", "1", THEN, hs_timestamp="soon")
    hubspot.link("calls", "1", "companies", "10")
    assert [(bad.stream, bad.object_id, bad.value) for bad in seen(hubspot).bad] == [("calls", "1", "soon")]


def test_tickets_are_read_where_they_are_asked_for(hubspot: HubSpot) -> None:
    hubspot.put(
        "tickets", "8", THEN, subject="Broken", content="It does not start", hs_ticket_priority="MEDIUM",
        first_agent_reply_date="2026-01-10T10:00:00Z", closed_date="2026-01-11T10:00:00Z",
    )  # fmt: skip
    hubspot.link("tickets", "8", "companies", "10", primary=True)
    assert "ticket" not in seen(hubspot).rows
    hubspot.scopes.add("tickets")
    assert seen(hubspot, tickets="yes").rows["ticket"] == [
        {
            "ticket_id": "8", "account_id": "10", "contact_id": None, "opened_at": THEN, "priority": "normal",
            "first_response_at": THEN + timedelta(hours=1), "closed_at": THEN + timedelta(days=1, hours=1),
            "subject": "Broken", "body": "It does not start",
        }
    ]  # fmt: skip


@given(values=st.lists(JUNK, min_size=30, max_size=30), deleted=st.booleans())
def test_whatever_stands_in_an_object_its_facts_have_their_form(values: list[Any], deleted: bool) -> None:
    at = iter(cycle(values))
    objects: dict[str, dict[str, list[State]]] = {}
    for kind in KINDS.values():
        properties = {name: next(at) for name in (*kind.properties, *kind.history)}
        history = {name: [{"value": next(at), "timestamp": next(at)}, next(at)] for name in kind.history}
        obj = {
            "id": "1",
            "companies": ["10"],
            "contacts": [],
            "properties": properties,
            "propertiesWithHistory": history,
            "createdAt": next(at),
        }
        odd = {"id": "2", "companies": ["10"], "properties": next(at), "propertiesWithHistory": next(at)}
        states = [State(one, SOURCE.stream(kind.name).changed(one), NOW, deleted) for one in (obj, odd)]
        objects[kind.name] = {"1": states[:1], "2": states[1:]}
    assert_fits(SOURCE.facts(Told("10", objects, {}, "America/New_York", "JPY", {}, NOW)))


# -- paging --------------------------------------------------------------------------------------------------


def test_lists_of_several_pages_and_associations_of_several_pages(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.links_page = 2
    for key in range(1, 251):
        hubspot.put("contacts", str(key), THEN, email=f"{key}@b.example")
        for company in (77, 66, 55):
            hubspot.link("contacts", str(key), "companies", str(company))
        hubspot.link("contacts", str(key), "companies", "10", primary=True)
    it = reader(hubspot, tmp_path)
    assert it.pull(NOW).new["contacts"] == 250
    assert {row["account_id"] for row in it.facts(NOW).rows["contact"]} == {"10"}


@pytest.mark.slow
def test_more_than_ten_thousand_changes_are_all_read(hubspot: HubSpot, tmp_path: Path) -> None:
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    for key in range(1000, 11_050):
        hubspot.put("companies", str(key), NOW + timedelta(seconds=key // 30), name=str(key))
    assert it.pull(NOW + timedelta(hours=1)).new["companies"] == 10_050


def test_more_changes_at_one_moment_than_a_page_holds(hubspot: HubSpot, tmp_path: Path) -> None:
    """A bulk edit gives thousands the same time: by time alone the reading would stand still, or leave some out."""
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    for key in range(1000, 1450):
        hubspot.put("companies", str(key), NOW + timedelta(seconds=5), name=str(key))
    for key in range(2000, 2100):
        hubspot.put("companies", str(key), NOW + timedelta(seconds=6), name=str(key))
    assert it.pull(NOW + timedelta(hours=1)).new["companies"] == 550


def test_what_is_changed_while_the_list_is_read_pushes_nothing_out(hubspot: HubSpot, tmp_path: Path) -> None:
    """An object on a page that was read already moves to the end of the list: pages by position would now skip one."""
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    for key in range(1000, 1400):
        hubspot.put("companies", str(key), NOW + timedelta(seconds=key), name=str(key))
    asked = hubspot.search

    def search(told: Any, kind: str) -> Any:
        answer = asked(told, kind)
        if kind == "companies" and hubspot.objects["companies"]["1000"]["properties"]["name"] == "1000":
            hubspot.put("companies", "1000", NOW + timedelta(minutes=55), name="changed meanwhile")
        return answer

    hubspot.search = search  # type: ignore[method-assign]
    it.pull(NOW + timedelta(hours=1))
    assert it.raw.rows("companies") == 401


def test_only_what_is_new_is_asked_for_with_some_overlap_and_landed_once(hubspot: HubSpot, tmp_path: Path) -> None:
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    hubspot.asked.clear()
    hubspot.put("companies", "11", THEN - timedelta(minutes=5), name="the index was late")
    pulled = it.pull(NOW + timedelta(minutes=15))
    assert pulled.new == {"companies": 1} and "companies" not in pulled.whole
    assert not any(asked.path == "/crm/v3/objects/companies" for asked in hubspot.asked)
    assert it.pull(NOW + timedelta(minutes=30)).new == {}


# -- when it does not go well --------------------------------------------------------------------------------


def test_waits_and_breakdowns_are_borne(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.faults = [
        failed(429, "RATE_LIMITS", "too fast", policyName="TEN_SECONDLY_ROLLING"),
        Answer(502, b"<html>bad gateway</html>"),
        Answer(429, {"policyName": "SECONDLY"}, {"Retry-After": "1"}),
    ]
    it = reader(hubspot, tmp_path)
    it.pull(NOW)
    assert it.raw.rows("companies") == 1


def test_the_daily_limit_ends_the_reading_at_once_and_says_so(hubspot: HubSpot, tmp_path: Path) -> None:
    hubspot.faults = [failed(429, "RATE_LIMITS", "You have reached your daily limit.", policyName="DAILY")]
    with pytest.raises(Exception) as caught:
        reader(hubspot, tmp_path).pull(NOW)
    error = explained(caught.value, SOURCE)
    assert "daily limit" in error.problem and "midnight" in error.remedy
    assert len(hubspot.asked) == 1


def test_a_token_that_was_withdrawn(hubspot: HubSpot, tmp_path: Path) -> None:
    it = Reader(SOURCE, tmp_path, {"base_url": hubspot.url}, {"token": "pat-na1-9999999999"})
    with pytest.raises(Exception) as caught:
        it.pull(NOW)
    error = explained(caught.value, SOURCE)
    assert "does not take the key" in error.problem and "pat-na1" not in str(error)


def test_check_says_who_it_is_and_what_is_there(hubspot: HubSpot) -> None:
    checked = SOURCE.check(access(hubspot))
    assert checked.who == "HubSpot portal 4711" and checked.seen["companies"] == 1 and not checked.warnings


def test_check_refuses_a_wrong_token(hubspot: HubSpot) -> None:
    with pytest.raises(SourceError, match="does not take the token") as caught:
        SOURCE.check(access(hubspot, token="pat-na1-wrong"))
    assert "Private Apps" in caught.value.remedy


@pytest.mark.parametrize(
    "scope", ["crm.objects.companies.read", "crm.objects.deals.read", "crm.objects.owners.read", "tickets"]
)
def test_check_names_the_scope_that_is_missing(hubspot: HubSpot, scope: str) -> None:
    hubspot.scopes.discard(scope)
    with pytest.raises(SourceError, match=scope):
        SOURCE.check(access(hubspot, tickets="yes"))


def test_check_warns_of_what_will_be_missed(hubspot: HubSpot) -> None:
    hubspot.scopes -= {"sales-email-read", "crm.objects.companies.write"}
    warnings = SOURCE.check(access(hubspot, write_back="yes")).warnings
    assert "sales-email-read" in warnings[0] and "crm.objects.companies.write" in warnings[1]
    assert len(SOURCE.check(access(hubspot)).warnings) == 1


# -- writing -------------------------------------------------------------------------------------------------


def test_our_fields_are_made_once_and_written_in_batches(hubspot: HubSpot) -> None:
    assert SOURCE.write
    for key in range(100, 350):
        hubspot.put("companies", str(key), THEN, name=str(key))
    before = {key: dict(one["properties"]) for key, one in hubspot.objects["companies"].items()}
    told = {str(key): {"holdfast_mrr": "10.50", "holdfast_renewal_date": "2027-01-01"} for key in range(100, 350)}
    assert SOURCE.write(access(hubspot), told) == {}
    assert SOURCE.write(access(hubspot), told) == {}
    assert hubspot.values("349") == {"holdfast_mrr": "10.50", "holdfast_renewal_date": "2027-01-01"}
    made = [one for one in hubspot.properties if one["groupName"] == "holdfast"]
    assert [one["name"] for one in made] == ["holdfast_mrr", "holdfast_renewal_date"]
    assert all(one["label"].startswith("Holdfast") and "Written by Holdfast" in one["description"] for one in made)
    assert not hubspot.trespasses
    for key, properties in before.items():
        after = hubspot.objects["companies"][key]["properties"]
        assert {name: value for name, value in after.items() if not name.startswith("holdfast_")} == properties


def test_nothing_that_is_not_ours_is_written(hubspot: HubSpot) -> None:
    assert SOURCE.write
    with pytest.raises(ValueError, match="'industry' is not a field of ours"):
        SOURCE.write(access(hubspot), {"10": {"holdfast_mrr": "1", "industry": "x"}})
    assert not hubspot.asked


def test_a_property_of_our_name_and_another_type_is_left_alone(hubspot: HubSpot) -> None:
    assert SOURCE.write
    hubspot.properties.append({"name": "holdfast_mrr", "type": "string", "groupName": "companyinformation"})
    with pytest.raises(SourceError, match="holdfast_mrr is a string"):
        SOURCE.write(access(hubspot), {"10": {"holdfast_mrr": "1"}})
    assert not hubspot.written


def test_one_company_that_is_refused_does_not_keep_the_others(hubspot: HubSpot) -> None:
    assert SOURCE.write
    for key in range(11, 18):
        hubspot.put("companies", str(key), THEN, name=str(key))
    hubspot.archive("companies", "12", NOW)
    told = {str(key): {"holdfast_mrr": "x" if key == 14 else "1"} for key in range(10, 18)}
    problems = SOURCE.write(access(hubspot), told)
    assert set(problems) == {"12", "14"} and "not a valid number" in problems["14"]
    assert hubspot.values("17") == {"holdfast_mrr": "1"}


def test_an_empty_value_empties_the_field(hubspot: HubSpot) -> None:
    assert SOURCE.write
    SOURCE.write(access(hubspot), {"10": {"holdfast_nrr": "101.5"}})
    SOURCE.write(access(hubspot), {"10": {"holdfast_nrr": None}})
    assert hubspot.values("10") == {"holdfast_nrr": ""}


def test_a_token_that_may_not_write_says_what_it_lacks(hubspot: HubSpot) -> None:
    assert SOURCE.write
    hubspot.scopes.discard("crm.schemas.companies.write")
    with pytest.raises(SourceError) as caught:
        SOURCE.write(access(hubspot), {"10": {"holdfast_mrr": "1"}})
    assert "crm.schemas.companies.write" in caught.value.remedy


def test_a_breakdown_that_stays_is_raised(hubspot: HubSpot) -> None:
    assert SOURCE.write
    hubspot.faults = [Answer(503, {})] * 6
    with pytest.raises(HTTPError):
        SOURCE.write(access(hubspot), {"10": {"holdfast_mrr": "1"}})
