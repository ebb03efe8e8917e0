"""Measuring a child process: CPU time, wall time and peak memory, as the operating system counts them."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bench.answers import Answers, read

#: the only contender that needs pandas
RIVAL = "bench.pandas_script"

err = Console(stderr=True, highlight=False)


class ChildError(RuntimeError):
    """A child process ended with an error; what it said is on the screen."""


@dataclass(frozen=True)
class Spent:
    """What one run cost, start of Python and imports included, and what it answered."""

    cpu: float
    wall: float
    peak_mb: float
    answers: Answers

    @property
    def work_cpu(self) -> float:
        """CPU seconds without the start of Python and the imports."""
        return self.answers.stages["work"]


def spend(module: str, home: Path, label: str, *extra: str) -> Spent:
    """Run a contender in its own process. ChildError: it ended with an error."""
    with tempfile.TemporaryDirectory() as folder, _busy(label):
        out = Path(folder) / "answers.json"
        before = time.perf_counter()
        surroundings = os.environ | {"BENCH_WITHOUT_PANDAS": "" if module == RIVAL else "yes"}
        child = subprocess.Popen([sys.executable, "-m", module, str(home), str(out), *extra], env=surroundings)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - before
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise ChildError(f"{label}: the child process ended with {child.returncode}")
        # ru_maxrss counts kilobytes on Linux and bytes on macOS
        peak = used.ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
        return Spent(used.ru_utime + used.ru_stime, wall, peak, read(out))


@contextmanager
def _busy(label: str) -> Iterator[None]:
    """A line that counts the seconds; where nobody watches, one line that stays."""
    if not err.is_terminal:
        err.print(label)
        yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as progress:
        progress.add_task(label, total=None)
        yield


def median(runs: Sequence[Spent]) -> Spent:
    """Each figure's median over the runs; stages too. The answers are the first run's."""
    first = runs[0].answers
    stages = {name: statistics.median(run.answers.stages[name] for run in runs) for name in first.stages}
    answers = Answers(first.movements, first.nrr, first.cohorts, first.trailing, stages)
    return Spent(
        statistics.median(run.cpu for run in runs),
        statistics.median(run.wall for run in runs),
        max(run.peak_mb for run in runs),
        answers,
    )
