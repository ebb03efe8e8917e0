"""Homes whose landing is put together, and whose people are erased, with a desk of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..postgres.conftest import cluster, make_desk  # noqa: F401  the desk on PostgreSQL


@pytest.fixture
def desk(tmp_path: Path, settings: Any, transactional_db: None) -> Iterator[Path]:
    """The folder of a home that the desk of this process belongs to for one test."""
    from holdfast.flows import answers
    from holdfast.flows.home import Settings, create

    made = create(tmp_path / "home", Settings(company="Acme", as_of="2025-12-31")).path
    settings.HOME = made
    (made / "secret.key").write_text("a-secret-of-this-test-alone-long-enough")
    answers.forget()
    yield made
