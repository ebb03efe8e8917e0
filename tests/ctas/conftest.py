"""CTAs over a small booked company: Alice owns acme and dune, Bob bolt and echo, nobody cora."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ..web.books import Served, home

#: a Tuesday, and the day that the data runs up to
NOW = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
TODAY = date(2025, 12, 31)


@pytest.fixture
def desk(db: None, settings: Any) -> Iterator[None]:
    """The desk of the company."""
    from holdfast.flows import answers

    settings.HOME = home()
    answers.forget()
    yield
    answers.forget()


@pytest.fixture
def web(desk: None, settings: Any) -> Served:
    """The company in the browser of each of its people."""
    return Served(settings)
