"""The demo company with its usual size and seed, booked once for all pages; only the tables that numbers are made of."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from holdfast.flows.book import book, published
from holdfast.flows.demo import demo
from holdfast.flows.home import open_home
from holdfast.sources.demo import World

from ..flows.homes import BOOKED_TABLES, NOW


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Read by many, changed by none; the first worker that needs it makes it for all."""
    base = tmp_path_factory.getbasetemp()
    place = (base if worker_id == "master" else base.parent) / "docs-demo"
    place.mkdir(exist_ok=True)
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = place / "demo-home"
        if not (path / "holdfast.toml").exists() or published(open_home(path)) is None:
            book(demo(path, World(tables=BOOKED_TABLES | {"spend"}), NOW), NOW)
    return path
