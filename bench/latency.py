"""How long a person waits for a published NRR by segment, in the reporting currency."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

from bench.answers import Answers, run
from holdfast.domain.period import Window, month_start
from holdfast.flows.book import open_ledger
from holdfast.flows.home import open_home
from holdfast.metrics import retention
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

TIMES = 20


def answer(folder: Path, answers: Answers) -> None:
    home = open_home(folder)
    view = View(home.settings.currency)
    before = time.perf_counter()
    with open_ledger(home) as ledger:
        _ask(ledger, view)
        answers.stages["cold ms"] = 1000 * (time.perf_counter() - before)
        times = []
        for _ in range(TIMES):
            before = time.perf_counter()
            _ask(ledger, view)
            times.append(1000 * (time.perf_counter() - before))
    answers.stages["median ms"] = statistics.median(times)
    answers.stages["slowest ms"] = max(times)


def _ask(ledger: Ledger, view: View) -> None:
    window = Window.months_to(month_start(ledger.last_month + 1), 12)
    if not retention.measure(ledger, window, view, by=["segment"]):
        raise RuntimeError("the published ledger has no NRR by segment")


if __name__ == "__main__":
    run(answer)
