"""Other people's companies, through the commands and a documented mapping: what can be foretold is, and where nothing can be the product says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import pytest

from tests.browser.conftest import own_environment

pytestmark = [pytest.mark.slow, pytest.mark.large]

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))
MAPPINGS = Path(__file__).parent


def run(home: Path, *words: str) -> str:
    """A command in a process of its own; what it prints."""
    done = subprocess.run(
        [HOLDFAST, "--home", str(home), *words], env=own_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def watch(home: Path, as_of: str, *loads: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """init, load, book, watch; the record by head."""
    run(home, "init")
    settings = home / "holdfast.toml"
    settings.write_text(settings.read_text().replace('as_of = ""', f'as_of = "{as_of}"'))
    for load in loads:
        run(home, "load", *load)
    run(home, "book")
    run(home, "watch")
    record = json.loads(run(home, "trackrecord", "--format", "json"))
    return {f"{one['target']}-{one['horizon_days']}": one for one in record["targets"]}


def test_telco_by_the_command(shared: Path, tmp_path: Path) -> None:
    """Published figures of 0.91 and more come from resampling before the split; 0.849 is what honest learners reach."""
    table = shared / "telco" / "Telco-Customer-Churn.csv"
    asked = ["--id", "customerID", "--target", "Churn", "--folds", "5", "--format", "json"]
    told = json.loads(run(tmp_path, "learn-table", str(table), *asked))
    print(f"telco: AUC {told['auc']:.4f}, slope {told['calibration_slope']:.3f}")
    assert 0.848 <= told["auc"] < 0.86
    assert 0.8 <= told["calibration_slope"] <= 1.2


@pytest.fixture(scope="module")
def simulated(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The simulated company, up to the day on which its data end."""
    folder = shared / "simulated_crm"
    names = {"accounts.csv": "accounts", "subscriptions.csv": "subscriptions", "events_weekly.parquet": "events"}
    loads = [
        (str(folder / file), "--mapping", str(MAPPINGS / f"simulated_crm_{name}.toml")) for file, name in names.items()
    ]
    return watch(tmp_path_factory.mktemp("simulated") / "home", "2024-01-01", *loads)


@pytest.mark.parametrize(("target", "least"), [("churn", 0.70), ("contraction", 0.86), ("expansion", 0.86)])
def test_the_simulated_company_is_foretold_out_of_time(
    simulated: dict[str, dict[str, Any]], target: str, least: float
) -> None:
    one = simulated[f"{target}-90"]
    print(
        {
            name: one[name]
            for name in ("target", "n", "events", "auc", "calibration_slope", "auc_scorecard", "auc_tenure")
        }
    )
    assert one["verdict"] == "better"
    assert one["auc"] >= least
    assert 0.8 <= one["calibration_slope"] <= 1.2


@pytest.fixture(scope="module")
def random_company(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Ravenstack, whose churn is random, as its files come."""
    home = tmp_path_factory.mktemp("random") / "home"
    return home, watch(home, "2024-12-31", (str(shared / "ravenstack"),))


def test_where_all_is_random_it_is_said_that_nothing_is_foretold(
    random_company: tuple[Path, dict[str, dict[str, Any]]],
) -> None:
    _, record = random_company
    for one in record.values():
        print({name: one[name] for name in ("target", "horizon_days", "n", "events", "auc", "auc_tenure", "verdict")})
        assert one["verdict"] in ("not better", "not enough history")
        assert "scorecard" in one["why"]


def test_and_nothing_learned_is_used_there(random_company: tuple[Path, dict[str, dict[str, Any]]]) -> None:
    home, record = random_company
    models = home / "watch" / "models"
    learned = joblib.load(models / f"{json.loads((models / 'CURRENT.json').read_text())['version']}.joblib")
    for name, one in record.items():
        assert not learned.heads[name].is_used
        assert learned.heads[name].model.candidates.ridge is None
        assert one["model"] == "the scorecard alone, as a prior"
