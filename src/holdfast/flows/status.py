"""Status: how fresh and how complete what we know is, by source; and what is wrong, with its remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from holdfast.flows.book import Published, published
from holdfast.flows.home import Home
from holdfast.warehouse.landing import Load


@dataclass(frozen=True)
class SourceStatus:
    """One source. `last_success` is when it last told us anything without an error; lag is since then."""

    name: str
    kind: str
    title: str
    last_success: datetime | None
    lag_seconds: int | None
    #: rows that were landed, by fact table
    rows: Mapping[str, int]
    errors: tuple[Mapping[str, str], ...] = ()
    #: connected, paused, revoked, running; "" for what is loaded by hand
    state: str = ""
    next_run_at: datetime | None = None
    complete_from: str | None = None
    #: accounts whose history is not whole before that day
    incomplete_accounts: int = 0
    bad_rows: int = 0
    progress: str = ""
    #: whether it is later than it should be
    is_late: bool = False


@dataclass(frozen=True)
class Status:
    """Everything `holdfast status` says."""

    sources: tuple[SourceStatus, ...]
    events: Mapping[str, int]
    coverage: Mapping[str, Mapping[str, int]]
    booked: Published | None = None
    loads_not_booked: int = 0
    #: why the last booking failed; the publish before stands
    booking_problem: str = ""
    complete_from: str | None = None
    incomplete_accounts: int = 0

    def document(self) -> dict[str, Any]:
        """The public JSON."""
        return {
            "sources": [_document(one) for one in self.sources],
            "events": dict(self.events),
            "coverage": {name: dict(told) for name, told in self.coverage.items()},
            "booked": asdict(self.booked) if self.booked else None,
            "booking_problem": self.booking_problem,
            "loads_not_booked": self.loads_not_booked,
            "complete_from": self.complete_from,
            "incomplete_accounts": self.incomplete_accounts,
        }


def _document(one: SourceStatus) -> dict[str, Any]:
    return {
        "name": one.name, "kind": one.kind, "state": one.state, "last_success": _iso(one.last_success), "lag_seconds": one.lag_seconds,
        "late": one.is_late, "rows": dict(one.rows), "errors": [dict(error) for error in one.errors], "bad_rows": one.bad_rows,
        "next_run_at": _iso(one.next_run_at), "complete_from": one.complete_from, "incomplete_accounts": one.incomplete_accounts,
    }  # fmt: skip


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def status(home: Home, now: datetime) -> Status:
    """How things stand. The desk of the home is ready (flows.serve.prepare)."""
    from holdfast.flows import events_in, identity

    loads = home.landing.loads()
    current = published(home)
    told = _connections(loads, now, home.incomplete) + _by_hand(loads, now)
    return Status(
        tuple(told),
        events_in.counts(home.path),
        identity.coverage(home) if current else {},
        current,
        sum(load.load_no > (current.last_load_no if current else 0) for load in loads),
        booking_problem(home),
        str(home.complete_from) if home.complete_from else None,
        sum(map(len, home.incomplete.values())),
    )


def booking_problem(home: Home) -> str:
    """Why the newest rows could not be booked; "" where they could, or were not tried."""
    path = home.warehouse / "FAILED"
    return str(json.loads(path.read_text())["problem"]) if path.exists() else ""


def _connections(loads: list[Load], now: datetime, incomplete: Mapping[str, Mapping[str, date]]) -> list[SourceStatus]:
    from holdfast.desk.models import Connection, SyncRun

    found = []
    for row in Connection.objects.order_by("name"):
        last = SyncRun.objects.filter(connection=row).order_by("-id").first()
        lag = int((now - row.last_success_at).total_seconds()) if row.last_success_at else None
        running = last is not None and last.outcome == SyncRun.RUNNING
        late = timedelta(minutes=3 * row.every_minutes)
        errors = ({"problem": row.problem, "remedy": row.remedy},) if row.problem else ()
        state = "revoked" if row.revoked_at else "paused" if row.is_paused else "running" if running else "connected"
        days = incomplete.get(row.name, {})
        found.append(
            SourceStatus(
                row.name, row.source, _title(row.source), row.last_success_at, lag, _rows(loads, row.name), errors, state, row.next_run_at,
                str(max(days.values())) if days else None, len(days), last.bad_count if last else 0, last.progress if last and running else "",
                is_late=state in ("connected", "running") and now - (row.last_success_at or row.created_at) > late,
            )
        )  # fmt: skip
    return found


def _by_hand(loads: list[Load], now: datetime) -> list[SourceStatus]:
    """What was landed without a connection: files, the API, events, the reference rates."""
    from holdfast.desk.models import Connection

    connected = set(Connection.objects.values_list("name", flat=True))
    names = sorted({load.source for load in loads} - connected)
    found = []
    for name in names:
        last = max(load.loaded_at for load in loads if load.source == name).replace(tzinfo=UTC)
        found.append(SourceStatus(name, name, name, last, int((now - last).total_seconds()), _rows(loads, name)))
    return found


def _title(source: str) -> str:
    from holdfast.sources import shelf

    return shelf.sources()[source].title if source in shelf.sources() else source


def _rows(loads: list[Load], source: str) -> dict[str, int]:
    rows: dict[str, int] = {}
    for load in loads:
        if load.source == source:
            rows[load.table] = rows.get(load.table, 0) + load.rows
    return rows
