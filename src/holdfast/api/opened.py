"""Numbers opened: the accounts behind them, their movements and source rows; policies; signed months and what changed since."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import BaseModel, Field

from holdfast.api.asking import Windowed, policy_named, question_of, window_of
from holdfast.api.door import get
from holdfast.api.fields import DIGITS, Id, Line, Month, Yes
from holdfast.api.numbers import Heading, Segment
from holdfast.api.problems import Problem
from holdfast.domain.period import Window
from holdfast.flows import answers, close, documents
from holdfast.flows.answers import Source
from holdfast.metrics import evidence
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import WindowError


class ExplainRow(BaseModel):
    account: str
    name: str | None
    kind: str
    opening_minor: int
    moved_minor: int
    closing_at_start_rates_minor: int
    fx_minor: int
    closing_minor: int


class ExplainTotal(BaseModel):
    accounts: int
    opening_minor: int
    closing_minor: int


class Explained(Heading):
    start: date
    end: date
    segment: Segment
    total: ExplainTotal
    causes_minor: dict[str, dict[str, int]]
    rows: list[ExplainRow]


class MovementRow(BaseModel):
    month: str
    currency: str
    kind: str
    amount_minor: int
    opening_minor: int
    closing_minor: int
    causes_minor: dict[str, int]


class ChangeRow(BaseModel):
    """A dated change, and the landed row that says so."""

    day: date
    currency: str
    delta_minor: int
    held_delta_minor: int
    cause: str
    load_no: int | None
    source_row: int | None
    row: dict[str, Any] | None
    file: str | None


class ExplainedAccount(Heading):
    """Amounts are minor units of each entry's own currency."""

    account: str
    start: date
    end: date
    movements: list[MovementRow]
    changes: list[ChangeRow]


class PolicyRow(BaseModel):
    name: str
    title: str
    description: str
    source: str
    is_own: bool
    #: every setting as text, number, flag or null
    settings: dict[str, str | int | bool | None]


class Policies(BaseModel):
    policies: list[PolicyRow]


class ComparedRow(BaseModel):
    """The window under one policy; `refused` says why there are no figures."""

    policy: str
    title: str
    grain: str
    refused: str | None = None
    accounts: int | None = None
    opening_minor: int | None = None
    closing_minor: int | None = None
    nrr: float | None = None
    grr: float | None = None
    logo_retention: float | None = None


class Compared(BaseModel):
    metric: str
    start: date
    end: date
    currency: str
    rows: list[ComparedRow]


class CloseRow(BaseModel):
    """A signed month; amounts by currency."""

    month: str
    policy: str
    signed_by: str
    signed_at: str
    as_of: date
    last_load_no: int
    opening: dict[str, int]
    closing: dict[str, int]
    movements: dict[str, dict[str, int]]
    sha256: str


class Closes(BaseModel):
    metric: str
    rows: list[CloseRow]


class RestatedRow(BaseModel):
    account: str
    currency: str
    kind: str
    signed_minor: int
    now_minor: int
    difference_minor: int


class Restatements(BaseModel):
    metric: str
    month: str
    policy: str
    signed_at: str
    rows: list[RestatedRow]


class ExplainAsked(Windowed):
    segment: Annotated[list[Line], Field(max_length=5)] = Field(
        [], description="Only one segment: `industry=DevTools`. May be repeated."
    )
    everyone: Yes = Field(
        False, description="Also accounts that were not there at the start: what the bridge is made of."
    )
    limit: Annotated[int, Field(ge=1, le=1000), DIGITS] = Field(
        20, description="How many accounts, the largest movement first."
    )


class RestatementsAsked(BaseModel):
    policy: Line | None = Field(None, description="The policy under which it was signed; the home's own if left out.")


@get("/explain", needs="numbers:read", answers=Explained, tag="Numbers opened", waits=True, cached=True)
def explain(request: HttpRequest, asked: Query[ExplainAsked]) -> Explained:
    """The accounts that made a retention figure, and expansion and contraction by cause."""
    question = question_of(asked)
    window = window_of(question, asked)
    segment = tuple(_pair(one) for one in asked.segment)
    found = question.ask(documents.explain_of, window, question.view, segment, asked.everyone, asked.limit)
    return Explained(metric="explain", **question.heading(), start=window.start, end=window.end, **found)


def _pair(given: str) -> tuple[str, str | None]:
    name, equals, value = given.partition("=")
    if not equals or not name.strip():
        raise Problem(
            422, f"'{given}' is not a segment; write it as industry=DevTools", [("query.segment", "has no =")]
        )
    return name.strip(), value.strip() or None


