"""Owners: who carries how much, and handing accounts over."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from django.http import HttpRequest
from pydantic import BaseModel, Field, StringConstraints

from holdfast.api import moment
from holdfast.api.door import get, operation
from holdfast.api.fields import LINE, Day, Given, Line
from holdfast.api.problems import Problem
from holdfast.flows import answers, handover, owners, upsert
from holdfast.metrics import accounts as read


class Owner(BaseModel):
    """An owner of today; null is nobody."""

    owner: str | None
    accounts: int


class Owners(BaseModel):
    as_of: date
    owners: list[Owner]


class HandoverGiven(Given):
    account_ids: Annotated[list[Line], Field(min_length=1, max_length=500)]
    owner: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)] | None = Field(
        description="Who carries them from that day on; null: nobody."
    )
    from_day: Day | None = Field(None, description="From this day on; today if left out.")
    reason: Annotated[str, StringConstraints(max_length=400, pattern=r"^[^\x00]*$")] = ""


class HandedOver(BaseModel):
    accounts: int
    owner: str | None
    from_day: date


@get("/owners", needs="accounts:read", answers=Owners, tag="Owners", cached=True)
def list_owners(request: HttpRequest) -> Owners:
    """Who carries how many accounts today."""
    records = answers.records()
    found = read.choices(records, "owner", owners.standing())
    return Owners(as_of=records.as_of, owners=[Owner(owner=one.value, accounts=one.accounts) for one in found])


@operation("POST", "/owners/handovers", needs="accounts:write", answers=HandedOver, status=201, tag="Owners")
def hand_over(request: HttpRequest, given: HandoverGiven) -> HandedOver:
    """Hand accounts over from a day on; it holds at once."""
    day = given.from_day or answers.today()
    if not date(2000, 1, 1) <= day <= date(2199, 12, 31):
        raise Problem(422, "a hand-over begins between 2000 and 2199", [("body.from_day", "out of reach")])
    missing = sorted(set(given.account_ids) - upsert.known_accounts(answers.home(), given.account_ids))
    if missing:
        raise Problem(422, f"there is no account '{missing[0]}'", [("body.account_ids", f"no account '{missing[0]}'")])
    order = handover.Order(given.owner or "", day, given.reason)
    count = handover.hand_over(given.account_ids, order, moment.now(), key=request.auth)  # type: ignore[attr-defined]
    return HandedOver(accounts=count, owner=given.owner, from_day=day)
