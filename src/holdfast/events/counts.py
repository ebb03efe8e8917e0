"""The counts: which events were seen, what they count for, and how far the journal is consumed, in one SQLite file.

All of it changes in one transaction: an event is counted, known as seen and passed in the journal, or none of the three.

    HOME/events/events.sqlite3
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from holdfast.events.moments import Days
from holdfast.events.people import Linked, Links
from holdfast.events.reading import Event

SCHEMA = """
create table if not exists seen (id blob primary key) without rowid;
create table if not exists total (name text primary key, n integer not null) without rowid;
create table if not exists passed (
    journal text not null, upto integer not null, fresh blob not null, primary key (journal, upto)) without rowid;
create table if not exists actor (no integer primary key, name text not null unique, leader integer not null);
create index if not exists actor_leader on actor (leader);
create table if not exists link (child integer primary key, parent integer not null, at integer not null);
create index if not exists link_parent on link (parent);
create table if not exists grp (
    no integer primary key, name text not null unique, traits text not null default '{}', times text not null default '{}',
    is_told integer not null default 0);
create table if not exists membership (
    actor integer not null, day integer not null, at integer not null, grp integer not null, primary key (actor, day)) without rowid;
create table if not exists person (
    actor integer primary key, traits text not null default '{}', times text not null default '{}', is_told integer not null default 0);
create table if not exists feature (no integer primary key, name text not null unique);
create table if not exists counted (
    day integer not null, actor integer not null, grp integer not null, feature integer not null, n integer not null,
    primary key (day, actor, grp, feature)) without rowid;
