"""python -m bench SIZE…: measure all contenders, compare their answers, and hold ours against the targets.

Exit status: 0 when all answers agree (targets may be missed), 1 when they differ.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import answers, data, day, report
from bench.measure import RIVAL, ChildError, Spent, err, median, spend
from holdfast.flows.home import Home

#: name and module, in the order in which they run; ours first, since the latency is asked of its ledger
CONTENDERS = {
    "ours": ("bench.ours",),
    "pandas": (RIVAL,),
    "spine": ("bench.spine",),
    "floor": ("bench.floor", "wide"),
    "floor, narrow": ("bench.floor", "narrow"),
}
RIVALS = ("pandas", "spine")


def main() -> int:
    """Measure every size, print the report."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sizes", type=int, nargs="+", help="numbers of accounts")
    parser.add_argument("--runs", type=int, default=3, help="runs of each contender; told is the median")
    parser.add_argument("--home", type=Path, default=Path("bench-home"), help="where the data lie")
    given = parser.parse_args()
    try:
        measured = [measure(given.home, size, given.runs) for size in given.sizes]
    except ChildError as error:
        err.print(f"[red]{error}[/]")
        return 1
    report.show(measured)
    return 1 if any(one.differences for one in measured) else 0


def measure(root: Path, size: int, runs: int) -> report.Measured:
    """Everything about one size."""
    home = _data(root, size)
    spent: dict[str, list[Spent]] = {name: [] for name in CONTENDERS}
    for turn in range(1, runs + 1):
        shutil.rmtree(home.warehouse, ignore_errors=True)
        for name, (module, *extra) in CONTENDERS.items():
            label = f"{size:,} accounts · run {turn} of {runs} · {name}"
            spent[name].append(spend(module, home.path, label, *extra))
    latency = spend("bench.latency", home.path, f"{size:,} accounts · published NRR by segment")
    shutil.rmtree(home.warehouse, ignore_errors=True)
    daily = day.measure(home, f"{size:,} accounts", runs)
    medians = {name: median(many) for name, many in spent.items()}
    found = [
        line for name in RIVALS for line in answers.differences(name, medians["ours"].answers, medians[name].answers)
    ]
    return report.Measured(size, runs, medians, latency.answers.stages, daily, (*found, *daily.differences))


def _data(root: Path, size: int) -> Home:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task(f"{size:,} accounts · making the data", total=None)

        def advance(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        return data.home_of(root, size, advance)


if __name__ == "__main__":
    sys.exit(main())
