"""Landing: append-only, all or nothing, every row with the time we learned it."""

# ruff: noqa: DTZ001 - days and landed times have no zone

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from holdfast.domain.facts import TABLES
from holdfast.warehouse.landing import PART_ROWS, ROW_GROUP_ROWS, Landing, LandingError, landing_schema

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def usage(*rows: tuple[str, date, int]) -> pa.Table:
    accounts, days, events = zip(*rows, strict=True)
    return pa.table({"account_id": accounts, "day": days, "feature": ["*"] * len(rows), "events": events})


def append(landing: Landing, *tables: pa.Table, table: str = "usage_day", **more: str) -> None:
    landing.append(table, tables, source="test", source_kind="usage", loaded_at=NOON, **more)


def test_a_row_carries_its_load_its_place_in_the_source_and_the_time_we_learned_it(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    append(landing, usage(("a", date(2025, 1, 1), 3), ("a", date(2025, 1, 2), 4)))
    [part] = landing.files("usage_day")
    rows = pq.read_table(part).to_pylist()
    assert part == tmp_path / "landing/usage_day/00000001-0001.parquet"
    assert [(row["load_no"], row["source_row"], row["source_kind"]) for row in rows] == [
        (1, 1, "usage"),
        (1, 2, "usage"),
    ]
    assert {row["learned_at"] for row in rows} == {datetime(2025, 3, 1, 12)}  # UTC, no zone


def test_a_file_has_all_columns_of_its_table_in_their_types(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    append(landing, pa.table({"account_id": ["a"]}), table="account")
    [part] = landing.files("account")
    assert pq.read_schema(part).remove_metadata() == landing_schema(TABLES["account"])


def test_columns_that_a_source_does_not_bring_take_their_default(tmp_path: Path) -> None:
    item = {
        "account_id": ["a"],
        "subscription_id": ["s"],
        "item_id": ["s"],
        "unit_amount_minor": [100],
        "currency": ["USD"],
        "valid_from": [date(2025, 1, 1)],
        "quantity": pa.array([None], pa.int64()),
    }
    landing = Landing(tmp_path)
    append(landing, pa.table(item), table="subscription_item")
    [row] = pq.read_table(landing.files("subscription_item")[0]).to_pylist()
    assert (row["quantity"], row["interval"], row["status"], row["replaces_item"]) == (
        1,
        "month",
        "active",
        False,
    )
    assert row["valid_to"] is None


def test_a_source_may_say_itself_when_and_where_it_learned_a_row(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    table = usage(("a", date(2025, 1, 1), 3))
    table = table.append_column("learned_at", pa.array([datetime(2024, 5, 5)], pa.timestamp("us")))
    table = table.append_column("source_row", pa.array([77])).append_column("source_kind", pa.array(["billing"]))
    append(landing, table)
    [row] = pq.read_table(landing.files("usage_day")[0]).to_pylist()
    assert (row["learned_at"], row["source_row"], row["source_kind"]) == (datetime(2024, 5, 5), 77, "billing")


def test_rows_of_a_part_lie_sorted_by_account_and_the_missing_first(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    states = {"account_id": ["b", "a", "a"], "valid_from": [None, date(2025, 1, 1), None]}
    append(landing, pa.table(states), table="account")
    rows = pq.read_table(landing.files("account")[0]).to_pylist()
    assert [(r["account_id"], r["valid_from"], r["source_row"]) for r in rows] == [
        ("a", None, 3),
        ("a", date(2025, 1, 1), 2),
        ("b", None, 1),
    ]


def test_a_large_load_becomes_several_parts_of_whole_row_groups(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    piece = pa.table(
        {
            "account_id": pa.repeat("a", 500_000),
            "day": pa.repeat(date(2025, 1, 1), 500_000),
            "feature": pa.repeat("*", 500_000),
            "events": pa.repeat(1, 500_000),
        }
    )
    append(landing, *[piece] * 5)
    sizes = [pq.ParquetFile(part).metadata.num_rows for part in landing.files("usage_day")]
    assert sizes == [PART_ROWS, PART_ROWS, 2_500_000 - 2 * PART_ROWS]
    assert pq.ParquetFile(landing.files("usage_day")[0]).metadata.row_group(0).num_rows == ROW_GROUP_ROWS


def test_loads_are_listed_with_what_they_were(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    append(landing, usage(("a", date(2025, 1, 1), 3)), file="line\u2028separator.csv", fingerprint="f1")
    append(landing, usage(("b", date(2025, 1, 1), 3)))
    append(landing, pa.table({"account_id": ["a"]}), table="account")
    assert [(load.load_no, load.table, load.rows) for load in landing.loads()] == [
        (1, "usage_day", 1),
        (2, "usage_day", 1),
        (3, "account", 1),
    ]
    assert landing.loads("usage_day")[0].file == "line\u2028separator.csv"
    assert landing.has("f1") and not landing.has("f2") and not landing.has("")
    assert landing.last_load_no() == 3
    assert [path.name for path in landing.files("usage_day", since_load=1)] == ["00000002-0001.parquet"]


@pytest.mark.parametrize(
    ("table", "columns", "complaint"),
    [
        ("usage", {"account_id": ["a"]}, "no fact table 'usage'"),
        ("account", {"account_id": [None]}, "account.account_id is required"),
        ("account", {"name": ["A"]}, "account.account_id is required"),
        ("account", {"account_id": ["a"], "colour": ["red"]}, "account has no column colour"),
        ("account", {"account_id": ["a"], "valid_from": ["soon"]}, "account.valid_from does not fit"),
    ],
)
def test_rows_that_do_not_fit_are_refused_and_nothing_is_landed(
    tmp_path: Path, table: str, columns: dict[str, list[str | None]], complaint: str
) -> None:
    landing = Landing(tmp_path)
    arrays = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    with pytest.raises(LandingError, match=complaint):
        append(landing, pa.table(arrays), table=table)
    assert landing.loads() == []


def test_a_source_that_fails_half_way_leaves_nothing_to_see(tmp_path: Path) -> None:
    landing = Landing(tmp_path)

    def batches() -> Iterator[pa.Table]:
        big = PART_ROWS * 2
        yield pa.table(
            {
                "account_id": pa.repeat("a", big),
                "day": pa.repeat(date(2025, 1, 1), big),
                "feature": pa.repeat("*", big),
                "events": pa.repeat(1, big),
            }
        )
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        landing.append("usage_day", batches(), source="t", source_kind="usage", loaded_at=NOON)
    assert landing.files("usage_day") == []
    append(landing, usage(("a", date(2025, 1, 1), 1)))
    assert [path.name for path in (tmp_path / "landing/usage_day").iterdir()] == ["00000001-0001.parquet"]


_ENDLESS = """
import sys, datetime, pyarrow as pa
from pathlib import Path
from holdfast.warehouse.landing import Landing, PART_ROWS as many
def batches():
    while True:
        yield pa.table({"account_id": pa.repeat("a", many), "day": pa.repeat(datetime.date(2025, 1, 1), many),
                        "feature": pa.repeat("*", many), "events": pa.repeat(1, many)})
Landing(Path(sys.argv[1])).append("usage_day", batches(), source="t", source_kind="usage",
                                  loaded_at=datetime.datetime(2025, 3, 1))
"""


def test_a_process_killed_in_the_middle_of_an_append_leaves_no_row_and_blocks_nobody(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    append(landing, usage(("kept", date(2025, 1, 1), 1)))
    writer = subprocess.Popen([sys.executable, "-c", _ENDLESS, str(tmp_path)], env=os.environ | _python_path())
    folder = tmp_path / "landing/usage_day"
    deadline = time.monotonic() + 30
    while not (folder / "00000002-0002.parquet").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    assert (folder / "00000002-0001.parquet").exists(), "the writer had begun"
    assert [path.name for path in landing.files("usage_day")] == ["00000001-0001.parquet"]
    append(landing, usage(("next", date(2025, 1, 2), 1)))
    assert [load.load_no for load in landing.loads()] == [1, 2]
    assert sorted(path.name for path in folder.iterdir()) == [
        "00000001-0001.parquet",
        "00000002-0001.parquet",
    ]
    assert pq.read_table(landing.files("usage_day")[1]).num_rows == 1


def _python_path() -> dict[str, str]:
    return {"PYTHONPATH": os.pathsep.join(sys.path)}


def test_half_a_manifest_line_never_happened(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    append(landing, usage(("a", date(2025, 1, 1), 1)))
    with landing.manifest.open("a") as manifest:
        manifest.write('{"load_no": 2, "table": "usage_day", "par')
    assert landing.last_load_no() == 1
    append(landing, usage(("b", date(2025, 1, 1), 1)))
    assert [load.load_no for load in landing.loads()] == [1, 2]
    assert len(landing.files("usage_day")) == 2


_ONE = """
import sys, datetime, pyarrow as pa
from pathlib import Path
from holdfast.warehouse.landing import Landing
for n in range(5):
    account = pa.table({"account_id": [sys.argv[2] + str(n)]})
    Landing(Path(sys.argv[1])).append("account", [account], source="t", source_kind="crm",
                                      loaded_at=datetime.datetime(2025, 3, 1))
"""


def test_two_processes_that_append_at_once_take_turns(tmp_path: Path) -> None:
    environment = os.environ | _python_path()
    writers = [subprocess.Popen([sys.executable, "-c", _ONE, str(tmp_path), name], env=environment) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    landing = Landing(tmp_path)
    assert [load.load_no for load in landing.loads()] == list(range(1, 11))
    landed = [row["account_id"] for path in landing.files("account") for row in pq.read_table(path).to_pylist()]
    assert sorted(landed) == sorted(f"{name}{n}" for name in "ab" for n in range(5))
