"""Working off a plain batch in arrays: accounts that stand alone, and nothing taken from invoice lines.

What arrays do not say goes through the SQL models: special states that are cut by a day inside, entities with several currencies
or something on hold, gaps that are bridged, and daily means. The tests hold all of it against the models alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from holdfast.warehouse import balances, checks, events, pieces, prices, states
from holdfast.warehouse.balances import Moved
from holdfast.warehouse.jobs import ITEM_COLUMNS, Job, Result, columns_read, has_gaps, land, positions, sum_up
from holdfast.warehouse.pieces import LANES, Special
from holdfast.warehouse.sql import run
from holdfast.warehouse.states import Array, Columns, States, columns_of, dates, words

_ASIDE = (
    "select case when getvariable('grain') = 'subscription' then subscription_no else account_no end as number, "
    "enum_code(lane::lane)::utinyint as lane, enum_code(currency::currency_code)::utinyint as currency, "
    "from_day as begins, to_day as until, amount::bigint as amount from aside_of_batch"
)
_NOW = (
    "select enum_code(currency::currency_code)::utinyint as currency, mrr_minor::bigint as amount from piece "
    "where piece_from <= getvariable('as_of') and piece_until > getvariable('as_of')"
)


@dataclass(frozen=True)
class _Cut:
    """What SQL says of the special states left to it."""

    #: state_no, first_minor, last_minor
    edges: Columns
    #: place, currency, day, delta, held_delta, cause
    inside: Columns
    #: number of the entity, lane, currency, begins, until, amount
    aside: Columns
    #: currency, amount: MRR in force on the as-of day
    now: Columns


def _none(**kinds: type) -> Columns:
    return {name: np.zeros(0, dtype=kind) for name, kind in kinds.items()}


_NOTHING_CUT = _Cut(
    _none(state_no=np.int32, first_minor=np.int64, last_minor=np.int64),
    _none(place=np.int32, currency=np.uint8, day=np.int32, delta=np.int64, held_delta=np.int64, cause=np.uint8),
    _none(number=np.int32, lane=np.uint8, currency=np.uint8, begins=np.int32, until=np.int32, amount=np.int64),
    _none(currency=np.uint8, amount=np.int64),
)

_BELONGING = pa.schema(
    {"account_id": pa.string(), "from_day": pa.date32(), "to_day": pa.date32(), "entity_no": pa.int32()}
)


def work_plain(c: duckdb.DuckDBPyConnection, job: Job) -> Result:
    """One plain batch. LedgerError: it does not tie out."""
    policy = job.booking.policy
    rules = events.Rules(policy.unpaid_counts, policy.grain == "subscription", job.booking.as_of)
    priced = _read(c, job) or _ask(c, job)
    held = states.hold(priced)
    special = pieces.special(held)
    own, left = pieces.lasting(held, priced.landed, special, policy)
    cut = _cut(c, job, held, left, priced.landed)
    first, last = events.values(held, cut.edges, own, rules)
    on_hold = pieces.on_hold(held, own, last)
    inside = pieces.changes_of(on_hold, events.PAUSE)
    inside = {name: np.concatenate([cut.inside[name], inside[name]]) for name in inside}
    event = events.events(held, events.changes(held, first, last, inside), rules)
    _check(job, held, left, last, cut.now, event)
    moved, change = _months(c, job, event)
    entity = held.columns[rules.entity]
    tables = {
        "entity": states.entities(held, rules.by_subscription),
        "change": change,
        "aside": _beside(job, entity, pieces.beside(held, own, on_hold, left.places), cut.aside),
        "term": _terms(job, held, entity, events.terms(held, last)),
        "belonging": _BELONGING.empty_table(),
        **moved.tables(job.currencies),
    }
    return Result(tables, positions(job, moved.balances, moved.movements), int(entity[-1]) if len(entity) else 0)


def _read(c: duckdb.DuckDBPyConnection, job: Job) -> states.Priced | None:
    """Priced rows from the files; None where SQL has to leave some out, or to count further."""
    booking, columns = job.booking, [name.strip('"') for name in columns_read(job.booking.policy)]
    if booking.known_before is not None or not job.batch.files:
        return None
    if booking.only is not None:
        wanted = sorted({*booking.only} - job.linked.accounts)
        rows = prices.read_some(c, job.batch.files, [*columns, *prices.ORDER], wanted)
    else:
        columns += () if job.batch.in_order else prices.ORDER
        rows = prices.read(job.batch, columns, sorted(job.linked.accounts))
    return None if rows is None else prices.priced(rows, booking.policy, job.currencies)


def _ask(c: duckdb.DuckDBPyConnection, job: Job) -> states.Priced:
    """Priced rows as SQL makes them."""
    land(c, job)
    run(c, "priced")
    return states.asked(c.sql(states.QUESTION).to_arrow_table())


def _cut(c: duckdb.DuckDBPyConnection, job: Job, held: States, left: Special, landed: pa.Table | None) -> _Cut:
    """Cut the special states that arrays cannot tell."""
    if not len(left.places):
        return _NOTHING_CUT
    if landed is not None:
        rows = landed.take(pa.array(held.rows[left.places]))
        rows = rows.append_column("is_special", pa.repeat(True, rows.num_rows))
        for name in (name for name in ITEM_COLUMNS if name.strip('"') not in rows.column_names):
            rows = rows.append_column(name, pa.nulls(rows.num_rows))
        c.register("special_item", rows)
        c.execute("create or replace temp view landed_item as select * from special_item")
    c.register("special", pieces.special_table(held, left, job.currencies))
    c.register("state", pieces.state_table(held, left, job.currencies))
    run(c, "piece", "inside", "aside")
    inside = columns_of(c.sql(events.INSIDE).to_arrow_table())
    inside["place"] = inside.pop("state_no") - 1
    return _Cut(
        columns_of(c.sql(events.EDGES).to_arrow_table()),
        inside,
        columns_of(c.sql(_ASIDE).to_arrow_table()),
        columns_of(c.sql(_NOW).to_arrow_table()),
    )


def _check(job: Job, held: States, left: Special, last: Array, cut: Columns, event: Columns) -> None:
    """Today's balances are the states in force."""
    if not checks.closes_today(job.booking.policy):
        return
    c, today = held.columns, events.day_number(job.booking.as_of)
    now = (c["valid_from"] <= today) & (c["valid_until"] > today)
    now[left.places] = False
    due = event["key"] & events.NEVER_CODE < events.NEVER_CODE
    code = ((event["key"] >> 16) & 255).astype(np.uint8)
    found, booked = {}, {}
    for place, currency in enumerate(job.currencies):
        found[currency] = int(last[now & (c["currency"] == place)].sum()) + int(
            cut["amount"][cut["currency"] == place].sum()
        )
        booked[currency] = int(event["delta"][due & (code == place)].sum())
    checks.same_today(found, booked)


