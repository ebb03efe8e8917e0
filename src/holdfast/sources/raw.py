"""Raw landing: every state of every object that a connection ever told, as it came.

HOME/landing/raw/<connection>/<stream>/<load id>.<n>.parquet     written by dlt; a load counts once it is in _dlt_loads
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.rawfiles import files as all_files
from holdfast.sources.rawfiles import load_id
from holdfast.sources.source import Object, State

SCHEMA = pa.schema(
    [
        pa.field("object_id", pa.string(), nullable=False),
        pa.field("group_id", pa.string(), nullable=False),
        pa.field("changed_at", pa.timestamp("us")),
        pa.field("seen_at", pa.timestamp("us"), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("deleted", pa.bool_(), nullable=False),
        pa.field("body", pa.string(), nullable=False),
    ]
)
#: the order of an object's states: the other system's time, ours where it tells none, then the order in which they came
IN_ORDER = "coalesce(changed_at, seen_at), seq"
NEWEST_FIRST = "coalesce(changed_at, seen_at) desc, seq desc"

Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Raw:
    """The raw landing of one connection."""

    folder: Path

    def streams(self) -> list[str]:
        """Streams of which anything is there."""
        if not self.folder.exists():
            return []
        return sorted(f.name for f in self.folder.iterdir() if f.is_dir() and not f.name.startswith("_dlt"))

    def committed(self) -> frozenset[str]:
        """The ids of loads that are whole."""
        return frozenset(
            f.name.rpartition("__")[2].removesuffix(".jsonl") for f in (self.folder / "_dlt_loads").glob("*.jsonl")
        )

    def files(self, stream: str) -> list[Path]:
        """The files of a stream that count."""
        whole = self.committed()
        return [file for file in all_files(self.folder / stream) if (load := load_id(file)) is None or load in whole]

    def news(self, stream: str, done: frozenset[str]) -> list[Path]:
        """The files of other loads than those; what is compacted was done before."""
        return [file for file in self.files(stream) if (load := load_id(file)) is not None and load not in done]

    def rows(self, stream: str) -> int:
        """How many objects of a stream are there, the deleted ones left out."""
        files = self.files(stream)
        if not files:
            return 0
        newest = f"select deleted from {_scan(files)} qualify row_number() over (partition by object_id order by {NEWEST_FIRST}) = 1"
        with duckdb.connect() as c:
            return int(c.execute(f"select count(*) from ({newest}) where not deleted").fetchall()[0][0])

    # -- what is known, for reading --------------------------------------------------------------------------

    def known(self, stream: str) -> Known:
        """What is known of a stream's objects, in a form that is small."""
        files = self.files(stream)
        if not files:
            return Known(_empty(), _empty(), _empty(), _empty())
        with duckdb.connect() as c:
            told = c.execute(
                f"select hash(object_id, changed_at, deleted, body) as told from {_scan(files)} order by 1"
            ).fetchnumpy()["told"]
            newest = c.execute(
                f"select hash(object_id) as id, hash(deleted, body) as state, deleted from {_scan(files)} "
                f"qualify row_number() over (partition by object_id order by {NEWEST_FIRST}) = 1 order by 1"
            ).fetchnumpy()
        ids = np.asarray(newest["id"])
        return Known(
            np.asarray(told), ids, np.asarray(newest["state"]), ids[np.asarray(newest["deleted"]).astype(bool)]
        )

    def missing(self, stream: str, listed: Sequence[str]) -> list[tuple[str, str, str]]:
        """Object, group and last body of objects that are not deleted and were not listed."""
        files = self.files(stream)
        if not files:
            return []
        with duckdb.connect() as c:
            c.register("listed", pa.table({"object_id": pa.array(listed, pa.string())}))
            newest = f"select * from {_scan(files)} qualify row_number() over (partition by object_id order by {NEWEST_FIRST}) = 1"
            return c.execute(
                f"select object_id, group_id, body from ({newest}) newest anti join listed using (object_id) where not deleted order by 1"
            ).fetchall()

    # -- what is told, for translating -----------------------------------------------------------------------

    def groups_of(self, streams: Iterable[str], done: frozenset[str]) -> list[str]:
        """Groups of which something came in other loads than those; the old group of an object that moved is among them."""
        found: set[str] = set()
        for stream in streams:
            news, every = self.news(stream, done), self.files(stream)
            if not news:
                continue
            with duckdb.connect() as c:
                found |= {
                    row[0]
                    for row in c.execute(
                        f"select distinct group_id from {_scan(every)} "
                        f"where object_id in (select object_id from {_scan(news)}) and group_id <> ''"
                    ).fetchall()
                }
        return sorted(found)

    def every_group(self, streams: Iterable[str]) -> list[str]:
        """All groups there are."""
        files = [file for stream in streams for file in self.files(stream)]
        if not files:
            return []
        with duckdb.connect() as c:
            return [
                r[0]
                for r in c.execute(
                    f"select distinct group_id from {_scan(files)} where group_id <> '' order by 1"
                ).fetchall()
            ]

    def shared(self, stream: str) -> dict[str, Object]:
        """The newest state of every object of a small stream; deleted ones too, since old objects still name them."""
        files = self.files(stream)
        if not files:
            return {}
        with duckdb.connect() as c:
            rows = c.execute(
                f"select object_id, body from {_scan(files)} qualify row_number() over (partition by object_id order by {NEWEST_FIRST}) = 1"
            ).fetchall()
        return {key: json.loads(body) for key, body in rows}

    def told(
        self, streams: Sequence[str], groups: Sequence[str]
    ) -> Iterator[tuple[str, dict[str, dict[str, list[State]]]]]:
        """Groups in order, each with the states of its objects by stream and id, oldest first.

        An object that moved belongs to the group of its newest state, with all its states.
        """
        parts = [
            f"select {place} as stream, * from {_scan(files)}"
            for place, stream in enumerate(streams)
            if (files := self.files(stream))
        ]
        if not parts or not groups:
            return
        query = f"""
            with state as ({" union all ".join(parts)}),
            home as (
                select stream, object_id, arg_max(group_id, (coalesce(changed_at, seen_at), seq)) as group_id
                from state where object_id in (select object_id from state where group_id in (select group_id from wanted))
                group by all
            )
            select h.group_id, s.stream, s.object_id, s.changed_at, s.seen_at, s.deleted, s.body
            from state s join home h using (stream, object_id) semi join wanted w on h.group_id = w.group_id
            order by h.group_id, s.stream, s.object_id, {IN_ORDER}
        """
        with duckdb.connect() as c:
            c.register("wanted", pa.table({"group_id": pa.array(groups, pa.string())}))
            reader = c.execute(query)
            for group, rows in groupby(_rows(reader), key=lambda row: row[0]):
                objects: dict[str, dict[str, list[State]]] = {}
                for _, place, key, changed, seen, deleted, body in rows:
                    state = State(json.loads(body), _utc(changed), seen.replace(tzinfo=UTC), deleted)
                    objects.setdefault(streams[place], {}).setdefault(key, []).append(state)
                yield str(group), objects


