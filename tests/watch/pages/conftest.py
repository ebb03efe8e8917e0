"""The small company with books (Alice owns, Bob helps, Charlie sees nothing), with a made-up watch published beside its numbers."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.watch.pages.made_up import publish_made_up
from tests.web import books
from tests.web.books import Served

#: Acme is Alice's, and most is at stake there; Bolt is Bob's, and likeliest to leave; too little is known of Cora, whom nobody carries
STANDS: dict[str, dict[str, Any]] = {
    "acme": {"health": 31.0, "health_before": 52.0, "band": "red", "churn_90": 0.3, "at_risk_minor": 6_150, "expected_90_minor": 15_000,
             "sentiment": 5, "severity": 3, "signals": 1},
    "bolt": {"health": 82.0, "health_before": 80.0, "band": "green", "churn_90": 0.4, "at_risk_minor": 4_000, "expected_90_minor": 7_000,
             "sentiment": 4, "severity": 2, "signals": 1},
    "cora": {"health": None, "health_before": None, "band": None, "churn_90": 0.02, "at_risk_minor": 40, "expected_90_minor": 1_990,
             "sentiment": None, "severity": None, "signals": 0},
}  # fmt: skip
JUDGED: tuple[dict[str, Any], ...] = (
    {"account_id": "acme", "signal": "urgent_ticket_open", "kind": "risk", "severity": 3, "sentence": "An urgent ticket is open for 3 days.",
     "evidence": [{"label": "ticket", "value": "Down", "table": "ticket", "row_id": "t2"},
                  {"label": "open for", "value": "3 days", "table": "", "row_id": ""}], "since": date(2025, 12, 28)},
    {"account_id": "bolt", "signal": "champion_left", "kind": "risk", "severity": 2, "sentence": "Cid, the champion, left.",
     "evidence": [{"label": "left", "value": "Cid", "table": "contact", "row_id": "c3"}], "since": date(2025, 12, 1)},
)  # fmt: skip


@cache
def watched_home() -> Path:
    """A copy of the company with a watch, once for the process."""
    from holdfast.flows.home import open_home

    folder = Path(tempfile.mkdtemp(prefix="holdfast-watched-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    shutil.copytree(books.home(), folder / "home")
    publish_made_up(open_home(folder / "home"), stands=STANDS, judged=JUDGED)
    return folder / "home"


class Watched(Served):
    """The company, with its watch or another home, in the browser of each of its people."""

    def __init__(self, settings: Any, home: Path | None = None) -> None:
        from holdfast.flows import answers

        super().__init__(settings)
        settings.HOME = home or watched_home()
        answers.forget()


@pytest.fixture
def web(db: None, settings: Any) -> Iterator[Watched]:
    from holdfast.flows import answers

    yield Watched(settings)
    answers.forget()


@pytest.fixture
def own(db: None, settings: Any, tmp_path: Path) -> Iterator[Watched]:
    """The same with a home that the test may change."""
    from holdfast.flows import answers

    shutil.copytree(watched_home(), tmp_path / "home")
    yield Watched(settings, tmp_path / "home")
    answers.forget()


@pytest.fixture
def unwatched(db: None, settings: Any) -> Iterator[Served]:
    """The same company before its first watch."""
    from holdfast.flows import answers

    yield Served(settings)
    answers.forget()


@pytest.fixture
def desk_home() -> Path:
    """Where the desk's database lies; it needs no numbers."""
    from tests.conftest import DESK_HOME

    DESK_HOME.mkdir(exist_ok=True)
    return DESK_HOME


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """The desk's folder stands before the database is made in it."""
    from tests.conftest import DESK_HOME

    DESK_HOME.mkdir(exist_ok=True)
