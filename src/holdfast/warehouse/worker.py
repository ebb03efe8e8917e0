"""Working off a batch: one set of accounts through the SQL models, in a database of its own in memory.

Each worker has one thread, so rows keep the order they were read in, which the models' running sums rely on; two workers keep two cores busy.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.domain.period import month_no
from holdfast.domain.policy import Policy
from holdfast.warehouse import checks, events, prices, states
from holdfast.warehouse.accounts import register_belongings
from holdfast.warehouse.batches import Batch
from holdfast.warehouse.booking import Booking, Facts, Linked, known, reads_lines, scan
from holdfast.warehouse.landing import landing_schema
from holdfast.warehouse.matrix import Balances, Ints, Movements, month_end_matrix
from holdfast.warehouse.sql import literal, model, run, set_policy, set_variable

Progress = Callable[[int, int], None]

WORKERS = 2

#: the columns of subscription_item and invoice_line that the models read
ITEM_COLUMNS = (
    "account_id", "subscription_id", "item_id", "product_id", "plan_id", "quantity", "unit_amount_minor", "currency",
    '"interval"', "interval_count", "usage_type", "forever_off_ppm", "forever_off_minor", "repeating_off_ppm",
    "repeating_off_minor", "repeating_until", "once_off_ppm", "once_off_minor", "once_until", "status", "valid_from",
    "valid_to", "cancel_requested_on", "term_end", "deleted", "load_no", "source_row", "source_kind",
)  # fmt: skip
LINE_COLUMNS = (
    "line_id", "account_id", "subscription_id", "item_id", "kind", "amount_minor", "currency", "period_start",
    "period_end", "issued_on", "load_no", "source_row",
)  # fmt: skip

#: the tables of the ledger that a batch adds rows to, besides its positions
TABLES_OF_BATCH = ("entity", "movement", "change", "aside", "term", "left_month", "belonging")


@dataclass(frozen=True)
class Job:
    """One batch to be worked off."""

    facts: Facts
    booking: Booking
    batch: Batch
    first_month: int
    last_month: int
    currencies: tuple[str, ...]
    linked: Linked
    #: this is the batch of the linked accounts; every other batch leaves them out
    is_linked: bool = False


@dataclass(frozen=True)
class Result:
    """What a batch gives to the ledger; entities are numbered from 1 up to `entities`."""

    tables: dict[str, pa.Table]
    positions: pa.Table
    entities: int


def work_off(jobs: Sequence[Job], progress: Progress | None = None) -> Iterator[Result]:
    """Results in the order of the jobs; few are in memory at a time."""
    local = threading.local()

    def work(job: Job) -> Result:
        # one for each way: what is a table in one is a view in the other
        name = "plain" if is_plain(job) else "other"
        if not hasattr(local, name):
            setattr(local, name, connect(job))
        return work_one(getattr(local, name), job)

    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for number, job in enumerate(jobs):
            waiting.append(pool.submit(work, job))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
            if progress:
                progress(number + 1 - len(waiting), len(jobs))
        while waiting:
            yield waiting.popleft().result()
            if progress:
                progress(len(jobs) - len(waiting), len(jobs))


def is_plain(job: Job) -> bool:
    """Whether the batch's changes can be found in arrays: accounts that stand alone, and nothing taken from invoice lines."""
    policy = job.booking.policy
    lines = reads_lines(policy) or (policy.refund_backdates_churn and job.facts.lines)
    return policy.basis == "subscription" and not lines and not job.is_linked


def work_one(c: duckdb.DuckDBPyConnection, job: Job, *, in_arrays: bool = True) -> Result:
    """One batch through all models; plain ones through arrays where that is quicker. LedgerError: it does not tie out."""
    policy = job.booking.policy
    change: pa.Table | None = None
    if in_arrays and is_plain(job):
        change = _find_events(c, job)
    else:
        _make_events(c, job)
    _sum_up(c, policy)
    run(c, "aside", "result")
    if job.is_linked:
        run(c, "result_linked")
    checks.check_batch(c, policy)
    tables = {
        name: change
        if name == "change" and change is not None
        else c.sql(f"select * from result_{name}").to_arrow_table()
        for name in TABLES_OF_BATCH
    }
    positions = _positions(c, job)
    entities = int(c.execute("select coalesce(max(entity_no), 0) from entity_number").fetchall()[0][0])
    return Result(tables, positions, entities)


