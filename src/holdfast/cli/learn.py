"""The command that learns from a table without dates: learn-table."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli import show
from holdfast.flows import learn_table as flow
from holdfast.flows.learn_table import Learned


class Shape(StrEnum):
    """How the result is written."""

    text = "text"
    json = "json"


def learn_table(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV or Parquet file, one row for each account.")],
    id: Annotated[str, typer.Option("--id", help="The column that names a row; it is not learned from.")],
    target: Annotated[str, typer.Option("--target", help="The column to foresee; it has two values.")],
    folds: Annotated[int, typer.Option("--folds", min=2, max=20, help="Parts that are left out in turn.")] = 5,
    positive: Annotated[
        str | None, typer.Option("--positive", help="The value to foresee, where it is not yes, true or 1.")
    ] = None,
    format: Annotated[Shape, typer.Option("--format", help="text or json.")] = Shape.text,
) -> None:
    """How well can a target be told from a table without dates? The product's own learner, cross-validated."""
    found = flow.learn_table(file, id, target, folds, positive)
    told = document(found)
    if format is Shape.json:
        show.as_json(told)
    else:
        _print(told)


def document(found: Learned) -> dict[str, Any]:
    """The result, as it is told to machines."""
    scores = found.scores
    return {
        "target": found.target,
        "positive": found.positive,
        "rows": scores.rows,
        "positives": scores.positives,
        "folds": scores.folds,
        "auc": round(scores.auc, 4),
        "average_precision": round(scores.average_precision, 4),
        "brier": round(scores.brier, 5),
        "brier_constant": round(scores.brier_constant, 5),
        "log_loss": round(scores.log_loss, 5),
        "calibration_slope": round(scores.calibration_slope, 3),
        "calibration_intercept": round(scores.calibration_intercept, 3),
        "lift_top_decile": round(scores.lift_top_decile, 2),
        "features": [{"name": one.name, "moves_log_odds": round(one.moves, 3)} for one in scores.features],
        "ignored": [{"name": name, "why": why} for name, why in found.ignored.items()],
    }


def _print(told: dict[str, Any]) -> None:
    head = f"{told['target']} = {told['positive']}: {told['positives']:,} of {told['rows']:,} rows"
    rows = [
        ["AUC", f"{told['auc']:.4f}", "0.5 is chance"],
        ["average precision", f"{told['average_precision']:.4f}", f"{told['positives'] / told['rows']:.4f} is chance"],
        ["Brier", f"{told['brier']:.4f}", f"{told['brier_constant']:.4f} for a constant"],
        ["calibration slope", f"{told['calibration_slope']:.2f}", "1 is right, under 1 is too sure"],
        ["lift in the top tenth", f"{told['lift_top_decile']:.2f}", "times as often as all"],
    ]
    show.table(
        head,
        ["score", "value", "to hold it against"],
        rows,
        f"each row predicted by a model of the other {told['folds'] - 1} folds",
        left=1,
    )
    features = [[one["name"], f"{one['moves_log_odds']:.3f}"] for one in told["features"][:15]]
    if features:
        show.table("What moves the prediction", ["column", "mean move of the log-odds"], features)
    for one in told["ignored"]:
        show.out.print(f"left out: {one['name']} ({one['why']})", markup=False)
