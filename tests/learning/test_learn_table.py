"""A table without dates: what is told from it, and what a user is told who asks wrongly."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import duckdb
import pytest
import typer
from typer.testing import CliRunner

from holdfast.cli.learn import document
from holdfast.cli.learn import learn_table as command
from holdfast.flows.learn_table import TableError, learn_table

TELCO = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "telco" / "Telco-Customer-Churn.csv"
HEADER = ("id", "seats", "plan", "since", "note", "empty", "left")


def rows(count: int = 300, known: bool = True) -> list[tuple[str, ...]]:
    """Accounts with few seats on the light plan leave more often, unless nothing is to be known."""
    dice = random.Random(4)
    found = []
    for number in range(count):
        seats, plan = dice.randint(1, 40), dice.choice(("light", "full"))
        chance = (0.75 if plan == "light" and seats < 20 else 0.1) if known else 0.3
        seat = "" if dice.random() < 0.05 else str(seats)
        day = f"2024-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}"
        left = "Yes" if dice.random() < chance else "No"
        found.append((f"A{number}", seat, plan, day, f"note {number}", " ", left))
    return found


def file(folder: Path, lines: list[tuple[str, ...]], name: str = "table.csv", separator: str = ",") -> Path:
    path = folder / name
    with path.open("w", newline="") as out:
        csv.writer(out, delimiter=separator).writerows([HEADER, *lines])
    return path


def test_what_can_be_told_is_told_and_named(tmp_path: Path) -> None:
    found = learn_table(file(tmp_path, rows()), "id", "left", folds=3)
    assert found.positive == "Yes" and found.scores.rows == 300
    assert found.scores.auc > 0.75
    assert found.scores.brier < found.scores.brier_constant
    assert {found.scores.features[0].name, found.scores.features[1].name} == {"seats", "plan"}
    assert found.ignored == {"note": "nearly every row has another text", "empty": "always the same"}
    assert found.ids[0] == "A0" and len(found.scores.probability) == 300


def test_a_target_that_is_chance_scores_a_half(tmp_path: Path) -> None:
    found = learn_table(file(tmp_path, rows(known=False)), "id", "left", folds=3)
    assert found.scores.auc == pytest.approx(0.5, abs=0.09)


def test_csv_tsv_and_parquet_tell_the_same(tmp_path: Path) -> None:
    lines = rows(120)
    plain = file(tmp_path, lines)
    tabbed = file(tmp_path, lines, "table.tsv", "\t")
    parquet = tmp_path / "table.parquet"
    duckdb.sql(f"COPY (FROM read_csv('{plain}', all_varchar = true)) TO '{parquet}'")
    told = [document(learn_table(path, "id", "left", folds=2)) for path in (plain, tabbed, parquet)]
    assert told[0] == told[1] == told[2]


@pytest.mark.parametrize("values", [("true", "false"), ("1", "0"), ("Y", "N")])
def test_the_usual_pairs_need_no_naming(tmp_path: Path, values: tuple[str, str]) -> None:
    lines = [(*line[:-1], values[0] if line[-1] == "Yes" else values[1]) for line in rows(80)]
    assert learn_table(file(tmp_path, lines), "id", "left", folds=2).positive == values[0]


def test_other_pairs_are_named(tmp_path: Path) -> None:
    lines = [(*line[:-1], "gone" if line[-1] == "Yes" else "here") for line in rows(80)]
    path = file(tmp_path, lines)
    with pytest.raises(TableError, match="Name it by --positive; its values are 'gone', 'here'"):
        learn_table(path, "id", "left")
    found = learn_table(path, "id", "left", folds=2, positive="here")
    assert found.scores.positives == sum(line[-1] == "here" for line in lines)


@pytest.mark.parametrize(
    ("id", "target", "says"),
    [
        ("id", "churn", "no column 'churn' in table.csv; it has: id, seats"),
        ("name", "left", "no column 'name'"),
        ("id", "id", "both the id and the target"),
        ("id", "plan", "--positive"),
        ("id", "note", "must have two values; it has 40: 'note 0'"),
        ("id", "seats", "blank in"),
    ],
)
def test_a_wrong_question_is_answered_by_what_to_do(tmp_path: Path, id: str, target: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        learn_table(file(tmp_path, rows(40)), id, target)


def test_too_few_of_the_rarer_value_are_refused(tmp_path: Path) -> None:
    lines = [(*line[:-1], "Yes" if number < 4 else "No") for number, line in enumerate(rows(60))]
    with pytest.raises(TableError, match="has 4 rows, 10 are needed"):
        learn_table(file(tmp_path, lines), "id", "left")


def test_no_file_and_no_table_are_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no file"):
        learn_table(tmp_path / "nothing.csv", "id", "left")
    (tmp_path / "odd.parquet").write_text("not parquet")
    with pytest.raises(TableError, match=r"odd\.parquet cannot be read"):
        learn_table(tmp_path / "odd.parquet", "id", "left")


def test_the_command_prints_json_that_holds_the_scores(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    asked = [str(file(tmp_path, rows(80))), "--id", "id", "--target", "left", "--folds", "2", "--format", "json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["rows"] == 80 and 0.5 < told["auc"] <= 1 and told["features"][0]["name"] in ("seats", "plan")


@pytest.mark.slow
@pytest.mark.skipif(not TELCO.exists(), reason=f"the Telco table is not beside this repository ({TELCO})")
def test_telco_reaches_what_the_best_learners_reach() -> None:
    """Published figures of 0.91 and more come from resampling before the split; 0.849 is what honest learners reach."""
    scores = learn_table(TELCO, "customerID", "Churn").scores
    assert (scores.rows, scores.positives) == (7043, 1869)
    assert 0.848 <= scores.auc < 0.86
    assert 0.8 <= scores.calibration_slope <= 1.2
