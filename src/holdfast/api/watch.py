"""The watch for programs: health, risk with its reasons, signals, features, and the record of how good they were."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import Field

from holdfast.api import pages
from holdfast.api import watch_records as records_of
from holdfast.api import watch_shapes as shapes
from holdfast.api.door import get
from holdfast.api.fields import DIGITS, Id, Line
from holdfast.api.pages import Paged
from holdfast.api.problems import Problem
from holdfast.flows import answers, owners, watched
from holdfast.metrics import accounts as read
from holdfast.metrics import health as scores
from holdfast.metrics import measured, watch_lists
from holdfast.metrics import risk as ahead
from holdfast.metrics.standing import Standing
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.records import Records

AccountId = Annotated[Id, Path()]


class HealthAsked(Paged):
    """Filters that all must hold; the list is in the order of ids."""

    band: Line | None = Field(None, description="Only accounts in this band: green, yellow or red, as they come along.")
    owner: Line | None = Field(None, description="Only accounts that this owner carries today.")


class RiskAsked(Paged):
    order: Literal["at_risk_minor", "churn_90"] = Field(
        "at_risk_minor", description="By MRR at risk, or by the chance of leaving within 90 days; the most first."
    )
    owner: Line | None = Field(None, description="Only accounts that this owner carries today.")


class SignalsAsked(Paged):
    """Filters that all must hold."""

    signal: Line | None = Field(None, description="Only this signal, by its name.")
    kind: shapes.Kind | None = None
    severity: Annotated[int, Field(ge=1, le=3), DIGITS] | None = Field(
        None, description="1 notice, 2 warning, 3 urgent."
    )
    account_id: Line | None = Field(None, description="Only judgements of this account.")


def _records() -> Records:
    """The records with the watch beside them. Problem 409: nothing is watched yet."""
    records = answers.records()
    if records.watch is None:
        raise Problem(
            409, "nothing is watched yet; `holdfast serve` does it after each booking, or run: holdfast watch"
        )
    return records


def _heading(records: Records) -> dict[str, Any]:
    assert records.watch is not None
    return {name: records.watch[name] for name in ("as_of", "watched_at", "currency")}


def _list_of(kind: str) -> str:
    """A list's name in its cursors: the next watch has another order, and does not go on with them."""
    told = answers.watch()
    return f"{kind} of watch {told.number if told else 0}"


def _watched(records: Records, account_id: str) -> tuple[read.AccountRow, Standing]:
    """A watched account. Problem 404: there is no such account, or it was not watched."""
    row = read.row(records, account_id, owners.standing())
    if row is None:
        raise Problem(404, f"there is no account '{account_id}' in what is booked")
    if row.standing is None:
        raise Problem(
            404, f"'{account_id}' paid nothing on {_heading(records)['as_of']}; only accounts that pay are watched"
        )
    return row, row.standing


def _health(row: read.AccountRow, stands: Standing) -> dict[str, Any]:
    return {
        "account_id": row.account_id, "name": row.name, "owner": row.owner, "score": stands.health, "before": stands.health_before,
        "band": stands.band, "scorecard": stands.scorecard, "known_share": stands.known_share, "sentiment": stands.sentiment,
    }  # fmt: skip


@get("/health", needs="accounts:read", answers=shapes.Health, tag="Watch", cached=True)
def health(request: HttpRequest, asked: Query[HealthAsked]) -> shapes.Health:
    """Health of the accounts that pay, in the order of ids."""
    records = _records()
    where = read.Where()
    where.add("account_id in (select account_id from standing)")
    where.add("account_id > ?", pages.after("health", asked, ""))
    for column, value in {"band": asked.band, "owner": asked.owner}.items():
        if value is not None:
            where.add(f"{column} = ?", value)
    found = read.some(records, where, "account_id", asked.limit + 1, owners.standing(), watched=True)
    rows = [shapes.HealthRow(**_health(row, row.standing)) for row in found[: asked.limit] if row.standing]
    more = len(found) > asked.limit
    return shapes.Health(
        **_heading(records), accounts=rows, next=pages.cursor("health", rows[-1].account_id) if more else None
    )


