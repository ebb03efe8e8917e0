"""Whose account is whose: what other systems tell of their accounts, and which of ours each may be.

An id settles it; a domain or a name does where nothing speaks against it and nobody else claims the account. Everything else is
doubtful: it is shown to a person, with what it may be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from holdfast.domain.companies import name_key, words_of
from holdfast.domain.nearness import Names

#: how sure (0 to 100): by an id; by domain and name; by one of them alone
BY_ID, BY_BOTH, BY_DOMAIN, BY_NAME = 100, 97, 92, 86
#: at most: what somebody has to look at
CLAIMED, CONTRADICTED, SHORT = 75, 70, 60
#: signs of a name's key from which on it tells a company by itself
LONG_ENOUGH = 5
#: accounts that are offered to choose from
OFFERED = 5
#: what an attribute may be called that holds the account's id in a system, after the system's name or by itself
ID_NAMES = ("id", "companyid", "accountid", "orgid", "organizationid", "customerid")
GENERIC_IDS = frozenset({"externalid", "crmid", "crmaccountid", "crmcompanyid"})

State = Literal["matched", "doubtful", "new"]


@dataclass(frozen=True)
class PartyTold:
    """An account as another system knows it."""

    external_id: str
    name: str = ""
    domain: str = ""
    #: ids of the same company elsewhere, as that system tells them: `stripe:cus_1`, or plain `cus_1`
    keys: tuple[str, ...] = ()
    #: segment attributes that the system tells
    attributes: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    #: the system does not list it any more
    is_gone: bool = False


@dataclass(frozen=True)
class Known:
    """One of our accounts: what it can be recognised by."""

    account_id: str
    name: str = ""
    #: a registrable domain (`companies.company_domain`), or ""
    domain: str = ""
    #: other ids of it: of accounts merged into it, and of parties that are known to be it (`hubspot:901`)
    ids: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """A party that nobody decided on."""

    system: str
    external_id: str
    name: str = ""
    #: a registrable domain, or ""
    domain: str = ""
    keys: tuple[str, ...] = ()
    #: accounts that a person said it is not
    refused: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        return f"{self.system}:{self.external_id}"


@dataclass(frozen=True)
class Candidate:
    """An account that a party may be: how sure (0 to 100), and why, in words."""

    account_id: str
    score: int
    how: str


@dataclass(frozen=True)
class Verdict:
    """What a party is. `new`: nothing is near enough."""

    state: State
    account_id: str = ""
    score: int = 0
    how: str = ""
    candidates: tuple[Candidate, ...] = ()


class Book:
    """Our accounts, to be found by id, domain and name. Build once, and ask often."""

    def __init__(self, accounts: Iterable[Known], systems: Iterable[str] = ()) -> None:
        """`systems`: those that tell parties; an id of theirs is never taken for one of ours without its prefix."""
        self.accounts = {one.account_id: one for one in accounts}
        self.systems = frozenset(systems)
        self.by_id: dict[str, set[str]] = defaultdict(set)
        self.by_attribute: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.by_domain: dict[str, set[str]] = defaultdict(set)
        self.by_name: dict[str, set[str]] = defaultdict(set)
        words = {}
        for account_id, one in self.accounts.items():
            for told in (account_id, *one.ids):
                self.by_id[told].add(account_id)
            for name, value in one.attributes.items():
                self.by_attribute[_letters(name), value].add(account_id)
            if one.domain:
                self.by_domain[one.domain].add(account_id)
            words[account_id] = words_of(one.name)
            if words[account_id]:
                self.by_name["".join(words[account_id])].add(account_id)
        self.names = Names(words)

    def ids_of(self, party: Asked) -> dict[str, str]:
        """The accounts that an id of the party names, and how."""
        found: dict[str, str] = {}
        for key in party.keys:
            system, colon, rest = key.partition(":")
            plain = [rest] if colon and system not in self.systems else []
            for told in (key, *plain):
                for account_id in self.by_id.get(told, ()):
                    found.setdefault(account_id, f"its {party.system} record names the id {key}")
        for account_id in self.by_id.get(party.id, ()):
            found.setdefault(account_id, "the account carries its id")
        for name in _id_names(party.system):
            for account_id in self.by_attribute.get((name, party.external_id), ()):
                found.setdefault(account_id, "an attribute of the account holds its id")
        return found


def match(parties: Sequence[Asked], book: Book, taken: Mapping[str, frozenset[str]]) -> dict[str, Verdict]:
    """What each party is, by `system:external_id`. `taken`: by system the accounts that a party of it is known to be already."""
    found = {party.id: _judged(party, book) for party in parties}
    claims: dict[tuple[str, str], int] = defaultdict(int)
    for party in parties:
        verdict = found[party.id]
        for one in verdict.candidates:
            if one.score >= SHORT and one.account_id not in party.refused:
                claims[party.system, one.account_id] += 1
    for party in parties:
        verdict = found[party.id]
        if verdict.state != "matched" or verdict.score == BY_ID:
            continue
        is_taken = verdict.account_id in taken.get(party.system, frozenset())
        if is_taken or claims[party.system, verdict.account_id] > 1:
            found[party.id] = _claimed(verdict, is_taken, party.system)
    return found


def _claimed(verdict: Verdict, is_taken: bool, system: str) -> Verdict:
    why = f"another account of {system} {'is' if is_taken else 'may be'} this one"
    first = verdict.candidates[0]
    told = Candidate(first.account_id, min(first.score, CLAIMED), f"{first.how}; but {why}")
    return Verdict("doubtful", "", told.score, verdict.how, (told, *verdict.candidates[1:]))


def _judged(party: Asked, book: Book) -> Verdict:
    """What a party is, by itself: without those that claim the same account."""
    named = {one: how for one, how in book.ids_of(party).items() if one not in party.refused}
    if len(named) == 1:
        account_id, how = next(iter(named.items()))
        return Verdict("matched", account_id, BY_ID, "id", (Candidate(account_id, BY_ID, how),))
    if named:
        told = [Candidate(one, CLAIMED, f"{how}; but it names several accounts") for one, how in named.items()]
        return _doubtful(told, "several ids")
    same = _same_id(party, book)
    if same is not None:
        return same
    by_domain = book.by_domain.get(party.domain, set()) - party.refused if party.domain else set()
    key = name_key(party.name)
    by_name = book.by_name.get(key, set()) - party.refused if key else set()
    if by_domain or by_name:
        return _told_apart(party, book, by_domain, by_name, key)
    return _near(party, book)


def _same_id(party: Asked, book: Book) -> Verdict | None:
    """The account whose id is the party's own. A number may be the same by chance: then something else has to speak for it."""
    if party.external_id not in book.accounts or party.external_id in party.refused:
        return None
    account = book.accounts[party.external_id]
    told = Candidate(account.account_id, BY_ID, "both have the same id")
    if not party.external_id.isdecimal():
        return Verdict("matched", account.account_id, BY_ID, "id", (told,))
    agrees = [party.domain == account.domain] if party.domain and account.domain else []
    if party.name and account.name:
        agrees.append(name_key(party.name) == name_key(account.name))
    if any(agrees):
        return Verdict("matched", account.account_id, BY_ID, "id", (told,))
    others = tuple(one for one in _near_candidates(party, book) if one.account_id != account.account_id)
    why = "neither name nor domain agrees" if agrees else "a number alone may be chance"
    score = SHORT if agrees else CONTRADICTED
    return _doubtful([Candidate(account.account_id, score, f"both have the same id; but {why}"), *others], "id")


