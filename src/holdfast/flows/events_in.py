"""Events that came in: the journal's calls are counted, each event once for ever, whatever is cut off when.

`consume` counts what is new, tells the facts when it is time, and keeps finished journal files as Parquet.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from holdfast.events import calls, journal, kept
from holdfast.events.counts import SCHEMA, Counts, path_of, rejects, totals
from holdfast.events.journal import Record
from holdfast.flows import events_again, events_facts, events_kept
from holdfast.flows.home import Home, locked, open_home, write_whole

#: facts are told so often; counting goes on meanwhile
TELL_EVERY = timedelta(minutes=10)
#: bytes of the journal that one transaction takes, more or less
AT_ONCE = 8 * 1024 * 1024


@dataclass(frozen=True)
class Consumed:
    """What one consumption did: events taken from the journal, new ones, rows of facts landed, single events kept."""

    events: int = 0
    new: int = 0
    landed: int = 0
    kept: int = 0


def consume(home: Path, now: datetime, *, tell: bool = False) -> Consumed:
    """Count what the journal holds, and land the facts when they are due, or at once if told to `tell`.

    Processes that consume at the same time wait for one another. Nothing is done, or made, where no event ever came.
    """
    if not journal.folder_of(home).is_dir():
        return Consumed()
    opened = open_home(home)
    with locked(home / "events"), closing(Counts(path_of(home), opened.settings.timezone)) as held:
        events_again.ready(home, held)
        before, rejected = totals(held.db), held.rejects_span()
        count_journal(home, held)
        after = totals(held.db)
        landed = _tell(opened, held, now, tell)
        stored = events_kept.keep(home, held, now, at_once=tell)
        events_kept.tidy(home, held, now)
        if held.rejects_span() != rejected:
            list_rejects(home, held)
        return Consumed(after["received"] - before["received"], after["distinct"] - before["distinct"], landed, stored)


def rebuild(home: Path) -> dict[str, int]:
    """Make the counts again, of the single events in landing and of the journal; how many events there are, as `counts`."""
    opened = open_home(home)
    with locked(home / "events"), closing(Counts(path_of(home), opened.settings.timezone)) as held:
        events_again.replay(home, held)
        count_journal(home, held)
        list_rejects(home, held)
    return counts(home)


def erase(home: Path, email: str) -> dict[str, int]:
    """Forget who a person was, in counts, kept events and rejects: ids become meaningless ones, what was told of them goes.

    The counts stay. How much was changed, by place. Facts that are landed already are not touched.
    """
    if not path_of(home).exists():
        return {"people": 0, "events": 0}
    opened = open_home(home)
    with locked(home / "events"), closing(Counts(path_of(home), opened.settings.timezone)) as held:
        events_again.ready(home, held)
        count_journal(home, held)
        erased = events_again.erase(home, held, email)
        list_rejects(home, held)
    return erased


def count_journal(home: Path, held: Counts) -> None:
    """Count what the journal's files hold beyond what is counted."""
    gone = kept.held_journals(kept.folder_of(home))
    for path in journal.files(journal.folder_of(home)):
        if path.name not in gone:
            _count_file(held, path)


def _count_file(held: Counts, path: Path) -> None:
    done = held.passed(path.name)
    if path.stat().st_size <= done:
        return
    # what counts must not be lost with the power, or a repeat of it would find itself known and be dropped
    journal.make_durable(path)
    for some in _some(journal.records(path, done)):
        opened = [(record, calls.kept(record.payload)) for record in some]
        with held.transaction():
            fresh = held.add(event for record, call in opened for event in calls.events_of(call, record.received))
            held.reject((record.received, reason, event) for record, call in opened for event, reason in call.bad)
            held.pass_by(path.name, some[-1].end, fresh)


def _some(records: Iterator[Record]) -> Iterator[list[Record]]:
    waiting: list[Record] = []
    size = 0
    for record in records:
        waiting.append(record)
        size += len(record.payload)
        if size >= AT_ONCE:
            yield waiting
            waiting, size = [], 0
    if waiting:
        yield waiting


def rejects_path(home: Path) -> Path:
    """The file of rejects: one JSON line each, the newest first."""
    return home / "rejected" / "events.jsonl"


def list_rejects(home: Path, held: Counts) -> None:
    """The newest rejects as a file for people, beside those of the loader."""
    lines = [json.dumps(one) + "\n" for one in rejects(held.db)]
    if lines or rejects_path(home).exists():
        write_whole(rejects_path(home), "".join(lines))


def _tell(home: Home, held: Counts, now: datetime, at_once: bool) -> int:
    last = held.mark("told_at")
    if not at_once and timedelta(0) <= now - datetime.fromtimestamp(last, now.tzinfo) < TELL_EVERY:
        return 0
    landed = events_facts.tell(home, held, now)
    with held.transaction():
        held.set_mark("told_at", int(now.timestamp()))
    return landed


# -- how many there are --------------------------------------------------------------------------------------------


def counts(home: Path) -> dict[str, int]:
    """received = distinct + repeated + rejected; what waits in the journal is counted in all of them, and in `waiting`.

    `received`: events of calls that were answered with 200. `distinct`: by message id. `redated`: given the time of their receipt.
    Nothing is changed; what comes in meanwhile may or may not be counted.
    """
    for _ in range(20):
        try:
            return _counts(home)
        except FileNotFoundError:  # a journal file was finished and kept meanwhile
            continue
    raise OSError("the journal of events does not hold still")


def _counts(home: Path) -> dict[str, int]:
    # the files first: one that is counted and removed before the view is taken is then missed, and all is asked anew
    files = journal.files(journal.folder_of(home))
    gone = kept.held_journals(kept.folder_of(home)) if files else set()
    with closing(_view(path_of(home))) as db:
        told = totals(db)
        waiting, ids = Counter[str](), set[bytes]()
        for path in files:
            place = db.execute("select max(upto) from passed where journal = ?", (path.name,)).fetchone()[0]
            for record in journal.records(path, place or 0) if path.name not in gone else ():
                _add_waiting(db, record, waiting, ids)
    told = {name: n + waiting[name] for name, n in told.items()}
    return told | {"waiting": waiting["received"]}


def _view(path: Path) -> sqlite3.Connection:
    """The counts as they are at one moment, for reading; empty ones where there are none yet."""
    if path.exists():
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60, isolation_level=None)
        db.execute("begin")
        if db.execute("select 1 from sqlite_master where name = 'reject'").fetchone():
            return db
        db.close()
    nothing = sqlite3.connect(":memory:")
    nothing.executescript(SCHEMA)
    return nothing


def _add_waiting(db: sqlite3.Connection, record: Record, waiting: Counter[str], ids: set[bytes]) -> None:
    """Add a record that is not counted yet to the totals, and its new ids to `ids`."""
    call = calls.kept(record.payload)
    waiting.update(received=record.events, rejected=len(call.bad))
    for event in calls.events_of(call, record.received):
        if event is None or event.id in ids or _is_seen(db, event.id):
            waiting["repeated"] += 1
            continue
        ids.add(event.id)
        waiting.update(distinct=1, redated=event.is_redated)


def _is_seen(db: sqlite3.Connection, one: bytes) -> bool:
    return db.execute("select 1 from seen where id = ?", (one,)).fetchone() is not None
