"""Sync: one run of a connection. What its system tells is landed raw, said as facts, and landed as facts; nothing is booked here.

A run may be killed at any moment: the next one goes on where the last commit was, and lands nothing twice. What is said from raw rows
is said again from all that is known of a group, so a crash in between is made good by saying it again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from holdfast.domain.erased import COMPANIES
from holdfast.domain.matching import PartyTold
from holdfast.flows import hooks_in
from holdfast.flows.connections import access_of, alone, folder_of, place_of
from holdfast.flows.erased import Guard
from holdfast.flows.home import INCOMPLETE, Home, HomeError, write_whole
from holdfast.flows.land import land
from holdfast.flows.load import load
from holdfast.sources.access import Access
from holdfast.sources.problems import explained
from holdfast.sources.raw import Raw
from holdfast.sources.reading import Pulled, pull
from holdfast.sources.source import Bad, Facts, Object, Row, Source, Told

log = logging.getLogger("holdfast.sync")

Reporter = Callable[[str], None]

#: rows that are said before they are landed
AT_ONCE = 100_000
#: groups that are asked for at once
GROUPS = 2_000
#: bad objects that a run keeps
SHOWN_BAD = 100
#: runs of a connection that are kept
RUNS_KEPT = 500


class BusyError(HomeError):
    """The connection is being run already."""


@dataclass
class Synced:
    """What a run did."""

    pulled: Pulled = field(default_factory=Pulled)
    landed: dict[str, int] = field(default_factory=dict)
    bad: list[Bad] = field(default_factory=list)
    bad_count: int = 0
    groups: int = 0
    problem: str = ""
    remedy: str = ""


def sync(home: Home, name: str, now: datetime, *, whole: bool = False, report: Reporter = lambda line: None) -> Synced:
    """Run a connection once; `whole`: list everything anew. What went wrong is in the result, and kept with the connection.

    HomeError: there is no such connection. BusyError: it is being run.
    """
    from holdfast.desk.models import Connection, SyncRun

    source, access = access_of(name)
    with alone(home, name) as mine:
        if not mine:
            raise BusyError(f"'{name}' is being run already")
        connection = Connection.objects.get(name=name)
        whole = whole or connection.is_whole_next
        SyncRun.objects.filter(connection=connection, outcome=SyncRun.RUNNING).update(
            outcome=SyncRun.CUT_OFF, ended_at=now
        )
        run = SyncRun.objects.create(connection=connection, started_at=now, is_whole=whole)
        synced, began = Synced(), time.monotonic()

        def told(line: str) -> None:
            SyncRun.objects.filter(pk=run.pk).update(progress=line[:200])
            report(line)

        try:
            _sync(home, name, source, access, now, whole, synced, told)
        except Exception as error:
            found = explained(error, source)
            synced.problem, synced.remedy = found.problem, found.remedy
            # what is a fault of ours shows where
            log.warning("%s: %s", name, found.problem, exc_info=found.remedy.endswith("please report it"))
        _record(connection.pk, run.pk, synced, now, time.monotonic() - began)
        return synced


def _sync(
    home: Home, name: str, source: Source, access: Access, now: datetime, whole: bool, synced: Synced, report: Reporter
) -> None:
    place = place_of(home, name)
    kept, files = hooks_in.waiting(home, name)
    guard = Guard(home.path)

    def scrubbed(stream: str, text: str) -> str:
        return guard.json(text, of_companies=stream in COMPANIES)

    synced.pulled = pull(source, access, place, now, whole=whole, kept=kept, report=report, scrub=scrubbed)
    _note_bad(synced, synced.pulled.bad)
    for file in files:
        file.unlink(missing_ok=True)
    if source.fetch is not None:
        _load_files(home, name, source, access, now, synced, report)
    translate(home, name, source, access, now, synced, report)


def _load_files(
    home: Home, name: str, source: Source, access: Access, now: datetime, synced: Synced, report: Reporter
) -> None:
    """Load what a folder or bucket has that is new, as `holdfast load` does; rejected rows are kept where its are."""
    assert source.fetch is not None
    fetched = source.fetch(access, folder_of(home, name) / "files")
    synced.bad += [Bad("file", "", "", text, "it is not loaded", "see what is said of it") for text in fetched.left_out]
    if fetched.files:
        told = load(
            home.path, fetched.files, mapping=None, now=now, currency=home.settings.currency, timezone=home.settings.timezone,
            reporter=report, source=name,
        )  # fmt: skip
        for file in told.files:
            if file.table:
                synced.landed[file.table] = synced.landed.get(file.table, 0) + file.rows_loaded
            if file.problem:
                synced.bad.append(
                    Bad("file", file.file, "", "", file.problem, "give it a mapping, or a name that is left out")
                )
            where = file.rejected_file.name if file.rejected_file else ""
            synced.bad += [
                Bad(
                    file.file,
                    f"row {one.row}",
                    one.column,
                    one.value,
                    one.reason,
                    f"{one.remedy}; all of them are in {where}",
                )
                for one in file.rejects
            ]
            synced.bad_count += file.rows_rejected + bool(file.problem)
    fetched.done()


# -- saying it as facts --------------------------------------------------------------------------------------


def translate(
    home: Home,
    name: str,
    source: Source,
    access: Access,
    now: datetime,
    synced: Synced,
    report: Reporter = lambda line: None,
) -> None:
    """Say what came since the last time as facts and land it; everything, where the source says things differently now."""
    raw = Raw(place_of(home, name).raw)
    marker = folder_of(home, name) / "translated.json"
    digest = _digest(home, source, access)
    before = json.loads(marker.read_text()) if marker.exists() else {}
    done = frozenset(before.get("loads", ())) if before.get("digest") == digest else frozenset[str]()
    loads = raw.committed()
    if loads <= done:
        return
    names = [stream.name for stream in source.streams]
    shared_names = [stream.name for stream in source.streams if stream.is_shared]
    is_everything = not done or any(raw.news(stream, done) for stream in shared_names)
    groups = raw.every_group(names) if is_everything else raw.groups_of(names, done)
    shared = {stream: raw.shared(stream) for stream in shared_names}
    prefix = "" if source.has_unique_ids else f"{name}:"
    complete: dict[str, date | None] = {}
    for facts in _batches(_said(raw, source, access, home, names, groups, shared, now, synced, complete, report)):
        landed = land(home, facts.rows, source=name, source_kind=source.kind, now=now, prefix=prefix)
        for table, count in landed.rows.items():
            synced.landed[table] = synced.landed.get(table, 0) + count
        _note_bad(synced, [*facts.bad, *landed.bad])
        _tell_parties(home, name, facts.parties, now)
    _note_incomplete(home, name, complete, is_everything=not done)
    write_whole(marker, json.dumps({"digest": digest, "loads": sorted(loads)}))


def _digest(home: Home, source: Source, access: Access) -> str:
    """Changes whenever the same objects would be said differently."""
    told = [
        source.name,
        source.version,
        sorted(access.settings.items()),
        home.settings.timezone,
        home.settings.currency,
    ]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def _said(
    raw: Raw, source: Source, access: Access, home: Home, names: Sequence[str], groups: Sequence[str],
    shared: Mapping[str, Mapping[str, Object]], now: datetime, synced: Synced, complete: dict[str, date | None], report: Reporter,
) -> Iterator[Facts]:  # fmt: skip
    """What each group says. A group that cannot be said is told as bad, and does not hold the others up."""
    for start in range(0, len(groups), GROUPS):
        report(f"facts: {start:,} of {len(groups):,} accounts")
        for group, objects in raw.told(names, groups[start : start + GROUPS]):
            synced.groups += 1
            told = Told(group, objects, shared, home.settings.timezone, home.settings.currency, access.settings, now)
            try:
                facts = source.facts(told)
                complete[group] = facts.complete_from
                yield facts
            except Exception as error:
                log.exception("%s: group %s cannot be said", source.name, group)
                reason = f"{type(error).__name__}: {error}"[:200]
                yield Facts(bad=[Bad("", group, "", "", reason, "this is a fault of the source; please report it")])


def _batches(said: Iterable[Facts]) -> Iterator[Facts]:
    """The facts of several groups together, so that a load is not small."""
    batch, count = Facts(), 0
    for facts in said:
        for table, rows in facts.rows.items():
            batch.rows.setdefault(table, list[Row]()).extend(rows)
            count += len(rows)
        batch.parties += facts.parties
        batch.bad += facts.bad
        if count >= AT_ONCE:
            yield batch
            batch, count = Facts(), 0
    yield batch


def _note_bad(synced: Synced, bad: Sequence[Bad]) -> None:
    synced.bad_count += len(bad)
    synced.bad += bad[: max(0, SHOWN_BAD - len(synced.bad))]


def _tell_parties(home: Home, name: str, parties: Sequence[PartyTold], now: datetime) -> None:
    if parties:
        from holdfast.flows import identity

        identity.tell(home, name, parties, now)


def _note_incomplete(home: Home, name: str, said: Mapping[str, date | None], *, is_everything: bool) -> None:
    """Keep which accounts' histories are not whole, and from which day each is: it is shown beside every number."""
    with home.landing.locked():
        told = {key: {group: str(day) for group, day in days.items()} for key, days in home.incomplete.items()}
        before = told.pop(name, {})
        kept = {} if is_everything else {group: day for group, day in before.items() if group not in said}
        now = kept | {group: str(day) for group, day in said.items() if day is not None}
        if now != before:
            write_whole(home.path / INCOMPLETE, json.dumps(told | ({name: now} if now else {}), sort_keys=True))


