"""What the API tells of how good the watch was: the records of signals, the track record of predictions, each with an example."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from holdfast.api.watch_shapes import WATCHED, Watched, example


class SignalRecord(BaseModel):
    """What a signal was worth here: of its alerts, how many were right."""

    signal: str
    title: str
    kind: str
    sentence: str
    next: str | None = Field(None, description="What to do about it.")
    outcome: str | None = Field(description="What it foretells; null: nothing that could be counted.")
    horizon_days: int | None
    alerts: int | None
    judged: int | None = Field(None, description="Alerts whose time is over.")
    hits: int | None
    precision: float | None
    precision_low: float | None
    precision_high: float | None
    base_rate: float | None = Field(description="How many of like accounts came to the same without it.")
    lift: float | None
    recall: float | None
    lead_days: float | None
    per_week: float | None
    mrr_minor: int | None = Field(None, description="MRR of the accounts that have it now.")
    verdict: str = Field(description="useful, noise, or too few to tell.")
    why: str


class SignalRecords(BaseModel):
    model_config = example(
        as_of="2026-10-31",
        signals=[{"signal": "champion_left", "title": "Champion left", "kind": "risk", "sentence": "A champion left within six months.",
                  "next": "Win a new champion within two weeks.", "outcome": "churn", "horizon_days": 180, "alerts": 426, "judged": 350,
                  "hits": 71, "precision": 0.203, "precision_low": 0.164, "precision_high": 0.248, "base_rate": 0.136, "lift": 1.49,
                  "recall": 0.154, "lead_days": 71, "per_week": 2.77, "mrr_minor": 2_785_198, "verdict": "useful",
                  "why": "Of 350 alerts 71 were right."}],
    )  # fmt: skip

    as_of: date
    signals: list[SignalRecord]


# -- the track record ----------------------------------------------------------------------------------------


class CalibrationStep(BaseModel):
    predicted: float | None
    observed: float | None
    n: int


class Origin(BaseModel):
    """A past day, as its predictions came true."""

    day: date
    n: int
    events: int
    auc: float | None


class TargetRecord(BaseModel):
    """What the predictions of a target and horizon were worth, on past days that their models had not seen."""

    target: str
    horizon_days: int
    n: int | None
    events: int | None
    accounts: int | None
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    average_precision: float | None
    brier: float | None
    brier_constant: float | None
    calibration_slope: float | None
    calibration_intercept: float | None
    lift_top_decile: float | None
    auc_scorecard: float | None
    auc_tenure: float | None
    dollars_top_decile: float | None = Field(description="Share of churned MRR in the tenth with the highest chances.")
    dollars_top_decile_by_worth: float | None = Field(description="The same by chance × MRR.")
    dollars_top_decile_scorecard: float | None
    verdict: str = Field(description="better, not better, or not enough history.")
    why: str
    needs: float | None = Field(description="Events that are still needed.")
    model: str | None
    version: str | None
    trained_at: str | None
    calibration: list[CalibrationStep]
    origins: list[Origin]


def _with_from(schema: dict[str, Any]) -> None:
    """The document names the field as it is told."""
    told = {name.rstrip("_"): one for name, one in schema["properties"].items()}
    schema["properties"] = told | {"from": told["from"] | {"title": "From"}}
    schema["required"] = [name.rstrip("_") for name in schema["required"]]


class LiveRecord(BaseModel):
    """Predictions as they were published, scored as their time passed."""

    model_config = ConfigDict(serialize_by_alias=True, json_schema_extra=_with_from)

    target: str
    horizon_days: int
    # `from` is a word of the language
    from_: date = Field(alias="from")
    to: date
    n: int
    events: int
    auc: float | None
    brier: float | None
    brier_constant: float | None
    predicted: float | None
    observed: float | None


class BookRecord(BaseModel):
    """A forecast of the whole book's MRR, and what came."""

    day: date
    horizon_days: int
    mrr_minor: int
    forecast_minor: int
    low_minor: int
    high_minor: int
    actual_minor: int | None


class Leading(BaseModel):
    """A number that may run ahead of net revenue retention."""

    indicator: str
    sentence: str
    lead_days: float | None
    effect: float | None
    low: float | None
    high: float | None
    verdict: str


class Drift(BaseModel):
    """A feature that lies elsewhere than where was learned."""

    feature: str
    psi: float | None
    sentence: str


class Trained(BaseModel):
    version: str
    target: str
    horizon_days: int
    kind: str
    trained_at: str
    rows: int | None
    events: int | None
    replaced: bool
    used: bool | None = None
    why: str


class TrackRecord(Watched):
    model_config = example(
        **WATCHED, accounts_share=1.0, leading=[], drift=[],
        targets=[{"target": "churn", "horizon_days": 90, "n": 10457, "events": 288, "accounts": 629, "auc": 0.748, "auc_low": 0.724,
                  "auc_high": 0.774, "average_precision": 0.176, "brier": 0.0533, "brier_constant": 0.0565, "calibration_slope": 1.05,
                  "calibration_intercept": 0.14, "lift_top_decile": 2.91, "auc_scorecard": 0.623, "auc_tenure": 0.544,
                  "dollars_top_decile": 0.161, "dollars_top_decile_by_worth": 0.279, "dollars_top_decile_scorecard": 0.137,
                  "verdict": "better", "why": "Better than what is known without it, beyond chance.", "needs": None,
                  "model": "ridge logistic regression around the scorecard", "version": "af9d4f7cf0db", "trained_at": "2026-11-01T02:00:00Z",
                  "calibration": [{"predicted": 0.042, "observed": 0.036, "n": 1046}],
                  "origins": [{"day": "2026-05-24", "n": 1240, "events": 50, "auc": 0.783}]}],
        live=[{"target": "churn", "horizon_days": 90, "from": "2026-04-05", "to": "2026-07-26", "n": 2400, "events": 61, "auc": 0.74,
               "brier": 0.0241, "brier_constant": 0.0252, "predicted": 0.027, "observed": 0.0254}],
        book=[{"day": "2026-07-26", "horizon_days": 90, "mrr_minor": 110_687_001, "forecast_minor": 111_872_661, "low_minor": 108_703_402,
               "high_minor": 114_215_564, "actual_minor": 111_273_539}],
        models=[{"version": "af9d4f7cf0db", "target": "churn", "horizon_days": 90, "kind": "ridge logistic regression around the scorecard",
                 "trained_at": "2026-11-01T02:00:00Z", "rows": 23131, "events": 269, "replaced": True, "used": True,
                 "why": "the first training"}],
    )  # fmt: skip

    accounts_share: float | None = Field(
        None,
        description="Part of the accounts that was learned from, with their whole past; below 1 where all would not fit.",
    )
    targets: list[TargetRecord]
    live: list[LiveRecord]
    book: list[BookRecord]
    leading: list[Leading]
    drift: list[Drift]
    models: list[Trained]
