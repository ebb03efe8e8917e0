"""From an empty machine to the first NRR, and kept fresh: the commands and the server as a user runs them, with a source of another package."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import free_port, own_environment, serve

from .acme import Acme
from .conftest import fill

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Acme is a package of its own that offers its source by an entry point."""
    told = tmp_path / "packages" / "acme_holdfast-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-holdfast\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[holdfast.sources]\nacme = tests.sources.acme:SOURCE\n")
    paths = {"PYTHONPATH": f"{told.parent}:{ROOT}", "HOLDFAST_ALLOW_HOSTS": "127.0.0.1", "HOLDFAST_RETRY_PAUSE": "0"}
    return own_environment() | paths


@pytest.fixture
def holdfast(tmp_path: Path, environment: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).with_name("holdfast")), "--home", str(tmp_path / "home"), *arguments],
            capture_output=True, text=True, env=environment | {"COLUMNS": "160"} | more, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def server() -> Iterator[Acme]:
    with Acme() as served:
        fill(served, 30, datetime.now(UTC) - timedelta(days=1))
        for number in range(30):
            served.tables["subscriptions"][f"s{number:03d}"]["from"] = "2024-01-15"
        yield served


def test_one_command_from_nothing_to_the_first_nrr(holdfast: Any, server: Acme) -> None:
    listed = holdfast("connect")
    assert listed.returncode == 0 and "Acme Billing" in listed.stdout
    refused = holdfast("connect", "acme", "--set", f"base_url={server.url}", HOLDFAST_ACME_KEY="wrong")
    assert refused.returncode == 2 and "does not take the key" in refused.stderr and "wrong" not in refused.stderr
    missing = holdfast("connect", "acme", "--set", f"base_url={server.url}")
    assert missing.returncode == 2 and "HOLDFAST_ACME_KEY" in missing.stderr
    done = holdfast("connect", "acme", "--set", f"base_url={server.url}", HOLDFAST_ACME_KEY=server.key)
    assert done.returncode == 0, done.stderr
    assert "connected to Acme Billing: Acme of Test" in done.stdout and "NRR 100.0 %, GRR 100.0 %" in done.stdout
    told = json.loads(holdfast("status", "--format", "json").stdout)
    assert told["sources"][0]["rows"] == {"account": 30, "subscription_item": 30}
    assert told["coverage"]["usage"] == {"accounts": 0, "of": 30}
    assert server.key not in done.stdout + done.stderr


def test_what_changes_there_is_booked_here_by_itself(
    holdfast: Any, server: Acme, tmp_path: Path, environment: dict[str, str]
) -> None:
    home = tmp_path / "home"
    assert holdfast("connect", "acme", "--set", f"base_url={server.url}", HOLDFAST_ACME_KEY=server.key).returncode == 0
    before = _mrr(holdfast)
    port = free_port()
    running = serve(
        home,
        port,
        **{name: environment[name] for name in ("PYTHONPATH", "HOLDFAST_ALLOW_HOSTS", "HOLDFAST_RETRY_PAUSE")},
    )
    try:
        _tell(port, server, "e1", amount=9900)
        _until(lambda: _mrr(holdfast) == before - 1000 + 9900)
        # asked for by itself, too, without a webhook: its turn has come
        server.put("subscriptions", "s001", datetime.now(UTC), amount=5000, **{"from": str(datetime.now(UTC).date())})
        _due(home)
        _until(lambda: _mrr(holdfast) == before - 1000 + 9900 - 1100 + 5000)
    finally:
        running.terminate()
        running.wait(20)
    log = (home.parent / "home.log").read_text() + "".join(path.read_text() for path in (home / "logs").iterdir())
    assert server.key not in log


def _mrr(holdfast: Any) -> int:
    done = holdfast("mrr", "--format", "json")
    assert done.returncode == 0, done.stderr
    return int(json.loads(done.stdout)["rows"][0]["mrr_minor"])


def _tell(port: int, server: Acme, event: str, **subscription: Any) -> None:
    """Acme posts a webhook."""
    now = datetime.now(UTC)
    state = {
        **server.tables["subscriptions"]["s000"],
        **subscription,
        "from": str(now.date()),
        "updated": int(now.timestamp()),
    }
    server.tables["subscriptions"]["s000"] = state
    body = json.dumps({"id": event, "subscription": state}).encode()
    asked = urllib.request.Request(
        f"http://localhost:{port}/hooks/acme/", body, {"X-Acme": server.key, "Content-Type": "application/json"}
    )
    assert urllib.request.urlopen(asked).status == 200


def _due(home: Path) -> None:
    """Have the connection's turn come now."""
    import sqlite3

    with sqlite3.connect(home / "desk.sqlite3", timeout=20) as desk:
        desk.execute("update desk_connection set next_run_at = '2020-01-01 00:00:00'")


def _until(done: Callable[[], bool], seconds: float = 60) -> None:
    began = time.monotonic()
    while not done():
        assert time.monotonic() - began < seconds, "it did not come about in time"
        # each look is a command that goes before the booking it waits for
        time.sleep(3)
