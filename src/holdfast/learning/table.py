"""The learner on a table without dates: cross-validated, and all that is learned is learned inside each fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from holdfast.learning import blend, design, rungs, scores
from holdfast.learning.model import Model
from holdfast.learning.panel import Bools, Floats, Ints, Panel, Texts
from holdfast.learning.rungs import Candidates, Columns, Evidence
from holdfast.learning.settings import Settings

#: folds inside a fold, by which the blend is chosen
INNER = 4
#: rows whose contributions tell how much a column matters
ASKED = 2000

#: a table has few columns, so that each may bend; rows are independent, so that trees are always blended in
TABLE = Settings(bends=8, trees=(50, 100, 150), columns=1.0, strengths=(256.0, 64.0, 16.0, 4.0, 1.0), boosting_from=200)


@dataclass(frozen=True)
class Mattering:
    """A column, by how much it moves the log-odds on average."""

    name: str
    moves: float


@dataclass(frozen=True)
class TableScores:
    """What the learner reaches on rows that it had not seen."""

    rows: int
    positives: int
    folds: int
    auc: float
    average_precision: float
    brier: float
    brier_constant: float
    log_loss: float
    calibration_slope: float
    calibration_intercept: float
    lift_top_decile: float
    features: tuple[Mattering, ...]
    #: the probability said of each row by a model that had not seen it
    probability: Floats


def panel_of(numbers: Mapping[str, Floats], texts: Mapping[str, Texts], rows: int) -> Panel:
    """A table as a panel of one day: each row is an account of its own."""
    nothing = np.full(rows, np.nan)
    columns = [np.asarray(one, dtype=np.float64) for one in numbers.values()]
    values = np.stack(columns, axis=1) if columns else np.zeros((rows, 0))
    directions = np.zeros(len(numbers), dtype=np.int8)
    where = np.arange(rows)
    return Panel(
        np.ones(rows, dtype=np.int64), where, values, tuple(numbers), directions, texts, np.ones(rows), nothing, nothing
    )


def cross_validate(panel: Panel, hit: Floats, folds: int = 5, settings: Settings = TABLE) -> TableScores:
    """Every row is predicted once, by a model of the other folds."""
    fold = split(hit, folds, settings.seed)
    said = np.full(len(panel), np.nan)
    constant = np.full(len(panel), np.nan)
    for number in range(folds):
        out = fold == number
        said[out] = fit(panel.take(~out), hit[~out], settings).predict(panel.take(out))
        constant[out] = hit[~out].mean()
    told = design.log_odds(said)
    intercept, slope = scores.fitted_line(told, hit)
    return TableScores(
        rows=len(panel),
        positives=int(hit.sum()),
        folds=folds,
        auc=scores.auc(said, hit),
        average_precision=scores.average_precision(said, hit),
        brier=float(np.mean((said - hit) ** 2)),
        brier_constant=float(np.mean((constant - hit) ** 2)),
        log_loss=blend.loss(told, hit, np.ones(len(hit))),
        calibration_slope=slope,
        calibration_intercept=intercept,
        lift_top_decile=scores.lift(said, hit),
        features=_mattering(fit(panel, hit, settings), panel),
        probability=said,
    )


def fit(panel: Panel, hit: Floats, settings: Settings = TABLE) -> Model:
    """One model of all rows; its blend is chosen by inner folds."""
    fold = split(hit, INNER, settings.seed + 1)
    ridge = np.full((len(settings.strengths), len(panel)), np.nan)
    boosted: Floats | None = np.full((len(settings.trees), len(panel)), np.nan)
    for number in range(INNER):
        out = fold == number
        made, fitted = _fit(panel, hit, ~out, settings)
        asked = made.take(out)
        assert fitted.ridge is not None, "a table is always learned from"
        ridge[:, out] = fitted.ridge.log_odds(asked.smooth, asked.offset)
        if fitted.boosted is None or asked.plain is None:
            boosted = None
        elif boosted is not None:
            boosted[:, out] = fitted.boosted.log_odds(asked.plain)
    chosen = blend.choose(ridge, boosted, hit, np.ones(len(hit)))
    made, fitted = _fit(panel, hit, np.ones(len(panel), dtype=bool), settings)
    kind: rungs.Kind = "logistic" if boosted is None else "blended"
    return Model(1, Evidence(int(hit.sum()), len(panel), len(panel), 0, kind), made.design, fitted, chosen, 0.0)


def split(hit: Floats, folds: int, seed: int) -> Ints:
    """Folds of equal size with equal shares of hits."""
    random = np.random.default_rng(seed)
    fold = np.zeros(len(hit), dtype=np.int64)
    for value in (0, 1):
        rows = np.flatnonzero(hit == value)
        fold[random.permutation(rows)] = np.arange(len(rows)) % folds
    return fold


def _fit(panel: Panel, hit: Floats, rows: Bools, settings: Settings) -> tuple[Columns, Candidates]:
    learned = design.learn(panel.take(rows), settings.bends)
    boosting = int(rows.sum()) >= settings.boosting_from
    made = rungs.columns(learned, panel, boosting)
    kind: rungs.Kind = "blended" if boosting else "logistic"
    return made, rungs.fit(made.take(rows), hit[rows], float(hit[rows].mean()), 1.0, kind, settings)


def _mattering(model: Model, panel: Panel) -> tuple[Mattering, ...]:
    places = np.linspace(0, len(panel) - 1, min(len(panel), ASKED)).astype(np.int64)
    names, moves = model.contributions(panel.take(places))
    each = np.abs(moves - moves.mean(axis=0)).mean(axis=0)
    order = np.argsort(-each, kind="stable")
    return tuple(Mattering(names[place], float(each[place])) for place in order if each[place] > 0)
