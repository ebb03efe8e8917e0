"""Hundreds of thousands of rows are made here at once, and none in circles: looking for circles takes a fifth of the time."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _no_search_for_circles() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()
