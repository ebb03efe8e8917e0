"""Matches: accounts of other systems beside ours. What is doubtful is decided here, and every match can be taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from holdfast.desk.models import Party
from holdfast.flows import identity, identity_decisions
from holdfast.flows.identity_decisions import MatchError
from holdfast.metrics import accounts
from holdfast.web import answers, doing
from holdfast.web.pages.setup import book_again, page_of, pager, shown
from holdfast.web.rights import page

#: doubtful matches, and matched ones, on a page
CARDS, LINES = 20, 50
FOUND = 6
#: what is done: what is said to the reader
SAID = {
    "confirm": "{party} is {account}. The numbers show it after the next booking, which has begun.",
    "refuse": "{party} is not {account}, and is not proposed as it again.",
    "none": "{party} is none of your accounts.",
    "undo": "{party} is undecided again.",
}


@dataclass(frozen=True)
class Side:
    """An account of ours that a party may be."""

    account_id: str
    name: str
    domain: str
    #: None: not in the published numbers yet
    mrr_minor: int | None
    contacts: int
    why: str = ""
    score: int = 0


@dataclass(frozen=True)
class Doubt:
    """A party beside what it may be."""

    party: Party
    contacts: int
    sides: list[Side]
    #: what was searched for in its place, and what that found
    asked: str
    found: list[Side]

    @property
    def is_ours(self) -> bool:
        return self.party.system == identity.OURS

    @property
    def anchor(self) -> str:
        return f"match-{self.party.pk}"


def matches(request: HttpRequest) -> HttpResponseBase:
    """The doubtful ones with what they may be, then who is matched, and how many are nobody."""
    number = page_of(request)
    doubtful = Party.objects.filter(state=Party.DOUBTFUL, is_gone=False).order_by("-score", "system", "external_id")
    linked = Party.objects.filter(state__in=identity.LINKED).order_by("name", "system", "external_id")
    chosen = request.GET.get("for", "")
    rows = list(doubtful[:CARDS])
    if chosen:
        first = (
            Party.objects.filter(pk=int(chosen)) if chosen.isdecimal() and len(chosen) < 18 else Party.objects.none()
        )
        rows = [*first, *(one for one in rows if str(one.pk) != chosen)]
    lines = list(linked[(number - 1) * LINES : number * LINES])
    systems = _systems()
    return shown(
        request, "web/setup/matches.html", "setup_matches", doubts=_doubts(rows, request), doubtful=doubtful.count(),
        linked=_beside(lines),
        pager=pager(number, linked.count(), LINES), systems=systems, currency=_currency(), OURS=identity.OURS,
        strangers=Party.objects.filter(state=Party.NEW, is_gone=False).exclude(system=identity.OURS).order_by("system", "name")[:LINES],
        refused=Party.objects.filter(state=Party.REFUSED).order_by("system", "name")[:LINES],
    )  # fmt: skip


def _beside(lines: list[Party]) -> list[tuple[Party, Side | None]]:
    sides = _sides([one.account_id for one in lines])
    return [(one, sides.get(one.account_id)) for one in lines]


def _systems() -> list[dict[str, Any]]:
    """By system: how many accounts it told of, and what became of them."""
    found: dict[str, dict[str, Any]] = {}
    counted = (
        Party.objects.exclude(system=identity.OURS)
        .values("system", "state")
        .annotate(many=Count("id"))
        .order_by("system")
    )
    for one in counted:
        told = found.setdefault(
            one["system"], {"system": one["system"], "all": 0, "matched": 0, "doubtful": 0, "new": 0, "refused": 0}
        )
        told["all"] += one["many"]
        told["matched" if one["state"] in identity.LINKED else one["state"]] += one["many"]
    return list(found.values())


def _currency() -> str:
    return str(answers.records().currency) if answers.current() else ""


def _doubts(rows: list[Party], request: HttpRequest) -> list[Doubt]:
    ids = [each["account_id"] for one in rows for each in identity.candidates_of(one)]
    known, people = _sides(ids), _people([str(one) for one in rows])
    chosen, text = request.GET.get("for", ""), request.GET.get("q", "").strip()
    doubts = []
    for one in rows:
        sides = [_side(known, each["account_id"], each["how"], each["score"]) for each in identity.candidates_of(one)]
        is_asked = str(one.pk) == chosen
        own = (
            known.get(one.external_id) or _sides([one.external_id]).get(one.external_id)
            if one.system == identity.OURS
            else None
        )
        doubts.append(
            Doubt(
                one,
                own.contacts if own else people.get(str(one), 0),
                sides,
                text if is_asked else "",
                _search(text) if is_asked else [],
            )
        )
    return doubts


def _side(known: dict[str, Side], account_id: str, why: str, score: int) -> Side:
    one = known.get(account_id)
    if one is None:
        return Side(account_id, account_id, "", None, 0, why, score)
    return Side(one.account_id, one.name, one.domain, one.mrr_minor, one.contacts, why, score)


def _sides(ids: list[str]) -> dict[str, Side]:
    """Accounts as they are published."""
    if not ids or answers.current() is None:
        return {}
    rows = answers.records().rows(
        "select account_id, name, domain, mrr_minor, contacts from summary where account_id in (select unnest(?::varchar[]))",
        [ids],
    )
    return {row[0]: Side(row[0], row[1], row[2] or "", row[3], row[4]) for row in rows}


def _people(ids: list[str]) -> dict[str, int]:
    """How many contacts are known under the ids of parties."""
    if not ids or answers.current() is None:
        return {}
    rows = answers.records().rows(
        "select account_id, count(*) from contact where account_id in (select unnest(?::varchar[])) group by all", [ids]
    )
    return dict(rows)


def _search(text: str) -> list[Side]:
    if not text or answers.current() is None:
        return []
    found = accounts.search(answers.records(), text, FOUND)
    known = _sides([one.account_id for one in found])
    return [_side(known, one.account_id, "found by your search", 0) for one in found]


@require_POST
def decide(request: HttpRequest) -> HttpResponseBase:
    """Same, not the same, none of ours, or taken back."""
    given = request.POST
    what, party, account = given.get("what", ""), given.get("party", ""), given.get("account", "")
    home, by = answers.home(), doing.actor(request)
    try:
        if what not in SAID:
            raise MatchError("choose what to do")
        if what in ("confirm", "refuse") and not account:
            raise MatchError("choose one of the accounts first")
        match what:
            case "confirm":
                decided = identity_decisions.confirm(home, by, party, account)
            case "undo":
                decided = identity_decisions.undo(home, by, party)
            case _:
                decided = identity_decisions.refuse(home, by, party, account if what == "refuse" else "")
    except MatchError as error:
        doing.say(request, "bad", f"Not decided: {error}.")
    else:
        doing.say(request, "good", SAID[what].format(party=decided.party.name or party, account=account))
        if decided.news:
            book_again(request, "Booking again after a match")
    return doing.see("setup_matches")


urls = [
    page("setup/matches/", matches, "setup_matches", needs="setup"),
    page("setup/matches/decide/", decide, "setup_match_decide", needs="setup"),
]
