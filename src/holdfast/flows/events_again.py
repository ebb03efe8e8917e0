"""Events once more: the counts made anew from landing, and a person forgotten in them."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from holdfast.events import kept, moments
from holdfast.events.counts import Counts
from holdfast.events.reading import Event
from holdfast.flows.events_kept import pseudonymous

#: rows of one step
AT_ONCE = 20_000

Row = dict[str, Any]


def ready(home: Path, held: Counts) -> None:
    """The counts are there; where they are lost, or were cut off while they were made, they are made of landing."""
    if not held.mark("is_ready"):
        replay(home, held)


def replay(home: Path, held: Counts) -> None:
    """Make the counts anew from what landing keeps, in one transaction; the journal is counted afterwards, from its beginning."""
    with held.transaction():
        held.empty()
        for path in kept.parts(kept.folder_of(home)):
            rows = kept.read(path)
            while some := list(islice(rows, AT_ONCE)):
                _replay(held, some)
            # all but the new ones, which counted themselves
            told = kept.about(path).totals
            held.add_totals({name: told.get(name, 0) for name in ("received", "repeated", "rejected")})
        held.set_mark("is_ready", 1)


def _replay(held: Counts, rows: list[Row]) -> None:
    events = [row for row in rows if row["kind"] not in (None, "count")]
    held.add([_event(row) for row in events], is_told=False)
    bare = [row for row in rows if row["kind"] is None]
    held.see(row["id"] for row in bare)
    held.add_totals({"distinct": len(bare), "redated": sum(bool(row["is_redated"]) for row in bare)})
    held.add_counts(
        (
            row["at"].date().toordinal(), held.links.actor(row["actor"]), held.links.group(row["grp"]) if row["grp"] else 0,
            held.feature(row["feature"]), row["n"],
        )
        for row in rows if row["kind"] == "count"
    )  # fmt: skip


def _event(row: Row) -> Event:
    return Event(
        row["id"], row["kind"], moments.micros(row["at"]), row["actor"], row["also"] or "", row["grp"] or "", row["feature"] or "",
        json.loads(row["traits"]) if row["traits"] else {}, bool(row["is_redated"]),
    )  # fmt: skip


# -- forgotten -----------------------------------------------------------------------------------------------------


def erase(home: Path, held: Counts, email: str) -> dict[str, int]:
    """Give a person's ids meaningless names in counts and kept events, and forget what was told of them and by them."""
    wanted = email.strip().lower()
    if not wanted:
        return {"people": 0, "events": 0, "rejects": 0}
    names = held.links.known_by(wanted)
    with held.transaction():
        for name in names:
            held.links.erase(name, f"erased-{secrets.token_hex(8)}")
        rejects = held.forget_rejects_with([*names, email.strip()])
    # a crash before the end of this leaves the names known as erased: asked again, the rest is done
    return {"people": len(names), "events": _rewrite(home, held), "rejects": rejects}


def _rewrite(home: Path, held: Counts) -> int:
    """Kept events without the ids of all who were erased; how many were changed."""
    changed = 0
    folder = kept.folder_of(home)
    for path in kept.parts(folder) if folder.is_dir() else []:
        of = sum(row != pseudonymous(held, row) for row in kept.read(path))
        if of:
            about = kept.about(path)
            anew = path.with_name(f"{path.stem}e.parquet")
            kept.write(anew, _without(held, path), [*about.of, path.name], about.totals)
            kept.remove([path])
            changed += of
    return changed


def _without(held: Counts, path: Path) -> Iterator[Row]:
    for row in kept.read(path):
        yield pseudonymous(held, row)
