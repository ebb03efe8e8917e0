"""A small demo company, watched once: 150 accounts over three years."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import own_environment
from tests.once import made_once

HOLDFAST = str(Path(sys.executable).with_name("holdfast"))


def run(home: Path, *words: str) -> str:
    """A command in a process of its own; what it prints."""
    done = subprocess.run(
        [HOLDFAST, "--home", str(home), *words], env=own_environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def first_watch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Do not write to it."""

    def make(folder: Path) -> None:
        run(folder / "home", "demo", "--accounts", "150")
        run(folder / "home", "watch")

    return made_once(tmp_path_factory, "watched", make) / "home"


@pytest.fixture
def watched(first_watch: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    shutil.copytree(first_watch, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def told(first_watch: Path) -> Callable[..., Any]:
    """told("risk"): what a command says in JSON."""
    return lambda *words: json.loads(run(first_watch, *words, "--format", "json"))
