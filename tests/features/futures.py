"""A demo company landed as it is, and as it might have gone on after a day: what is known by then stays, all else is another world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.flows.book import book
from holdfast.flows.demo import KINDS
from holdfast.flows.home import Home, Settings, create
from holdfast.sources.demo import World, generate
from holdfast.warehouse.landing import landing_schema

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)

#: Worlds[table] → SQL over `told` that makes the rows of another world
Future = Callable[[date], dict[str, str]]

#: the column that says from which day on a row is there at all
BEGINS = {
    "account": "coalesce(valid_from, date '0001-01-01')",
    "subscription_item": "valid_from",
    "invoice": "issued_on",
    "invoice_line": "issued_on",
    "contact": "joined_on",
    "usage_day": "day",
    "limit": "valid_from",
    "ticket": "opened_at::date",
    "survey": "sent_on",
    "opportunity": "changed_on",
    "touch": "happened_at::date",
    "outcome": "day",
}


def told_by_then(day: date) -> dict[str, str]:
    """By table what of a row that is there by the day was not known yet, and what stood in its place."""
    d = f"date '{day}'"
    later = f"greatest(learned_at, timestamp '{day + timedelta(days=3)}')"
    gone = f"coalesce(left_noticed_on, left_on) > {d}"
    return {
        "subscription_item": f"valid_to: case when valid_to <= {d} then valid_to end; "
        f"cancel_requested_on: case when cancel_requested_on <= {d} then cancel_requested_on end",
        "invoice": f"paid_on: case when paid_on <= {d} then paid_on end; status: case when paid_on <= {d} then status else 'open' end; "
        f"attempts: case when paid_on <= {d} then attempts else 1 end; "
        f"learned_at: case when paid_on <= {d} then learned_at else {later} end",
        "contact": f"left_on: case when {gone} then null else left_on end; "
        f"left_noticed_on: case when {gone} then null else left_noticed_on end",
        "ticket": f"closed_at: case when closed_at::date <= {d} then closed_at end; "
        f"reopened: case when closed_at::date <= {d} then reopened else 0 end; "
        f"satisfaction: case when closed_at::date <= {d} then satisfaction end; "
        f"first_response_at: case when first_response_at::date <= {d} then first_response_at end",
        "survey": f"answered_on: case when answered_on <= {d} then answered_on end; "
        f"score: case when answered_on <= {d} then score end; comment: case when answered_on <= {d} then comment end",
    }


def ends(day: date) -> dict[str, str]:
    """The world in which nothing more is known after the day."""
    d = f"date '{day}'"
    known = told_by_then(day)
    return {
        table: f"select * {_replaced(known.get(table))} from told where {begins} <= {d}"
        for table, begins in BEGINS.items()
    }


def differs(day: date) -> dict[str, str]:
    """The world in which everything goes otherwise after the day: dearer, busier, angrier, paid, answered, noticed."""
    d, next_day = f"date '{day}'", f"date '{day + timedelta(days=1)}'"
    later = f"greatest(learned_at, timestamp '{day + timedelta(days=3)}')"
    noon = f"timestamp '{day + timedelta(days=1)} 12:00:00'"
    gone = f"(left_on is null or coalesce(left_noticed_on, left_on) > {d})"
    unpaid = f"(paid_on is null or paid_on > {d})"
    known = {
        "subscription_item": f"valid_to: case when valid_to <= {d} then valid_to when hash(item_id) % 3 = 0 then {next_day} end; "
        f"cancel_requested_on: case when cancel_requested_on <= {d} then cancel_requested_on else {next_day} end",
        "invoice": f"paid_on: case when not {unpaid} then paid_on when hash(invoice_id) % 2 = 0 then {next_day} end; "
        f"status: case when not {unpaid} then status when hash(invoice_id) % 2 = 0 then 'paid' else 'void' end; "
        f"attempts: case when not {unpaid} then attempts else 9 end; learned_at: case when not {unpaid} then learned_at else {later} end",
        "contact": f"left_on: case when {gone} then {d} - 20 else left_on end; "
        f"left_noticed_on: case when {gone} then {next_day} else left_noticed_on end",
        "ticket": f"closed_at: case when closed_at::date <= {d} then closed_at else {noon} end; "
        f"reopened: case when closed_at::date <= {d} then reopened else 7 end; "
        f"satisfaction: case when closed_at::date <= {d} then satisfaction else 1 end; "
        f"first_response_at: case when first_response_at::date <= {d} then first_response_at else {noon} end",
        "survey": f"answered_on: case when answered_on <= {d} then answered_on else {next_day} end; "
        f"score: case when answered_on <= {d} then score else 0 end; "
        f"comment: case when answered_on <= {d} then comment else 'Terrible, we will cancel!' end",
        # a value is known when its period is over
        "outcome": f"value: case when day <= {d} - 31 then value else -value end",
    }
    after = {
        "account": "owner: 'Nobody'; parent_id: 'ac0000001'",
        "subscription_item": "quantity: quantity * 5 + 1; unit_amount_minor: unit_amount_minor * 3; plan_id: 'another'",
        "invoice": "total_minor: total_minor * 4; attempts: 8",
        "invoice_line": "amount_minor: -amount_minor; kind: 'refund'",
        "contact": "role: 'champion'; department: 'Another'",
        "usage_day": "events: events * 9 + 1; active_users: active_users * 7 + 1; feature: case when feature = '*' then '*' else 'api' end",
        "limit": "allowed: 1",
        "ticket": "priority: 'urgent'; subject: 'TERRIBLE, cancel'",
        "survey": "score: 0",
        "opportunity": "stage: 'lost'; kind: 'renewal'",
        "touch": "channel: 'qbr'; replied: true",
        "outcome": "value: value * 100",
    }
    return {
        table: f"select * {_replaced(known.get(table))} from told where {begins} <= {d} "
        f"union all select * {_replaced(after[table])} from told where {begins} > {d}"
        for table, begins in BEGINS.items()
    }


def as_it_is(day: date) -> dict[str, str]:
    return {}


def _replaced(columns: str | None) -> str:
    """`name: expression; …` as SQL."""
    if not columns:
        return ""
    pairs = (column.split(": ", 1) for column in columns.split("; "))
    return "replace (" + ", ".join(f"{expression} as {name}" for name, expression in pairs) + ")"


def rows_of(world: World) -> dict[str, pa.Table]:
    """The demo company's rows by table, and outcomes of some accounts, which it does not have by itself."""
    chunks: dict[str, list[pa.Table]] = {}
    for table, rows in generate(world):
        chunks.setdefault(table, []).append(rows)
    found = {table: pa.concat_tables(tables) for table, tables in chunks.items()}
    found["outcome"] = _outcomes(found["account"], world)
    return found


