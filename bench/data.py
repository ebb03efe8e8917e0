"""The data that everything is measured on: the demo company in a home of its own, made once a size and kept.

Merges are left out: transfers between accounts are beyond the rival scripts, and all must give the same numbers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from holdfast.flows.home import Home, Settings, create, open_home
from holdfast.sources.demo import World, generate

Progress = Callable[[int, int], None]

MONTHS = 60
TABLES = ("fx_rate", "account", "subscription_item")
POLICY = "bench"

#: rules that a rival's script can follow in a few lines; all else is as in holdfast-1
POLICY_TOML = """\
based_on = "holdfast-1"
name = "bench"
title = "Holdfast default without days of grace"
pause_grace_days = 0
past_due_grace_days = "never"
gap_days_billing = 0
gap_days_contract = 0
gap_days_file = 0
"""


def world(size: int, table: str) -> World:
    """The demo company with `size` accounts that ever were, one table of it."""
    return World(accounts=size, months=MONTHS, count="all", tables=frozenset({table}))


def last_day(size: int) -> date:
    """The last day of the data."""
    return world(size, "account").end - timedelta(days=1)


def home_of(root: Path, size: int, progress: Progress | None = None) -> Home:
    """The home of a size; made where it is not there yet."""
    folder = root / str(size)
    if (folder / "made").exists():
        return open_home(folder / "home")
    shutil.rmtree(folder, ignore_errors=True)
    home = create(folder / "home", Settings(company="Bench", policy=POLICY, as_of=str(last_day(size))))
    (home.path / "policies" / f"{POLICY}.toml").write_text(POLICY_TOML)
    for table in TABLES:
        home.landing.append(
            table,
            _rows(size, table, progress),
            source="demo",
            source_kind="crm" if table == "account" else "billing",
            loaded_at=datetime.combine(world(size, table).end, datetime.min.time(), UTC),
        )
    (folder / "made").touch()
    return home


def _rows(size: int, table: str, progress: Progress | None) -> Iterator[pa.Table]:
    for _, rows in generate(world(size, table), progress):
        if table == "account":
            place = rows.schema.get_field_index("merged_into")
            rows = rows.set_column(place, "merged_into", pa.nulls(rows.num_rows, pa.string()))
        yield rows
