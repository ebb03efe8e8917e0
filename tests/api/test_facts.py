"""Facts of the fact tables, told by programs: typed, row by row, good rows land and bad ones are listed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import duckdb
import pytest

from holdfast.api.facts import Table
from holdfast.desk.models import AuditEntry
from holdfast.flows.upsert_facts import MOST_ROWS, TELLABLE
from holdfast.warehouse.landing import Landing

from .conftest import Caller

pytestmark = pytest.mark.slow

OUTCOME = {"account_id": "ac0000001", "measure": "hours_saved", "day": "2026-03-31", "value": 41.5, "unit": "hours"}
ROWS: dict[str, dict[str, Any]] = {
    "outcome": OUTCOME,
    "launch": {"feature": "boards", "launched_on": "2026-03-01", "title": "Boards", "plans": "team,business"},
    "spend": {"month": "2026-03-15", "category": "sales", "amount_minor": 120_000, "currency": "EUR"},
    "target": {"metric": "nrr", "month": "2026-03-01", "value": 1.05},
    "ticket": {"ticket_id": "t1", "account_id": "ac0000001", "opened_at": "2026-03-31T23:30:00+02:00", "subject": "Down\nagain"},
    "survey": {"response_id": "r1", "account_id": "ac0000001", "sent_on": "2026-03-01", "score": 9},
    "limit": {"account_id": "ac0000001", "measure": "seats", "allowed": 20, "valid_from": "2026-03-01"},
    "touch": {"touch_id": "h1", "account_id": "ac0000001", "happened_at": "2026-03-01T09:00:00", "channel": "call", "replied": True},
    "opportunity": {
        "opportunity_id": "o1", "account_id": "ac0000001", "stage": "open", "amount_minor": 5, "currency": "JPY", "changed_on": "2026-03-01",
    },
    "contact": {"contact_id": "p1", "account_id": "ac0000001", "email": "Ada@Acme.Example"},
}  # fmt: skip


def landed(home: Path, table: str, columns: str) -> list[tuple[Any, ...]]:
    """Rows that came by the API, in the order in which they came."""
    landing = Landing(home)
    files = [
        str(landing.root / table / part) for load in landing.loads(table) if load.source == "api" for part in load.parts
    ]
    if not files:
        return []
    query = f"select {columns} from read_parquet($files, union_by_name = true) order by load_no, source_row"
    return duckdb.execute(query, {"files": files}).fetchall()


def test_the_address_takes_the_tables_that_can_be_told() -> None:
    assert set(get_args(Table)) == set(TELLABLE) == set(ROWS)


@pytest.mark.parametrize("table", TELLABLE)
def test_a_row_lands_once(call: Caller, own_home: Path, table: str) -> None:
    told = call("PUT", f"/facts/{table}", {"rows": [ROWS[table]]})
    assert told.status_code == 200, told.content
    assert told.json() | {"load_no": 0} == {
        "changed": 1, "unchanged": 0, "rejected": [], "load_no": 0, "shows": "after the next booking",
    }  # fmt: skip
    again = call("PUT", f"/facts/{table}", {"rows": [ROWS[table]]}).json()
    assert again == {"changed": 0, "unchanged": 1, "rejected": [], "load_no": None, "shows": "nothing new"}
    assert len(landed(own_home, table, "*")) == 1
    assert AuditEntry.objects.filter(action=f"upserted {table}").count() == 1


def test_values_land_in_their_own_kinds(call: Caller, own_home: Path) -> None:
    for table in ("ticket", "spend", "contact", "target", "opportunity"):
        call("PUT", f"/facts/{table}", {"rows": [ROWS[table]]})
    assert landed(own_home, "ticket", "strftime(opened_at, '%Y-%m-%d %H:%M'), subject, priority, deleted") == [
        ("2026-03-31 21:30", "Down\nagain", "normal", False)
    ]
    assert landed(own_home, "spend", "strftime(month, '%Y-%m-%d'), amount_minor") == [("2026-03-01", 120_000)]
    assert landed(own_home, "contact", "email, role") == [("ada@acme.example", "user")]
    assert landed(own_home, "target", "segment, value, currency") == [("", 1.05, None)]
    assert landed(own_home, "opportunity", "amount_minor, currency, kind") == [(5, "JPY", "expansion")]


def test_silence_keeps_a_value_and_null_takes_it_away(call: Caller, own_home: Path) -> None:
    key = {name: OUTCOME[name] for name in ("account_id", "measure", "day")}
    call("PUT", "/facts/outcome", {"rows": [OUTCOME | {"higher_is_better": False}]})
    call("PUT", "/facts/outcome", {"rows": [key | {"value": 50}]})
    call("PUT", "/facts/outcome", {"rows": [key | {"unit": None}]})
    assert landed(own_home, "outcome", "value, unit, higher_is_better") == [
        (41.5, "hours", False), (50.0, "hours", False), (50.0, None, False),
    ]  # fmt: skip


def test_a_row_that_was_deleted_begins_anew(call: Caller, own_home: Path) -> None:
    ticket = ROWS["ticket"]
    call("PUT", "/facts/ticket", {"rows": [ticket | {"priority": "high"}]})
    call("PUT", "/facts/ticket", {"rows": [{"ticket_id": "t1", "deleted": True}]})
    lacking = call("PUT", "/facts/ticket", {"rows": [{"ticket_id": "t1", "subject": "x"}]})
    assert lacking.status_code == 422
    assert {one["field"] for one in lacking.json()["errors"]} == {"body.rows.0.account_id", "body.rows.0.opened_at"}
    call("PUT", "/facts/ticket", {"rows": [ticket]})
    assert landed(own_home, "ticket", "priority, deleted") == [("high", False), ("high", True), ("normal", False)]


@pytest.mark.parametrize(
    ("table", "change", "field", "reason"),
    [
        ("outcome", {"day": "2026-02-30"}, "day", "calendar"),
        ("outcome", {"day": "31.03.2026"}, "day", "as 2026-03-31"),
        ("outcome", {"day": 20260331}, "day", "as 2026-03-31"),
        ("outcome", {"day": None}, "day", "part of the row's key"),
        ("outcome", {"value": "41.5"}, "value", "a number"),
        ("outcome", {"value": True}, "value", "a number"),
        ("outcome", {"value": 1e300}, "value", "too large"),
        ("outcome", {"value": None}, "value", "missing"),
        ("outcome", {"measure": "  "}, "measure", "empty"),
        ("outcome", {"measure": "a\nb"}, "measure", "control character"),
        ("outcome", {"measure": "a" * 401}, "measure", "up to 400"),
        ("outcome", {"higher_is_better": "yes"}, "higher_is_better", "true or false"),
        ("outcome", {"account_id": "nobody"}, "account_id", "there is no account 'nobody'"),
        ("outcome", {"colour": "red"}, "colour", "no such field"),
        ("spend", {"amount_minor": 12.5}, "amount_minor", "whole number of minor units"),
        ("spend", {"currency": "EURO"}, "currency", "not a currency"),
        ("spend", {"currency": None}, "currency", "missing"),
        ("opportunity", {"currency": None}, "currency", "missing"),
        ("opportunity", {"kind": "upsell"}, "kind", "new, renewal, expansion"),
        ("ticket", {"opened_at": "2026-03-31"}, "opened_at", "a moment"),
        ("ticket", {"opened_at": "2026-03-31T25:00:00Z"}, "opened_at", "calendar"),
        ("survey", {"account_id": None}, "account_id", "missing"),
    ],
)  # fmt: skip
def test_a_bad_row_is_listed_and_the_others_land(
    call: Caller, own_home: Path, table: str, change: dict[str, Any], field: str, reason: str
) -> None:
    key = {
        "outcome": "measure",
        "spend": "category",
        "ticket": "ticket_id",
        "survey": "response_id",
        "opportunity": "opportunity_id",
    }
    bad = ROWS[table] | ({key[table]: "another"} if key[table] not in change else {}) | change
    told = call("PUT", f"/facts/{table}", {"rows": [bad, ROWS[table]]})
    assert told.status_code == 200, told.content
    assert told.json()["changed"] == 1
    [rejected] = told.json()["rejected"]
    assert (rejected["row"], rejected["field"]) == (0, field) and reason in rejected["reason"]
    assert len(landed(own_home, table, "*")) == 1
    alone = call("PUT", f"/facts/{table}", {"rows": [bad]})
    assert alone.status_code == 422 and alone.json()["errors"][0]["field"] == f"body.rows.0.{field}"


def test_a_key_told_twice_in_a_call_is_refused_the_second_time(call: Caller) -> None:
    told = call("PUT", "/facts/outcome", {"rows": [OUTCOME, OUTCOME | {"value": 2}]}).json()
    assert told["changed"] == 1 and told["rejected"][0]["row"] == 1 and "earlier row" in told["rejected"][0]["reason"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"rows": []},
        {"rows": [{}]},
        {"rows": [{"value": [1]}]},
        {"rows": [{"Value": 1}]},
        {"rows": [OUTCOME] * (MOST_ROWS + 1)},
    ],
)
def test_what_is_no_list_of_rows_is_refused_whole(call: Caller, own_home: Path, body: Any) -> None:
    assert call("PUT", "/facts/outcome", body).status_code == 400
    assert landed(own_home, "outcome", "*") == []


def test_there_are_no_other_tables(call: Caller) -> None:
    for table in ("account", "subscription_item", "invoice", "usage_day", "nonsense"):
        assert call("PUT", f"/facts/{table}", {"rows": [{"account_id": "a"}]}).status_code == 400


def test_a_thousand_rows_land_in_one_load(call: Caller, own_home: Path) -> None:
    rows = [OUTCOME | {"measure": f"m{place}"} for place in range(MOST_ROWS)]
    told = call("PUT", "/facts/outcome", {"rows": rows}).json()
    assert told["changed"] == MOST_ROWS and len(Landing(own_home).loads("outcome")) == 1


def test_the_same_call_again_is_done_once(call: Caller, own_home: Path) -> None:
    first = call("PUT", "/facts/outcome", {"rows": [OUTCOME]}, Idempotency_Key="k1")
    again = call("PUT", "/facts/outcome", {"rows": [OUTCOME]}, Idempotency_Key="k1")
    assert again.json() == first.json() and again["Idempotent-Replay"] == "true"
    other = call("PUT", "/facts/outcome", {"rows": [OUTCOME | {"value": 1}]}, Idempotency_Key="k1")
    assert other.status_code == 422 and len(landed(own_home, "outcome", "*")) == 1