# -- the record ----------------------------------------------------------------------------------------------


def _record(connection_id: int, run_id: int, synced: Synced, now: datetime, took: float) -> None:
    from holdfast.desk.models import Connection, SyncRun

    connection = Connection.objects.get(pk=connection_id)
    failed = bool(synced.problem)
    SyncRun.objects.filter(pk=run_id).update(
        ended_at=now + timedelta(seconds=took), outcome=SyncRun.FAILED if failed else SyncRun.DONE, read=synced.pulled.listed, landed=synced.landed,
        problem=synced.problem, remedy=synced.remedy, bad=[vars(one) for one in synced.bad], bad_count=synced.bad_count, progress="",
    )  # fmt: skip
    connection.failures = connection.failures + 1 if failed else 0
    connection.problem, connection.remedy = synced.problem, synced.remedy
    if not failed:
        connection.last_success_at = now
        if synced.pulled.whole:
            connection.whole_at = now
        connection.is_whole_next = False
    wait = connection.wait_after_failure() if failed else timedelta(minutes=connection.every_minutes)
    Connection.objects.filter(pk=connection_id, revoked_at=None).update(
        failures=connection.failures, problem=connection.problem, remedy=connection.remedy, whole_at=connection.whole_at,
        last_success_at=connection.last_success_at, next_run_at=now + wait, is_whole_next=connection.is_whole_next,
    )  # fmt: skip
    old = (
        SyncRun.objects.filter(connection_id=connection_id)
        .order_by("-id")
        .values_list("pk", flat=True)[RUNS_KEPT : RUNS_KEPT + 1000]
    )
    SyncRun.objects.filter(pk__in=list(old)).delete()
