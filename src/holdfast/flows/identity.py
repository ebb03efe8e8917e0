"""Identity: accounts of other systems are matched with ours; what is doubtful waits for a person, and every match can be undone.

The desk keeps who is who (`Party`); `settle` lands it as links, and what a matched system tells of the account itself as states of our
account. What landed shows after the next booking. What a person decided is never decided again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import transaction

from holdfast.desk.models import Party
from holdfast.desk.turns import take_turn
from holdfast.domain.companies import company_domain
from holdfast.domain.matching import Asked, Book, Known, PartyTold, Verdict, same_company
from holdfast.domain.matching import match as judge
from holdfast.flows import identity_facts
from holdfast.flows.home import Home
from holdfast.warehouse.landing import Landing

T = TypeVar("T")

#: the system of our own accounts that may be the same company: what is decided of them is a merge, not a link
OURS = "account"
UNDECIDED = (Party.NEW, Party.DOUBTFUL)
LINKED = (Party.MATCHED, Party.CONFIRMED)
#: rows written at once
BATCH = 500
#: a match may tell who another party is, by an id: so often it is looked again
PASSES = 3
_TOLD = ("name", "domain", "keys", "attributes", "owner", "seen_at", "is_gone")
_DECIDED = ("state", "account_id", "how", "score", "candidates")


@dataclass(frozen=True)
class Matched:
    """What a matching came to: parties by state, links and account states landed, and attributes that cannot be taken over."""

    matched: int = 0
    doubtful: int = 0
    unmatched: int = 0
    links: int = 0
    states: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def news(self) -> bool:
        """Whether a booking would show something else than before."""
        return bool(self.links or self.states)


@dataclass
class Settled:
    """What was landed."""

    links: int = 0
    states: int = 0
    left_out: list[str] = field(default_factory=list)


def tell(home: Home, system: str, parties: Sequence[PartyTold], now: datetime) -> int:
    """Keep what a system tells of its accounts; how many. Who they are stays as it was decided."""
    del home  # the desk belongs to it
    newest = {one.external_id: one for one in parties if one.external_id}
    for some in _batches(list(newest.values())):
        before = Party.objects.filter(system=system, external_id__in=[one.external_id for one in some])
        known = {one.external_id: one for one in before}
        rows = [_row(system, one, known.get(one.external_id), now) for one in some]
        Party.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["system", "external_id"], update_fields=list(_TOLD)
        )
    return len(newest)


def _row(system: str, told: PartyTold, before: Party | None, now: datetime) -> Party:
    """A party that is gone keeps what it told last; an attribute that is told no more is kept as empty, and so taken back."""
    if told.is_gone and before is not None:
        before.is_gone, before.seen_at = True, now
        return before
    attributes = {name: str(value) for name, value in told.attributes.items() if value not in (None, "")}
    if before is not None:
        attributes = dict.fromkeys(before.attributes, "") | attributes
    return Party(
        system=system, external_id=told.external_id[:255], name=told.name[:400], domain=told.domain[:255].lower(), keys=list(told.keys),
        attributes=attributes, owner=told.owner[:200], seen_at=now, is_gone=told.is_gone,
    )  # fmt: skip


def match(home: Home, now: datetime) -> Matched:
    """Match the parties that nobody decided on, and land what follows. The same again changes nothing."""
    accounts = identity_facts.accounts(home)
    for _ in range(PASSES):
        if not _match_once(home, accounts, now):
            break
    _propose_merges(accounts, now)
    settled = settle(home, now)
    told = Party.objects.exclude(system=OURS).exclude(is_gone=True, state__in=UNDECIDED)
    return Matched(
        told.filter(state__in=LINKED).count(), told.filter(state=Party.DOUBTFUL).count(),
        told.filter(state=Party.NEW).count(), settled.links, settled.states, tuple(settled.left_out),
    )  # fmt: skip


def _match_once(home: Home, accounts: Sequence[Known], now: datetime) -> int:
    """Judge all undecided parties against what is known by now; how many were matched."""
    told = list(Party.objects.exclude(system=OURS))
    undecided = [one for one in told if one.state in UNDECIDED and not one.is_gone]
    if not undecided:
        return 0
    linked = [one for one in told if one.state in LINKED]
    book = Book(_with_links(accounts, linked), {one.system for one in told})
    taken: dict[str, set[str]] = defaultdict(set)
    for one in linked:
        taken[one.system].add(one.account_id)
    domains = identity_facts.contact_domains(home)
    asked = [_asked(one, domains) for one in undecided]
    verdicts = judge(asked, book, {system: frozenset(ids) for system, ids in taken.items()})
    changed = [one for one in undecided if _take_over(one, verdicts[str(one)], now)]
    _keep(changed)
    return sum(one.state == Party.MATCHED for one in changed)


def _with_links(accounts: Sequence[Known], linked: Sequence[Party]) -> Iterator[Known]:
    ids: dict[str, list[str]] = defaultdict(list)
    for one in linked:
        ids[one.account_id].append(str(one))
    for each in accounts:
        more = ids.get(each.account_id)
        yield Known(each.account_id, each.name, each.domain, (*each.ids, *more), each.attributes) if more else each


def _asked(one: Party, domains: Mapping[str, str]) -> Asked:
    domain = company_domain(one.domain) or domains.get(str(one), "")
    return Asked(one.system, one.external_id, one.name, domain, tuple(map(str, one.keys)), frozenset(one.refused))


def _take_over(one: Party, verdict: Verdict, now: datetime) -> bool:
    """Whether the verdict says something else than the row did; the row is not saved yet."""
    before = [getattr(one, name) for name in _DECIDED]
    one.state, one.account_id, one.how, one.score = verdict.state, verdict.account_id, verdict.how[:40], verdict.score
    one.candidates = [
        {"account_id": each.account_id, "score": each.score, "how": each.how} for each in verdict.candidates
    ]
    if [getattr(one, name) for name in _DECIDED] == before:
        return False
    one.decided_at = now if one.state == Party.MATCHED else None
    return True


def _keep(parties: Sequence[Party]) -> None:
    """Save what was judged, except where a person decided meanwhile."""
    for some in _batches(parties):
        with transaction.atomic():
            take_turn()
            ids = [one.pk for one in some]
            open_still = set(Party.objects.filter(pk__in=ids, state__in=UNDECIDED).values_list("pk", flat=True))
            Party.objects.bulk_create(
                [one for one in some if one.pk in open_still], update_conflicts=True,
                unique_fields=["system", "external_id"], update_fields=[*_DECIDED, "decided_at"],
            )  # fmt: skip


def _propose_merges(accounts: Sequence[Known], now: datetime) -> None:
    """Accounts of ours that may be the same company wait for a person; they are never merged by themselves."""
    found = same_company(accounts)
    names = {one.account_id: one for one in accounts}
    held = {one.external_id: one for one in Party.objects.filter(system=OURS)}
    rows = []
    for account_id, told in found.items():
        one = held.get(account_id) or Party(system=OURS, external_id=account_id)
        candidates: list[dict[str, Any]] = [
            {"account_id": each.account_id, "score": each.score, "how": each.how}
            for each in told if each.account_id not in one.refused
        ]  # fmt: skip
        state = Party.DOUBTFUL if candidates else Party.NEW
        if one.state in UNDECIDED and (one.pk is None or (one.state, one.candidates) != (state, candidates)):
            one.name, one.domain, one.seen_at = names[account_id].name[:400], names[account_id].domain, now
            one.state, one.candidates = state, candidates
            one.how, one.score = "same company", candidates[0]["score"] if candidates else 0
            rows.append(one)
    for one in held.values():
        if one.state == Party.DOUBTFUL and one.external_id not in found:
            one.state, one.candidates = Party.NEW, []
            rows.append(one)
    for some in _batches(rows):
        Party.objects.bulk_create(
            some, update_conflicts=True, unique_fields=["system", "external_id"],
            update_fields=["name", "domain", "seen_at", *_DECIDED],
        )  # fmt: skip


def settle(home: Home, now: datetime) -> Settled:
    """Land what the desk says: links that are not landed like that, merges, and what matched systems tell of our accounts."""
    told = [one for one in Party.objects.exclude(account_id="") if one.state in LINKED]
    wanted = {str(one): one.account_id for one in told if one.system != OURS}
    settled = Settled()
    # one and the same: what is landed below waits for nobody while this holds the lock
    landing = home.landing
    with landing.locked():
        before = identity_facts.links(home)
        settled.links = identity_facts.land_links(landing, wanted, before, now)
        merges = {one.external_id: one.account_id for one in told if one.system == OURS}
        decided = Party.objects.filter(system=OURS).values_list("external_id", flat=True)
        settled.states += identity_facts.land_merges(home, landing, merges, set(decided), now)
        settled.states += _bring(home, landing, [one for one in told if one.system != OURS], settled, now)
    return settled


def _bring(home: Home, landing: Landing, linked: Sequence[Party], settled: Settled, now: datetime) -> int:
    """What matched systems tell of our accounts becomes states of them; what nobody tells any more is taken back."""
    wanted: dict[str, dict[str, str]] = {}
    for one in sorted(linked, key=str):
        told = wanted.setdefault(one.account_id, {})
        for name, value in [("", one.owner), *one.attributes.items()]:
            if value:
                told.setdefault(name, value)
    states, left_out = identity_facts.land_told(home, landing, wanted, now)
    settled.left_out = left_out
    return states


def coverage(home: Home) -> dict[str, dict[str, int]]:
    """Of the published paying accounts, how many have usage of the last 30 days, contacts, and tickets. HomeError: nothing is published."""
    return identity_facts.coverage(home)


def _batches(rows: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def candidates_of(one: Party) -> list[dict[str, Any]]:
    """What a party may be, without the accounts that it is said not to be."""
    return [each for each in one.candidates if each["account_id"] not in one.refused]


def parties(states: Iterable[str]) -> list[Party]:
    """Parties in some states, the surest first, then the systems' order."""
    found = Party.objects.filter(state__in=list(states), is_gone=False) | Party.objects.filter(
        state__in=[one for one in states if one in LINKED]
    )
    return list(found.select_related("decided_by").order_by("-score", "system", "external_id"))
