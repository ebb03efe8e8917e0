"""What is foretold of today's accounts: chances by target and horizon, expected MRR with an interval, and reasons in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from holdfast.domain.feature import Feature
from holdfast.domain.judgement import number
from holdfast.flows import labels
from holdfast.flows.forecasts import SEGMENT
from holdfast.flows.labels import CHURN, CONTRACTION, EXPANSION, HORIZONS, TARGETS
from holdfast.flows.learned import Learned
from holdfast.flows.past import NOTICE, Bools, Floats, name_of, noticed
from holdfast.flows.scored import rows_of
from holdfast.learning.book import Accounts, Chances, accounts
from holdfast.learning.design import SCORECARD
from holdfast.learning.panel import Panel
from holdfast.warehouse.features import dictionary

#: the horizon that tables of accounts show, and for which reasons are told
SHOWN = 90
REASONS = 5
#: reasons that are looked through for those, and those told of one group of features
LOOKED_AT, OF_ONE_GROUP = 25, 2
#: reasons that change the odds by less than this part are not told
LEAST = 0.03


@dataclass(frozen=True)
class Foretold:
    """Predictions of one day."""

    tables: Mapping[str, pa.Table]
    #: by account what a table of accounts shows of it
    by_account: Mapping[str, dict[str, Any]]
    #: by account the MRR that growing would bring within 90 days × its chance, in minor units
    growth: Mapping[str, int]
    #: by account why it may leave
    reasons: Mapping[str, list[str]]
    #: accounts that have asked for cancellation
    leaving: frozenset[str]


def foretell(wise: Learned, today: pa.Table, scores: Sequence[float | None]) -> Foretold:
    """Predict the accounts of one measured day. `scores`: their health, row by row."""
    panel = _as_learned(labels.panel_of(today, scores), wise, today)
    ids: list[str] = today["account_id"].to_pylist()
    leaving = noticed(panel)
    told = {
        name_of(target, horizon): _chance(wise, panel, leaving, target, horizon)
        for target in TARGETS
        for horizon in HORIZONS
    }
    _in_order(told)
    worth = {horizon: _expected(wise, panel, told, horizon) for horizon in HORIZONS}
    why = _reasons(wise, panel, ids, scores, leaving)
    tables = {
        "risk": _risk(wise, ids, told),
        "expected": _worth(ids, panel, worth),
        "reason": rows_of("reason", why),
    }
    shrunk = 1 - _left(wise, panel, CONTRACTION, SHOWN).mean(axis=1)
    churn, contraction = told[name_of(CHURN, SHOWN)], told[name_of(CONTRACTION, SHOWN)]
    at_risk = panel.worth * (churn + contraction * shrunk)
    by_account = {
        account: {
            "churn_90": float(churn[row]), "contraction_90": float(contraction[row]),
            "expansion_90": float(told[name_of(EXPANSION, SHOWN)][row]), "at_risk_minor": round(float(at_risk[row])),
            "expected_90_minor": round(float(worth[SHOWN].expected[row])),
        }
        for row, account in enumerate(ids)
    }  # fmt: skip
    grown = _left(wise, panel, EXPANSION, SHOWN).mean(axis=1) - 1
    growth = np.rint(panel.worth * grown * told[name_of(EXPANSION, SHOWN)]).astype(int)
    gone = frozenset(account for account, is_leaving in zip(ids, leaving, strict=True) if is_leaving)
    reasons: dict[str, list[str]] = {}
    for one in why:
        if one["target"] == CHURN and isinstance(one["contribution"], float) and one["contribution"] >= 0:
            reasons.setdefault(str(one["account_id"]), []).append(str(one["sentence"]))
    return Foretold(tables, by_account, dict(zip(ids, growth.tolist(), strict=True)), reasons, gone)


def _as_learned(panel: Panel, wise: Learned, today: pa.Table) -> Panel:
    """The panel with the attributes that models know, whatever today's values are."""
    empty = np.full(len(panel), None, dtype=object)
    categories = {
        name: np.array(today[f"{labels.ATTRIBUTE}{name}"].to_pylist(), dtype=object)
        if f"{labels.ATTRIBUTE}{name}" in today.column_names
        else empty
        for name in wise.attributes
    }
    assert panel.names == wise.features, "today is measured by the features that were learned from"
    return Panel(
        panel.days, panel.who, panel.values, panel.names, panel.directions, categories, panel.worth, panel.prior, panel.tenure,
    )  # fmt: skip


def _chance(wise: Learned, panel: Panel, leaving: Bools, target: str, horizon: int) -> Floats:
    """Who has asked for cancellation leaves as often as such accounts did, and does nothing else."""
    seen = labels.growing(panel) if target == EXPANSION else panel
    known = wise.noticed[horizon] if target == CHURN else 0.0
    chance: Floats = np.where(leaving, known, wise.heads[name_of(target, horizon)].model.predict(seen))
    return chance


def _in_order(told: dict[str, Floats]) -> None:
    """Whoever leaves within 30 days has left within 90: heads that were learned apart must not say otherwise."""
    for shorter, longer in pairwise(HORIZONS):
        told[name_of(CHURN, longer)] = np.maximum(told[name_of(CHURN, longer)], told[name_of(CHURN, shorter)])


