"""The track record: how good predictions were on this company's own past, and those that were really made, as time passed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.flows import labels
from holdfast.flows.foretold import Foretold
from holdfast.flows.home import Home
from holdfast.flows.labels import HORIZONS, TARGETS, After
from holdfast.flows.learned import Learned, Trusted
from holdfast.learning import drift
from holdfast.learning.rungs import Kind
from holdfast.learning.scores import auc
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.ledger import Ledger

#: features told of as moved, at most
MOVED = 20
#: days between two past predictions that are looked at: closer ones tell the same again
APART = timedelta(days=7)

KINDS: dict[Kind, str] = {
    "scorecard": "the scorecard alone, as a prior",
    "logistic": "ridge logistic regression around the scorecard",
    "blended": "ridge logistic regression around the scorecard, blended with small monotone trees",
}


def track_record(home: Home, ledger: Ledger, wise: Learned, today: pa.Table, now: datetime) -> dict[str, Any]:
    """The record as trackrecord.json keeps it; numbers that cannot be told are null."""
    told = {
        "as_of": str(ledger.as_of),
        "watched_at": now.isoformat(),
        "currency": home.settings.currency,
        "accounts_share": wise.share,
        "targets": [_target(wise.heads[f"{t}-{h}"]) for t in TARGETS for h in HORIZONS],
        "live": _live(home, ledger),
        "book": list(wise.book),
        "leading": list(wise.leading),
        "drift": _drift(wise, today),
        "models": [_model(head) for head in wise.heads.values()],
    }
    clean: dict[str, Any] = _without_nan(told)
    return clean


def _target(head: Trusted) -> dict[str, Any]:
    one = head.scores
    low, high = head.spread.auc_interval
    return {
        "target": head.target, "horizon_days": head.horizon, "n": one.n, "events": one.events,
        "accounts": head.model.evidence.accounts, "auc": one.auc, "auc_low": low, "auc_high": high,
        "average_precision": one.average_precision, "brier": one.brier, "brier_constant": one.brier_constant,
        "calibration_slope": one.calibration_slope, "calibration_intercept": one.calibration_intercept,
        "lift_top_decile": one.lift_top_decile, "auc_scorecard": one.auc_scorecard, "auc_tenure": one.auc_tenure,
        "dollars_top_decile": one.money_by_probability, "dollars_top_decile_by_worth": one.money_by_worth,
        "dollars_top_decile_scorecard": head.spread.money_by_scorecard, "verdict": one.verdict, "why": _why(head),
        "needs": one.missing or None, "model": KINDS[head.model.kind], "version": head.model.version,
        "trained_at": head.trained_at.isoformat(),
        "calibration": [{"predicted": b.predicted, "observed": b.came, "n": b.rows} for b in one.bins],
        "origins": [{"day": str(date.fromordinal(o.day)), "n": o.rows, "events": o.events, "auc": o.auc} for o in head.spread.origins],
    }  # fmt: skip


_WHAT = {"churn": "departure", "contraction": "contraction", "expansion": "expansion"}


def _why(head: Trusted) -> str:
    """The verdict in words, and what is done about it."""
    one, what = head.scores, _WHAT[head.target]
    if one.verdict == "not enough history":
        return (
            f"Not enough history to predict: needs about {one.missing} more {what}{'s' * (one.missing != 1)} whose outcome is "
            "known. Until then the scorecard speaks, as a prior."
        )
    beside = (
        [f"chance alone gives 0.5, the hand scorecard {one.auc_scorecard:.2f}"] if _is_number(one.auc_scorecard) else []
    )
    beside += [f"the time as a customer {one.auc_tenure:.2f}"] if _is_number(one.auc_tenure) else []
    figures = f"AUC {one.auc:.2f}; {', '.join(beside)}" if beside else f"AUC {one.auc:.2f}; chance alone gives 0.5"
    if one.verdict == "better":
        return f"Better than what is known without it, beyond chance: {figures}."
    return f"Not better than what is known without it, so it is not used: {figures}. The scorecard or the base rate stands in."


def _model(head: Trusted) -> dict[str, Any]:
    found = head.learned.evidence
    return {
        "version": head.learned.version, "target": head.target, "horizon_days": head.horizon, "kind": KINDS[head.learned.kind],
        "trained_at": head.trained_at.isoformat(), "rows": found.rows, "events": found.events, "replaced": head.replaced,
        "why": head.why, "used": head.is_used,
    }  # fmt: skip


def _drift(wise: Learned, today: pa.Table) -> list[dict[str, Any]]:
    """Features that lie elsewhere than in the year that was learned from, the most moved first."""
    if wise.then is None:
        return []
    now = labels.panel_of(today, [None] * today.num_rows)
    says = {one.name: one.sentence for one in dictionary()}
    # the time of the year moves every day
    found = [one for one in drift.features(wise.then, now) if one.moved and not one.name.startswith("month_of_year")]
    return [
        {"feature": one.name, "psi": one.stability, "sentence": says.get(one.name, one.name)} for one in found[:MOVED]
    ]


# ---- predictions as they were made ----


def _folder(home: Home) -> Path:
    return home.path / "watch" / "past"


def remember(home: Home, as_of: date, told: Foretold, today: pa.Table, scores: Sequence[float | None]) -> None:
    """Keep a day's predictions with their model's version, and the features that they were made of."""
    place = _folder(home)
    place.mkdir(parents=True, exist_ok=True)
    health = dict(zip(today["account_id"].to_pylist(), scores, strict=True))
    risk = told.tables["risk"]
    mrr = dict(zip(today["account_id"].to_pylist(), today["mrr_minor"].to_pylist(), strict=True))
    accounts = risk["account_id"].to_pylist()
    rows = risk.append_column("mrr_minor", pa.array([mrr[a] for a in accounts], pa.int64())).append_column(
        "health", pa.array([health[a] for a in accounts], pa.float64())
    )
    for name, table in ((f"{as_of}.parquet", rows), (f"{as_of}-features.parquet", _small(today))):
        beside = place / f"{name}.making"
        pq.write_table(table, beside, compression="zstd")
        beside.rename(place / name)


def _small(today: pa.Table) -> pa.Table:
    schema = pa.schema([pa.field(f.name, pa.float32() if f.type == pa.float64() else f.type) for f in today.schema])
    return today.cast(schema)


def _live(home: Home, ledger: Ledger) -> list[dict[str, Any]]:
    """Predictions that were made on past days and whose horizon is over."""
    days = [date.fromisoformat(path.stem) for path in _folder(home).glob("????-??-??.parquet")]
    days = _apart(sorted(day for day in days if day + timedelta(days=min(HORIZONS)) <= ledger.as_of))
    if not days:
        return []
    rows = pa.concat_tables([_dated(home, day) for day in days])
    found = []
    for horizon in HORIZONS:
        some = rows.filter(pc.equal(rows["horizon_days"], horizon))
        if not some.num_rows:
            continue
        after = labels.after(ledger, some, home.settings.currency, [horizon])[horizon]
        for target in TARGETS:
            mine = np.array(some["target"].to_pylist()) == target
            found += _scored(some, after, mine, target, horizon)
    return found


def _apart(days: Sequence[date]) -> list[date]:
    kept: list[date] = []
    for day in days:
        if not kept or day - kept[-1] >= APART:
            kept.append(day)
    return kept


def _dated(home: Home, day: date) -> pa.Table:
    table = pq.read_table(_folder(home) / f"{day}.parquet")
    return table.append_column("as_of", pa.array([day] * table.num_rows, pa.date32()))


def _scored(rows: pa.Table, after: After, mine: np.ndarray, target: str, horizon: int) -> list[dict[str, Any]]:
    hit, said = after.hit(target)[mine], np.array(rows["probability"].to_pylist(), float)[mine]
    days = [day for day, is_mine in zip(rows["as_of"].to_pylist(), mine, strict=True) if is_mine]
    known = ~np.isnan(hit)
    if not known.any():
        return []
    hit, said = hit[known], said[known]
    seen = [day for day, is_known in zip(days, known, strict=True) if is_known]
    both = 0 < hit.sum() < len(hit)
    return [
        {
            "target": target, "horizon_days": horizon, "from": str(min(seen)), "to": str(max(seen)), "n": len(hit),
            "events": int(hit.sum()), "auc": auc(said, hit) if both else None, "brier": float(np.mean((said - hit) ** 2)),
            "brier_constant": float(np.mean((hit.mean() - hit) ** 2)), "predicted": float(said.sum()), "observed": float(hit.sum()),
        }
    ]  # fmt: skip


def _is_number(value: float) -> bool:
    return not math.isnan(value)


def _without_nan(told: Any) -> Any:
    """NaN is no JSON."""
    if isinstance(told, dict):
        return {name: _without_nan(value) for name, value in told.items()}
    if isinstance(told, list | tuple):
        return [_without_nan(value) for value in told]
    return None if isinstance(told, float) and not math.isfinite(told) else told