def _months(c: duckdb.DuckDBPyConnection, job: Job, event: Columns) -> tuple[Moved, pa.Table]:
    """What happened month by month, and the rows of the table change."""
    policy = job.booking.policy
    bridged = has_gaps(policy) and int(event["gap_days"].max(initial=0)) > 0
    if bridged or policy.month_measure == "daily_mean":
        c.register("event_found", events.event_table(event))
        c.execute(
            "create or replace temp table event as select * replace (cause::change_cause as cause) from event_found"
        )
        sum_up(c, policy)
        run(c, "result_movement", "result_change")
        checks.check_ends(c)
        return balances.together([balances.asked(c)]), c.sql("select * from result_change").to_arrow_table()
    change = events.change_table(event, job.currencies)
    apart = balances.apart(event["key"], event["held_delta"])
    if not apart.any():
        return balances.moved(event["key"], event["delta"], policy.new_after_days), change
    own = ~apart
    parts = [balances.moved(event["key"][own], event["delta"][own], policy.new_after_days)]
    flow = {name: pa.array(event[name][apart]) for name in ("key", "delta", "held_delta")}
    c.register("flow_apart", pa.table(flow))
    c.execute("create or replace temp view flow as select *, false as is_transfer from flow_apart")
    run(c, "balance", "movement", "movement_many", "result_movement")
    checks.check_ends(c)
    return balances.together([*parts, balances.asked(c)]), change


def _beside(job: Job, entity: Array, found: Columns, cut: Columns) -> pa.Table:
    """The rows of the table aside."""
    found = found | {"number": entity[found["place"]]}
    c = {name: np.concatenate([values, found[name]]) for name, values in cut.items()}
    return pa.table(
        {
            "entity_no": pa.array(c["number"].astype(np.int32)),
            "lane": words(c["lane"], LANES),
            "currency": words(c["currency"], job.currencies),
            "from_day": dates(c["begins"]),
            "to_day": dates(c["until"]),
            "amount_minor": pa.array(c["amount"]),
        }
    )


def _terms(job: Job, held: States, entity: Array, found: Columns) -> pa.Table:
    """The rows of the table term."""
    return pa.table(
        {
            "entity_no": pa.array(entity[found["place"]].astype(np.int32)),
            "currency": words(held.columns["currency"][found["place"]], job.currencies),
            "day": dates(found["day"]),
            "amount_minor": pa.array(found["amount"]),
        }
    )
