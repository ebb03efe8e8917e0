"""What every contender must answer, in whole numbers compared to the last unit; and the child's side of a run."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]


@dataclass
class Answers:
    """Rows of whole numbers and names, any order; and the CPU seconds of the stages they came from."""

    #: month, kind, currency, movements, amount
    movements: list[Row] = field(default_factory=list)
    #: segment, currency, accounts, opening, expansion, contraction, churn, reactivation, closing, kept,
    #: retained
    nrr: list[Row] = field(default_factory=list)
    #: first month, month, currency, accounts, MRR
    cohorts: list[Row] = field(default_factory=list)
    #: last month, currency, accounts, opening, closing, kept: of the twelve months up to every month
    trailing: list[Row] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the CPU seconds of what is inside."""
        before = time.process_time()
        yield
        self.stages[name] = time.process_time() - before


#: the parts that are compared, and the place of the number of accounts: rows without accounts say nothing
COMPARED = {"movements": 3, "nrr": 2, "cohorts": 3, "trailing": 2}


class _NoPandas(MetaPathFinder):
    """Nothing is found under the name pandas; where it is imported already, nobody looks for it."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not part of an installation", name=fullname)


def run(answer: Callable[[Path, Answers], None]) -> None:
    """The child's main: python -m bench.<contender> HOME OUT.

    pandas comes with the development tools only. An installation has none, and there pyarrow does not load it.
    """
    sys.meta_path.insert(0, _NoPandas())
    answers = Answers()
    with answers.stage("work"):
        answer(Path(sys.argv[1]), answers)
    Path(sys.argv[2]).write_text(json.dumps(vars(answers), default=int))


def read(path: Path) -> Answers:
    """What a child wrote."""
    return Answers(**json.loads(path.read_text()))


def differences(name: str, ours: Answers, theirs: Answers) -> list[str]:
    """Where a contender's answers are not ours: one line for each part, with the first row that differs."""
    found = []
    for part, place in COMPARED.items():
        a, b = _rows(getattr(ours, part), place), _rows(getattr(theirs, part), place)
        if a != b:
            first = min(a ^ b, key=repr)
            whose = "only ours has" if first in a else f"only {name} has"
            found.append(f"{part}: {len(a ^ b)} rows differ between ours and {name}; {whose} {first}")
        elif not a:
            found.append(f"{part}: no rows at all")
    return found


def _rows(rows: Iterable[Iterable[Any]], accounts: int) -> set[Row]:
    return {row for row in map(tuple, rows) if row[accounts]}
