"""A home whose journal is written as the server writes it, and counted; and the door, called as the server calls it."""

from __future__ import annotations

import base64
import gzip
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from holdfast.events import calls, journal, moments
from holdfast.events.reading import Dialect
from holdfast.flows import events_in
from holdfast.flows.events_in import Consumed
from holdfast.flows.home import Settings, create

from .served import Served

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def track(user: str, event: str = "Report opened", **fields: Any) -> dict[str, Any]:
    """A track call of Segment's; `group` and `on` (ISO time) for short."""
    told: dict[str, Any] = {
        "type": "track",
        "userId": user,
        "event": event,
        "timestamp": fields.pop("on", "2026-11-20T10:00:00Z"),
    }
    if group := fields.pop("group", ""):
        told["context"] = {"groupId": group}
    return told | fields


def group(user: str, key: str, on: str = "2026-11-20T10:00:00Z", **traits: Any) -> dict[str, Any]:
    return {"type": "group", "userId": user, "groupId": key, "timestamp": on, "traits": traits}


def identify(user: str, on: str = "2026-11-20T10:00:00Z", anonymous: str = "", **traits: Any) -> dict[str, Any]:
    told = {"type": "identify", "userId": user, "timestamp": on, "traits": traits}
    return told | ({"anonymousId": anonymous} if anonymous else {})


class Events:
    """A home that events come in to."""

    def __init__(self, path: Path, timezone: str = "UTC") -> None:
        self.path = path
        self.home = create(path, Settings(timezone=timezone))
        self.journal = journal.Journal(journal.folder_of(path))
        self.now = NOW

    def send(self, *events: dict[str, Any], dialect: Dialect = "segment", **envelope: Any) -> None:
        """One call with some events, as the door takes it; durable on return."""
        call = calls.call_of({"batch": list(events), **envelope}, dialect, "")
        self.journal.append(call.payload(), moments.micros(self.now), call.events)

    def consume(self, *, tell: bool = True) -> Consumed:
        """Count what came in, a second later."""
        self.now += timedelta(seconds=1)
        return events_in.consume(self.path, self.now, tell=tell)

    def finish(self) -> None:
        """The server ends: its journal file is finished."""
        self.journal.close()

    def counts(self) -> dict[str, int]:
        return events_in.counts(self.path)

    def usage(self) -> dict[tuple[str, str, str], tuple[int, int]]:
        """(account, day, feature): events and active users, of the rows that hold; without those that hold nothing."""
        rows = self._held("usage_day", "account_id, day, feature", "events, active_users")
        return {(a, str(day), feature): (n, people) for a, day, feature, n, people in rows if n}

    def contacts(self) -> dict[str, tuple[str, str | None, str | None, str | None]]:
        """By id: account, name, e-mail and title."""
        return {row[0]: row[1:] for row in self._held("contact", "contact_id", "account_id, name, email, title")}

    def rows_landed(self, table: str) -> int:
        return sum(load.rows for load in self.home.landing.loads(table))

    def kept(self) -> list[tuple[Any, ...]]:
        """Single events as Parquet: actor, feature, day of receipt."""
        files = [str(path) for path in (self.path / "landing/raw/events").glob("*.parquet")]
        if not files:
            return []
        return duckdb.sql(
            "select actor, feature, event from read_parquet($files) order by all", params={"files": files}
        ).fetchall()

    def _held(self, table: str, key: str, columns: str) -> list[Any]:
        files = [str(path) for path in self.home.landing.files(table)]
        if not files:
            return []
        query = (
            f"select {key}, {columns} from read_parquet($files) qualify row_number() over "
            f"(partition by {key} order by learned_at desc, load_no desc, source_row desc) = 1"
        )
        return duckdb.sql(query, params={"files": files}).fetchall()


@pytest.fixture
def events(tmp_path: Path, db: None) -> Iterator[Events]:
    """An empty home, and the desk of the tests."""
    made = Events(tmp_path / "home")
    yield made
    made.finish()


class Door:
    """The door for events, as the server calls it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def __call__(
        self, path: str, body: Any, key: str = "", *, method: str = "POST", packed: bool = False, **headers: str
    ) -> tuple[int, Any]:
        """The status and the answer; `key` is sent as Basic."""
        from holdfast.api import events as door

        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = gzip.compress(sent) if packed else sent
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(sent)), "CONTENT_TYPE": "application/json",
            "wsgi.input": io.BytesIO(sent),
        }  # fmt: skip
        if key:
            environ["HTTP_AUTHORIZATION"] = "Basic " + base64.b64encode(f"{key}:".encode()).decode()
        environ |= {name.upper(): value for name, value in headers.items()}
        seen: list[str] = []
        behind: Any = lambda environ, start: [b"behind"]  # noqa: E731
        answer = b"".join(door.before(behind)(environ, lambda status, headers: seen.append(status)))
        if not seen:
            return 0, answer.decode()
        return int(seen[0].split()[0]), json.loads(answer) if answer else None

    def counts(self) -> dict[str, int]:
        return events_in.counts(self.home)


@pytest.fixture
def door(tmp_path: Path, db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """The door of an empty home."""
    from holdfast.api import events as module
    from holdfast.flows.events_keys import Keys

    home = tmp_path / "home"
    create(home, Settings())
    monkeypatch.setattr(module, "home_path", lambda: home)
    monkeypatch.setattr(module, "_keys", Keys(believed=0.2))
    module._journal.cache_clear()
    yield Door(home)
    module._journal().close()
    module._journal.cache_clear()


@pytest.fixture
def write_key(db: None) -> str:
    return make_key("events:write")


def make_key(*scopes: str) -> str:
    from holdfast.desk.models import ApiKey

    return ApiKey.make("the product", list(scopes), None, NOW)[1]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A home that is served for all tests of a process; they look at what they themselves sent."""
    made = Served(tmp_path_factory.mktemp("served") / "home")
    made.make()
    made.start()
    yield made
    made.stop()
