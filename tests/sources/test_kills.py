"""Killed at any moment, a connection's runs lose nothing and land nothing twice: the facts are those of an undisturbed run."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.flows.home import Settings, create, open_home
from holdfast.warehouse.booking import scan
from tests.browser.conftest import own_environment
from tests.emulators.serving import Asked

from .acme import Acme
from .conftest import NOW, fill

#: kills; the whole proof is HOLDFAST_KILLS=200
KILLS = int(os.environ.get("HOLDFAST_KILLS", "12"))
CUSTOMERS = 120


class Changing(Acme):
    """Acme, whose customers change when they are told to."""

    routes = (*Acme.routes, ("GET", "/change", "change"))

    def allowed(self, asked: Asked) -> Any:
        return None if asked.path == "/change" else super().allowed(asked)

    def change(self, asked: Asked) -> dict[str, Any]:
        number = int(asked.first("round"))
        at = NOW + timedelta(seconds=number)
        for step in range(7):
            key = (number * 7 + step) % CUSTOMERS
            if f"s{key:03d}" not in self.tables["subscriptions"]:
                continue
            begins = str(date(2026, 8, 1) + timedelta(days=number))
            self.put("subscriptions", f"s{key:03d}", at, amount=2000 + 100 * number + step, **{"from": begins})
        self.tables["subscriptions"].pop(f"s{number * 11 % CUSTOMERS:03d}", None)
        return {}


@pytest.mark.slow
def test_runs_that_are_killed_land_what_an_undisturbed_run_lands(tmp_path: Path) -> None:
    with Changing() as server:
        fill(server, CUSTOMERS)
        for name in ("killed", "calm"):
            create(tmp_path / name, Settings(as_of="2026-11-20"))
        killed, ended = _run(tmp_path / "killed", server, KILLS)
        assert killed == KILLS
        _run(tmp_path / "calm", server, 0)
        found, expected = _newest(tmp_path / "killed"), _newest(tmp_path / "calm")
    assert len(expected) > CUSTOMERS
    assert found == expected
    assert _repeats(tmp_path / "killed") == 0
    print(f"{killed} runs killed, {ended} ended by themselves")


def _run(home: Path, server: Acme, kills: int) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.sources.killing", str(home), str(kills), "7", server.url, server.key],
        capture_output=True, text=True, env=own_environment(), check=False, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    killed, ended = done.stdout.split()[-2:]
    return int(killed), int(ended)


def _newest(home: Path) -> set[tuple[Any, ...]]:
    """What the last telling of every item that is still listed says, and of every account."""
    landing = open_home(home).landing
    with duckdb.connect() as c:
        items = c.execute(
            f"select item_id, max_by(unit_amount_minor, (valid_from, learned_at)) from {scan(landing.files('subscription_item'))} "
            "group by item_id having not max_by(deleted, (learned_at, valid_from))"
        ).fetchall()
        accounts = c.execute(f"select account_id, name from {scan(landing.files('account'))}").fetchall()
    return set(items) | set(accounts)


def _repeats(home: Path) -> int:
    """Rows that were landed twice: the same item told twice in the same words, one after the other."""
    files = open_home(home).landing.files("subscription_item")
    with duckdb.connect() as c:
        return int(
            c.execute(
                f"with told as (select item_id, learned_at, list((valid_from, unit_amount_minor, deleted) order by valid_from) as words "
                f"from {scan(files)} group by all) "
                "select count(*) from (select words = lag(words) over (partition by item_id order by learned_at) as same from told) where same"
            ).fetchall()[0][0]
        )
