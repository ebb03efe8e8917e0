"""A booking's jobs: one set of accounts each, to be worked off by itself; and what the ways of doing so have in common."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.domain.period import month_no
from holdfast.domain.policy import Policy
from holdfast.warehouse.batches import Batch
from holdfast.warehouse.booking import Booking, Facts, Linked, known, reads_lines, scan
from holdfast.warehouse.landing import landing_schema
from holdfast.warehouse.matrix import Balances, Ints, Movements, month_end_matrix
from holdfast.warehouse.sql import literal, model, name_currencies, run, set_policy, set_variable

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

#: a month-end balance up to this takes 32 bits
LARGEST_CELL = 2**31 - 1


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


def is_plain(job: Job) -> bool:
    """Whether the batch's changes can be found in arrays: accounts that stand alone, and nothing taken from invoice lines."""
    policy = job.booking.policy
    lines = reads_lines(policy) or (policy.refund_backdates_churn and job.facts.lines)
    return policy.basis == "subscription" and not lines and not job.is_linked


def connect(job: Job) -> duckdb.DuckDBPyConnection:
    """A connection for the jobs of one booking, with its types, macros and variables."""
    c = duckdb.connect(config={"threads": 1})
    run(c, "types")
    name_currencies(c, job.currencies)
    run(c, "macros", "currency")
    set_policy(c, job.booking.policy)
    c.execute(f"set variable as_of = date '{job.booking.as_of}'")
    set_variable(c, "as_of_month", month_no(job.booking.as_of))
    return c


def columns_read(policy: Policy) -> list[str]:
    """The columns of items that a policy asks for; of discounts for some time only those that count."""
    counts = {"repeating": policy.repeating_discounts, "once": policy.once_discounts}
    return [name for name in ITEM_COLUMNS if counts.get(name.partition("_")[0], True)]


def land(c: duckdb.DuckDBPyConnection, job: Job) -> None:
    """Make landed_item and, where the policy reads them, landed_line for the batch."""
    policy, batch = job.booking.policy, job.batch
    clauses = [known(job.booking)]
    if batch.low is not None:
        clauses.append(f"account_id >= {literal(batch.low)}")
    if batch.high is not None:
        clauses.append(f"account_id < {literal(batch.high)}")
    if job.linked.accounts:
        c.register("linked", pa.table({"account_id": pa.array(sorted(job.linked.accounts), pa.string())}))
        clauses.append(f"account_id {'' if job.is_linked else 'not'} in (select account_id from linked)")
    where = " and ".join(clauses)
    c.register("no_items", landing_schema(TABLES["subscription_item"]).empty_table())
    files = scan(batch.files) if batch.files and policy.basis == "subscription" else "no_items"
    read = columns_read(policy)
    told = ", ".join(name if name in read else f"null as {name}" for name in ITEM_COLUMNS)
    columns = f"{told}, {_special(policy)} as is_special"
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


def has_gaps(policy: Policy) -> bool:
    """Whether an entity may be at 0 for some days and still never have left."""
    return bool(policy.gap_days_billing or policy.gap_days_contract or policy.gap_days_file)


def sum_up(c: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """From events to balances and movements."""
    if has_gaps(policy) and c.execute("select max(gap_days) from event").fetchall()[0][0]:
        run(c, "gap")
    if policy.month_measure == "daily_mean":
        run(c, "flow")
    else:
        c.execute(
            "create or replace temp view flow as select key, delta, held_delta, cause = 'transfer' as is_transfer from event"
        )
    run(c, "balance", "movement", "movement_many")


def positions(job: Job, balances: Balances, movements: Movements) -> pa.Table:
    """Entities by currency, with their month-end balances; plain is what has one currency and stands alone."""
    found, matrix = month_end_matrix(balances, movements, job.first_month, job.last_month)
    entities = found >> 8
    alone = np.bincount(entities, minlength=1)[entities] == 1 if len(entities) else np.zeros(0, dtype=bool)
    columns = {
        "entity_no": pa.array(entities.astype(np.int32)),
        "is_plain": pa.array(alone & (not job.is_linked), pa.bool_()),
        "first_month": pa.array((job.first_month + np.argmax(matrix > 0, axis=0)).astype(np.int16)),
    }
    return _with_months(job, found, matrix, columns)


def _with_months(job: Job, positions: Ints, matrix: Ints, columns: dict[str, pa.Array]) -> pa.Table:
    names = pa.array(job.currencies, pa.string())
    currency = pa.DictionaryArray.from_arrays(pa.array((positions & 255).astype(np.int32)), names)
    # half as wide where they fit: they are most of what is written
    cells = matrix.astype(np.int32) if int(matrix.max(initial=0)) <= LARGEST_CELL else matrix
    months = {f"m{job.first_month + n}": pa.array(row) for n, row in enumerate(cells)}
    return pa.table({**columns, "currency": currency, **months})
