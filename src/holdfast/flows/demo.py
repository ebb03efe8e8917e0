"""Demo: a home with the demo company in it, ready to be booked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.flows.home import Home, Settings, create
from holdfast.sources.demo import World, generate
from holdfast.warehouse.landing import Landing

Progress = Callable[[int, int], None]

#: what kind of source each of the demo company's tables pretends to come from
KINDS = {
    "account": "crm", "opportunity": "crm", "touch": "crm", "contact": "crm",
    "ticket": "support", "survey": "support", "usage_day": "usage",
}  # fmt: skip


class DemoError(ValueError):
    """A demo company cannot be put here; the message says why."""


def demo(path: Path, world: World, now: datetime, progress: Progress | None = None) -> Home:
    """Make a home at `path` and land the demo company there; its clock stands at the world's last day.

    DemoError: the home has data already (demo data never mixes with real data).
    """
    if Landing(path).last_load_no():
        raise DemoError(f"{path} has data in it already; give the demo company a home of its own")
    last_day = world.end - timedelta(days=1)
    settings = Settings(company="Tidewater Software (demo)", as_of=str(last_day))
    home = create(path, settings)
    _land(home.landing, world, now, progress)
    return home


def _land(landing: Landing, world: World, now: datetime, progress: Progress | None) -> None:
    """Each table is one load. A large world is made once per table, so that memory holds one chunk of it at a time."""
    if large(world):
        for table in TABLES:
            if world.tables is None or table in world.tables:
                one = replace(world, tables=frozenset({table}))
                rows = (rows for name, rows in generate(one, progress) if name == table)
                landing.append(table, rows, source="demo", source_kind=KINDS.get(table, "billing"), loaded_at=now)
        return
    chunks: dict[str, list[pa.Table]] = {}
    for table, rows in generate(world, progress):
        chunks.setdefault(table, []).append(rows)
    for table, tables in chunks.items():
        landing.append(
            table,
            tables,
            source="demo",
            source_kind=KINDS.get(table, "billing"),
            loaded_at=now,
        )


def large(world: World) -> bool:
    """Whether the world is made for measuring rather than for looking at."""
    return world.accounts > 20_000


def for_size(world: World) -> World:
    """Large worlds count usage by day only."""
    return replace(world, usage="daily") if large(world) else world
