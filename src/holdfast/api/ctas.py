"""CTAs: listed with cursor pages, opened by programs, taken up, snoozed, passed on and closed; and the CSM's sentiment of an account."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from holdfast.api import moment, pages
from holdfast.api.door import Made, get, operation
from holdfast.api.fields import LINE, Day, Given, Id, Line, Yes
from holdfast.api.pages import Paged
from holdfast.api.problems import Problem
from holdfast.desk.models import Cta as Row
from holdfast.desk.models import CtaEvent, Sentiment
from holdfast.flows import answers, ctas_sentiment, ctas_work, upsert
from holdfast.flows.ctas_work import By, ClosedError, CtaError, Written
from holdfast.flows.owners import owner_of


def _integer(value: object) -> object:
    """JSON has one kind of number: 3.0 is 3."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


#: after the bounds of a whole number in a body
WHOLE = BeforeValidator(_integer)
CtaId = Annotated[str, Path(min_length=20, max_length=20, pattern=r"^cta_[0-9a-f]{16}$")]
Kind = Literal["risk", "opportunity", "lifecycle"]
State = Literal["waiting", "open", "in_progress", "snoozed", "done", "dismissed"]
Outcome = Literal["retained", "lost", "grew", "no_change", "wrong_alarm", "not_worth_it"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=LINE)]
Text = Annotated[str, StringConstraints(max_length=ctas_work.LONGEST, pattern=r"^[^\x00]*$")]
Said = Annotated[
    str, StringConstraints(min_length=1, max_length=ctas_work.LONGEST, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
]
Title = Annotated[str, StringConstraints(min_length=1, max_length=ctas_work.LONGEST_TITLE, pattern=LINE)]


class CtaFact(BaseModel):
    """A fact behind a CTA; where it is a landed row, its table and key."""

    label: str
    value: str
    table: str
    row_id: str


class Cta(BaseModel):
    """Something to be done about an account. `waiting`: there is no place on its owner's list this week."""

    cta_id: str
    account_id: str
    kind: Kind
    cause: str
    title: str
    sentence: str
    signals: list[str]
    evidence: list[CtaFact]
    next_step: str
    owner: str | None
    at_stake_minor: int
    currency: str
    severity: int = Field(description="1 notice, 2 warning, 3 urgent.")
    priority: Literal["high", "medium", "low"]
    state: State
    pooled: bool = Field(description="Its account is looked after in a digital programme.")
    opened_at: datetime
    due_on: date | None
    snoozed_until: date | None
    seen_on: date | None = Field(
        description="The last day of data that showed its cause; null for one that a person or program wrote."
    )
    outcome: Outcome | None
    outcome_note: str
    closed_at: datetime | None


class Ctas(BaseModel):
    ctas: list[Cta]
    next: str | None


class CtaHappened(BaseModel):
    """An entry of a CTA's history."""

    kind: str
    at: datetime
    by: str | None
    text: str


class CtaWithHistory(Cta):
    history: list[CtaHappened] = Field(description="Newest first.")


class CtasAsked(Paged):
    account_id: Line | None = Field(None, description="Only CTAs of this account.")
    kind: Kind | None = None
    state: State | None = None
    owner: Line | None = Field(None, description="Only CTAs of this owner.")
    pooled: Yes | None = Field(None, description="Only pooled ones, or only others.")
    closed: Yes | None = Field(None, description="Only closed ones, or only others.")


class CtaGiven(Given):
    account_id: Line
    kind: Kind
    title: Title
    sentence: Text = ""
    next_step: Text = ""
    owner: Name | None = Field(None, description="Today's owner of the account, if left out.")
    due_on: Day | None = None
    at_stake_minor: Annotated[int, Field(ge=0, le=ctas_work.MOST, strict=True), WHOLE] = Field(
        0, description="MRR at stake, in minor units of the home's currency."
    )
    severity: Annotated[int, Field(ge=1, le=3, strict=True), WHOLE] = Field(
        2, description="1 notice, 2 warning, 3 urgent."
    )


class CtaSnoozeGiven(Given):
    until: Day


class CtaOwnerGiven(Given):
    owner: Name


class CtaNoteGiven(Given):
    text: Said


class CtaCloseGiven(Given):
    outcome: Outcome
    note: Text = ""


class SentimentTold(BaseModel):
    """What a person or program said of an account: 1 bad … 5 very good."""

    account_id: str
    value: int
    note: str
    by: str | None
    at: datetime


class Sentiments(BaseModel):
    """What holds, and what was said before, newest first. It stands beside the health, and is no part of it."""

    account_id: str
    sentiment: SentimentTold | None
    before: list[SentimentTold]


class SentimentGiven(Given):
    value: Annotated[int, Field(ge=1, le=5, strict=True), WHOLE]
    note: Text = ""


def _fields(row: Row) -> dict[str, object]:
    same = (
        "account_id", "kind", "cause", "title", "sentence", "signals", "evidence", "next_step", "at_stake_minor", "currency",
        "severity", "state", "opened_at", "due_on", "snoozed_until", "seen_on", "outcome_note", "closed_at",
    )  # fmt: skip
    return {name: getattr(row, name) for name in same} | {
        "cta_id": row.public_id, "owner": row.owner_name or None, "priority": row.priority_title, "pooled": row.is_pooled,
        "outcome": row.outcome or None,
    }  # fmt: skip


def _cta(row: Row) -> Cta:
    return Cta(**_fields(row))  # type: ignore[arg-type]


def _whole(row: Row) -> CtaWithHistory:
    events = row.events.select_related("by", "via_key").order_by("-pk")
    return CtaWithHistory(**_fields(row), history=[_happened(event) for event in events])  # type: ignore[arg-type]


def _happened(event: CtaEvent) -> CtaHappened:
    by = str(event.by) if event.by else event.via_key.name if event.via_key else None
    return CtaHappened(kind=event.kind, at=event.at, by=by, text=event.text)


def _said(row: Sentiment) -> SentimentTold:
    by = str(row.by) if row.by else row.via_key.name if row.via_key else None
    return SentimentTold(account_id=row.account_id, value=row.value, note=row.note, by=by, at=row.at)


def _found(cta_id: str) -> Row:
    row = Row.objects.filter(public_id=cta_id).first()
    if row is None:
        raise Problem(404, f"there is no CTA {cta_id}")
    return row


def _by(request: HttpRequest) -> By:
    return By(moment.now(), key=request.auth)  # type: ignore[attr-defined]


def _worked(work: Callable[[], Row], field: str) -> CtaWithHistory:
    """Problem 409: it is closed; 422: what was given cannot be."""
    try:
        row = work()
    except ClosedError as error:
        raise Problem(409, str(error)) from None
    except CtaError as error:
        raise Problem(422, str(error), [(f"body.{field}", str(error))]) from None
    return _whole(row)


@get("/ctas", needs="ctas:read", answers=Ctas, tag="CTAs")
def list_ctas(request: HttpRequest, asked: Query[CtasAsked]) -> Ctas:
    """CTAs, newest first."""
    found = Row.objects.filter(pk__lt=pages.after("ctas", asked, 2**62))
    given = {"account_id": asked.account_id, "kind": asked.kind, "state": asked.state, "owner_name": asked.owner}
    found = found.filter(**{name: value for name, value in given.items() if value is not None})
    if asked.pooled is not None:
        found = found.filter(is_pooled=asked.pooled)
    if asked.closed is not None:
        found = found.filter(closed_at__isnull=not asked.closed)
    rows = list(found.order_by("-pk")[: asked.limit + 1])
    more = len(rows) > asked.limit
    return Ctas(
        ctas=[_cta(row) for row in rows[: asked.limit]],
        next=pages.cursor("ctas", rows[asked.limit - 1].pk) if more else None,
    )


@get("/ctas/{cta_id}", needs="ctas:read", answers=CtaWithHistory, tag="CTAs")
def cta(request: HttpRequest, cta_id: CtaId) -> CtaWithHistory:
    """One CTA, with its history."""
    return _whole(_found(cta_id))


@operation("POST", "/ctas", needs="ctas:write", answers=CtaWithHistory, status=201, tag="CTAs")
def open_cta(request: HttpRequest, given: CtaGiven) -> Made:
    """Open a CTA of one's own. It stands on its owner's list at once."""
    home = answers.home()
    if not upsert.known_accounts(home, [given.account_id]):
        problem = f"no account '{given.account_id}'"
        raise Problem(422, f"there is {problem}", [("body.account_id", problem)])
    told = Written(
        given.kind, given.title, given.sentence, given.next_step, given.owner or owner_of(given.account_id) or "", given.due_on,
        given.at_stake_minor, home.settings.currency, given.severity,
    )  # fmt: skip
    row = ctas_work.write(given.account_id, told, _by(request))
    return Made(_whole(row), location=f"/api/v1/ctas/{row.public_id}")


@operation("POST", "/ctas/{cta_id}/start", needs="ctas:write", answers=CtaWithHistory, tag="CTAs")
def start_cta(request: HttpRequest, cta_id: CtaId) -> CtaWithHistory:
    """Take a CTA up, also one that waits or is pooled."""
    return _worked(lambda: ctas_work.start(_found(cta_id), _by(request)), "")


@operation("POST", "/ctas/{cta_id}/snooze", needs="ctas:write", answers=CtaWithHistory, tag="CTAs")
def snooze_cta(request: HttpRequest, cta_id: CtaId, given: CtaSnoozeGiven) -> CtaWithHistory:
    """Put a CTA off until a day, on which it comes back by itself."""
    return _worked(lambda: ctas_work.snooze(_found(cta_id), given.until, _by(request)), "until")


@operation("POST", "/ctas/{cta_id}/reassign", needs="ctas:write", answers=CtaWithHistory, tag="CTAs")
def reassign_cta(request: HttpRequest, cta_id: CtaId, given: CtaOwnerGiven) -> CtaWithHistory:
    """Pass a CTA to another owner, on whose list it stands from then on."""
    return _worked(lambda: ctas_work.reassign(_found(cta_id), given.owner, _by(request)), "owner")


@operation("POST", "/ctas/{cta_id}/notes", needs="ctas:write", answers=CtaWithHistory, status=201, tag="CTAs")
def note_cta(request: HttpRequest, cta_id: CtaId, given: CtaNoteGiven) -> CtaWithHistory:
    """Add a note to a CTA's history."""

    def work() -> Row:
        row = _found(cta_id)
        ctas_work.note(row, given.text, _by(request))
        return row

    return _worked(work, "text")


@operation("POST", "/ctas/{cta_id}/close", needs="ctas:write", answers=CtaWithHistory, tag="CTAs")
def close_cta(request: HttpRequest, cta_id: CtaId, given: CtaCloseGiven) -> CtaWithHistory:
    """Close a CTA with what came of it."""
    return _worked(lambda: ctas_work.close(_found(cta_id), given.outcome, _by(request), given.note), "outcome")


def _require_account(account_id: str) -> None:
    if not upsert.known_accounts(answers.home(), [account_id]):
        raise Problem(404, f"there is no account '{account_id}'")


@get("/accounts/{external:account_id}/sentiment", needs="ctas:read", answers=Sentiments, tag="CTAs")
def sentiment(request: HttpRequest, account_id: Annotated[Id, Path()]) -> Sentiments:
    """The CSM's own word on an account, and what was said before."""
    _require_account(account_id)
    told = [_said(row) for row in ctas_sentiment.of_account(account_id)]
    return Sentiments(account_id=account_id, sentiment=told[0] if told else None, before=told[1:])


@operation("PUT", "/accounts/{external:account_id}/sentiment", needs="ctas:write", answers=SentimentTold, tag="CTAs")
def say_sentiment(request: HttpRequest, account_id: Annotated[Id, Path()], given: SentimentGiven) -> SentimentTold:
    """Say how an account stands; it holds from now on."""
    _require_account(account_id)
    return _said(ctas_sentiment.say(account_id, given.value, _by(request), given.note))
