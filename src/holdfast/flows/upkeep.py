"""Upkeep of a home: many small files become few large ones, what is past its time goes, and erasures that were cut off are finished.

No answer changes by it. It can be cut off at any point, and run again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.domain.facts import TABLES
from holdfast.flows.book import published
from holdfast.flows.connections import alone, folder_of, place_of
from holdfast.flows.home import Home, write_whole
from holdfast.sources.raw import Raw
from holdfast.sources.rawfiles import CompactedRaw, compact_raw, load_id
from holdfast.warehouse import compaction
from holdfast.warehouse.compaction import Compacted

#: a table, or a stream of a connection, is worth compacting when more files than this would become fewer
MOST_FILES = 64
#: how often what is past its time is looked for
RETENTION_EVERY = timedelta(days=1)
#: when it was last looked for, as UTC in ISO form
MARKER = "upkeep.json"


@dataclass
class Upkept:
    """What was done: tables and streams compacted, erasures finished."""

    tables: list[Compacted] = field(default_factory=list)
    streams: dict[str, CompactedRaw] = field(default_factory=dict)
    erasures: int = 0

    @property
    def count(self) -> int:
        return len(self.tables) + len(self.streams) + self.erasures


def due(home: Home, now: datetime) -> bool:
    """Whether compaction is worth it: of any table, or stream, so many files would become few; or states are past their time; or an
    erasure was cut off."""
    from holdfast.desk.models import Erasure

    if Erasure.objects.filter(done_at=None).exists():
        return True
    landing, upto = home.landing, _upto(home)
    for table in TABLES:
        run = compaction.plan(landing, table, upto)
        if run is not None and len(run.parts) > MOST_FILES:
            return True
    for name, raw in _raws(home).items():
        done = _translated(home, name)
        if any(sum(load_id(file) in done for file in raw.files(one)) > MOST_FILES for one in raw.streams()):
            return True
    return keep_since(now) is not None and _retained_at(home) + RETENTION_EVERY <= now


def compact(home: Home, now: datetime, least_files: int = 2) -> Upkept:
    """Put together what is published, and raw states that are translated; let go of raw states past their time."""
    done = Upkept()
    if _upto(home):
        done.tables = compaction.compact(home.landing, _upto(home), now, least_files)
    since = keep_since(now)
    for name, raw in _raws(home).items():
        with alone(home, name) as mine:
            for stream in raw.streams() if mine else ():
                whole = _translated(home, name) & raw.committed()
                made = compact_raw(raw.folder / stream, since, whole, now, least_files)
                if made is not None:
                    done.streams[f"{name}/{stream}"] = made
    if since is not None:
        write_whole(home.path / MARKER, json.dumps({"retained_at": now.isoformat()}))
    return done


def run(home: Home, now: datetime) -> Upkept:
    """What the ticker does by and by: erasures that were cut off, and compaction where it is due."""
    from holdfast.flows import erase

    erasures = erase.go_on(home, now)
    done = compact(home, now, MOST_FILES + 1) if due(home, now) else Upkept()
    done.erasures = erasures
    return done


def keep_since(now: datetime) -> datetime | None:
    """Raw states superseded before this moment are let go; None: none are."""
    from holdfast.desk.models import BookSettings

    days = BookSettings.now().keep_raw_days
    return None if days is None else now - timedelta(days=days)


def set_retention(now: datetime, *, raw_days: int | None, event_days: int | None) -> None:
    """Say for how many days superseded raw states, and single events, are kept; None: for ever."""
    from holdfast.desk.models import AuditEntry, BookSettings

    row = BookSettings.now()
    if (row.keep_raw_days, row.keep_event_days) == (raw_days, event_days):
        return
    BookSettings.objects.filter(pk=row.pk).update(keep_raw_days=raw_days, keep_event_days=event_days)
    AuditEntry.add("changed retention", "landing", now, raw_days=raw_days, event_days=event_days)


def _upto(home: Home) -> int:
    current = published(home)
    return current.last_load_no if current else 0


def _raws(home: Home) -> dict[str, Raw]:
    """The raw landing of each connection."""
    folder = home.path / "landing" / "raw"
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    return {name: Raw(place_of(home, name).raw) for name in names if folder_of(home, name).is_dir()}


def _translated(home: Home, name: str) -> frozenset[str]:
    """The loads of a connection that were said as facts: nobody asks any more what came new with them."""
    marker = folder_of(home, name) / "translated.json"
    return frozenset(json.loads(marker.read_text()).get("loads", ())) if marker.exists() else frozenset()


def _retained_at(home: Home) -> datetime:
    path: Path = home.path / MARKER
    told = json.loads(path.read_text())["retained_at"] if path.exists() else "1970-01-01T00:00:00+00:00"
    return datetime.fromisoformat(told)
