"""The benchmark runs at a small size, and all contenders give the same numbers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from bench.answers import Answers
from bench.day import Day
from bench.measure import Spent

from bench import answers, report

ROOT = Path(__file__).resolve().parents[2]


def spent(cpu: float, **stages: float) -> Spent:
    return Spent(cpu, cpu, 1000, Answers(stages={"work": cpu, "book": cpu, "wall": cpu, **stages}))


def measured(size: int, ours: float, day: float = 1) -> report.Measured:
    costs = {"ours": ours, "pandas": 90.0, "spine": 200.0, "floor": 10.0, "floor, narrow": 5.0}
    contenders = {name: spent(cpu) for name, cpu in costs.items()}
    latency = {"median ms": 50.0, "slowest ms": 60.0, "cold ms": 70.0}
    return report.Measured(size, 1, contenders, latency, Day(1, spent(day), spent(20), ()), ())


@pytest.mark.slow
def test_the_whole_benchmark_runs_and_the_contenders_agree(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bench", "2000", "--runs", "1", "--home", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All contenders give the same whole numbers" in done.stdout
    assert "a day's booking under a tenth" in done.stdout


def test_one_unit_of_difference_is_found() -> None:
    ours = Answers([("2024", "new", "USD", 3, 100)], [("SMB", "USD", 3, 100)], [(1, 1, "USD", 3)], [(1, "USD", 3)])
    theirs = Answers([("2024", "new", "USD", 3, 101)], ours.nrr, ours.cohorts, ours.trailing)
    assert not answers.differences("pandas", ours, ours)
    assert answers.differences("pandas", ours, theirs) == [
        "movements: 2 rows differ between ours and pandas; only ours has ('2024', 'new', 'USD', 3, 100)"
    ]


def test_no_answer_at_all_is_no_agreement() -> None:
    assert len(answers.differences("spine", Answers(), Answers())) == len(answers.COMPARED)


def test_targets_are_met_or_not_by_the_largest_size() -> None:
    small, large = measured(10_000, ours=0.3), measured(1_000_000, ours=29)
    assert all(target.met for target in report.targets([small, large]))
    missed = report.targets([small, measured(1_000_000, ours=81, day=3)])
    assert [target.met for target in missed] == [False, False, False, True, True, False]
