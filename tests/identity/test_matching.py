"""Matching, case by case: what settles it, what is doubtful, and what is never the same."""

from __future__ import annotations

import time

import pytest

from holdfast.domain.companies import company_domain, name_key
from holdfast.domain.matching import Asked, Book, Known, Verdict, match, same_company

ACCOUNTS = (
    Known("cus_acme", "Acme Robotics, Inc.", "acme.io"),
    Known("cus_bolt", "Bolt & Sons Ltd", "bolt.co.uk"),
    Known("cus_cafe", "Café Müller GmbH", "", attributes={"HubSpot ID": "77"}),
    Known("cus_dup1", "Nordwind AG", "nordwind.de"),
    Known("cus_dup2", "Nordwind Logistik AG", "nordwind.de"),
    Known("cus_ibm", "IBM", ""),
    Known("cus_merc", "Mercury Banking", "mercury.com"),
    Known("4711", "Quellwerk", "quellwerk.at"),
    Known("acme", "Acme Workspace", ""),
    Known("cus_old", "Zephyr Analytics", "", ids=("cus_older", "zendesk:5")),
)


def judged(**told: object) -> Verdict:
    party = Asked("hubspot", **{"external_id": "1"} | told)  # type: ignore[arg-type]
    return match([party], Book(ACCOUNTS, ["hubspot", "zendesk"]), {})[party.id]


# -- names and domains ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acme Inc", "ACME, Inc."),
        ("Acme", "Acme Corporation"),
        ("Café Müller", "Cafe Muller GmbH"),
        ("Bolt & Sons", "Bolt and Sons Ltd."),
        ("Bolt & Sons", "Sons Bolt"),
        ("The Trade Desk", "Trade Desk, Inc"),
        ("Société Générale S.A.", "Societe Generale SA"),
        ("Straße 7 UG (haftungsbeschränkt)", "Strasse 7"),
        ("A.B.C. Holding", "ABC Holding"),
        ("Ørsted A/S", "Orsted"),
        ("Coca-Cola", "Coca Cola Company"),
        ("McDonald's", "McDonalds Corp."),
        ("ООО Ромашка", "Ромашка"),
        ("Zażółć Sp. z o.o.", "Zazolc"),
        ("Müller GmbH & Co. KG", "Mueller".replace("ue", "u")),
        ("株式会社", "株式会社"),
    ],
)
def test_spellings_of_one_name_have_one_key(one: str, other: str) -> None:
    assert name_key(one) == name_key(other) != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [("Acme", "Acme Robotics"), ("Apple", "Apply"), ("North Star", "Northern Star"), ("SA Recycling", "Recycling")],
)
def test_other_names_have_other_keys(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["Inc.", "The Co", "GmbH"])
def test_a_name_of_nothing_but_forms_still_has_a_key(name: str) -> None:
    assert name_key(name)


