"""Salesforce, read from end to end from an emulator: what becomes which fact, and orgs that are not alike."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.sources.access import Access
from holdfast.sources.crm import WRITTEN
from holdfast.sources.problems import explained
from holdfast.sources.salesforce_reading import TABLES
from holdfast.sources.shelf.salesforce import SOURCE
from holdfast.sources.source import Facts, SourceError, Span, State, Told

from ..emulators.salesforce import CLIENT, REFRESH, SECRET, Salesforce, failed
from ..emulators.serving import Answer
from .crm_facts import JUNK, assert_fits, facts_of
from .harness import Reader

pytestmark = pytest.mark.slow

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
THEN = datetime(2026, 1, 10, 9, tzinfo=UTC)
SECRETS = {"client_id": CLIENT, "client_secret": SECRET}


@pytest.fixture
def org(monkeypatch: pytest.MonkeyPatch) -> Iterator[Salesforce]:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")
    with Salesforce() as served:
        served.put("User", "005A", THEN, Name="Ada Moreno", Email="ada@us.example", IsActive=True)
        served.put("Account", "001A", THEN, Name="Größe & Söhne", Website="groesse.example", OwnerId="005A")
        yield served


def access(org: Salesforce, **settings: str) -> Access:
    return Access({"base_url": org.url, **settings}, SECRETS)


def reader(org: Salesforce, folder: Path, **settings: str) -> Reader:
    return Reader(SOURCE, folder, {"base_url": org.url, **settings}, SECRETS)


def seen(org: Salesforce, timezone: str = "UTC", **settings: str) -> Facts:
    """What everything says that is listed now, without landing it."""
    return facts_of(SOURCE, access(org, **settings), NOW, timezone)


# -- accounts and people -------------------------------------------------------------------------------------


def test_an_account_becomes_a_party_with_its_owner_keys_parent_and_attributes(org: Salesforce) -> None:
    for name in ("Stripe_Customer_Id__c", "Tier__c", "Crm_No__c"):
        org.add_field("Account", name)
    org.put(
        "Account", "001B", THEN, Name="Acme", Website="https://www.Acme.com/de", ParentId="001A", OwnerId="005Z", Industry="Software",
        Type="Customer", BillingCountry="Germany", NumberOfEmployees=40, Stripe_Customer_Id__c="cus_9", Tier__c="gold", Crm_No__c="A-7",
    )  # fmt: skip
    first, acme = seen(org, id_field="Crm_No__c", attributes="Tier__c, Not_There__c").parties
    assert (first.name, first.domain, first.owner) == ("Größe & Söhne", "groesse.example", "Ada Moreno")
    assert (acme.domain, acme.owner, set(acme.keys)) == ("acme.com", "", {"A-7", "stripe:cus_9"})
    assert acme.attributes == {
        "industry": "Software", "country": "Germany", "employees": "11-50", "type": "Customer", "parent": "001A", "Tier__c": "gold",
    }  # fmt: skip


def test_a_deleted_account_is_seen_at_the_next_look_and_undeleted_too(org: Salesforce, tmp_path: Path) -> None:
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.delete("Account", "001A", NOW + timedelta(minutes=1))
    it.pull(NOW + timedelta(minutes=15))
    assert [(party.name, party.is_gone) for party in it.facts(NOW).parties] == [("Größe & Söhne", True)]
    org.put("Account", "001A", NOW + timedelta(minutes=20), IsDeleted=False)
    it.pull(NOW + timedelta(minutes=30))
    assert not it.facts(NOW).parties[0].is_gone


def test_an_account_that_was_purged_is_gone_after_a_whole_listing(org: Salesforce, tmp_path: Path) -> None:
    it = reader(org, tmp_path)
    it.pull(NOW)
    del org.records["Account"]["001A"]
    it.pull(NOW + timedelta(days=2))
    assert it.facts(NOW).parties[0].is_gone


def test_a_new_owner_is_a_new_state_with_the_time_of_the_change(org: Salesforce, tmp_path: Path) -> None:
    org.put("User", "005B", THEN, Name="Ben Okri", Email="ben@us.example")
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.put("Account", "001A", NOW + timedelta(minutes=5), OwnerId="005B")
    it.pull(NOW + timedelta(minutes=15))
    ((_, objects),) = it.raw.told(["accounts"], ["001A"])
    told = [(state.obj["OwnerId"], state.changed_at) for state in objects["accounts"]["001A"]]
    assert told == [("005A", THEN), ("005B", NOW + timedelta(minutes=5))]
    assert it.facts(NOW).parties[0].owner == "Ben Okri"


def test_a_contact_has_the_most_telling_of_its_roles(org: Salesforce) -> None:
    org.put(
        "Contact", "003A", datetime(2026, 1, 1, 23, 30, tzinfo=UTC), Name="Zoë O'Hara", Email="Zoe@Acme.com", Title="CFO",
        Department="Finance", AccountId="001A",
    )  # fmt: skip
    org.put("Contact", "003B", THEN, Name="Max", AccountId="001A")
    org.put("Contact", "003C", THEN, Name="Nobody's")
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won")
    org.put(
        "OpportunityContactRole", "00KA", THEN, ContactId="003A", OpportunityId="006A", Role="Economic Decision Maker"
    )
    org.put("OpportunityContactRole", "00KB", THEN, ContactId="003B", OpportunityId="006A", Role="Executive Sponsor")
    org.put(
        "AccountContactRelation",
        "07kB",
        THEN,
        ContactId="003B",
        AccountId="001A",
        Roles="Influencer;Champion",
        IsActive=True,
    )
    zoe, champion = seen(org, timezone="Europe/Berlin").rows["contact"]
    assert zoe == {
        "contact_id": "003A", "account_id": "001A", "name": "Zoë O'Hara", "email": "zoe@acme.com", "title": "CFO",
        "department": "Finance", "role": "sponsor", "joined_on": date(2026, 1, 2),
    }  # fmt: skip
    assert champion["role"] == "champion"


def test_a_contact_whose_tie_to_the_account_ended_has_left(org: Salesforce) -> None:
    org.put("Contact", "003A", THEN, Name="Zoë", AccountId="001A")
    org.put(
        "AccountContactRelation", "07kA", THEN, ContactId="003A", AccountId="001A", IsActive=False, StartDate="2024-02-01",
        EndDate="2026-05-31",
    )  # fmt: skip
    (row,) = seen(org).rows["contact"]
    assert (row["joined_on"], row["left_on"], row["left_noticed_on"]) == (
        date(2024, 2, 1),
        date(2026, 5, 31),
        NOW.date(),
    )
    assert "deleted" not in row


def test_a_deleted_contact_is_deleted_and_has_left(org: Salesforce, tmp_path: Path) -> None:
    org.put("Contact", "003A", THEN, Name="Zoë", AccountId="001A")
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.delete("Contact", "003A", NOW)
    it.pull(NOW + timedelta(minutes=15))
    (row,) = it.facts(NOW).rows["contact"]
    assert row["deleted"] and row["left_on"] == NOW.date()


def test_a_contact_taken_from_its_account_is_gone_after_a_whole_listing(org: Salesforce, tmp_path: Path) -> None:
    org.put("Contact", "003A", THEN, Name="Zoë", AccountId="001A")
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.put("Contact", "003A", NOW, AccountId=None)
    it.pull(NOW + timedelta(days=2))
    (row,) = it.facts(NOW).rows["contact"]
    assert row["deleted"] and row["account_id"] == "001A"


# -- opportunities -------------------------------------------------------------------------------------------


def test_an_opportunity_tells_its_history_and_what_it_is_now(org: Salesforce, tmp_path: Path) -> None:
    def on(day: int) -> datetime:
        return datetime(2026, 2, day, 10, tzinfo=UTC)

    org.put(
        "Opportunity",
        "006A",
        on(1),
        AccountId="001A",
        StageName="Won",
        Amount=1500.0,
        CloseDate="2026-03-31",
        Type="New Business",
    )
    for number, (day, stage, amount) in enumerate(
        [(1, "Prospecting", 1200.5), (5, "Proposal", 1500.0), (9, "Won", 1500.0)]
    ):
        org.put(
            "OpportunityHistory",
            f"008{number}",
            on(day),
            OpportunityId="006A",
            StageName=stage,
            Amount=amount,
            CloseDate="2026-03-31",
        )
    org.put("Opportunity", "006A", on(20), Name="only renamed")
    it = reader(org, tmp_path)
    it.pull(NOW)
    rows = it.facts(NOW).rows["opportunity"]
    assert [(r["changed_on"].day, r["stage"], r["amount_minor"]) for r in rows] == [
        (1, "Prospecting", 120050), (5, "Proposal", 150000), (9, "Won", 150000),
    ]  # fmt: skip
    assert {(r["kind"], r["currency"], r["close_on"], r["opened_on"]) for r in rows} == {
        ("new", "USD", date(2026, 3, 31), date(2026, 2, 1))
    }


def test_without_history_stages_are_known_since_we_watch(org: Salesforce, tmp_path: Path) -> None:
    del org.fields["OpportunityHistory"]
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Proposal", Amount=10)
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.put("Opportunity", "006A", NOW, StageName="Lost")
    it.pull(NOW + timedelta(minutes=15))
    rows = it.facts(NOW).rows["opportunity"]
    assert [(row["changed_on"], row["stage"]) for row in rows] == [(THEN.date(), "Proposal"), (NOW.date(), "Lost")]


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(5000.0, "JPY", 5000), (10.1, "EUR", 1010), (1.234, "KWD", 1234), (None, "EUR", None)],
)
def test_an_org_with_several_currencies(
    org: Salesforce, amount: float | None, currency: str, minor: int | None
) -> None:
    org.add_field("Opportunity", "CurrencyIsoCode")
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won", Amount=amount, CurrencyIsoCode=currency)
    (row,) = seen(org).rows["opportunity"]
    assert (row["amount_minor"], row["currency"]) == (minor, currency)


def test_an_org_with_one_currency_that_is_not_the_company_s(org: Salesforce) -> None:
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won", Amount=7)
    assert seen(org, currency="gbp").rows["opportunity"][0]["currency"] == "GBP"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("Existing Customer - Upgrade", "expansion"), ("Renewal", "renewal"), ("New Customer", "new"), (None, "new"),
        ("Verlängerung", "renewal"), ("Add-On", "expansion"),
    ],
)  # fmt: skip
def test_what_an_opportunity_is_for(org: Salesforce, told: str | None, kind: str) -> None:
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won", Type=told)
    assert seen(org, renewal_types="Verlängerung").rows["opportunity"][0]["kind"] == kind


def test_what_cannot_be_understood_is_told_and_the_rest_stands(org: Salesforce) -> None:
    org.add_field("Opportunity", "ACV__c")
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won", ACV__c="much")
    org.put("Opportunity", "006B", THEN, AccountId="001A", StageName=None)
    found = seen(org, amount_field="ACV__c")
    assert [(row["opportunity_id"], row["amount_minor"]) for row in found.rows["opportunity"]] == [("006A", None)]
    assert [(bad.object_id, bad.field, bad.value) for bad in found.bad] == [
        ("006A", "ACV__c", "much"),
        ("006B", "StageName", ""),
    ]


def test_a_deleted_opportunity_takes_its_rows_back(org: Salesforce, tmp_path: Path) -> None:
    org.put("Opportunity", "006A", THEN, AccountId="001A", StageName="Won", Amount=1)
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.delete("Opportunity", "006A", NOW)
    it.pull(NOW + timedelta(minutes=15))
    rows = it.facts(NOW).rows["opportunity"]
    assert rows and all(row["deleted"] and row["changed_on"] == THEN.date() for row in rows)


# -- activities ----------------------------------------------------------------------------------------------


def test_activities_become_touches(org: Salesforce) -> None:
    done = {
        "AccountId": "001A",
        "IsClosed": True,
        "OwnerId": "005A",
        "CompletedDateTime": "2026-02-03T10:00:00.000+0000",
    }
    org.put("Task", "00TA", THEN, **done, TaskSubtype="Call", Subject="Check-in", WhoId="003A")
    org.put(
        "Task",
        "00TB",
        THEN,
        **done | {"CompletedDateTime": None, "ActivityDate": "2026-02-04"},
        TaskSubtype="Email",
        WhoId="00QA",
    )
    org.put("Task", "00TC", THEN, **done, TaskSubtype="Task", Type="Other", Subject="To do")
    org.put("Task", "00TD", THEN, **done | {"IsClosed": False}, TaskSubtype="Call", Subject="planned")
    org.put(
        "Event",
        "00UA",
        THEN,
        AccountId="001A",
        StartDateTime="2026-02-05T10:00:00.000+0000",
        Subject="Quarterly Business Review",
    )
    org.put("Event", "00UB", THEN, AccountId="001A", StartDateTime="2026-02-05T10:00:00.000+0000", IsChild=True)
    found = seen(org)
    told = [
        (r["touch_id"], r["channel"], r["owner"], r["contact_id"], r["happened_at"].day) for r in found.rows["touch"]
    ]
    assert told == [
        ("00TA", "call", "Ada Moreno", "003A", 3), ("00TB", "email", "Ada Moreno", None, 4), ("00UA", "qbr", None, None, 5),
    ]  # fmt: skip


def test_the_text_of_activities_is_never_asked_for(org: Salesforce) -> None:
    seen(org)
    assert not any("Description" in asked.first("q") for asked in org.asked)


def test_a_deleted_activity_is_taken_back(org: Salesforce, tmp_path: Path) -> None:
    org.put("Event", "00UA", THEN, AccountId="001A", StartDateTime="2026-02-05T10:00:00.000+0000")
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.delete("Event", "00UA", NOW)
    it.pull(NOW + timedelta(minutes=15))
    assert [(row["touch_id"], row["deleted"]) for row in it.facts(NOW).rows["touch"]] == [("00UA", True)]


@given(values=st.lists(JUNK, min_size=30, max_size=30), deleted=st.booleans())
def test_whatever_stands_in_a_record_its_facts_have_their_form(values: list[Any], deleted: bool) -> None:
    at = iter(cycle(values))
    objects: dict[str, dict[str, list[State]]] = {}
    for name, table in TABLES.items():
        record = {field: next(at) for field in table.fields} | {"Id": "1", "SystemModstamp": next(at)}
        record |= {"ContactId": "1", "OpportunityId": "1"}
        stream = SOURCE.stream(name)
        assert isinstance(stream.group(record), str)
        objects[name] = {"1": [State(record, stream.changed(record), NOW, deleted)]}
    assert_fits(SOURCE.facts(Told("001A", objects, {}, "America/New_York", "JPY", {}, NOW)))


# -- paging and signing in -----------------------------------------------------------------------------------


def test_queries_of_several_pages(org: Salesforce) -> None:
    org.page = 3
    for key in range(10):
        org.put("Account", f"001X{key}", THEN, Name=str(key))
    assert len(seen(org).parties) == 11


def test_only_what_is_new_is_asked_for_with_some_overlap_and_landed_once(org: Salesforce, tmp_path: Path) -> None:
    it = reader(org, tmp_path)
    it.pull(NOW)
    org.asked.clear()
    org.put("Account", "001B", THEN - timedelta(minutes=5), Name="the index was late")
    pulled = it.pull(NOW + timedelta(minutes=15))
    assert pulled.new == {"accounts": 1} and not pulled.whole
    queries = [asked.first("q") for asked in org.asked if "query" in asked.path]
    assert any("FROM Account WHERE SystemModstamp >= 2026-01-10T08:50:00Z" in query for query in queries)
    assert it.pull(NOW + timedelta(minutes=30)).new == {}


def test_a_token_that_runs_out_is_renewed_once(org: Salesforce) -> None:
    org.page = 2
    for key in range(6):
        org.put("Account", f"001X{key}", THEN, Name=str(key))
    stream = SOURCE.stream("accounts")
    pages = stream.read(access(org), Span())
    found = list(next(iter(pages)))
    org.expire()
    for page in pages:
        found += page
    assert len(found) == 7 and sum(asked.path.endswith("/token") for asked in org.asked) == 2


def test_a_refresh_token_signs_in_too(org: Salesforce) -> None:
    it = Access({"base_url": org.url}, SECRETS | {"refresh_token": REFRESH})
    assert SOURCE.check(it).seen["accounts"] == 1
    asked = next(asked for asked in org.asked if asked.path.endswith("/token"))
    assert b"grant_type=refresh_token" in asked.body


def test_waits_and_breakdowns_are_borne(org: Salesforce, tmp_path: Path) -> None:
    org.faults = [Answer(503, {}), failed(500, "UNKNOWN_EXCEPTION", "try again"), Answer(429, {}, {"Retry-After": "1"})]
    it = reader(org, tmp_path)
    it.pull(NOW)
    assert it.raw.rows("accounts") == 1


def test_the_daily_limit_says_so_at_once(org: Salesforce) -> None:
    org.put("Account", "001B", THEN)
    api = access(org)
    answered = org.query

    def query(asked: Any, how: str) -> Any:
        return failed(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")

    org.query = query  # type: ignore[method-assign]
    with pytest.raises(SourceError, match="24 hours is used up"):
        facts_of(SOURCE, api, NOW)
    org.query = answered  # type: ignore[method-assign]


# -- orgs that are not alike ---------------------------------------------------------------------------------


def test_fields_that_the_org_lacks_are_left_out(org: Salesforce) -> None:
    for name in ("NumberOfEmployees", "Industry", "OwnerId"):
        del org.fields["Account"][name]
    assert seen(org).parties[0].attributes == {}


def test_an_org_without_roles_relations_and_history(org: Salesforce) -> None:
    for name in ("OpportunityContactRole", "AccountContactRelation", "OpportunityHistory"):
        del org.fields[name]
    org.put("Contact", "003A", THEN, Name="Zoë", AccountId="001A")
    assert seen(org).rows["contact"][0]["role"] == "user"
    warnings = SOURCE.check(access(org)).warnings
    assert len(warnings) == 3 and "AccountContactRelation" in " ".join(warnings)


def test_an_object_that_is_needed_and_may_not_be_read(org: Salesforce) -> None:
    del org.fields["Opportunity"]
    with pytest.raises(SourceError, match="may not read the object Opportunity") as caught:
        SOURCE.check(access(org))
    assert "permission set" in caught.value.remedy


def test_check_says_who_it_is(org: Salesforce) -> None:
    checked = SOURCE.check(access(org))
    assert (checked.who, checked.seen["users"], checked.warnings) == ("Acme on Salesforce", 1, ())


@pytest.mark.parametrize(
    ("error", "says"),
    [("invalid_client_id", "consumer key"), ("invalid_grant", "act for anybody"), ("unsupported_grant_type", "way to sign in"), ("x", "did not give a token")],
)  # fmt: skip
def test_check_says_why_nobody_is_let_in(org: Salesforce, error: str, says: str) -> None:
    org.refuses = error
    with pytest.raises(SourceError, match=says):
        SOURCE.check(access(org))


def test_check_knows_that_client_credentials_want_my_domain(org: Salesforce) -> None:
    with pytest.raises(SourceError) as caught:
        SOURCE.check(Access({"base_url": "https://login.salesforce.com"}, SECRETS))
    assert "My Domain" in caught.value.remedy


def test_the_secret_is_in_no_error(org: Salesforce, tmp_path: Path) -> None:
    it = Reader(SOURCE, tmp_path, {"base_url": org.url}, SECRETS | {"client_secret": "not-the-secret"})
    with pytest.raises(Exception) as caught:
        it.pull(NOW)
    error = explained(caught.value, SOURCE)
    assert "consumer key or secret" in error.problem
    assert "not-the-secret" not in f"{caught.value}{error}{error.remedy}"


# -- writing -------------------------------------------------------------------------------------------------


def ours(org: Salesforce) -> None:
    org.add_field("Account", "Holdfast_MRR__c", "double")
    org.add_field("Account", "Holdfast_As_Of__c", "date")


def test_our_fields_are_written_in_batches_and_nothing_else(org: Salesforce) -> None:
    assert SOURCE.write
    ours(org)
    for key in range(450):
        org.put("Account", f"001{key:04}", THEN, Name=str(key))
    told = {f"001{key:04}": {"holdfast_mrr": "10.50", "holdfast_as_of": "2026-05-31"} for key in range(450)}
    assert SOURCE.write(access(org), told) == {}
    assert org.updates == [200, 200, 50] and not org.trespasses
    there = org.records["Account"]["0010449"]
    assert (there["Holdfast_MRR__c"], there["Holdfast_As_Of__c"], there["Name"]) == (10.5, "2026-05-31", "449")


def test_fields_that_an_admin_has_not_made_are_told_with_name_type_and_description(org: Salesforce) -> None:
    assert SOURCE.write
    with pytest.raises(SourceError) as caught:
        SOURCE.write(access(org), {"001A": {"holdfast_mrr": "1", "holdfast_as_of": "2026-05-31"}})
    assert (
        "Holdfast_MRR: type Number(16, 2), label “Holdfast MRR”, description “Monthly recurring revenue"
        in caught.value.remedy
    )
    assert not org.updates
    org.add_field("Account", "Holdfast_MRR__c", "double")
    assert SOURCE.write(access(org), {"001A": {"holdfast_mrr": "1", "holdfast_as_of": "2026-05-31"}}) == {}
    assert org.records["Account"]["001A"]["Holdfast_MRR__c"] == 1
    warnings = SOURCE.check(access(org, write_back="yes")).warnings
    assert len(warnings) == len(WRITTEN) - 1 and not any("Holdfast_MRR:" in line for line in warnings)


@pytest.mark.parametrize(
    ("kind", "updateable", "says"), [("string", True, "is a string"), ("double", False, "field-level security")]
)
def test_a_field_of_another_type_or_that_may_not_be_edited(
    org: Salesforce, kind: str, updateable: bool, says: str
) -> None:
    assert SOURCE.write
    org.add_field("Account", "Holdfast_MRR__c", kind, updateable)
    with pytest.raises(SourceError) as caught:
        SOURCE.write(access(org), {"001A": {"holdfast_mrr": "1"}})
    assert says in caught.value.remedy and not org.updates


def test_one_account_that_is_refused_does_not_keep_the_others(org: Salesforce) -> None:
    assert SOURCE.write
    ours(org)
    org.put("Account", "001B", THEN, Name="B")
    org.delete("Account", "001B", NOW)
    problems = SOURCE.write(access(org), {key: {"holdfast_mrr": None} for key in ("001A", "001B", "001C")})
    assert set(problems) == {"001B", "001C"} and "ENTITY_IS_DELETED" in problems["001B"]
    assert org.records["Account"]["001A"]["Holdfast_MRR__c"] is None


def test_nothing_that_is_not_ours_is_written(org: Salesforce) -> None:
    assert SOURCE.write
    with pytest.raises(ValueError, match="'Industry' is not a field of ours"):
        SOURCE.write(access(org), {"001A": {"Industry": "x"}})
    assert not org.asked
