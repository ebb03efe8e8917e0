"""A small booked company with an empty desk of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.home import Home, open_home


@pytest.fixture(scope="session")
def booked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.records.company import company

    return company(tmp_path_factory.mktemp("identity")).path


@pytest.fixture
def home(booked: Path, tmp_path: Path, settings: Any, db: None) -> Home:
    """A copy of it that the desk belongs to."""
    import shutil

    from holdfast.flows import answers

    shutil.copytree(booked, tmp_path / "home")
    settings.HOME = tmp_path / "home"
    answers.forget()
    return open_home(tmp_path / "home")
