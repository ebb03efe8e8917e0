"""CTAs on the Today page: what is on the list of the week, what waits behind it, and of which accounts a word is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from holdfast.domain.sentiment import Checkpoint
from holdfast.flows import ctas_listed as listed
from holdfast.flows import ctas_sentiment
from holdfast.metrics import book
from holdfast.metrics.accounts import Owners
from holdfast.warehouse.records import Records
from holdfast.web import answers, rights
from holdfast.web.pages import cta_parts as parts
from holdfast.web.pages.account_reach import Reach

#: CTAs that are named, and accounts of which a word is due
SOME, DUE = 8, 5
#: days ahead in which a checkpoint's renewal lies, and a little more
AHEAD = 190


@dataclass(frozen=True)
class Week:
    """What the card tells."""

    lines: list[parts.Line]
    count: int
    minor: int
    overdue: int
    waiting: listed.Sum
    query: str
    checkpoints: list[tuple[Checkpoint, str]]
    checkpoints_more: int


def of_book(request: HttpRequest, owner: str, reach: Reach) -> Week:
    """Of an owner's CTAs, or of everybody's where no owner is named."""
    today = answers.today()
    week = listed.week(owner or None, parts.eyes_of(request), today, SOME)
    lines = [parts.line(request, row, name, today) for row, name in week.rows]
    due = _due(reach, today) if rights.may(request.user, "cta.work") else []
    told: dict[str, Any] = {"owner": owner} if owner and parts.eyes_of(request).owner_in is None else {}
    return Week(
        lines, week.here.count, week.here.minor, week.overdue, week.waiting, urlencode(told), due[:DUE], max(0, len(due) - DUE),
    )  # fmt: skip


def _due(reach: Reach, today: date) -> list[tuple[Checkpoint, str]]:
    """Whose CSM has to say how they stand, with the account's name."""
    key = (
        "checkpoints",
        str(answers.home().path),
        answers.generation(),
        reach.owners,
        reach.owner_in,
        today,
        ctas_sentiment.newest(),
    )
    return answers.kept(key, lambda: _due_now(reach, today))


def _due_now(reach: Reach, today: date) -> list[tuple[Checkpoint, str]]:
    found: dict[str, tuple[str, date]] = answers.ask_records(_renewals, reach.owners, reach.owner_in)
    due = ctas_sentiment.due({account_id: on for account_id, (_, on) in found.items()}, today)
    return [(one, found[one.account_id][0]) for one in due]


def _renewals(records: Records, owners: Owners, owner_in: frozenset[str] | None) -> dict[str, tuple[str, date]]:
    """Name and renewal of each account whose term ends within the reach of a checkpoint."""
    return {
        one.account_id: (one.name, one.renewal_on)
        for one in book.renewals(records, AHEAD, owners, owner_in)
        if one.renewal_on >= records.as_of
    }
