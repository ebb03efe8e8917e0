"""Connections on PostgreSQL: runs that are killed go on, and two at once are one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from ..sources.conftest import fill
from ..sources.test_kills import CUSTOMERS, Changing, _newest
from .conftest import Desk

pytestmark = pytest.mark.slow

KILLS = 3


def test_runs_that_are_killed_go_on(make_desk: Callable[[str], Desk]) -> None:
    desk = make_desk("connections")
    with Changing() as server:
        fill(server, CUSTOMERS)
        done = subprocess.run(
            [sys.executable, "-m", "tests.sources.killing", str(desk.home), str(KILLS), "3", server.url, server.key],
            capture_output=True, text=True, env=desk.environment(), check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        listed = set(server.tables["subscriptions"])
    assert {item for item, _ in _newest(desk.home) if item.startswith("s")} == listed
    outcomes = {row[0]: row[1] for row in desk.rows("select outcome, count(*) from desk_syncrun group by 1")}
    assert outcomes.get("running", 0) == 0 and outcomes["done"] >= 1
    assert desk.rows("select problem, failures from desk_connection") == [("", 0)]


def test_two_runs_at_once_are_one(make_desk: Callable[[str], Desk]) -> None:
    desk = make_desk("busy")
    code = """
import os, threading
from datetime import UTC, datetime
from holdfast.flows import connections, serve, sync
from holdfast.flows.home import open_home
from tests.sources import acme
acme.on_the_shelf()
now = datetime(2026, 11, 20, 9, tzinfo=UTC)
home = open_home(Path(sys.argv[1]))
connections.connect(home, acme.SOURCE, "acme", connections.split(acme.SOURCE, {"key": "acme-key", "base_url": sys.argv[2]}), now)
with connections.alone(home, "acme"):
    try:
        sync.sync(home, "acme", now)
    except sync.BusyError as error:
        print(error)
"""
    with Changing() as server:
        assert desk.run(code, server.url, HOLDFAST_ALLOW_HOSTS="127.0.0.1").strip() == "'acme' is being run already"
        assert server.asked == []