@get(
    "/explain/{external:account_id}",
    needs="numbers:read",
    answers=ExplainedAccount,
    tag="Numbers opened",
    waits=True,
    cached=True,
)
def explain_account(
    request: HttpRequest, account_id: Annotated[Id, Path()], asked: Query[Windowed]
) -> ExplainedAccount:
    """One account's movements, its dated changes, and the row of the file behind each."""
    question = question_of(asked)
    window = window_of(question, asked)
    found = question.ask(_opened, account_id, window)
    if found is None:
        raise Problem(404, f"there is no {question.source.policy.grain} '{account_id}' in the ledger")
    return ExplainedAccount(
        metric="explain",
        **question.heading(),
        account=account_id,
        start=window.start,
        end=window.end,
        movements=found[0],
        changes=found[1],
    )


def _opened(ledger: Ledger, entity: str, window: Window) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    landing = answers.home().landing
    moved = evidence.movements(ledger, entity, window)
    changed = evidence.changes(
        ledger, entity, window, landing.files("subscription_item"), landing.files("invoice_line")
    )
    if not moved and not changed and not ledger.rows("select 1 from entity where entity_id = ?", [entity]):
        return None
    files = {load.load_no: load.file or load.source for load in landing.loads()}
    return documents.movements_of(moved), documents.changes_of(changed, files)


@get("/policies", needs="numbers:read", answers=Policies, tag="Numbers opened")
def policies(request: HttpRequest) -> Policies:
    """The policies there are, with their settings."""
    home = answers.home()
    texts = {"name", "title", "description", "source"}
    return Policies(
        policies=[
            PolicyRow(
                name=one.name, title=one.title, description=one.description, source=one.source, is_own=one.name == home.settings.policy,
                settings={name: _plain(value) for name, value in asdict(one).items() if name not in texts},
            )
            for one in home.policies().values()
        ]
    )  # fmt: skip


def _plain(value: Any) -> str | int | bool | None:
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else value


@get("/policies/compare", needs="numbers:read", answers=Compared, tag="Numbers opened", waits=True, cached=True)
def compare_policies(request: HttpRequest, asked: Query[Windowed]) -> Compared:
    """The same window under every policy side by side; policies not booked yet are booked one after the other."""
    question = question_of(asked)
    window = window_of(question, asked)
    rows = []
    for policy in answers.home().policies().values():
        row = ComparedRow(policy=policy.name, title=policy.title, grain=policy.grain)
        try:
            found = Source(policy, question.known_on).ask(documents.retention_of, window, question.view, ())
        except WindowError as error:
            rows.append(row.model_copy(update={"refused": str(error)}))
            continue
        told = (
            {name: found[0][name] for name in ComparedRow.model_fields if name in found[0]}
            if found
            else {"refused": "no MRR at the start"}
        )
        rows.append(row.model_copy(update=told))
    return Compared(
        metric="policies",
        start=window.start,
        end=window.end,
        currency=question.view.only or question.view.reporting,
        rows=rows,
    )


@get("/closes", needs="numbers:read", answers=Closes, tag="Numbers opened")
def closes(request: HttpRequest) -> Closes:
    """The signed months."""
    return Closes(metric="closes", rows=[CloseRow(**documents.close_of(one)) for one in close.closes(answers.home())])


@get("/closes/{month}/restatements", needs="numbers:read", answers=Restatements, tag="Numbers opened", waits=True)
def restatements(
    request: HttpRequest, month: Annotated[Month, Path()], asked: Query[RestatementsAsked]
) -> Restatements:
    """What changed in a signed month since it was signed."""
    home = answers.home()
    policy = policy_named(asked.policy)
    signed = next((one for one in close.closes(home) if (one.month, one.policy) == (month, policy.name)), None)
    if signed is None:
        raise Problem(404, f"{month} is not signed under '{policy.name}'")
    # the ledger is booked first where it is not there: the asker waits for it, not this call
    found = Source(policy).ask(_restated, signed.month, signed.policy)
    return Restatements(
        metric="restatements", month=month, policy=policy.name, signed_at=signed.signed_at,
        rows=[RestatedRow(**documents.restatement_of(one)) for one in found],
    )  # fmt: skip


def _restated(ledger: Ledger, month: str, policy: str) -> list[close.Restatement]:
    home = answers.home()
    signed = next(one for one in close.closes(home) if (one.month, one.policy) == (month, policy))
    return close.restatements(home, signed)
