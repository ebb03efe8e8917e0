"""Single events kept in landing: finished journal files become Parquet, and past their time only ids and counts of it stay."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from holdfast.events import calls, journal, kept, moments
from holdfast.events.counts import Counts
from holdfast.events.reading import Event

#: finished journal files are kept when there are so many bytes of them, or when the oldest is so old
ENOUGH, OLD = 8 * 1024 * 1024, timedelta(minutes=10)
#: how often it is looked whether something is past its time
TIDY_EVERY = timedelta(hours=1)
#: parts of a day that is over are put together, unless they are as large as this, in bytes
LARGE = 64 * 1024 * 1024

Row = dict[str, Any]


def keep(home: Path, held: Counts, now: datetime, *, at_once: bool = False) -> int:
    """Write finished and counted journal files as Parquet, then remove them; how many events."""
    folder = kept.folder_of(home)
    finished = [path for path in journal.files(journal.folder_of(home)) if _is_over(held, path)]
    if not finished or not (at_once or _is_time(finished, now)):
        return 0
    gone = kept.held_journals(folder)
    _drop(held, [path for path in finished if path.name in gone])
    count = 0
    for day, files in groupby([path for path in finished if path.name not in gone], _day_of):
        together = list(files)
        rows = (_row(event, raw, received) for path in together for event, raw, received in _new_of(held, path))
        told = _totals(held, together)
        count += kept.write(
            _free(folder, f"{day}"), (pseudonymous(held, row) for row in rows), [path.name for path in together], told
        )
        _drop(held, together)
    return count


def _is_over(held: Counts, path: Path) -> bool:
    return journal.is_finished(path) and next(journal.records(path, held.passed(path.name)), None) is None


def _is_time(finished: list[Path], now: datetime) -> bool:
    begun = moments.as_datetime(int(finished[0].name.split("-")[0]) * 1000)
    return now - begun >= OLD or sum(path.stat().st_size for path in finished) >= ENOUGH


def _day_of(path: Path) -> date:
    return moments.as_datetime(int(path.name.split("-")[0]) * 1000).date()


def _free(folder: Path, stem: str) -> Path:
    taken = {path.name for path in folder.glob(f"{stem}-*.parquet")}
    return next(folder / name for no in range(1, 1_000_000) if (name := f"{stem}-{no:05d}.parquet") not in taken)


def _drop(held: Counts, files: list[Path]) -> None:
    """Files first: a place without its file is nothing, a file without its place would be counted again."""
    kept.remove(files)
    with held.transaction():
        held.forget_journals(path.name for path in files)


def _new_of(held: Counts, path: Path) -> Iterator[tuple[Event, Any, int]]:
    """The events of a counted file that were new when it was counted."""
    fresh = iter(held.fresh(path.name))
    for record in journal.records(path):
        call = calls.kept(record.payload)
        for event, raw in zip(calls.events_of(call, record.received), call.good, strict=True):
            if next(fresh, 0) and event is not None:
                yield event, raw, record.received


def _totals(held: Counts, files: list[Path]) -> dict[str, int]:
    told: Counter[str] = Counter()
    for path in files:
        fresh = held.fresh(path.name)
        bad = sum(record.events for record in journal.records(path)) - len(fresh)
        told += Counter(received=len(fresh) + bad, distinct=sum(fresh), repeated=len(fresh) - sum(fresh), rejected=bad)
    return dict(told)


def _row(event: Event, raw: Any, received: int) -> Row:
    return {
        "id": event.id, "kind": event.kind, "actor": event.actor, "also": event.also, "feature": event.feature, "grp": event.group,
        "at": _naive(event.at), "received_at": _naive(received), "is_redated": event.is_redated,
        "traits": json.dumps(event.traits) if event.traits else None, "event": json.dumps(raw),
    }  # fmt: skip


def pseudonymous(held: Counts, row: Row) -> Row:
    """The row without the ids of people who were erased."""
    erased = [name for name in ("actor", "also") if row[name] and held.links.pseudonym(row[name])]
    if not erased:
        return row
    return {**row, **{name: held.links.pseudonym(row[name]) for name in erased}, "traits": None, "event": None}


def _naive(at: int) -> datetime:
    return moments.as_datetime(at).replace(tzinfo=None)


# -- past their time -----------------------------------------------------------------------------------------------


def tidy(home: Path, held: Counts, now: datetime) -> None:
    """Put the parts of days that are over together, and let go of single events past their time. Once an hour at most."""
    folder = kept.folder_of(home)
    if not folder.is_dir() or timedelta(0) <= now - datetime.fromtimestamp(held.mark("tidied_at"), UTC) < TIDY_EVERY:
        return
    _sweep(folder, journal.folder_of(home), now)
    days = kept_days()
    today = now.astimezone(UTC).date()
    # an event of a day's file may have come in on the day after
    last = today - timedelta(days=days + 1) if days is not None else None
    if last is not None:
        age(folder, last, held.days.zone)
        with held.transaction():
            held.forget_rejects(moments.micros(now - timedelta(days=days or 0)))
    put_together(folder, today)
    with held.transaction():
        held.set_mark("tidied_at", int(now.timestamp()))


def kept_days() -> int | None:
    """For how many days single events are kept; None: for ever."""
    from holdfast.desk.models import BookSettings

    return BookSettings.now().keep_event_days


def _sweep(folder: Path, journals: Path, now: datetime) -> None:
    """Remove what a crash left: half-written parts, parts that others hold, and journal files that never got their name."""
    whole = {path.name for path in kept.parts(folder)}
    long_ago = (now - TIDY_EVERY).timestamp()
    kept.remove(path for path in journals.glob("*.new") if path.stat().st_mtime < long_ago)
    kept.remove([*folder.glob("*.tmp"), *(path for path in folder.glob("*.parquet") if path.name not in whole)])


def put_together(folder: Path, today: date) -> None:
    """One part for each day that is over, but for large ones."""
    small = [path for path in kept.parts(folder) if path.stat().st_size < LARGE and not _is_aged(path)]
    for day, paths in groupby(small, lambda path: path.name[:10]):
        together = list(paths)
        if date.fromisoformat(day) < today and len(together) > 1:
            kept.write_tables(_free(folder, day), kept.tables(together), [p.name for p in together], _sum(together))
            kept.remove(together)


def age(folder: Path, last: date, zone: ZoneInfo) -> None:
    """Of the parts of days up to `last`, ids, counts, groups and who is who stay; the single events go."""
    old = [path for path in kept.parts(folder) if date.fromisoformat(path.name[:10]) <= last and not _is_aged(path)]
    for path in old:
        rows = (row for row in aged(kept.read(path), zone))
        kept.write(_free(folder, f"{path.name[:10]}-aged"), rows, [path.name], _sum([path]))
        kept.remove([path])


def _is_aged(path: Path) -> bool:
    return "-aged-" in path.name


def _sum(paths: list[Path]) -> dict[str, int]:
    told: Counter[str] = Counter()
    for path in paths:
        told.update(kept.about(path).totals)
    return dict(told)


def aged(rows: Iterator[Row], zone: ZoneInfo) -> Iterator[Row]:
    """What stays of single events: of use the id, and counts by person, group, day and feature; of the rest no text."""
    day_of = moments.Days(zone.key)
    counted: Counter[tuple[int, str, str, str]] = Counter()
    for row in rows:
        if row["feature"]:
            day = day_of(moments.micros(row["at"]))
            counted[day, row["actor"], row["grp"], row["feature"]] += 1
            yield {"id": row["id"], "is_redated": row["is_redated"]}
        elif row["kind"] == "other":
            yield {"id": row["id"], "is_redated": row["is_redated"]}
        else:
            yield {**row, "event": None, "traits": row["traits"] if row["kind"] == "group" else None}
    for (day, actor, group, feature), n in sorted(counted.items()):
        at = datetime.fromordinal(day)
        yield {"kind": "count", "at": at, "actor": actor, "grp": group, "feature": feature, "n": n}