@pytest.mark.parametrize(
    ("told", "domain"),
    [
        ("acme.io", "acme.io"),
        ("https://www.Acme.io/about?x=1", "acme.io"),
        ("ada@mail.acme.co.uk", "acme.co.uk"),
        ("shop.acme.com.au:8080", "acme.com.au"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("ada@gmail.com", ""),
        ("acme.wordpress.com", ""),
        ("linkedin.com/company/acme", ""),
        ("co.uk", ""),
        ("localhost", ""),
        ("192.168.0.1", ""),
        ("not a domain", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_domain_that_tells_a_company(told: str | None, domain: str) -> None:
    assert company_domain(told) == domain


# -- sure ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "account", "how"),
    [
        ({"keys": ("stripe:cus_acme",)}, "cus_acme", "id"),
        ({"keys": ("cus_acme",), "name": "Something else", "domain": "bolt.co.uk"}, "cus_acme", "id"),
        ({"keys": ("cus_older",)}, "cus_old", "id"),
        ({"keys": ("zendesk:5",)}, "cus_old", "id"),
        ({"external_id": "77"}, "cus_cafe", "id"),
        ({"external_id": "acme"}, "acme", "id"),
        ({"external_id": "4711", "name": "Quellwerk KG"}, "4711", "id"),
        ({"domain": "acme.io", "name": "Acme Robotics"}, "cus_acme", "domain and name"),
        ({"domain": "bolt.co.uk"}, "cus_bolt", "domain"),
        ({"domain": "bolt.co.uk", "name": "The Bolt Group"}, "cus_bolt", "domain"),
        ({"name": "Cafe Muller"}, "cus_cafe", "name"),
        ({"domain": "nordwind.de", "name": "Nordwind"}, "cus_dup1", "domain and name"),
        ({"domain": "nordwind.de", "name": "Elsewhere", "keys": ("cus_dup2",)}, "cus_dup2", "id"),
    ],
)
def test_what_is_sure(told: dict[str, object], account: str, how: str) -> None:
    verdict = judged(**told)
    assert (verdict.state, verdict.account_id, verdict.how) == ("matched", account, how)
    assert verdict.score > 80


# -- doubtful ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "accounts", "why"),
    [
        ({"domain": "nordwind.de"}, {"cus_dup1", "cus_dup2"}, "as others have"),
        ({"name": "IBM"}, {"cus_ibm"}, "a short one"),
        ({"name": "Mercury Banking", "domain": "mercury.io"}, {"cus_merc"}, "another domain"),
        ({"name": "Mercury Banking", "domain": "bolt.co.uk"}, {"cus_merc", "cus_bolt"}, "but another has the"),
        ({"keys": ("cus_acme", "cus_bolt")}, {"cus_acme", "cus_bolt"}, "several accounts"),
        ({"external_id": "4711", "name": "Somebody"}, {"4711"}, "neither name nor domain"),
        ({"external_id": "4711"}, {"4711"}, "may be chance"),
        ({"name": "Acme Robotic"}, {"cus_acme"}, "a name like it"),
        ({"name": "Zefyr Analytics"}, {"cus_old"}, "a name like it"),
        ({"name": "Zephyr"}, {"cus_old"}, "a name like it"),
    ],
)
def test_what_is_doubtful_and_why(told: dict[str, object], accounts: set[str], why: str) -> None:
    verdict = judged(**told)
    assert verdict.state == "doubtful"
    assert verdict.account_id == ""
    assert accounts <= {one.account_id for one in verdict.candidates}
    assert any(why in one.how for one in verdict.candidates), verdict.candidates


@pytest.mark.parametrize(
    "told", [{"name": "Wholly Unheard Of"}, {"domain": "nobody.example"}, {}, {"keys": ("zendesk:cus_acme",)}]
)
def test_what_is_nobody(told: dict[str, object]) -> None:
    assert judged(**told) == Verdict("new")


# -- several, and decided ------------------------------------------------------------------------------------


def test_two_of_one_system_that_claim_one_account_are_both_doubtful() -> None:
    book = Book(ACCOUNTS)
    parties = [
        Asked("hubspot", "1", "Bolt & Sons"),
        Asked("hubspot", "2", "", "bolt.co.uk"),
        Asked("zendesk", "3", "", "bolt.co.uk"),
    ]
    found = match(parties, book, {})
    assert [found[one.id].state for one in parties] == ["doubtful", "doubtful", "matched"]
    assert "another account of hubspot may be this one" in found["hubspot:1"].candidates[0].how


def test_an_id_wins_over_those_that_only_look_like_it() -> None:
    parties = [
        Asked("hubspot", "1", "Bolt & Sons"),
        Asked("hubspot", "2", keys=("cus_bolt",)),
        Asked("hubspot", "3", keys=("cus_bolt",)),
    ]
    found = match(parties, Book(ACCOUNTS), {})
    assert [found[one.id].state for one in parties] == ["doubtful", "matched", "matched"]


def test_an_account_that_is_taken_is_not_given_again() -> None:
    found = match([Asked("hubspot", "1", "Bolt & Sons")], Book(ACCOUNTS), {"hubspot": frozenset({"cus_bolt"})})
    assert found["hubspot:1"].state == "doubtful"
    assert "another account of hubspot is this one" in found["hubspot:1"].candidates[0].how


@pytest.mark.parametrize(
    "told", [{"name": "Bolt & Sons"}, {"domain": "bolt.co.uk"}, {"keys": ("cus_bolt",)}, {"name": "Bolt and Son"}]
)
def test_a_refused_pair_is_never_proposed_again(told: dict[str, object]) -> None:
    verdict = judged(**told, refused=frozenset({"cus_bolt"}))
    assert "cus_bolt" not in {verdict.account_id, *(one.account_id for one in verdict.candidates)}


def test_accounts_that_may_be_the_same_company() -> None:
    found = same_company(ACCOUNTS)
    assert {one: [each.account_id for each in told] for one, told in found.items()} == {"cus_dup2": ["cus_dup1"]}


@pytest.mark.slow
def test_many_against_many_stays_quick() -> None:
    """5,000 names against 5,000: a hundredth of what comparing each with each takes."""
    import random

    chance = random.Random(7)
    parts = "ka lo mi ren tor vex zan pra qui sol dun fer gal hob jin bel cor dra el fo".split()  # noqa: SIM905
    names = ["".join(chance.choice(parts) for _ in range(4)).title() for _ in range(5000)]
    book = Book(Known(f"c{n}", f"{name} Inc") for n, name in enumerate(names))
    parties = [Asked("hubspot", str(n), name[:-1] if n % 2 else f"{name} GmbH") for n, name in enumerate(names)]
    began = time.perf_counter()
    found = match(parties, book, {})
    assert time.perf_counter() - began < 10
    right = sum(any(each.account_id == f"c{n}" for each in found[one.id].candidates) for n, one in enumerate(parties))
    assert right > 4500
