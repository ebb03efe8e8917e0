"""SQL: the rows of any database are read as a file of them would be; only reading is possible, and only where it is allowed."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.facts import TABLES
from holdfast.flows.load import load
from holdfast.sources.access import Access
from holdfast.sources.shelf.sql import SOURCE, check
from holdfast.sources.source import Facts, SourceError
from holdfast.sources.sql_reading import query_of, safe
from holdfast.warehouse.landing import Landing

from ..postgres.conftest import Cluster, cluster  # noqa: F401 - a server of its own
from ..records.company import FILES
from .harness import Reader

pytestmark = pytest.mark.slow

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
naive = datetime.fromisoformat
LATER = NOW + timedelta(hours=1)
NEXT_DAY = NOW + timedelta(days=1)


class Database:
    """A SQLite file below a folder that may be read."""

    def __init__(self, folder: Path) -> None:
        self.path, self.folder = folder / "data" / "shop.db", folder
        self.path.parent.mkdir()

    def run(self, *statements: str) -> None:
        with sqlite3.connect(self.path) as db:
            for one in statements:
                db.executescript(one)
        db.close()

    def reader(self, **settings: str) -> Reader:
        return Reader(SOURCE, self.folder / "connection", settings, {"url": f"sqlite:///{self.path}"})

    def access(self, **settings: str) -> Access:
        return Access(settings, {"url": f"sqlite:///{self.path}"})


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("HOLDFAST_ALLOW_PATHS", str(tmp_path / "data"))
    return Database(tmp_path)


TICKETS = """
    create table tickets (id integer primary key, customer_id text, created_at text, priority text, subject text, updated_at text);
    insert into tickets values (1, 'acme', '2026-01-05 10:00:00', 'High', 'Zürich: down 🔥', '2026-01-05T10:00:00Z');
    insert into tickets values (2, 'acme', '2026-01-06 10:00:00', 'p3', null, '2026-01-06T10:00:00Z');
    insert into tickets values (3, 'bolt', '2026-01-07 10:00:00', 'low', 'x', '2026-01-07T10:00:00Z');