def _make_events(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """From priced rows to the table event, in SQL alone."""
    policy = job.booking.policy
    _land(c, job)
    run(c, "priced", "state")
    if policy.refund_backdates_churn and job.facts.lines:
        run(c, "refund")
    run(c, "special", "piece", "inside", "change")
    _add_lines(c, job)
    if job.is_linked:
        register_belongings(c, job.linked.spans)
        run(c, "entity_linked", "event_linked")
    else:
        run(c, "entity_subscription" if policy.grain == "subscription" else "entity_account", "event")
    run(c, "cause")


def _find_events(c: duckdb.DuckDBPyConnection, job: Job) -> pa.Table | None:
    """The same in arrays; only the few special states go through SQL. Returns the rows of the table change, if they are known."""
    policy = job.booking.policy
    rules = events.Rules(policy.unpaid_counts, policy.grain == "subscription", job.booking.as_of)
    held = states.hold(_read(c, job) or _ask(c, job))
    c.register("state", held.table(job.currencies))
    c.register("special", states.special(held, job.currencies))
    c.register("entity_number", states.entities(held, rules.by_subscription))
    run(c, "piece", "inside")
    edges = states.columns_of(c.sql(events.EDGES).to_arrow_table())
    inside = states.columns_of(c.sql(events.INSIDE).to_arrow_table())
    first, last = events.values(held, edges, rules)
    c.register("valued", events.valued(held, last, job.currencies))
    found = events.events(held, events.changes(held, first, last, inside), rules)
    if _has_gaps(policy):
        c.register("event_found", events.event_table(found))
        c.execute(
            "create or replace temp table event as select * replace (cause::change_cause as cause) from event_found"
        )
        return None
    c.register("event", events.event_table(found))
    return events.change_table(found, job.currencies)


def _read(c: duckdb.DuckDBPyConnection, job: Job) -> states.Priced | None:
    """Priced rows straight from the files; None where SQL has to put them in order, or to leave some out, or to count further."""
    booking = job.booking
    if not job.batch.in_order or booking.known_before is not None or booking.only is not None:
        return None
    rows = prices.read(job.batch, [name.strip('"') for name in ITEM_COLUMNS], sorted(job.linked.accounts))
    found = prices.priced(rows, booking.policy, job.currencies)
    if found:
        special = rows.table.filter(pa.array(found.columns["is_special"]))
        c.register("special_item", special.append_column("is_special", pa.repeat(True, special.num_rows)))
        c.execute("create or replace temp view landed_item as select * from special_item")
    return found


def _ask(c: duckdb.DuckDBPyConnection, job: Job) -> states.Priced:
    """Priced rows as SQL makes them."""
    _land(c, job)
    run(c, "priced")
    return states.asked(c.sql(states.QUESTION).to_arrow_table())


def connect(job: Job) -> duckdb.DuckDBPyConnection:
    """A connection for the jobs of one booking, with its types, macros and variables."""
    c = duckdb.connect(config={"threads": 1})
    run(c, "types")
    c.execute(f"create type currency_code as enum ({', '.join(map(literal, job.currencies))})")
    run(c, "macros", "currency")
    set_policy(c, job.booking.policy)
    c.execute(f"set variable as_of = date '{job.booking.as_of}'")
    set_variable(c, "as_of_month", month_no(job.booking.as_of))
    return c


def _land(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Make landed_item and, where the policy reads them, landed_line for the batch."""
    policy, batch = job.booking.policy, job.batch
    clauses = [known(job.booking)]
    if batch.low is not None:
        clauses.append(f"account_id > {literal(batch.low)}")
    if batch.high is not None:
        clauses.append(f"account_id <= {literal(batch.high)}")
    if job.linked.accounts:
        c.register("linked", pa.table({"account_id": pa.array(sorted(job.linked.accounts), pa.string())}))
        clauses.append(f"account_id {'' if job.is_linked else 'not'} in (select account_id from linked)")
    where = " and ".join(clauses)
    c.register("no_items", landing_schema(TABLES["subscription_item"]).empty_table())
    files = scan(batch.files) if batch.files and policy.basis == "subscription" else "no_items"
    columns = f"{', '.join(ITEM_COLUMNS)}, {_special(policy)} as is_special"
    if batch.in_order:
        c.execute(f"create or replace temp view landed_item as select {columns} from {files} where {where}")
    else:
        source = f"select {columns}, replaces_item, learned_at from {files} where {where}"
        c.execute(model("landed").replace("$source", source))
        c.execute("create or replace temp view landed_item as select * from landed_row")
    if job.facts.lines and (reads_lines(policy) or policy.refund_backdates_churn):
        c.execute(
            "create or replace temp table landed_line as "
            f"select {', '.join(LINE_COLUMNS)} from {scan(job.facts.lines)} where {where} "
            "qualify row_number() over (partition by line_id order by learned_at desc, load_no desc, source_row desc) = 1"
        )


def _special(policy: Policy) -> str:
    """The SQL condition under which a state may change by itself before it ends."""
    special = "status in ('past_due', 'paused') or cancel_requested_on is not null"
    if policy.repeating_discounts:
        special += " or repeating_off_ppm + repeating_off_minor > 0"
    if policy.once_discounts:
        special += " or once_off_ppm + once_off_minor > 0"
    return f"({special})"


def _add_lines(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """What invoice lines add to the changes, or put in their place."""
    policy = job.booking.policy
    if reads_lines(policy) and job.facts.lines:
        run(c, "line_owner", "revenue" if policy.basis == "revenue" else "usage")
        return
    c.execute(
        "create or replace temp table line_owner "
        "(account_id varchar, subscription_id varchar, account_no integer, subscription_no integer)"
    )
    if policy.basis == "revenue":
        c.execute("delete from change_of_batch")


def _has_gaps(policy: Policy) -> bool:
    return bool(policy.gap_days_billing or policy.gap_days_contract or policy.gap_days_file)


def _sum_up(c: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """From events to balances and movements."""
    if _has_gaps(policy) and c.execute("select max(gap_days) from event").fetchall()[0][0]:
        run(c, "gap")
    if policy.month_measure == "daily_mean":
        run(c, "flow")
    else:
        c.execute(
            "create or replace temp view flow as select key, delta, held_delta, cause = 'transfer' as is_transfer from event"
        )
    run(c, "balance", "movement", "movement_many")


def _matrix(c: duckdb.DuckDBPyConnection, job: Job) -> tuple[Ints, Ints]:
    balance = c.execute("select position, month_no::bigint as month_no, mrr_before, mrr from compared").fetchnumpy()
    movement = c.execute(
        "select position, month_no::bigint as month_no, amount::bigint as amount from movement_of_batch"
    ).fetchnumpy()
    return month_end_matrix(
        Balances(*(_ints(balance[name]) for name in ("position", "month_no", "mrr_before", "mrr"))),
        Movements(*(_ints(movement[name]) for name in ("position", "month_no", "amount"))),
        job.first_month,
        job.last_month,
    )


def _ints(column: npt.NDArray[np.int64]) -> Ints:
    return np.asarray(column, dtype=np.int64)


def _with_months(job: Job, positions: Ints, matrix: Ints, columns: dict[str, pa.Array]) -> pa.Table:
    names = pa.array(job.currencies, pa.string())
    currency = pa.DictionaryArray.from_arrays(pa.array((positions & 255).astype(np.int32)), names)
    months = {f"m{job.first_month + n}": pa.array(row) for n, row in enumerate(matrix)}
    return pa.table({**columns, "currency": currency, **months})


def _positions(c: duckdb.DuckDBPyConnection, job: Job) -> pa.Table:
    """Entities by currency, with their month-end balances; plain is what has one currency and stands alone."""
    positions, matrix = _matrix(c, job)
    entities = positions >> 8
    alone = np.bincount(entities, minlength=1)[entities] == 1 if len(entities) else np.zeros(0, dtype=bool)
    columns = {
        "entity_no": pa.array(entities.astype(np.int32)),
        "is_plain": pa.array(alone & (not job.is_linked), pa.bool_()),
        "first_month": pa.array((job.first_month + np.argmax(matrix > 0, axis=0)).astype(np.int16)),
    }
    return _with_months(job, positions, matrix, columns)
