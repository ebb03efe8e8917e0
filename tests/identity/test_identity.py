"""Identity: parties are told, matched, decided by people and undone; what follows is landed, and booked like everything else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest

from holdfast.desk.models import AuditEntry, Party
from holdfast.domain.matching import PartyTold
from holdfast.flows.book import book, open_records
from holdfast.flows.home import Home
from holdfast.flows.identity import Matched, coverage, match, settle, tell
from holdfast.flows.identity_decisions import MatchError, confirm, find, refuse, undo
from holdfast.flows.identity_facts import links
from holdfast.flows.people import Actor
from holdfast.flows.upsert import upsert_accounts
from tests.records.company import LATER

pytestmark = pytest.mark.slow

BY = Actor(None, LATER)


def told(home: Home, *parties: PartyTold, system: str = "hubspot", now: Any = LATER) -> Matched:
    tell(home, system, parties, now)
    return match(home, now)


def held(home: Home, account_id: str) -> dict[str, Any]:
    """What an account is said to be after the next booking."""
    book(home, LATER, full=True)
    with open_records(home) as records:
        return records.told("select * from summary where account_id = ?", [account_id])[0]


def contact(home: Home, contact_id: str, account_id: str, email: str) -> None:
    table = pa.table({"contact_id": [contact_id], "account_id": [account_id], "email": [email]})
    home.landing.append("contact", [table], source="hubspot", source_kind="crm", loaded_at=LATER)


# -- matching ------------------------------------------------------------------------------------------------


def test_parties_are_matched_and_linked_and_the_same_again_lands_nothing(home: Home) -> None:
    parties = (
        PartyTold("1", "ACME Zurich AG"),
        PartyTold("2", domain="bolt.example"),
        PartyTold("3", "Nobody we know"),
        PartyTold("4", "Cor"),
    )
    first = told(home, *parties)
    assert (first.matched, first.doubtful, first.unmatched, first.links, first.news) == (2, 0, 2, 2, True)
    assert links(home) == {"hubspot:1": "acme", "hubspot:2": "bolt"}
    loads = home.landing.last_load_no()
    again = told(home, *parties)
    assert (again.links, again.states, again.news) == (0, 0, False)
    assert home.landing.last_load_no() == loads


def test_the_domain_of_its_people_stands_for_a_party_without_one(home: Home) -> None:
    contact(home, "hubspot:7", "hubspot:1", "x@bolt.example")
    contact(home, "hubspot:8", "hubspot:1", "y@gmail.com")
    told(home, PartyTold("1", "Something"))
    assert links(home) == {"hubspot:1": "bolt"}


def test_one_system_may_tell_who_anothers_account_is(home: Home) -> None:
    tell(home, "zendesk", [PartyTold("55", "?", keys=("hubspot:1",))], LATER)
    told(home, PartyTold("1", domain="acme.example"))
    assert links(home) == {"hubspot:1": "acme", "zendesk:55": "acme"}


def test_what_was_doubtful_is_matched_once_more_is_known(home: Home) -> None:
    told(home, PartyTold("1", "Bolte"))
    assert find("hubspot:1").state == Party.DOUBTFUL
    told(home, PartyTold("1", "Bolte", domain="bolt.example"))
    assert find("hubspot:1").account_id == "bolt"


def test_a_party_that_is_gone_keeps_its_link_and_its_name(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert told(home, PartyTold("2", is_gone=True)).links == 0
    one = find("hubspot:2")
    assert (one.is_gone, one.name, one.state) == (True, "Bolt", Party.MATCHED)
    assert links(home) == {"hubspot:2": "bolt"}


def test_after_a_crash_between_desk_and_landing_the_next_matching_lands_the_rest(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    Party.objects.filter(external_id="2").update(account_id="cora")
    assert match(home, LATER).links == 1
    assert links(home) == {"hubspot:2": "cora"}


# -- people --------------------------------------------------------------------------------------------------


def test_a_person_says_who_it_is_and_it_is_not_decided_again(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert confirm(home, BY, "hubspot:2", "cora").news
    told(home, PartyTold("2", "Bolt", "bolt.example", keys=("acme",)))
    assert links(home) == {"hubspot:2": "cora"}
    assert AuditEntry.objects.get(action="confirmed match").target == "hubspot:2"


def test_an_undone_match_is_taken_back_and_not_made_again(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert undo(home, BY, "hubspot:2").news
    assert links(home) == {}
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert links(home) == {}
    assert find("hubspot:2").refused == ["bolt"]
    confirm(home, BY, "hubspot:2", "bolt")
    assert links(home) == {"hubspot:2": "bolt"}


def test_a_refusal_holds_until_it_is_taken_back(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "nobody.example"))
    assert [one["account_id"] for one in find("hubspot:2").candidates] == ["bolt"]
    refuse(home, BY, "hubspot:2", "bolt")
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert find("hubspot:2").state == Party.REFUSED
    undo(home, BY, "hubspot:2")
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert find("hubspot:2").account_id == "bolt"


@pytest.mark.parametrize(("what", "why"), [("nothing", "write it as SYSTEM:ID"), ("hubspot:9", "there is no account")])
def test_who_is_not_there_cannot_be_decided_about(home: Home, what: str, why: str) -> None:
    for decide in (
        lambda: confirm(home, BY, what, "acme"),
        lambda: refuse(home, BY, what),
        lambda: undo(home, BY, what),
    ):
        with pytest.raises(MatchError, match=why):
            decide()


def test_decisions_that_cannot_be_are_refused(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"), PartyTold("3", "Who"))
    with pytest.raises(MatchError, match="there is no account 'nobody'"):
        confirm(home, BY, "hubspot:3", "nobody")
    with pytest.raises(MatchError, match="take that back first"):
        refuse(home, BY, "hubspot:2")
    with pytest.raises(MatchError, match="nothing was decided"):
        undo(home, BY, "hubspot:3")


# -- what a party tells of the account -----------------------------------------------------------------------


@pytest.mark.slow
def test_what_the_crm_tells_enriches_the_account_and_goes_with_the_match(home: Home) -> None:
    party = PartyTold("9", "Cora", "cora.example", attributes={"region": "EMEA", "industry": "Steel"}, owner="Carol")
    assert told(home, party).states == 1
    cora = held(home, "cora")
    assert (cora["seg_region"], cora["owner"], cora["name"]) == ("EMEA", "Carol", "Cora")
    assert cora["seg_industry"] == "Health", "billing told another one, which stands"
    assert told(home, party).states == 0
    undo(home, BY, "hubspot:9")
    cora = held(home, "cora")
    assert (cora["seg_region"], cora["owner"], cora["seg_industry"]) == (None, None, "Health")


def test_what_a_system_tells_no_more_is_taken_back(home: Home) -> None:
    told(home, PartyTold("9", domain="cora.example", attributes={"region": "EMEA"}, owner="Carol"))
    told(home, PartyTold("9", domain="cora.example"), now=LATER + timedelta(days=1))
    cora = held(home, "cora")
    assert (cora["seg_region"], cora["owner"]) == (None, None)


def test_what_somebody_else_says_later_stands_and_nothing_goes_back_and_forth(home: Home) -> None:
    party = PartyTold("9", domain="cora.example", attributes={"region": "EMEA"}, owner="Carol")
    told(home, party)
    upsert_accounts(home, {"cora": {"owner": "Dave", "attributes": {"region": "APAC"}}}, LATER + timedelta(hours=1))
    assert told(home, party).states == 0
    undo(home, BY, "hubspot:9")
    cora = held(home, "cora")
    assert (cora["owner"], cora["seg_region"]) == ("Dave", "APAC")


def test_of_two_systems_the_first_by_name_stands_and_the_other_when_it_goes(home: Home) -> None:
    tell(home, "zendesk", [PartyTold("5", domain="cora.example", attributes={"region": "US"})], LATER)
    told(home, PartyTold("9", domain="cora.example", attributes={"region": "EMEA"}))
    assert held(home, "cora")["seg_region"] == "EMEA"
    assert match(home, LATER).states == 0
    undo(home, BY, "hubspot:9")
    assert held(home, "cora")["seg_region"] == "US"


def test_attributes_that_cannot_be_are_left_out_and_told(home: Home) -> None:
    found = told(home, PartyTold("9", domain="cora.example", attributes={"owner": "x", "9lives": "y", "tier": "A"}))
    assert (found.states, set(found.left_out)) == (1, {"owner", "9lives"})


def test_parties_that_are_nobody_make_no_accounts(home: Home) -> None:
    before = len(home.landing.files("account"))
    told(home, PartyTold("3", "Nobody we know", attributes={"region": "EMEA"}))
    assert len(home.landing.files("account")) == before


# -- the same company twice ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_accounts_that_may_be_one_company_are_merged_by_a_person_and_parted_again(home: Home) -> None:
    upsert_accounts(home, {"bolt2": {"name": "Bolt Ltd", "domain": "bolt.example"}}, LATER)
    match(home, LATER)
    one = find("account:bolt2")
    assert (one.state, [each["account_id"] for each in one.candidates]) == (Party.DOUBTFUL, ["bolt"])
    assert held(home, "bolt2")["status"] == "prospect", "nothing is merged by itself"
    confirm(home, BY, "account:bolt2", "bolt")
    assert held(home, "bolt2")["status"] == "merged"
    assert match(home, LATER).states == 0
    undo(home, BY, "account:bolt2")
    assert held(home, "bolt2")["status"] == "prospect"
    match(home, LATER)
    assert find("account:bolt2").state == Party.NEW, "a refused pair is not proposed again"


def test_settling_twice_lands_once(home: Home) -> None:
    told(home, PartyTold("2", "Bolt", "bolt.example"))
    assert settle(home, LATER).links == 0


@pytest.mark.slow
def test_coverage_counts_paying_accounts(home: Home) -> None:
    # acme, bolt and cora pay; acme and bolt have contacts, tickets and usage
    assert coverage(home) == {kind: {"accounts": 2, "of": 3} for kind in ("usage", "crm", "support")}
    contact(home, "hubspot:7", "hubspot:901", "x@cora.example")
    told(home, PartyTold("901"))
    book(home, LATER)
    assert coverage(home)["crm"] == {"accounts": 3, "of": 3}