"""


def told(facts: Facts, table: str, *names: str) -> list[tuple[Any, ...]]:
    return sorted((tuple(row.get(name) for name in names) for row in facts.rows.get(table, [])), key=str)


# -- as a file of them would be read -----------------------------------------------------------------------------


def test_a_table_is_understood_without_a_mapping(database: Database) -> None:
    database.run(TICKETS)
    reader = database.reader(table="tickets")
    assert reader.pull(NOW).new == {"layout": 1, "row": 3}
    assert told(reader.facts(NOW), "ticket", "ticket_id", "account_id", "opened_at", "priority", "subject") == [
        ("1", "acme", naive("2026-01-05 10:00"), "high", "Zürich: down 🔥"),
        ("2", "acme", naive("2026-01-06 10:00"), "normal", None),
        ("3", "bolt", naive("2026-01-07 10:00"), "low", "x"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", [name.removesuffix(".csv") for name in FILES])
def test_a_table_says_what_its_csv_says(name: str, tmp_path: Path, database: Database) -> None:
    """What `holdfast load` lands of a file is what the source tells of a table with the same columns and texts."""
    lines = [line.strip() for line in FILES[f"{name}.csv"].strip("\n").split("\n")]
    file = tmp_path / f"{name}.csv"
    file.write_text("\n".join(lines))
    header, *rows = list(csv.reader(lines))
    columns = ", ".join(f'"{column}" text' for column in header)
    with sqlite3.connect(database.path) as db:
        db.execute(f'create table "{name}" ({columns})')
        cells = [[cell or None for cell in row] for row in rows]
        db.executemany(f'insert into "{name}" values ({", ".join("?" * len(header))})', cells)
    db.close()
    report = load(
        tmp_path / "home", [file], mapping=None, now=NOW, currency="USD", timezone="UTC", reporter=lambda _: None
    )
    assert report.files[0].table == name and not report.files[0].rejects
    reader = database.reader(table=name)
    reader.pull(NOW)
    found = reader.facts(NOW)
    assert not found.bad
    for table in (name, "account"):
        assert comparable(table, found.rows.get(table, [])) == comparable(table, landed(tmp_path / "home", table))


def landed(home: Path, table: str) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    return [row for file in Landing(home).files(table) for row in pq.read_table(file).to_pylist()]


def comparable(table: str, rows: list[dict[str, Any]]) -> list[str]:
    """Rows with their defaults, without what says where they came from."""
    found = []
    for row in rows:
        whole = {c.name: row[c.name] if row.get(c.name) is not None else c.default for c in TABLES[table].columns}
        whole.pop("replaces_item", None)
        if "attributes" in whole:
            whole["attributes"] = sorted(dict(whole["attributes"] or {}).items())
        found.append(str(whole))
    return sorted(found)


def test_a_query_names_columns_plainly(database: Database) -> None:
    database.run(
        "create table t (a text, b text, c real, d text); insert into t values ('acme', '2026-01-05', 41.5, 'h')"
    )
    reader = database.reader(
        query="select a as account, 'hours: saved' as measure, b as day, c as value, d as unit from t"
    )
    reader.pull(NOW)
    assert told(reader.facts(NOW), "outcome", "account_id", "measure", "day", "value", "unit") == [
        ("acme", "hours: saved", date(2026, 1, 5), 41.5, "h")
    ]


def test_a_mapping_that_is_given_holds(database: Database) -> None:
    database.run(
        "create table t (wer text, wann text, was text, wieviel text); insert into t values ('a', '05.01.2026', 'x', '1.234')"
    )
    mapping = """
        table = "usage_day"
        decimal = ","
        [columns]
        account_id = "wer"
        day = "wann"
        feature = "was"
        events = "wieviel"
        [date_format]
        wann = "dmy"
    """
    reader = database.reader(table="t", mapping=mapping)
    reader.pull(NOW)
    assert told(reader.facts(NOW), "usage_day", "account_id", "day", "feature", "events") == [
        ("a", date(2026, 1, 5), "x", 1234)
    ]


def test_the_table_can_be_said(database: Database) -> None:
    database.run(
        "create table t (account_id text, metric text, date text, value integer); insert into t values ('a', 'x', '2026-01-01', 3)"
    )
    assert "read as outcome" in check(database.access(table="t")).who
    with pytest.raises(SourceError, match="not recognised"):
        check(database.access(table="t", as_table="ticket"))


def test_amounts_are_in_the_companys_currency_unless_one_is_named(database: Database) -> None:
    database.run(
        "create table spend (month text, category text, amount text, amount_chf text); insert into spend values ('2026-01', 'sales', '1200', '7')"
    )
    reader = database.reader(query="select month, category, amount from spend", as_table="spend")
    reader.pull(NOW)
    assert told(reader.facts(NOW, currency="JPY"), "spend", "amount_minor", "currency") == [(1200, "JPY")]
    assert told(reader.facts(NOW, currency="EUR"), "spend", "amount_minor", "currency") == [(120000, "EUR")]
    other = Reader(
        SOURCE, database.folder / "b", {"query": "select month, category, amount_chf from spend"}, reader.access.secrets
    )
    other.pull(NOW)
    assert told(other.facts(NOW, currency="JPY"), "spend", "amount_minor", "currency") == [(700, "CHF")]


def test_days_are_days_in_the_companys_time_zone(database: Database) -> None:
    database.run(
        "create table usage (account_id text, day text, events integer); insert into usage values ('a', '2026-01-01T23:30:00Z', 3)"
    )
    reader = database.reader(table="usage")
    reader.pull(NOW)
    assert told(reader.facts(NOW, timezone="Europe/Berlin"), "usage_day", "day", "feature") == [(date(2026, 1, 2), "*")]


def test_a_bad_row_is_told_and_the_others_are_read(database: Database) -> None:
    database.run(
        TICKETS,
        "insert into tickets values (4, 'acme', '2026-02-30', 'low', 'x', null), (5, null, '2026-01-01', 'low', 'x', null)",
    )
    reader = database.reader(table="tickets")
    reader.pull(NOW)
    found = reader.facts(NOW)
    assert len(found.rows["ticket"]) == 3
    assert sorted((bad.object_id, bad.field, bad.value) for bad in found.bad) == [
        ("[4]", "created_at", "2026-02-30"), ("[5]", "customer_id", ""),
    ]  # fmt: skip


# -- what changed --------------------------------------------------------------------------------------------------


def test_a_cursor_asks_for_what_changed_alone(database: Database) -> None:
    database.run(TICKETS)
    reader = database.reader(table="tickets", cursor="updated_at")
    reader.pull(NOW)
    database.run(
        "update tickets set priority = 'urgent', updated_at = '2026-01-09T10:00:00Z' where id = 2",
        "update tickets set priority = 'urgent' where id = 1",  # without telling when
        "insert into tickets values (9, 'acme', '2026-01-09 10:00:00', 'low', 'new', '2026-01-09 10:00:00')",
    )
    again = reader.pull(LATER)
    assert again.listed["row"] == 3  # the newest before, which is asked for again, and the two that tell
    assert told(reader.facts(LATER), "ticket", "ticket_id", "priority") == [
        ("1", "high"), ("2", "urgent"), ("3", "low"), ("9", "low"),
    ]  # fmt: skip
    assert reader.pull(NEXT_DAY).whole == {"layout", "row"}
    assert ("1", "urgent") in told(reader.facts(NEXT_DAY), "ticket", "ticket_id", "priority")


@pytest.mark.parametrize(
    ("first", "second"), [(1767600000, 1767700000), (1767600000000, 1767700000000), ("'2026-01-05'", "'2026-01-06'")]
)
def test_a_cursor_may_be_a_number_of_seconds_or_a_day(database: Database, first: Any, second: Any) -> None:
    database.run(
        "create table touches (id text, account_id text, happened_at text, at)",
        f"insert into touches values ('1', 'a', '2026-01-05', {first})",
    )
    reader = database.reader(table="touches", cursor="at")
    reader.pull(NOW)
    database.run(f"insert into touches values ('2', 'a', '2026-01-06', {second})")
    assert reader.pull(LATER).new == {"row": 1}
    assert len(reader.facts(NOW).rows["touch"]) == 2


def test_without_a_cursor_everything_is_listed_and_only_news_is_kept(database: Database) -> None:
    database.run(TICKETS)
    reader = database.reader(table="tickets")
    reader.pull(NOW)
    assert reader.pull(LATER).new == {}
    database.run("update tickets set priority = 'urgent' where id = 2")
    again = reader.pull(NEXT_DAY)
    assert again.listed["row"] == 3 and again.new == {"row": 1}


def test_a_row_that_is_gone_from_a_table_is_deleted(database: Database) -> None:
    database.run(TICKETS)
    reader = database.reader(table="tickets")
    reader.pull(NOW)
    database.run("delete from tickets where id = 2")
    reader.pull(NEXT_DAY)
    assert told(reader.facts(NEXT_DAY), "ticket", "ticket_id", "deleted") == [("1", None), ("2", True), ("3", None)]


def test_a_row_that_a_query_does_not_look_at_any_more_is_kept(database: Database) -> None:
    database.run(TICKETS)
    reader = database.reader(query="select * from tickets where id > (select count(*) from tickets) - 3")
    reader.pull(NOW)
    database.run("insert into tickets values (4, 'acme', '2026-01-09', 'low', 'x', null)")
    reader.pull(NEXT_DAY)
    assert told(reader.facts(NEXT_DAY), "ticket", "ticket_id", "deleted") == [
        ("1", None),
        ("2", None),
        ("3", None),
        ("4", None),
    ]
    reader.access = Access(dict(reader.access.settings) | {"gone": "deleted"}, reader.access.secrets)
    assert ("1", True) in told(reader.facts(NEXT_DAY), "ticket", "ticket_id", "deleted")


def test_usage_that_is_counted_anew_takes_the_place_of_what_was_counted(database: Database) -> None:
    database.run(
        "create table usage (account_id text, day text, feature text, events integer)",
        "insert into usage values ('a', '2026-01-01', 'x', 3), ('a', '2026-01-01', 'x', 4), ('a', '2026-01-02', 'x', 1)",
    )
    reader = database.reader(table="usage")
    reader.pull(NOW)
    assert told(reader.facts(NOW), "usage_day", "day", "events") == [(date(2026, 1, 1), 7), (date(2026, 1, 2), 1)]
    database.run("update usage set events = 9 where events = 3", "delete from usage where events = 1")
    reader.pull(NEXT_DAY)
    assert told(reader.facts(NEXT_DAY), "usage_day", "day", "events") == [(date(2026, 1, 1), 13), (date(2026, 1, 2), 0)]


def test_a_subscription_that_begins_otherwise_leaves_nothing_of_what_it_was(database: Database) -> None:
    database.run(
        "create table subscriptions (id text, customer_id text, start_date text, end_date text, mrr numeric)",
        "insert into subscriptions values ('s1', 'a', '2026-01-01', null, 100.5), ('s2', 'a', '2026-01-01', null, 20)",
    )
    reader = database.reader(table="subscriptions", key="id")
    reader.pull(NOW)
    database.run(
        "update subscriptions set start_date = '2026-02-01' where id = 's1'",
        "delete from subscriptions where id = 's2'",
    )
    reader.pull(NEXT_DAY)
    rows = told(
        reader.facts(NEXT_DAY),
        "subscription_item",
        "item_id",
        "valid_from",
        "unit_amount_minor",
        "replaces_item",
        "deleted",
    )
    assert rows == [("s1", date(2026, 2, 1), 10050, True, None), ("s2", date(2026, 1, 1), 2000, True, True)]


def test_an_accounts_states_hold_from_the_day_they_were_told(database: Database) -> None:
    database.run(
        "create table customers (id text, name text, industry text); insert into customers values ('a', 'Acme', 'Retail')"
    )
    reader = database.reader(table="customers")
    reader.pull(NOW)
    database.run("update customers set industry = 'Health'")
    reader.pull(NEXT_DAY)
    reader.pull(NEXT_DAY + timedelta(days=1))
    assert told(reader.facts(NEXT_DAY), "account", "name", "attributes", "valid_from") == [
        ("Acme", {"industry": "Health"}, date(2026, 3, 2)), ("Acme", {"industry": "Retail"}, None),
    ]  # fmt: skip


def test_key_columns_that_do_not_tell_rows_apart_are_refused(database: Database) -> None:
    database.run(TICKETS)
    with pytest.raises(SourceError, match="two rows have customer_id acme"):
        check(database.access(table="tickets", key="customer_id"))


# -- exactness -----------------------------------------------------------------------------------------------------


def test_values_lose_nothing() -> None:
    berlin = datetime.fromisoformat("2026-03-31T01:30:00.123456+02:00")
    assert safe(Decimal("12345678901234567890.10")) == "12345678901234567890.10"
    assert safe(Decimal("1E+3")) == "1000" and safe(Decimal("NaN")) is None and safe(float("inf")) is None
    assert safe(berlin) == "2026-03-30 23:30:00.123456+00:00" and safe(naive("2026-01-02")) == "2026-01-02 00:00:00"
    assert safe(date(2026, 1, 2)) == "2026-01-02" and safe(2**60) == 2**60 and safe(True) is True
    assert safe(b"\x00\xff") == "00ff" and safe({"a": [Decimal("1.0")]}) == {"a": ["1.0"]}


# -- only reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "delete from tickets", "update tickets set id = 1", "insert into tickets values (1)", "drop table tickets", "pragma user_version",
        "attach 'x.db' as x", "select 1; delete from tickets", "select 1; select 2", "vacuum", "with x as (select 1) delete from tickets",
        "create table t as select 1", "select * into t from tickets", "nonsense",
    ],
)  # fmt: skip
def test_only_one_select_is_taken(database: Database, query: str) -> None:
    database.run(TICKETS)
    with pytest.raises(SourceError):
        check(database.access(query=query))


@pytest.mark.parametrize(
    "query",
    [
        "select * from tickets;", "with t as (select * from tickets) select * from t -- all of them", "select * from (select * from tickets) as x",
        "select * from tickets union all select * from tickets where 1 = 0",
    ],
)  # fmt: skip
def test_a_select_of_any_form_is_taken(database: Database, query: str) -> None:
    database.run(TICKETS)
    assert check(database.access(query=query)).seen == {"row": 3}


def test_the_name_of_a_table_is_only_a_name(database: Database) -> None:
    database.run(TICKETS)
    for name in ('tickets" where 0; drop table tickets; --', "tickets union select 1", "a.b.c.d", "."):
        with pytest.raises(SourceError):
            check(database.access(table=name))
    assert check(database.access(table="main.tickets")).seen == {"row": 3}


def test_a_file_is_opened_for_reading_only(database: Database) -> None:
    from sqlalchemy.exc import SQLAlchemyError

    from holdfast.sources.sql_address import connected

    database.run(TICKETS)
    with connected(f"sqlite:///{database.path}", 5) as connection, pytest.raises(SQLAlchemyError, match="readonly"):
        connection.exec_driver_sql("delete from tickets")


def test_a_query_without_an_end_is_stopped(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.run(TICKETS)
    monkeypatch.setattr("holdfast.sources.sql_reading.TIMEOUT", 1)
    endless = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n where i < 0"
    with pytest.raises(SourceError, match="interrupted"):
        check(database.access(query=endless))


# -- only where it is allowed --------------------------------------------------------------------------------------


def test_files_outside_the_named_folders_are_not_opened(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.run(TICKETS)
    (tmp_path / "data-not").mkdir()
    for name in ("other.db", "data-not/other.db"):
        (tmp_path / name).write_bytes(database.path.read_bytes())
    (tmp_path / "data" / "link.db").symlink_to(tmp_path / "other.db")
    here = str(tmp_path)
    for path in (
        f"{here}/other.db",
        f"{here}/data-not/other.db",
        f"{here}/data/../other.db",
        f"{here}/data/link.db",
        "shop.db",
        ":memory:",
        "",
    ):
        with pytest.raises(SourceError, match=r"HOLDFAST_ALLOW_PATHS|whole path"):
            check(Access({"table": "tickets"}, {"url": f"sqlite:///{path}"}))
    monkeypatch.delenv("HOLDFAST_ALLOW_PATHS")
    with pytest.raises(SourceError, match="HOLDFAST_ALLOW_PATHS"):
        check(database.access(table="tickets"))


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("postgresql://u:s3cret@127.0.0.1/db", "127.0.0.1 is a private address"), ("postgresql://u:s3cret@localhost/db", "private address"),
        ("postgresql://u:s3cret@10.0.0.5/db", "private address"), ("postgresql://u:s3cret@[::1]/db", "private address"),
        ("postgresql:///db", "names no host"), ("postgresql://u:s3cret@/db?host=/var/run/postgresql", "'host', which may not be set"),
        ("postgresql://u:s3cret@8.8.8.8/db?hostaddr=10.0.0.5", "'hostaddr'"), ("mysql://u:s3cret@8.8.8.8/db?unix_socket=/x", "'unix_socket'"),
        ("postgresql://u:s3cret@8.8.8.8/db?sslrootcert=/etc/passwd", "'sslrootcert'"), ("duckdb:////etc/passwd", "not a kind of database"),
        ("nonsense", "cannot be read"), ("", "cannot be read"), ("postgresql://u:s3cret@db.invalid/db", "there is no host"),
    ],
)  # fmt: skip
def test_addresses_that_lead_inside_are_refused(url: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOLDFAST_ALLOW_HOSTS", raising=False)
    with pytest.raises(SourceError, match=problem) as refused:
        check(Access({"table": "t"}, {"url": url}))
    assert "s3cret" not in refused.value.problem + refused.value.remedy


def test_a_missing_driver_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "db.example")
    with pytest.raises(SourceError, match="driver for oracle is not installed") as missing:
        check(Access({"table": "t"}, {"url": "oracle://u:p@db.example/x"}))
    assert missing.value.remedy.endswith("pip install oracledb")


def test_a_table_or_a_query_is_needed(database: Database) -> None:
    database.run(TICKETS, "create table empty (id text)")
    for settings in ({}, {"table": "tickets", "query": "select 1"}):
        with pytest.raises(SourceError, match="a table or a query"):
            check(database.access(**settings))
    with pytest.raises(SourceError, match="no such table: nothing"):
        check(database.access(table="nothing"))
    with pytest.raises(SourceError, match="gives no rows"):
        check(database.access(table="empty"))
    with pytest.raises(SourceError, match="no column 'colour'"):
        check(database.access(table="tickets", key="colour"))
    with pytest.raises(SourceError, match="two columns 'id'"):
        check(database.access(query="select id, id from tickets"))
    with pytest.raises(SourceError, match="which is no time"):
        check(database.access(table="tickets", cursor="priority"))


# -- PostgreSQL ----------------------------------------------------------------------------------------------------


@pytest.fixture
def postgres(cluster: Cluster, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:  # noqa: F811
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    name = f"source_{abs(hash(request.node.name))}"
    url = cluster.database(name)
    with cluster.connect(name) as connection:
        yield url, connection


@pytest.mark.slow
def test_postgresql_is_read_with_its_own_types(postgres: Any, tmp_path: Path) -> None:
    url, db = postgres
    db.execute('create schema "Shop"')
    db.execute(
        """create table "Shop".invoices (id uuid, "customerId" text, invoice_date date, total numeric(20,2), currency char(3),
           tags jsonb, updated_at timestamptz)"""
    )
    db.execute(
        """insert into "Shop".invoices values ('00000000-0000-0000-0000-00000000000a', 'acme', '2026-01-05', 90071992547409.93, 'EUR',
           '{"a": [1]}', '2026-01-05 10:00+02'), ('00000000-0000-0000-0000-00000000000b', 'acme', '2026-01-06', 0.10, 'JPY', null, now())"""
    )
    reader = Reader(SOURCE, tmp_path, {"table": "Shop.invoices", "cursor": "updated_at"}, {"url": url})
    assert "postgresql" in check(reader.access).who
    reader.pull(NOW)
    found = reader.facts(NOW)
    assert told(found, "invoice", "invoice_id", "account_id", "issued_on", "total_minor", "currency") == [
        ("00000000-0000-0000-0000-00000000000a", "acme", date(2026, 1, 5), 9007199254740993, "EUR")
    ]
    assert [(bad.field, bad.value) for bad in found.bad] == [("total", "0.10")]
    db.execute(
        """update "Shop".invoices set total = 5, currency = 'JPY', updated_at = now() + interval '1 minute' where total < 1"""
    )
    assert reader.pull(LATER).new == {"row": 1}
    assert not reader.facts(LATER).bad


@pytest.mark.slow
def test_postgresql_lets_nothing_be_written_and_stops_what_takes_too_long(
    postgres: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, db = postgres
    db.execute("create table t (id int)")
    db.execute("create function sly() returns int language sql as 'insert into t values (1) returning id'")
    with pytest.raises(SourceError, match="read-only transaction"):
        check(Access({"query": "select sly() as id, 'a' as account_id"}, {"url": url}))
    assert db.execute("select count(*) from t").fetchone() == (0,)
    monkeypatch.setattr("holdfast.sources.sql_reading.TIMEOUT", 1)
    with pytest.raises(SourceError, match="statement timeout"):
        check(Access({"query": "select pg_sleep(30)"}, {"url": url}))
    with pytest.raises(SourceError, match="password authentication failed") as refused:
        check(Access({"table": "t"}, {"url": url.replace("p%40ss", "wrong")}))
    assert "wrong" not in refused.value.problem


@pytest.mark.slow
def test_many_rows_are_read_in_pages(postgres: Any, tmp_path: Path) -> None:
    url, db = postgres
    numbered = "'a' || i % 50 as account_id, date '2026-01-01' + i / 500 as day, 'f' || i % 10 as feature, 1 as events"
    db.execute(f"create table usage as select {numbered} from generate_series(0, 19999) i")
    reader = Reader(SOURCE, tmp_path, {"table": "usage"}, {"url": url})
    assert reader.pull(NOW).listed["row"] == 20_000
    rows = reader.facts(NOW).rows["usage_day"]
    assert sum(row["events"] for row in rows) == 20_000


def test_the_query_is_the_persons_own(database: Database) -> None:
    database.run(TICKETS)
    from holdfast.sources.sql_reading import opened

    with opened(database.access(query="select 1 ;")) as connection:
        assert query_of(database.access(query="select id from tickets ;\n"), connection) == "select id from tickets "
