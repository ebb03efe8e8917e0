"""What proofs stand on: demo companies of two sizes, looked at once, and other people's data where it lies beside this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.sources.demo import World

from .measuring import Sight, home_of, look

SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "large: a large proof; runs with HOLDFAST_PROOFS=1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("HOLDFAST_PROOFS") == "1":
        return
    for item in items:
        if item.get_closest_marker("large"):
            item.add_marker(pytest.mark.skip(reason="a proof of many minutes: run with HOLDFAST_PROOFS=1"))


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Sight:
    """The demo company as it comes: 600 accounts."""
    world = World()
    return look(home_of(tmp_path_factory.mktemp("small"), world), world)


@pytest.fixture(scope="session")
def weekly(tmp_path_factory: pytest.TempPathFactory) -> Sight:
    """The demo company as it comes, on every Sunday."""
    world = World()
    return look(home_of(tmp_path_factory.mktemp("weekly"), world), world, every_week=True)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Sight:
    """The same with 3,000 accounts."""
    world = World(accounts=3000)
    return look(home_of(tmp_path_factory.mktemp("large"), world), world)


@pytest.fixture(scope="session")
def shared() -> Path:
    if not SHARED.exists():
        pytest.skip(f"other people's data do not lie beside this repository ({SHARED})")
    return SHARED
