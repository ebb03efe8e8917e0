"""Reading what the last watch published: HOME/watch/CURRENT names its folder."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from holdfast.flows.book import published
from holdfast.flows.home import Home, HomeError, locked, write_whole
from holdfast.warehouse.watched import WATCH_SCHEMA, Watched

WATCH_FILE, TRACK_FILE, SIGNALS_FILE = "watch.duckdb", "trackrecord.json", "signals.json"


@dataclass(frozen=True)
class Current:
    """What CURRENT says."""

    number: int
    as_of: str
    #: of the ledger that was watched
    generation: int
    watched_at: str
    schema: str = WATCH_SCHEMA

    @property
    def day(self) -> date:
        return date.fromisoformat(self.as_of)


def root(home: Home) -> Path:
    return home.path / "watch"


def current(home: Home) -> Current | None:
    """The published watch; None before the first, and where it was made by another version."""
    path = root(home) / "CURRENT"
    found = Current(**json.loads(path.read_text())) if path.exists() else None
    return found if found and found.schema == WATCH_SCHEMA else None


def is_due(home: Home) -> bool:
    """Whether something was booked since the last watch."""
    booked, last = published(home), current(home)
    return booked is not None and (last is None or last.generation != booked.generation)


def folder(home: Home, number: int) -> Path:
    return root(home) / f"{number:06d}"


def publish(home: Home, made: Current) -> None:
    """Show a folder that is complete."""
    write_whole(root(home) / "CURRENT", json.dumps(asdict(made)))


def forget(home: Home) -> None:
    """Take what was published away; the next watch is due then. What was learned, and predictions as they were made, stay: they name nobody."""
    with locked(root(home)):
        (root(home) / "CURRENT").unlink(missing_ok=True)
        for place in root(home).iterdir():
            if place.is_dir() and place.name.isdigit():
                shutil.rmtree(place, ignore_errors=True)


def open_watched(home: Home) -> Watched:
    """The published watch, open for reading. HomeError: nothing was watched yet."""
    return Watched(_file(home, WATCH_FILE))


def track_record(home: Home) -> dict[str, Any]:
    """What the predictions were worth, by target and horizon. HomeError: nothing was watched yet."""
    told: dict[str, Any] = json.loads(_file(home, TRACK_FILE).read_text())
    return told


def signal_record(home: Home) -> dict[str, Any]:
    """What each signal was worth. HomeError: nothing was watched yet."""
    told: dict[str, Any] = json.loads(_file(home, SIGNALS_FILE).read_text())
    return told


def _file(home: Home, name: str) -> Path:
    found = current(home)
    if found is None:
        raise HomeError("nothing is watched yet; run: holdfast watch")
    return folder(home, found.number) / name
