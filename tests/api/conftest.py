"""The API over the small booked demo company of the web tests; what is written goes to a copy of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.home import open_home
from tests.conftest import DESK_HOME
from tests.watch.pages.made_up import publish_made_up

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
ALL = [
    "numbers:read",
    "accounts:read",
    "accounts:write",
    "notes:read",
    "notes:write",
    "ctas:read",
    "ctas:write",
    "sources:read",
    "webhooks:write",
]


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """A booked demo home of 120 accounts; do not write to it."""
    from holdfast.flows.book import book
    from holdfast.flows.demo import demo
    from holdfast.sources.demo import World

    if not (DESK_HOME / "warehouse" / "CURRENT").exists():
        shutil.rmtree(DESK_HOME, ignore_errors=True)
        book(demo(DESK_HOME, World(accounts=120), NOW), NOW)
    yield DESK_HOME
    shutil.rmtree(DESK_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(demo_home: Path) -> None:
    """The home stands before the database is made in it."""


@pytest.fixture(scope="session")
def watched_home(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without its desk, and with a watch that is made up; do not write to it."""
    home = tmp_path_factory.mktemp("api") / "home"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("desk.sqlite3*", "cache"))
    publish_made_up(open_home(home))
    return home


@pytest.fixture
def own_home(watched_home: Path, tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A copy of the demo home that may be written to; the desk belongs to it meanwhile."""
    from holdfast.flows import answers

    home = tmp_path / "home"
    shutil.copytree(watched_home, home)
    settings.HOME = home
    answers.forget()
    yield home
    answers.forget()


@pytest.fixture
def key(db: None) -> Callable[..., str]:
    """key(["notes:read"]): a key with scopes; all of them where none are named."""

    def made(scopes: list[str] | None = None) -> str:
        from holdfast.desk.models import ApiKey

        return ApiKey.make("a program", ALL if scopes is None else scopes, None, NOW)[1]

    return made


class Caller:
    """A client of the API: call("GET", "/accounts", body, header=value)."""

    def __init__(self, secret: str | None) -> None:
        from django.test import Client

        self.client, self.secret = Client(), secret

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, (bytes, str)) else json.dumps(body) if body is not None else b""
        kind = sent.pop("Content-Type", "application/json" if body is not None else "")
        return self.client.generic(method, f"/api/v1{path}", data, content_type=kind, headers=sent)


@pytest.fixture
def call(own_home: Path, key: Callable[..., str]) -> Caller:
    """A caller with every scope, over a home that may be written to."""
    return Caller(key())


@pytest.fixture
def as_key(own_home: Path, key: Callable[..., str]) -> Callable[..., Caller]:
    """as_key(["notes:read"]): a caller with these scopes; as_key(None): one without a key."""
    return lambda scopes: Caller(None if scopes is None else key(scopes))


class Server:
    """A live server of a home, with a key."""

    def __init__(self, home: Path, port: int, secret: str) -> None:
        self.home, self.address, self.key = home, f"http://127.0.0.1:{port}", secret


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def live(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`holdfast serve` over a copy of the demo home, with a made-up watch."""
    home = tmp_path_factory.mktemp("live") / "home"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("desk.sqlite3*", "cache"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
    environment |= {"HOLDFAST_API_RATE": "1000000"}
    holdfast = [sys.executable, "-m", "holdfast", "--home", str(home)]
    made = subprocess.run(
        [*holdfast, "keys", "create", "--kind", "api"], capture_output=True, text=True, env=environment, check=True
    )
    port = free_port()
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen([*holdfast, "serve", "--port", str(port)], stdout=log, stderr=log, env=environment)
        try:
            _wait_for(port, server)
            yield Server(home, port, made.stdout.strip().splitlines()[-1])
        finally:
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended"
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise AssertionError("the server did not start")
