"""What the API tells of the watch: the form of each answer, with an example."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from holdfast.api.ctas import CtaFact

Kind = Literal["risk", "opportunity", "portfolio", "lifecycle"]


def example(**told: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [told]})


WATCHED: dict[str, Any] = {"as_of": "2026-10-31", "watched_at": "2026-11-01T02:10:00Z", "currency": "EUR"}
ONE: dict[str, Any] = {"account_id": "acme", "name": "Acme", "owner": "Alice"}


class Watched(BaseModel):
    """What stands beside everything that the watch says."""

    as_of: date = Field(description="The last day that it saw.")
    watched_at: datetime
    currency: str = Field(description="Of all amounts, which are minor units.")


# -- health --------------------------------------------------------------------------------------------------

HEALTH: dict[str, Any] = ONE | {
    "score": 41.5, "before": 63.0, "band": "red", "scorecard": "mid-market", "known_share": 0.85, "sentiment": 4,
}  # fmt: skip


class HealthRow(BaseModel):
    """An account's health: 0 bad to 100 good."""

    account_id: str
    name: str
    owner: str | None
    score: float | None = Field(description="null: too little is known.")
    before: float | None = Field(description="Four weeks earlier.")
    band: str | None
    scorecard: str | None
    known_share: float | None = Field(description="The part of the scorecard's weights that is known.")
    sentiment: int | None = Field(description="The CSM's own word, 1 bad to 5 very good; no part of the score.")


class Health(Watched):
    model_config = example(**WATCHED, accounts=[HEALTH], next=None)

    accounts: list[HealthRow]
    next: str | None


class HealthPart(BaseModel):
    """A measure of the scorecard; what is not known has no score, and gives and takes no points."""

    part: str
    label: str
    feature: str
    value: float | None
    score: float | None
    weight: float | None = Field(description="Its share of the weights that are known.")
    points: float | None


class HealthMove(BaseModel):
    """What a measure did to the score within four weeks."""

    feature: str
    points: float
    sentence: str
    since: date | None


class HealthDay(BaseModel):
    day: date
    score: float | None


class AccountHealth(Watched, HealthRow):
    model_config = example(
        **WATCHED, **HEALTH,
        parts=[{"part": "usage", "label": "Seats in use", "feature": "seat_use_share_28d", "value": 0.42, "score": 30.0, "weight": 0.2,
                "points": 6.0}],
        moves=[{"feature": "seat_use_share_28d", "points": -9.5, "sentence": "Seats in use fell from 71 % to 42 %: −9.5 points",
                "since": "2026-10-04"}],
        history=[{"day": "2026-10-24", "score": 44.0}],
    )  # fmt: skip

    parts: list[HealthPart]
    moves: list[HealthMove] = Field(description="The largest first.")
    history: list[HealthDay] = Field(description="Oldest first.")


# -- risk ----------------------------------------------------------------------------------------------------

RISK: dict[str, Any] = ONE | {
    "mrr_minor": 420_000, "at_risk_minor": 96_600,
    "probabilities": {"churn": {"30": 0.06, "90": 0.21, "180": 0.34}, "contraction": {"90": 0.08}, "expansion": {"90": 0.04}},
    "expected": {"90": {"expected_minor": 331_000, "low_minor": 0, "high_minor": 441_000}},
}  # fmt: skip


class ExpectedMrr(BaseModel):
    """MRR to expect, with its 90 % interval."""

    expected_minor: int
    low_minor: int
    high_minor: int


class RiskRow(BaseModel):
    """The chances of an account, and its MRR at risk within 90 days."""

    account_id: str
    name: str
    owner: str | None
    mrr_minor: int
    at_risk_minor: int | None = Field(description="Chance of leaving × MRR, and what shrinking takes.")
    probabilities: dict[str, dict[str, float]] = Field(
        description="By target (churn, contraction, expansion), and by horizon in days (30, 90, 180)."
    )
    expected: dict[str, ExpectedMrr] = Field(description="By horizon in days.")


class Risk(Watched):
    model_config = example(**WATCHED, accounts=[RISK], next=None)

    accounts: list[RiskRow]
    next: str | None


class RiskReason(BaseModel):
    """Why a chance is as high or as low as it is, by the model that told it."""

    target: str
    horizon_days: int
    feature: str
    sentence: str
    raises: bool
    log_odds: float = Field(description="By how much it moves the chance, as log-odds.")


class AccountRisk(Watched, RiskRow):
    model_config = example(
        **WATCHED, **RISK,
        reasons=[{"target": "churn", "horizon_days": 90, "feature": "active_users_trend_4w_12w",
                  "sentence": "Active people against the last twelve weeks: 58 % (typical: 101 %).", "raises": True, "log_odds": 0.71}],
    )  # fmt: skip

    reasons: list[RiskReason] = Field(description="The weightiest first, by horizon.")


# -- signals -------------------------------------------------------------------------------------------------


class JudgementRow(BaseModel):
    """What a signal says of an account now, or of the whole book."""

    account_id: str | None = Field(description="null: it is said of the whole book.")
    signal: str
    kind: str = Field(description="risk, opportunity, portfolio or lifecycle.")
    severity: int = Field(description="1 notice, 2 warning, 3 urgent.")
    sentence: str
    since: date | None
    about: str = Field(description="The segment or owner, where a book has several of one signal.")
    evidence: list[CtaFact]


class Signals(Watched):
    model_config = example(
        **WATCHED, next=None,
        judgements=[{"account_id": "acme", "signal": "champion_left", "kind": "risk", "severity": 2, "sentence": "Ben, the champion, left.",
                     "since": "2026-10-18", "about": "",
                     "evidence": [{"label": "left", "value": "Ben", "table": "contact", "row_id": "c2"}]}],
    )  # fmt: skip

    judgements: list[JudgementRow]
    next: str | None


# -- features ------------------------------------------------------------------------------------------------


class FeatureRow(BaseModel):
    """A number known of an account on a day."""

    name: str
    group: str
    unit: str
    risk: int = Field(
        description="1: the higher, the likelier the account leaves; -1: the less likely; 0: not known beforehand."
    )
    growth: int = Field(description="The same for growing.")
    sentence: str


class Features(BaseModel):
    model_config = example(
        features=[{"name": "seat_use_share_28d", "group": "usage", "unit": "share", "risk": -1, "growth": 1,
                   "sentence": "Active people of the busiest of the last 28 days, as a share of the seats."}]
    )  # fmt: skip

    features: list[FeatureRow]


class AccountFeatures(Watched):
    model_config = example(**WATCHED, account_id="acme", values={"seats": 40, "seat_use_share_28d": 0.42, "nps": None})

    account_id: str
    values: dict[str, float | None] = Field(description="By feature; null: not known.")
