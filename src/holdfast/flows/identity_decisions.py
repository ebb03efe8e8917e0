"""Decisions on matches: a person says that a party is an account, that it is not, or takes a match back. Each is in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction

from holdfast.desk.models import Party
from holdfast.desk.turns import take_turn
from holdfast.flows.home import Home
from holdfast.flows.identity import LINKED, OURS, UNDECIDED, candidates_of, settle
from holdfast.flows.people import Actor
from holdfast.flows.upsert import known_accounts


class MatchError(ValueError):
    """It cannot be decided so; the message says why and what to do."""


@dataclass(frozen=True)
class Decided:
    """A party after a decision, and whether a booking would show something else than before."""

    party: Party
    news: bool


def find(told: str) -> Party:
    """The party `SYSTEM:ID`. MatchError: there is none."""
    system, colon, external_id = told.partition(":")
    found = Party.objects.filter(system=system, external_id=external_id).first() if colon else None
    if found is None:
        raise MatchError(
            f"there is no account '{told}' of a connected system; write it as SYSTEM:ID, as the list has it"
        )
    return found


def confirm(home: Home, by: Actor, told: str, account_id: str) -> Decided:
    """It is that account. MatchError: there is no such party or account."""
    if account_id not in known_accounts(home, [account_id]):
        raise MatchError(f"there is no account '{account_id}'; choose one that billing or a file told")
    with transaction.atomic():
        take_turn()
        one = find(told)
        if one.system == OURS and one.external_id == account_id:
            raise MatchError("an account is not merged into itself")
        one.state, one.account_id, one.how, one.score = Party.CONFIRMED, account_id, "said by a person", 100
        one.refused = [each for each in one.refused if each != account_id]
        _save(one, by, "confirmed match", account_id)
    return _settled(home, by, one)


def refuse(home: Home, by: Actor, told: str, account_id: str = "") -> Decided:
    """It is not that account; without one, it is none of ours. It is not proposed again. MatchError: there is no such party."""
    with transaction.atomic():
        take_turn()
        one = find(told)
        if one.state in LINKED and account_id in ("", one.account_id):
            raise MatchError(f"{told} is matched with {one.account_id}; take that back first, with undo")
        refused = [account_id] if account_id else [each["account_id"] for each in one.candidates]
        one.refused = sorted({*one.refused, *refused})
        if one.state not in LINKED and (not account_id or not candidates_of(one)):
            one.state, one.account_id, one.how, one.score = Party.REFUSED, "", "", 0
        _save(one, by, "refused match", account_id)
    return Decided(one, False)


def undo(home: Home, by: Actor, told: str) -> Decided:
    """Take a match or a refusal back. A match taken back is not made again by itself; after a refusal it may be proposed again."""
    with transaction.atomic():
        take_turn()
        one = find(told)
        was, state = one.account_id, one.state
        if state in LINKED:
            one.refused = sorted({*one.refused, was})
        elif state == Party.REFUSED or one.refused:
            one.refused = []
        elif state in UNDECIDED:
            raise MatchError(f"nothing was decided about {told}")
        one.state = Party.DOUBTFUL if candidates_of(one) else Party.NEW
        one.account_id, one.how, one.score = "", "", max((each["score"] for each in candidates_of(one)), default=0)
        _save(one, by, "took back match", was, before=state)
    return _settled(home, by, one)


def _save(one: Party, by: Actor, action: str, account_id: str, **detail: str) -> None:
    undecided = one.state in UNDECIDED
    one.decided_at, one.decided_by = (None, None) if undecided else (by.now, by.user)
    one.save()
    by.log(action, str(one), account=account_id, **detail)


def _settled(home: Home, by: Actor, one: Party) -> Decided:
    settled = settle(home, by.now)
    return Decided(one, bool(settled.links or settled.states))


def listed(state: str = "") -> list[dict[str, Any]]:
    """Parties as rows of a list: the doubtful first, the surest before others."""
    order = {Party.DOUBTFUL: 0, Party.NEW: 1, Party.MATCHED: 2, Party.CONFIRMED: 3, Party.REFUSED: 4}
    found = Party.objects.filter(state=state) if state else Party.objects.all()
    rows = sorted(found, key=lambda one: (order[one.state], -one.score, str(one)))
    return [
        {
            "party": str(one), "name": one.name, "domain": one.domain, "state": one.state, "account_id": one.account_id, "how": one.how,
            "score": one.score, "candidates": candidates_of(one), "is_gone": one.is_gone,
        }
        for one in rows
        if state or one.system != OURS or one.state != Party.NEW
    ]  # fmt: skip
