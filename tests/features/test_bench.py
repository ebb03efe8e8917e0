"""The benchmark of the features sees where two contenders do not find the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench import features_pandas

DAY = date(2025, 9, 28)


def written(path: Path, **other: float | None) -> Path:
    values = dict.fromkeys(features_pandas.NAMES, 2.0) | other
    told = {
        "account_id": ["acme"],
        "as_of": [DAY],
        **{name: pa.array([value], pa.float64()) for name, value in values.items()},
    }
    pq.write_table(pa.table(told), path)
    return path


def test_the_same_values_are_no_difference(tmp_path: Path) -> None:
    assert features_pandas.differences(written(tmp_path / "a"), written(tmp_path / "b")) == []
    assert features_pandas.differences(written(tmp_path / "a", nps=None), written(tmp_path / "b", nps=None)) == []


def test_another_value_and_an_unknown_one_are(tmp_path: Path) -> None:
    ours = written(tmp_path / "a")
    assert "contacts: 1 of 1" in features_pandas.differences(ours, written(tmp_path / "b", contacts=3.0))[0]
    assert "nps: 1 of 1" in features_pandas.differences(ours, written(tmp_path / "b", nps=None))[0]


def test_nothing_at_all_is_no_agreement(tmp_path: Path) -> None:
    empty = pq.read_table(written(tmp_path / "a")).slice(0, 0)
    pq.write_table(empty, tmp_path / "none")
    assert features_pandas.differences(tmp_path / "none", tmp_path / "none") == ["nobody pays"]