def _told_apart(party: Asked, book: Book, by_domain: set[str], by_name: set[str], key: str) -> Verdict:
    """Accounts of the same domain or name: sure, where it is one and nothing contradicts."""
    both = by_domain & by_name
    told = [Candidate(one, BY_BOTH, "same domain and name") for one in both]
    told += [Candidate(one, BY_DOMAIN, "same domain") for one in by_domain - both]
    told += [_by_name(party, book.accounts[one], key) for one in by_name - both]
    told.sort(key=lambda one: (-one.score, -book.names.nearness(words_of(party.name), one.account_id), one.account_id))
    first = told[0]
    if len(both or by_domain or by_name) > 1:
        score = CLAIMED if both else CONTRADICTED
        several = [Candidate(one.account_id, min(one.score, score), f"{one.how}, as others have") for one in told]
        return _doubtful(several, "domain" if by_domain else "name")
    if not both and by_domain and by_name:
        torn = [_torn(one, "name" if one.account_id in by_domain else "domain") for one in told]
        return _doubtful(torn, "domain against name")
    if first.score < BY_NAME:
        return _doubtful(told, "name")
    how = "domain and name" if both else ("domain" if by_domain else "name")
    return Verdict("matched", first.account_id, first.score, how, tuple(told[:OFFERED]))


