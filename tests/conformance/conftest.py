"""Cases that others published, which are not part of this repository, and ledgers of ours to run them through."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.period import Window, month_no
from holdfast.domain.policy import Policy
from holdfast.metrics import bridge, mrr, retention
from holdfast.metrics.retention import Row
from holdfast.warehouse.ledger import Ledger

from ..metrics.worlds import DOLLARS, ledger_of
from ..oracle.ledger import Facts
from ..oracle.pencil import account

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
CONFORMANCE = SHARED / "conformance"
PLAYBOOK = SHARED / "data" / "mrr_playbook" / "subscription_periods.csv"
ABSENT = f"other people's cases are not beside this repository ({CONFORMANCE}); they are not shipped with it"


def cases(file: str) -> list[Any]:
    """The cases of a file as test parameters; one that is skipped where the file is absent."""
    path = CONFORMANCE / file
    if not path.exists():
        return [pytest.param({}, id="absent", marks=pytest.mark.skip(reason=ABSENT))]
    return [pytest.param(case, id=case["id"]) for case in json.loads(path.read_text())["cases"]]


def case(file: str, name: str) -> dict[str, Any]:
    """One case of a file; skips where the file is absent."""
    path = CONFORMANCE / file
    if not path.exists():
        pytest.skip(ABSENT)
    found: dict[str, Any] = next(one for one in json.loads(path.read_text())["cases"] if one["id"] == name)
    return found


class Books:
    """Facts booked under one policy after the other, each once. Every account carries the name of its case."""

    def __init__(self, facts: Facts, as_of: date) -> None:
        names = sorted({row.account_id for row in facts.items} | {line.account_id for line in facts.lines})
        told = {row.account_id for row in facts.accounts}
        tagged = [account(name, attributes=(("case", name.split("/")[0]),)) for name in names if name not in told]
        self.facts = Facts(facts.items, [*facts.accounts, *tagged], facts.lines)
        self.as_of = as_of
        self.open = ExitStack()
        self.ledgers: dict[str, Ledger] = {}

    def ledger(self, policy: Policy) -> Ledger:
        key = repr(policy.with_settings(nrr="point_to_point", grr="capped"))
        if key not in self.ledgers:
            self.ledgers[key] = self.open.enter_context(ledger_of(self.facts, policy, self.as_of))
        found = self.ledgers[key]
        found.policy = policy
        return found

    def window(self, policy: Policy, name: str, start: str, end: str) -> Row:
        """The retention of a case's accounts."""
        window = Window(date.fromisoformat(start), date.fromisoformat(end))
        rows = retention.measure(self.ledger(policy), window, DOLLARS, ("case",))
        return next(row for row in rows if row.segment == (("case", name),))

    def month(self, policy: Policy, name: str, month: str) -> dict[str, int]:
        """What a case's accounts moved by in a month, by kind without zeros, and their closing."""
        number = month_no(date.fromisoformat(f"{month}-01"))
        rows = bridge.measure(self.ledger(policy), range(number, number + 1), DOLLARS, ("case",))
        row = next((row for row in rows if row.segment == (("case", name),)), None)
        if row is None:
            return {"closing": 0}
        return {kind: amount for kind, amount in row.moved.items() if amount} | {"closing": row.closing}

    def mrr(self, policy: Policy, name: str, day: str) -> int:
        """What a case's accounts have at the end of a day."""
        on = date.fromisoformat(day)
        rows = mrr.measure(self.ledger(policy), on, DOLLARS, ("case",))
        return sum(row.mrr for row in rows if row.segment == (("case", name),))


@pytest.fixture(scope="module")
def booked_under() -> Iterator[Callable[[Facts, date], Books]]:
    """Make books that are closed when the module is done."""
    with ExitStack() as stack:

        def make(facts: Facts, as_of: date = date(2025, 12, 31)) -> Books:
            books = Books(facts, as_of)
            stack.enter_context(books.open)
            return books

        yield make