@dataclass(frozen=True)
class Known:
    """What is known of a stream's objects: hashes of all states, and of the newest one by object; sorted. `gone`: those deleted."""

    told: Hashes
    ids: Hashes
    newest: Hashes
    gone: Hashes

    def news(self, rows: pa.Table, listed: Sequence[bool]) -> pa.Table:
        """The rows that say something new. A row without a time of its own is news where it differs from the newest state.

        `listed`: which rows are objects of a listing, so that they are there. One that was gone is back as of now, whenever it says that
        it was changed.
        """
        if not rows.num_rows or not len(self.told):
            return rows
        with duckdb.connect() as c:
            c.register("incoming", rows)
            hashed = c.execute(
                "select hash(object_id, changed_at, deleted, body) as told, hash(object_id) as id, hash(deleted, body) as state, "
                "changed_at is null as timeless from incoming"
            ).fetchnumpy()
        is_told = _among(self.told, np.asarray(hashed["told"]))[0]
        found, place = _among(self.ids, np.asarray(hashed["id"]))
        is_newest = found & (self.newest[place] == np.asarray(hashed["state"]))
        is_known = np.where(np.asarray(hashed["timeless"]), is_newest, is_told).astype(bool)
        if len(self.gone):
            is_back = _among(self.gone, np.asarray(hashed["id"]))[0] & np.asarray(listed)
            place = rows.schema.get_field_index("changed_at")
            changed = pc.if_else(pa.array(is_back), pa.scalar(None, rows.schema.field(place).type), rows["changed_at"])
            rows, is_known = rows.set_column(place, rows.schema.field(place), changed), is_known & ~is_back
        return rows.filter(pa.array(~is_known))


def _among(sorted_hashes: Hashes, wanted: Hashes) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """Whether each is among the sorted ones, and where."""
    place = np.minimum(np.searchsorted(sorted_hashes, wanted), len(sorted_hashes) - 1)
    return sorted_hashes[place] == wanted, place


def _rows(reader: Any) -> Iterator[tuple[Any, ...]]:
    while some := reader.fetchmany(2_000):
        yield from some


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _scan(files: Sequence[Path]) -> str:
    names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"read_parquet([{names}], union_by_name = true)"


def _empty() -> Hashes:
    return np.array([], dtype=np.uint64)
