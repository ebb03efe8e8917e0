"""The pieces of work that setup and the first steps start: load and book, book, the demo company."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from holdfast.flows import keep, settings
from holdfast.flows import load as loading
from holdfast.flows.book import book
from holdfast.flows.demo import DemoError, demo
from holdfast.flows.home import Home, HomeError, open_home
from holdfast.flows.setup_work import Clock, Job, Teller
from holdfast.sources.demo import World

#: the demo company's name where somebody chose it in the first steps
DEMO_COMPANY = "Tidewater Software (demo data)"


def booking(home: Path, clock: Clock) -> Job:
    """Book what is loaded, under the settings as they stand."""

    def job(tell: Teller) -> dict[str, Any]:
        return _booked(open_home(home), tell, clock)

    return job


def loading_of(home: Path, paths: Sequence[Path], clock: Clock) -> Job:
    """Load files, each as its mapping says, and book. HomeError in the work: nothing of them could be used."""

    def job(tell: Teller) -> dict[str, Any]:
        opened = open_home(home)
        report = loading.load(
            home, paths, mapping=None, now=clock(), currency=opened.settings.currency,
            timezone=opened.settings.timezone, reporter=tell.step,
        )  # fmt: skip
        files = [_told(file) for file in report.files]
        if report.exit_code == 2:
            raise HomeError(
                report.problem
                or "; ".join(f"{file['file']}: {file['problem'] or 'every row was rejected'}" for file in files)
            )
        if not opened.landing.files("subscription_item") and not opened.landing.files("invoice_line"):
            return {"files": files, "lacks": "subscriptions"}
        return {"files": files} | _booked(opened, tell, clock)

    return job


def demo_company(home: Path, clock: Clock, world: World | None = None) -> Job:
    """Land the demo company in a home without data, and book it. Its clock stands at the last day of its data."""

    def job(tell: Teller) -> dict[str, Any]:
        made = world or World()
        opened = open_home(home)
        if opened.landing.last_load_no():
            raise DemoError(
                "There is data in this home already, and demo data never mixes with real data. Serve another home for it."
            )
        settings.change(opened, company=DEMO_COMPANY, as_of=str(made.end - timedelta(days=1)))
        tell.step("making the demo company")
        return _booked(demo(home, made, clock(), tell.progress), tell, clock)

    return job


def _booked(home: Home, tell: Teller, clock: Clock) -> dict[str, Any]:
    keep.before_booking(home, clock())
    tell.step("booking")
    published = book(replace(home), clock(), progress=tell.progress)
    return {"booked": True, "as_of": published.as_of, "generation": published.generation}


def _told(file: loading.FileReport) -> dict[str, Any]:
    """What the page shows of a file's load."""
    return {
        "file": file.file, "table": file.table, "read": file.rows_read, "loaded": file.rows_loaded,
        "unchanged": file.rows_unchanged, "rejected": file.rows_rejected, "problem": file.problem, "notes": list(file.notes),
        "mapping": file.mapping.stem if file.mapping else "", "rejected_file": file.rejected_file.name if file.rejected_file else "",
    }  # fmt: skip