def _outcomes(accounts: pa.Table, world: World) -> pa.Table:
    schema = landing_schema(TABLES["outcome"])
    with duckdb.connect() as c:
        c.register("account", accounts)
        told = c.sql(
            "select account_id, measure, day::date as day, "
            "100 + 10 * sin(hash(account_id) % 100 + month(day)) + hash(account_id) % 7 as value, 'hours' as unit, measure = 'hours' as higher_is_better "
            "from (select distinct account_id from account) cross join (values ('hours'), ('errors')) as m(measure) "
            f"cross join generate_series(date '{world.end}' - interval 24 month, date '{world.end}' - interval 1 month, interval 1 month) as d(day) "
            "where hash(account_id) % 2 = 0"
        ).to_arrow_table()
    return pa.table({name: told[name].cast(schema.field(name).type) for name in told.column_names})


def home_of(folder: Path, world: World, rows: dict[str, pa.Table], future: dict[str, str]) -> Home:
    """The company landed and booked, some of its tables as another future has them."""
    home = create(folder / "home", Settings(as_of=str(world.end - timedelta(days=1))))
    for table, told in rows.items():
        landed = _changed(table, told, future[table]) if table in future else told
        kind = KINDS.get(table, "billing")
        home.landing.append(table, [landed], source="demo", source_kind=kind, loaded_at=NOW)
    book(home, NOW)
    return home


def _changed(table: str, rows: pa.Table, query: str) -> pa.Table:
    """Of each key the newest row, as the query has it."""
    with duckdb.connect() as c:
        c.register("landed", rows)
        key = ", ".join(TABLES[table].key)
        newest = f"qualify row_number() over (partition by {key} order by learned_at desc) = 1"
        c.execute(f"create view told as from landed {newest if 'learned_at' in rows.schema.names else ''}")
        return c.sql(query).to_arrow_table().cast(rows.schema)