create index if not exists counted_actor on counted (actor, day);
create table if not exists dirty (day integer primary key);
create table if not exists erased (id blob primary key, name text not null unique) without rowid;
create table if not exists reject (no integer primary key autoincrement, received integer not null, reason text not null, event text not null);
"""
TOTALS = ("received", "distinct", "repeated", "rejected", "redated")
#: rejects that are kept to be looked at; all are counted
KEPT_REJECTS = 1_000


def path_of(home: Path) -> Path:
    """Where the counts of a home lie."""
    return home / "events" / "events.sqlite3"


class Counts:
    """The counts, open for writing; one at a time, the caller sees to that."""

    def __init__(self, path: Path, zone: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.db = sqlite3.connect(path, isolation_level=None, timeout=60)
        self.db.execute("pragma journal_mode = wal")
        self.db.execute("pragma synchronous = full")
        self.db.execute("pragma cache_size = -65536")
        self.db.executescript(SCHEMA)
        self.days = Days(zone)
        self.links = Links(self.db)
        self._features: dict[str, int] = {}

    def close(self) -> None:
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing of what happens inside."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            # what was numbered in the transaction is gone with it
            self.links.forget()
            self._features.clear()
            raise
        self.db.execute("commit")

    # -- inside a transaction --------------------------------------------------------------------------------

    def add(self, events: Iterable[Event | None], *, is_told: bool = True) -> bytes:
        """Count events that were not seen before; for each of all whether it was new, as a byte of 1 or 0.

        None is an event that cannot be read any more. `is_told`: they come in now, and are not made of what came in before.
        """
        see = self.db.cursor()
        fresh = bytearray()
        counted: Counter[tuple[int, int, int, int]] = Counter()
        totals: Counter[str] = Counter()
        for event in events:
            if event is None:
                fresh.append(0)
                continue
            is_new = see.execute("insert or ignore into seen values (?)", (event.id,)).rowcount
            fresh.append(is_new)
            if is_new:
                totals["redated"] += event.is_redated
                self._take(event, counted)
        totals["distinct"] = sum(fresh)
        if is_told:
            totals["received"], totals["repeated"] = len(fresh), len(fresh) - sum(fresh)
        self.add_counts((*key, n) for key, n in counted.items())
        self.add_totals(totals)
        return bytes(fresh)

    def add_counts(self, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Add (day, actor, group, feature, n), by number."""
        rows = sorted(rows)
        self.db.executemany(
            "insert into counted values (?, ?, ?, ?, ?) on conflict do update set n = n + excluded.n", rows
        )
        self.db.executemany("insert or ignore into dirty values (?)", {(row[0],) for row in rows})

    def add_totals(self, totals: Mapping[str, int]) -> None:
        self.db.executemany(
            "insert into total values (?, ?) on conflict do update set n = n + excluded.n",
            [(name, n) for name, n in totals.items() if n],
        )

    def see(self, ids: Iterable[bytes]) -> None:
        """Know ids as seen, without an event."""
        self.db.executemany("insert or ignore into seen values (?)", ((one,) for one in ids))

    def feature(self, name: str) -> int:
        no = self._features.get(name)
        if no is None:
            self.db.execute("insert or ignore into feature (name) values (?)", (name,))
            no = int(self.db.execute("select no from feature where name = ?", (name,)).fetchone()[0])
            self._features[name] = no
        return no

    def reject(self, rejected: Iterable[tuple[int, str, str]]) -> None:
        """Keep (received, reason, event as text); the oldest make room."""
        rows = list(rejected)
        self.db.executemany("insert into reject (received, reason, event) values (?, ?, ?)", rows[-KEPT_REJECTS:])
        self.db.execute("delete from reject where no <= (select max(no) from reject) - ?", (KEPT_REJECTS,))
        self.add_totals({"rejected": len(rows), "received": len(rows)})

    def forget_rejects(self, before: int) -> None:
        """Rejects that came in before a moment go; they stay counted."""
        self.db.execute("delete from reject where received < ?", (before,))

    def rejects_span(self) -> tuple[int | None, int | None]:
        """The numbers of the oldest and the newest reject that is kept: they change with the list."""
        oldest, newest = self.db.execute("select min(no), max(no) from reject").fetchone()
        return oldest, newest

    def forget_rejects_with(self, texts: Iterable[str]) -> int:
        """Rejects in which any of some texts stands go; how many."""
        return sum(
            self.db.execute(
                "delete from reject where instr(lower(event), lower(?)) > 0", (json.dumps(one)[1:-1],)
            ).rowcount
            for one in texts
        )

    def mark(self, name: str) -> int:
        """A number that is kept beside the totals; 0 where there is none."""
        found = self.db.execute("select n from total where name = ?", (name,)).fetchone()
        return int(found[0]) if found else 0

    def set_mark(self, name: str, value: int) -> None:
        self.db.execute("insert or replace into total values (?, ?)", (name, value))

    def empty(self) -> None:
        """Nothing was ever seen or counted; who was erased stays so."""
        for (table,) in self.db.execute("select name from sqlite_master where type = 'table'").fetchall():
            if table not in ("erased", "reject"):
                self.db.execute(f"delete from {table}")
        self.links.forget()
        self._features.clear()

    def passed(self, journal: str) -> int:
        """How far a file of the journal is consumed, in bytes."""
        return int(self.db.execute("select max(upto) from passed where journal = ?", (journal,)).fetchone()[0] or 0)

    def pass_by(self, journal: str, upto: int, fresh: bytes) -> None:
        """A file of the journal is consumed up to a place; which of its events on the way were new."""
        self.db.execute("insert into passed values (?, ?, ?)", (journal, upto, fresh))

    def fresh(self, journal: str) -> bytes:
        """Which events of a consumed file were new, in their order."""
        rows = self.db.execute("select fresh from passed where journal = ? order by upto", (journal,))
        return b"".join(row[0] for row in rows)

    def forget_journals(self, names: Iterable[str]) -> None:
        self.db.executemany("delete from passed where journal = ?", ((name,) for name in names))

    def _take(self, event: Event, counted: Counter[tuple[int, int, int, int]]) -> None:
        links, day = self.links, self.days(event.at)
        actor = links.actor(event.actor)
        if event.also and event.also != event.actor:
            links.link(links.actor(event.also), actor, event.at)
        group = links.group(event.group) if event.group else 0
        if event.kind == "group":
            links.member(Linked(actor, day, event.at, group), event.traits)
        elif event.kind == "identify":
            links.person(actor, event.traits, event.at)
            if group:
                links.member(Linked(actor, day, event.at, group), {})
        elif event.feature:
            counted[day, actor, group, self.feature(event.feature)] += 1


def totals(db: sqlite3.Connection) -> dict[str, int]:
    """How many events came in, how many were new, repeats, rejected, and given the time of their receipt."""
    told = dict(db.execute("select name, n from total").fetchall())
    return {name: int(told.get(name, 0)) for name in TOTALS}


def rejects(db: sqlite3.Connection) -> list[dict[str, object]]:
    """The kept rejects, the newest first."""
    rows = db.execute("select received, reason, event from reject order by no desc").fetchall()
    return [{"received": row[0], "reason": row[1], "event": json.loads(row[2])} for row in rows]