def _by_name(party: Asked, account: Known, key: str) -> Candidate:
    if party.domain and account.domain:
        return Candidate(account.account_id, CONTRADICTED, "same name; but another domain")
    if len(key) < LONG_ENOUGH:
        return Candidate(account.account_id, SHORT, "same name; but a short one")
    return Candidate(account.account_id, BY_NAME, "same name")


def _torn(one: Candidate, what: str) -> Candidate:
    return Candidate(one.account_id, min(one.score, CONTRADICTED), f"{one.how}; but another has the {what}")


def _doubtful(told: Sequence[Candidate], how: str) -> Verdict:
    ordered = tuple(sorted(told, key=lambda one: -one.score)[:OFFERED])
    return Verdict("doubtful", "", ordered[0].score, how, ordered)


def _near(party: Asked, book: Book) -> Verdict:
    near = _near_candidates(party, book)
    return _doubtful(near, "near name") if near else Verdict("new")


def _near_candidates(party: Asked, book: Book) -> list[Candidate]:
    found = [
        Candidate(account_id, round(25 + 30 * nearness), "a name like it")
        for account_id, nearness in book.names.near(words_of(party.name), OFFERED + len(party.refused))
        if account_id not in party.refused
    ]
    return found[:OFFERED]


def _letters(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def _id_names(system: str) -> set[str]:
    """How an attribute may be called that holds an id of a system: of `hubspot-eu` also as that of HubSpot."""
    first = system.replace("_", "-").partition("-")[0]
    return {f"{_letters(one)}{name}" for one in (system, first) for name in ID_NAMES} | GENERIC_IDS


def same_company(accounts: Iterable[Known]) -> dict[str, tuple[Candidate, ...]]:
    """Accounts that may be the same company as an earlier one (in the order given), with what they may be merged into."""
    firsts: dict[tuple[str, str], list[str]] = defaultdict(list)
    found: dict[str, tuple[Candidate, ...]] = {}
    for one in accounts:
        key = name_key(one.name)
        told: dict[str, Candidate] = {}
        for kind, value in (("domain", one.domain), ("name", key if len(key) >= LONG_ENOUGH else "")):
            if not value:
                continue
            for other in firsts[kind, value][:OFFERED]:
                told[other] = _same(other, kind, other in told)
            firsts[kind, value].append(one.account_id)
        if told:
            found[one.account_id] = tuple(sorted(told.values(), key=lambda each: -each.score)[:OFFERED])
    return found


def _same(account_id: str, kind: str, both: bool) -> Candidate:
    if both:
        return Candidate(account_id, BY_BOTH, "same domain and name")
    return Candidate(account_id, BY_DOMAIN if kind == "domain" else BY_NAME, f"same {kind}")
