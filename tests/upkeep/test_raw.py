"""Raw files: few instead of many, the newest state of every object kept, and nobody reads a state twice or misses one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.sources.raw import SCHEMA, Raw
from holdfast.sources.rawfiles import GRACE, compact_raw, files, load_id

NOW = datetime(2026, 1, 10, tzinfo=UTC)
START = datetime(2026, 1, 1)  # noqa: DTZ001  as raw files have it: UTC without a zone


def put(folder: Path, load: int, *states: tuple[str, int], seq: int = 0) -> Path:
    """A file of load `17.<load>` with states (object, day on which it changed and was seen)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"17.{load}.f{seq}.parquet"
    rows = [
        {
            "object_id": name, "group_id": f"g{name}", "changed_at": START + timedelta(days=day), "seen_at": START + timedelta(days=day),
            "seq": load, "deleted": False, "body": json.dumps({"id": name, "day": day}),
        }
        for name, day in states
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), path)
    return path


def states(folder: Path) -> list[tuple[str, int]]:
    rows = [row for file in files(folder) for row in pq.read_table(file).to_pylist()]
    return sorted((row["object_id"], json.loads(row["body"])["day"]) for row in rows)


def test_many_files_become_one_with_the_same_states(tmp_path: Path) -> None:
    for load in range(1, 41):
        put(tmp_path, load, ("a", load % 7), (f"b{load}", 1))
    before = states(tmp_path)
    done = compact_raw(tmp_path, None, {f"17.{n}" for n in range(1, 41)}, NOW)
    assert done is not None and (done.files_before, done.files_after, done.rows, done.dropped) == (40, 1, 80, 0)
    assert [path.name for path in files(tmp_path)] == ["compacted-1.1.parquet"]
    assert states(tmp_path) == before
    assert compact_raw(tmp_path, None, {f"17.{n}" for n in range(1, 41)}, NOW) is None, "a second time changes nothing"
    [only] = files(tmp_path)
    table = pq.read_table(only)
    assert table.schema.equals(SCHEMA)
    assert table["group_id"].to_pylist() == sorted(table["group_id"].to_pylist()), "a group lies together"


def test_loads_that_were_not_named_stay_as_they_are(tmp_path: Path) -> None:
    kept = put(tmp_path, 3, ("c", 1))
    for load in (1, 2):
        put(tmp_path, load, ("a", load))
    compact_raw(tmp_path, None, {"17.1", "17.2"}, NOW)
    assert [(path.name, load_id(path)) for path in files(tmp_path)] == [
        ("compacted-1.1.parquet", None),
        (kept.name, "17.3"),
    ]


def test_a_load_that_is_repeated_after_a_crash_stays_replaced(tmp_path: Path) -> None:
    for load in (1, 2):
        put(tmp_path, load, ("a", load))
    compact_raw(tmp_path, None, {"17.1", "17.2"}, NOW)
    later = NOW + GRACE + timedelta(hours=1)
    compact_raw(tmp_path, None, set(), later)
    assert not (tmp_path / "17.1.f0.parquet").exists()
    put(tmp_path, 1, ("a", 1))
    assert states(tmp_path) == [("a", 1), ("a", 2)]
    put(tmp_path, 3, ("a", 3))
    put(tmp_path, 4, ("a", 4))
    compact_raw(tmp_path, None, {f"17.{n}" for n in range(1, 5)}, later)
    assert states(tmp_path) == [("a", 1), ("a", 2), ("a", 3), ("a", 4)]


def test_replaced_files_stay_for_who_is_about_to_read_them(tmp_path: Path) -> None:
    held = [put(tmp_path, load, ("a", load)) for load in (1, 2)]
    compact_raw(tmp_path, None, {"17.1", "17.2"}, NOW)
    compact_raw(tmp_path, None, set(), NOW + GRACE - timedelta(seconds=1))
    assert all(path.exists() for path in held)
    compact_raw(tmp_path, None, set(), NOW + GRACE + timedelta(seconds=1))
    assert not any(path.exists() for path in held)


def test_states_superseded_before_the_time_kept_are_let_go_and_the_newest_never(tmp_path: Path) -> None:
    """`a` changed on days 1, 2 and 7, `b` on day 1 alone. What was followed before day 5 goes, wherever it lies."""
    put(tmp_path, 1, ("a", 1), ("b", 1))
    put(tmp_path, 2, ("a", 2))
    compact_raw(tmp_path, None, {"17.1", "17.2"}, NOW)
    put(tmp_path, 3, ("a", 7))
    done = compact_raw(tmp_path, datetime(2026, 1, 6, tzinfo=UTC), {"17.1", "17.2", "17.3"}, NOW)
    assert done is not None and done.dropped == 1
    assert states(tmp_path) == [("a", 2), ("a", 7), ("b", 1)], "day 2 was the newest until day 7"
    compact_raw(tmp_path, datetime(2026, 1, 9, tzinfo=UTC), {"17.3"}, NOW)
    assert states(tmp_path) == [("a", 7), ("b", 1)]


def test_readers_of_a_connection_see_the_same(tmp_path: Path) -> None:
    """Through raw.py: whole loads alone count, and a compacted one is not news to anybody."""
    raw = Raw(tmp_path)
    (tmp_path / "_dlt_loads").mkdir()
    for load in range(1, 6):
        put(tmp_path / "things", load, ("a", load), ("b", 9 - load))
        if load < 5:
            (tmp_path / "_dlt_loads" / f"x__17.{load}.jsonl").write_text("")
    before = list(raw.told(["things"], ["ga", "gb"]))
    assert len(before[0][1]["things"]["a"]) == 4
    compact_raw(tmp_path / "things", None, raw.committed(), NOW)
    assert len(raw.files("things")) == 1
    assert list(raw.told(["things"], ["ga", "gb"])) == before
    assert raw.news("things", frozenset()) == []


COMPACT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from holdfast.sources.rawfiles import compact_raw
print("ready", flush=True)
compact_raw(Path(sys.argv[1]), datetime(2026, 1, 4, tzinfo=UTC), {f"17.{n}" for n in range(1, 500)}, datetime(2026, 1, 10, tzinfo=UTC))
"""


@pytest.mark.slow
def test_a_compaction_cut_off_anywhere_loses_and_repeats_nothing(tmp_path: Path) -> None:
    kills = int(os.environ.get("HOLDFAST_KILLS", "3"))
    for number in range(kills):
        folder = tmp_path / str(number)
        for load in range(1, 150):
            put(folder, load, ("a", load % 9), (f"b{load}", 1))
        newest = {(name, day) for name, day in states(folder) if day == 8 or name != "a"}
        whole = states(folder)
        child = subprocess.Popen(
            [sys.executable, "-c", COMPACT, str(folder)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        )  # fmt: skip
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        time.sleep(0.5 * number / kills)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        assert states(folder) == whole or newest <= set(states(folder))
        compact_raw(folder, datetime(2026, 1, 4, tzinfo=UTC), {f"17.{n}" for n in range(1, 500)}, NOW)
        left = states(folder)
        # the last state of day 2 held until day 3, which is kept
        assert len(left) == len(whole) - sum(1 for name, day in whole if name == "a" and day <= 2) + 1
        assert newest <= set(left)