def _left(wise: Learned, panel: Panel, target: str, horizon: int) -> Floats:
    segments = panel.categories.get(SEGMENT, np.full(len(panel), ""))
    left: Floats = wise.sizes[name_of(target, horizon)].of(segments).astype(np.float64)
    return left


def _expected(wise: Learned, panel: Panel, told: Mapping[str, Floats], horizon: int) -> Accounts:
    chances = Chances(*(told[name_of(target, horizon)] for target in TARGETS))
    shrinking, growing = (_left(wise, panel, target, horizon) for target in (CONTRACTION, EXPANSION))
    return accounts(panel.worth, chances, shrinking, growing)


def _risk(wise: Learned, ids: Sequence[str], told: Mapping[str, Floats]) -> pa.Table:
    tables = []
    for name, chance in told.items():
        head = wise.heads[name]
        many = len(ids)
        tables.append(
            pa.table(
                {
                    "account_id": ids, "target": [head.target] * many, "horizon_days": [head.horizon] * many,
                    "probability": chance, "model": [head.model.version] * many,
                }
            )
        )  # fmt: skip
    return pa.concat_tables(tables)


def _worth(ids: Sequence[str], panel: Panel, worth: Mapping[int, Accounts]) -> pa.Table:
    tables = []
    for horizon, one in worth.items():
        amounts = {"mrr": panel.worth, "expected": one.expected, "low": one.low, "high": one.high}
        columns = {f"{name}_minor": np.rint(values).astype(np.int64) for name, values in amounts.items()}
        tables.append(pa.table({"account_id": ids, "horizon_days": [horizon] * len(ids), **columns}))
    return pa.concat_tables(tables)


# ---- reasons ----


def _reasons(
    wise: Learned, panel: Panel, ids: Sequence[str], scores: Sequence[float | None], leaving: Bools
) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    features = {one.name: one for one in dictionary()}
    typical = {name: _typical(panel.values[:, place]) for place, name in enumerate(panel.names)}
    for target in TARGETS:
        head = wise.heads[name_of(target, SHOWN)]
        seen = labels.growing(panel) if target == EXPANSION else panel
        pushes = dict(zip(seen.names, seen.directions.tolist(), strict=True))
        for row, told in enumerate(head.model.reasons(seen, np.arange(len(panel)), LOOKED_AT)):
            if leaving[row]:
                told = []
            shown = _worth_telling(told, row, panel, features, typical, pushes)
            for place, (name, moves) in enumerate(shown):
                sentence = _sentence(name, row, panel, scores[row], features.get(name), typical)
                found.append(_line(ids[row], target, place, name, moves, sentence))
            if leaving[row] and target == CHURN:
                found.append(_line(ids[row], target, 0, NOTICE, 0.0, "Cancellation was asked for."))
    return found


def _worth_telling(
    told: Sequence[tuple[str, float]], row: int, panel: Panel, features: Mapping[str, Feature],
    typical: Mapping[str, float], pushes: Mapping[str, int],
) -> list[tuple[str, float]]:  # fmt: skip
    """The largest reasons, few of one kind, without those that push against what their feature is known to mean.

    Of features that run together a model may give one a sign that only makes sense beside the others: true of the sum, and no reason.
    """
    kept: list[tuple[str, float]] = []
    of_group: dict[str, int] = {}
    for name, moves in told:
        if abs(moves) < LEAST or len(kept) == REASONS:
            break
        group = features[name].group if name in features else name
        if name in features:
            beyond = float(panel.values[row, panel.names.index(name)]) - typical[name]
            if pushes[name] * beyond * moves < 0:
                continue
        of_group[group] = of_group.get(group, 0) + 1
        if of_group[group] <= OF_ONE_GROUP:
            kept.append((name, moves))
    return kept


def _line(account: str, target: str, place: int, name: str, moves: float, sentence: str) -> dict[str, object]:
    return {
        "account_id": account, "target": target, "horizon_days": SHOWN, "place": place, "feature": name, "contribution": moves,
        "sentence": sentence,
    }  # fmt: skip


def _sentence(
    name: str, row: int, panel: Panel, score: float | None, feature: Feature | None, typical: Mapping[str, float]
) -> str:
    """What a reason is, with its value and what is typical."""
    if name == SCORECARD:
        return "Health is not known." if score is None else f"Health is {number(score)} (0 bad, 100 good)."
    if feature is None:
        value = panel.categories[name][row] if name in panel.categories else None
        return f"{name.replace('_', ' ').capitalize()} is {value or 'not known'}."
    says = feature.sentence.rstrip(".")
    value = float(panel.values[row, panel.names.index(name)])
    unit = "%" if feature.unit == "share" else feature.unit if feature.unit in ("days", "people", "hours") else ""
    if np.isnan(value):
        return f"{says}: not known."
    usual = typical[name]
    beside = "" if np.isnan(usual) else f" (typical: {number(usual, unit)})"
    return f"{says}: {number(value, unit)}{beside}."


def _typical(values: npt.NDArray[np.floating[Any]]) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else float("nan")
