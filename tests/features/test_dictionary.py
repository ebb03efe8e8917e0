"""Every feature is promised in one comment line of its SQL file, and made by it."""

from __future__ import annotations

import re
from collections import Counter
from importlib import resources

import duckdb
import pyarrow as pa

from holdfast.domain.feature import GROUPS
from holdfast.warehouse.features import dictionary, measuring
from holdfast.warehouse.features.dictionary import FILES, features_of, text
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

from .company import DAY

UNITS = {
    "accounts", "count", "days", "events", "features", "flag", "hours", "invoices", "minor units", "months", "people", "points",
    "ratio", "seats", "share", "tickets", "weeks",
}  # fmt: skip


def test_there_are_at_least_150_features_in_every_group() -> None:
    assert len(dictionary()) >= 150
    assert {feature.group for feature in dictionary()} == set(GROUPS)


def test_a_name_stands_for_one_feature() -> None:
    assert [name for name, times in Counter(feature.name for feature in dictionary()).items() if times > 1] == []


def test_each_says_what_it_is() -> None:
    for feature in dictionary():
        assert re.fullmatch(r"[A-ZÀ-Þ].*[^.]\.", feature.sentence), feature
        assert feature.unit in UNITS, feature
        assert feature.group in GROUPS, feature
        assert feature.risk in (-1, 0, 1) and feature.growth in (-1, 0, 1), feature


def test_no_line_that_looks_like_a_feature_is_overlooked() -> None:
    for file in FILES:
        lines = [line for line in text(file).splitlines() if re.match(r"^--.*\|.*\|", line)]
        assert len(lines) == len(features_of(file)), file


def test_every_file_makes_the_columns_that_it_promises(ledger: Ledger, records: Records) -> None:
    with measuring.opened(ledger, records) as c:
        measuring.prepare(c, ledger, records, [DAY])
        measuring.measured(c, ledger, records.currency, [DAY])
        for file in FILES:
            assert columns_of(c, file) == {"who_no", "as_of", *(feature.name for feature in features_of(file))}, file


def columns_of(c: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    columns = "select column_name from duckdb_columns() where table_name = ? and database_name = 'temp'"
    found = [row[0] for row in c.execute(columns, [table]).fetchall()]
    assert len(found) == len(set(found))
    return set(found)


def test_the_table_has_keys_attributes_and_every_feature(ledger: Ledger, together: pa.Table) -> None:
    attributes = [f"attribute.{name}" for name in ledger.segments]
    assert together.column_names == ["account_id", "as_of", "mrr_minor", *attributes, *(f.name for f in dictionary())]
    assert together.schema == measuring.schema(ledger)


def test_every_sql_file_is_run_and_says_what_goes_in_and_out() -> None:
    folder = resources.files("holdfast.warehouse.features")
    files = {
        file.name.removesuffix(".sql"): file.read_text() for file in folder.iterdir() if file.name.endswith(".sql")
    }
    assert set(files) == {*FILES, *measuring.SETUP, "spot", "grid"}
    for name, sql in files.items():
        assert len(sql.splitlines()) < 250, name
        assert name == "words" or re.search(r"^-- In: .*Out: ", sql, re.MULTILINE | re.DOTALL), name
