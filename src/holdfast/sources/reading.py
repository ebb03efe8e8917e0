"""Reading a source into raw landing with dlt: what is new is kept, all of it or nothing, and the next reading goes on from there.

A stream is listed whole at first and every now and then, which shows what is gone; between that it is asked for what changed.
A long first listing is done in pieces. How far each stream is, is part of the load that brought its rows.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from holdfast.sources.access import Access
from holdfast.sources.raw import SCHEMA, Known, Raw
from holdfast.sources.rawfiles import load_id
from holdfast.sources.source import Also, Bad, Object, Source, Span, Stream

log = logging.getLogger("holdfast.sources")

#: told what is being done, a line at a time
Reporter = Callable[[str], None]

#: takes people who were erased out of the JSON text of an object of a stream
Scrub = Callable[[str, str], str]


def as_it_came(stream: str, text: str) -> str:
    """Nobody was erased."""
    return text


#: objects of one stream that are read before the progress is told again
TOLD_EVERY = 5_000


@dataclass
class Pulled:
    """What a reading brought: objects listed and states that were new, by stream; and which streams were listed whole."""

    listed: dict[str, int] = field(default_factory=dict)
    new: dict[str, int] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)
    #: objects that do not even say what they are; they are left out
    bad: list[Bad] = field(default_factory=list)


@dataclass(frozen=True)
class Place:
    """Where a connection's raw landing and dlt's own files are."""

    raw: Path
    work: Path

    @property
    def name(self) -> str:
        return self.raw.name


def pull(
    source: Source, access: Access, place: Place, now: datetime, *, whole: bool = False, kept: Mapping[str, Sequence[Object]] | None = None,
    report: Reporter = lambda line: None, scrub: Scrub = as_it_came,
) -> Pulled:  # fmt: skip
    """Read what is new, or everything anew with `whole`. `kept`: objects that came by themselves, by stream (webhooks). `scrub`
    takes out of an object's text what may not be kept.

    What the other system does wrong is raised as it came; what was committed before stays. What a run that was cut off left, and
    dlt cannot go on with, is let go of and read again.
    """
    asked = _Asked(source, access, place, now, whole, kept or {}, report, scrub)
    before = Raw(place.raw).committed()
    try:
        pulled = _pulled(asked)
    except Exception:
        if asked.is_reading:
            raise
        log.warning("%s: what the last run left cannot be gone on with; it is read again", place.name, exc_info=True)
        start_over(place)
        pulled = _pulled(asked)
    _make_durable(place, before)
    return pulled


def start_over(place: Place) -> None:
    """Let go of what was not committed: dlt's own files, and what a load that never ended left. The next reading finds its place by the
    last load that is whole."""
    shutil.rmtree(place.work, ignore_errors=True)
    whole = Raw(place.raw).committed()
    for file in (place.raw / "_dlt_pipeline_state").glob("*.jsonl"):
        # dlt writes the place reached before it says that the load is whole
        if file.name.split("__")[1] not in whole:
            file.unlink()
    for file in place.raw.glob("[!_]*/*.parquet"):
        if (load := load_id(file)) is not None and load not in whole:
            file.unlink()


def _make_durable(place: Place, before: frozenset[str]) -> None:
    """What was committed now survives a power failure, too."""
    raw = Raw(place.raw)
    news = raw.committed() - before
    files = [file for stream in raw.streams() for file in raw.files(stream) if load_id(file) in news]
    told = [file for folder in ("_dlt_loads", "_dlt_pipeline_state") for file in (place.raw / folder).glob("*.jsonl")]
    files += [file for file in told if any(one in file.name for one in news)]
    for path in [*files, *{file.parent for file in files}]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@dataclass
class _Asked:
    """What a pull was asked for. `is_reading`: the other system is being asked just now."""

    source: Source
    access: Access
    place: Place
    now: datetime
    whole: bool
    kept: Mapping[str, Sequence[Object]]
    report: Reporter
    scrub: Scrub
    is_reading: bool = False


def _pulled(asked: _Asked) -> Pulled:
    source, now = asked.source, asked.now
    pipeline = _pipeline(asked.place)
    if pipeline.has_pending_data:
        # a run that was cut off had everything ready
        pipeline.run()
    pulled = Pulled()
    states = _states(pipeline, source)
    for stream in source.streams:
        for piece in _pieces(stream, source, states[stream.name], now):
            asked.report(f"{stream.name}: {piece.since:%Y-%m-%d} to {piece.until:%Y-%m-%d}")
            _run(pipeline, [_Reading(asked, stream, piece, states, pulled, ends_piece=True)])
    readings = [
        _Reading(asked, stream, span, states, pulled, kept=tuple(asked.kept.get(stream.name, ())))
        for stream in source.streams
        if (span := _span(stream, states[stream.name], now, asked.whole)) is not None or asked.kept.get(stream.name)
    ]
    if readings:
        _run(pipeline, readings)
    return pulled


# -- what is due ---------------------------------------------------------------------------------------------


def _states(pipeline: Any, source: Source) -> dict[str, dict[str, Any]]:
    """How far each stream is, as the last committed load says."""
    if pipeline.first_run:
        # dlt's own files are gone, or were never there: how far it was is told by what is landed
        pipeline.sync_destination()
    told = pipeline.state.get("sources", {}).get(pipeline.pipeline_name, {}).get("resources", {})
    return {stream.name: dict(told.get(f"{stream.name}_reading", {})) for stream in source.streams}


def _pieces(stream: Stream, source: Source, state: Mapping[str, Any], now: datetime) -> Iterator[Span]:
    """Pieces of a first listing that are still to be done, the oldest first."""
    if stream.piece is None or "whole_at" in state or source.begins is None:
        return
    since = _moment(state.get("piece_until")) or source.begins
    while since + stream.piece < now:
        yield Span(since, since + stream.piece, now)
        since += stream.piece


def _span(stream: Stream, state: Mapping[str, Any], now: datetime, whole: bool) -> Span | None:
    """What a stream is asked for now; None: nothing is due."""
    whole_at = _moment(state.get("whole_at"))
    if whole_at is None and stream.piece is not None and "piece_until" in state:
        return Span(_moment(state["piece_until"]), now=now)
    due = whole_at is None or (stream.whole_every is not None and now - whole_at >= stream.whole_every)
    if whole or due:
        return Span(now=now)
    if not stream.is_incremental:
        return None
    cursor = _moment(state.get("cursor"))
    assert whole_at is not None
    return Span((cursor or whole_at) - stream.overlap, now=now)


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


# -- reading -------------------------------------------------------------------------------------------------


@dataclass
class _Reading:
    """One stream being read in one load."""

    asked: _Asked
    stream: Stream
    span: Span | None
    states: dict[str, dict[str, Any]]
    pulled: Pulled
    ends_piece: bool = False
    kept: tuple[Object, ...] = ()
    known: dict[str, Known] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    newest: datetime | None = None
    count: int = 0

    def rows(self) -> Iterator[tuple[str, pa.Table]]:
        """Stream and rows that are new, page by page; in the end what is gone, and how far it is."""
        if self.kept:
            yield from self._page(self.kept)
        if self.span is None:
            return
        pages = iter(self.stream.read(self.asked.access, self.span))
        while (page := self._next(pages)) is not None:
            yield from self._page(page)
        name = self.stream.name
        if self.span.is_whole:
            self.pulled.whole.add(name)
            yield from self._gone()
        self._remember(self.asked.now)

    def _next(self, pages: Iterator[Sequence[Object]]) -> Sequence[Object] | None:
        self.asked.is_reading = True
        page = next(pages, None)
        self.asked.is_reading = False
        return page

    def _page(self, page: Sequence[Object]) -> Iterator[tuple[str, pa.Table]]:
        told: dict[str, list[dict[str, Any]]] = {}
        listed: dict[str, list[bool]] = {}
        for obj in page:
            try:
                states = self._states_of(obj)
                pairs = [(state, self._row(state)) for state in states]
            except (LookupError, TypeError, ValueError, AttributeError) as error:
                self._leave_out(obj, error)
                continue
            for state, row in pairs:
                told.setdefault(state.stream, []).append(row)
                listed.setdefault(state.stream, []).append(state is states[0] and not state.is_deleted)
            changed = states[0].changed_at
            if self.newest is None or (changed and changed > self.newest):
                self.newest = changed or self.newest
        self.pulled.listed[self.stream.name] = self.pulled.listed.get(self.stream.name, 0) + len(page)
        if len(self.listed) // TOLD_EVERY != (len(self.listed) - len(page)) // TOLD_EVERY:
            self.asked.report(f"{self.stream.name}: {len(self.listed):,} read")
        for name, rows in told.items():
            yield from self._news(name, pa.Table.from_pylist(rows, SCHEMA), listed[name])

    def _states_of(self, obj: Object) -> list[Also]:
        """The object's own state, and those of others that it tells."""
        # one that is listed is there, whatever else is wrong with it
        self.listed.append(self.stream.key(obj))
        own = Also(self.stream.name, obj, self.stream.changed(obj), self.stream.is_deleted(obj))
        return [own, *self.stream.also(obj)]

    def _leave_out(self, obj: Object, error: Exception) -> None:
        try:
            key = self.stream.key(obj)
        except (LookupError, TypeError, ValueError, AttributeError):
            key = ""
        reason = f"it is not like the others: {type(error).__name__} {error}"[:200]
        remedy = "see it in the other system; if it is in order there, please report this"
        self.pulled.bad.append(Bad(self.stream.name, key, "", "", reason, remedy))

    def _row(self, state: Also) -> dict[str, Any]:
        stream = self.asked.source.stream(state.stream)
        self.count += 1
        return {
            "object_id": stream.key(state.obj),
            "group_id": stream.group(state.obj),
            "changed_at": _naive(state.changed_at),
            "seen_at": _naive(self.asked.now),
            # what is listed first is the newest of its kind, where the other system's clock does not tell them apart
            "seq": int(self.asked.now.timestamp() * 1_000_000) - self.count,
            "deleted": state.is_deleted,
            "body": self.asked.scrub(
                stream.name, json.dumps(state.obj, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
            ),
        }

    def _news(self, name: str, rows: pa.Table, listed: Sequence[bool]) -> Iterator[tuple[str, pa.Table]]:
        if name not in self.known:
            self.known[name] = Raw(self.asked.place.raw).known(name)
        news = self.known[name].news(rows, listed)
        if news.num_rows:
            self.pulled.new[name] = self.pulled.new.get(name, 0) + news.num_rows
            yield name, news

    def _gone(self) -> Iterator[tuple[str, pa.Table]]:
        """States that say that objects are not listed any more."""
        gone = Raw(self.asked.place.raw).missing(self.stream.name, self.listed)
        seq = int(self.asked.now.timestamp() * 1_000_000)
        rows = [
            {
                "object_id": key, "group_id": group, "changed_at": None, "seen_at": _naive(self.asked.now), "seq": seq, "deleted": True,
                "body": body,
            }
            for key, group, body in gone
        ]  # fmt: skip
        if rows:
            self.pulled.new[self.stream.name] = self.pulled.new.get(self.stream.name, 0) + len(rows)
            yield self.stream.name, pa.Table.from_pylist(rows, SCHEMA)

    def _remember(self, began: datetime) -> None:
        """How far the stream is now; kept with the load."""
        state = self.states[self.stream.name]
        assert self.span is not None
        if self.ends_piece and self.span.until is not None:
            state["piece_until"] = self.span.until.isoformat()
        elif self.span.is_whole or "whole_at" not in state:
            state["whole_at"] = began.isoformat()
        if self.newest is not None:
            before = _moment(state.get("cursor"))
            # an other system's clock that is ahead must not let us skip what comes meanwhile
            state["cursor"] = max(before or self.newest, min(self.newest, began)).isoformat()


def _run(pipeline: Any, readings: Sequence[_Reading]) -> None:
    """Read some streams in one load."""
    import dlt

    def resource(reading: _Reading) -> Any:
        def rows() -> Iterator[Any]:
            kept = dlt.current.resource_state()
            for name, table in reading.rows():
                yield dlt.mark.with_table_name(table, name)
            kept.update(reading.states[reading.stream.name])

        return dlt.resource(
            rows, name=f"{reading.stream.name}_reading", write_disposition="append", file_format="parquet"
        )

    pipeline.run([resource(reading) for reading in readings], loader_file_format="parquet")


def _pipeline(place: Place) -> Any:
    import dlt
    from dlt.destinations import filesystem

    place.work.mkdir(parents=True, exist_ok=True)
    return dlt.pipeline(
        place.name, destination=filesystem(place.raw.parent.absolute().as_uri(), layout="{table_name}/{load_id}.{file_id}.{ext}"),
        dataset_name=place.name, pipelines_dir=str(place.work.absolute()),
    )  # fmt: skip


def _naive(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
