"""One booking of a home up to a day, and nothing else: python -m bench.booking HOME OUT DAY."""

from __future__ import annotations

import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

from bench.answers import Answers, run
from holdfast.flows.book import book
from holdfast.flows.home import open_home


def answer(folder: Path, answers: Answers) -> None:
    home = open_home(folder)
    before = time.perf_counter()
    with answers.stage("book"):
        book(home, datetime.now(UTC), date.fromisoformat(sys.argv[3]), records=False)
    answers.stages["wall"] = time.perf_counter() - before


if __name__ == "__main__":
    run(answer)