@get(
    "/accounts/{external:account_id}/health",
    needs="accounts:read",
    answers=shapes.AccountHealth,
    tag="Watch",
    cached=True,
)
def account_health(request: HttpRequest, account_id: AccountId) -> shapes.AccountHealth:
    """One account's health: its parts, what moved it within four weeks, and its history."""
    records = _records()
    row, stands = _watched(records, account_id)
    return shapes.AccountHealth(
        **_heading(records),
        **_health(row, stands),
        parts=[shapes.HealthPart(**asdict(one)) for one in scores.parts(records, account_id)],
        moves=[shapes.HealthMove(**asdict(one)) for one in scores.moves(records, account_id)],
        history=[shapes.HealthDay(day=day, score=score) for day, score in scores.history(records, account_id)],
    )


@get("/risk", needs="accounts:read", answers=shapes.Risk, tag="Watch", cached=True)
def risk(request: HttpRequest, asked: Query[RiskAsked]) -> shapes.Risk:
    """Chances of leaving, shrinking and growing, and expected MRR with its interval; the most at risk first."""
    records, kind = _records(), _list_of(f"risk by {asked.order}")
    found = watch_lists.ranked(
        records, asked.order, pages.after(kind, asked, ""), asked.limit + 1, owners.standing(), asked.owner
    )
    rows = [shapes.RiskRow(**asdict(one)) for one in found[: asked.limit]]
    more = len(found) > asked.limit
    return shapes.Risk(
        **_heading(records), accounts=rows, next=pages.cursor(kind, rows[-1].account_id) if more else None
    )


@get(
    "/accounts/{external:account_id}/risk", needs="accounts:read", answers=shapes.AccountRisk, tag="Watch", cached=True
)
def account_risk(request: HttpRequest, account_id: AccountId) -> shapes.AccountRisk:
    """One account's chances, expected MRR, and the reasons for them."""
    records = _records()
    _watched(records, account_id)
    one = watch_lists.one(records, account_id, owners.standing())
    assert one is not None
    reasons = [
        shapes.RiskReason(
            target=told.target, horizon_days=told.horizon_days, feature=told.feature, sentence=told.sentence,
            raises=told.contribution >= 0, log_odds=told.contribution,
        )
        for told in ahead.reasons(records, account_id)
    ]  # fmt: skip
    return shapes.AccountRisk(**_heading(records), **asdict(one), reasons=reasons)


@get("/signals", needs="accounts:read", answers=shapes.Signals, tag="Watch", cached=True)
def signals(request: HttpRequest, asked: Query[SignalsAsked]) -> shapes.Signals:
    """What the signals say now, the gravest first, with the facts behind it."""
    records, kind = _records(), _list_of("signals")
    start = pages.after(kind, asked, 0)
    found = watch_lists.judgements(
        records, asked.limit + 1, start, signal=asked.signal, kind=asked.kind, severity=asked.severity, account_id=asked.account_id
    )  # fmt: skip
    rows = [shapes.JudgementRow(**asdict(one)) for one in found[: asked.limit]]
    more = len(found) > asked.limit
    return shapes.Signals(
        **_heading(records), judgements=rows, next=pages.cursor(kind, start + asked.limit) if more else None
    )


@get("/signals/record", needs="numbers:read", answers=records_of.SignalRecords, tag="Watch", cached=True)
def signals_record(request: HttpRequest) -> records_of.SignalRecords:
    """What each signal was worth on the company's own past."""
    return records_of.SignalRecords(**watched.signal_record(answers.home()))


@get("/trackrecord", needs="numbers:read", answers=records_of.TrackRecord, tag="Watch", cached=True)
def trackrecord(request: HttpRequest) -> records_of.TrackRecord:
    """How good the predictions were on the company's own past, against simpler ones."""
    return records_of.TrackRecord(**watched.track_record(answers.home()))


@get("/features", needs="accounts:read", answers=shapes.Features, tag="Watch")
def features(request: HttpRequest) -> shapes.Features:
    """The features there are, with a sentence each."""
    return shapes.Features(features=[shapes.FeatureRow(**asdict(one)) for one in dictionary()])


@get(
    "/accounts/{external:account_id}/features",
    needs="accounts:read",
    answers=shapes.AccountFeatures,
    tag="Watch",
    cached=True,
)
def account_features(request: HttpRequest, account_id: AccountId) -> shapes.AccountFeatures:
    """All features of one account."""
    records = _records()
    _watched(records, account_id)
    values = measured.of_account(records, account_id)
    return shapes.AccountFeatures(**_heading(records), account_id=account_id, values=values)
