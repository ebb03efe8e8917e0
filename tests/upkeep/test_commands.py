"""The commands as people type them, each a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..browser.conftest import own_environment
from .children import MAKE_UNBOOKED, run
from .people import ADA, found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("made") / "home"
    assert run(MAKE_UNBOOKED, home) == "ready"
    return home


def holdfast(home: Path, *words: str, told: str = "") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "--home", str(home), *words], env=own_environment() | {"COLUMNS": "160"},
        input=told, capture_output=True, text=True,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.slow
def test_erase_shows_asks_and_erases(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made, home)
    code, out, _ = holdfast(home, "erase", ADA, told="n\n")
    assert code == 1 and "facts: ticket" in out and "desk: mail" in out
    assert found(home), "not confirmed, nothing done"
    code, out, err = holdfast(home, "erase", ADA, "--yes")
    assert (code, err) == (0, "") and "remove it from your backups too" in out
    assert found(home) == []
    code, _, err = holdfast(home, "erase", "ada")
    assert code == 2 and "not an e-mail address" in err


@pytest.mark.slow
def test_retention_is_shown_and_set_and_compaction_says_what_it_did(made: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made, home)
    code, out, err = holdfast(home, "retention", "--raw-days", "730", "--events-days", "90")
    assert code == 0 and "kept for 730 days" in out and "kept for 90 days" in out and "cannot be counted later" in err
    code, out, _ = holdfast(home, "retention", "--events-days", "forever")
    assert code == 0 and "kept for 730 days" in out and "single events: kept for ever" in out
    assert holdfast(home, "retention", "--raw-days", "0")[0] == 2
    assert "nothing to put together" in holdfast(home, "compact")[1]
    code, _, err = holdfast(home, "book")
    assert code == 0, err
    code, out, _ = holdfast(home, "compact")
    assert code == 0 and "subscription_item" in out
    assert len(list((home / "landing/subscription_item").glob("*-c1-*"))) == 1
