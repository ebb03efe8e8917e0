"""Item rows read, put in order and priced in arrays: what models/landed.sql and priced.sql say.

Words are read as their places in dictionaries, so that rows are compared by numbers. Amounts beyond what 64 bits hold
are left to SQL. The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from holdfast.domain.policy import Policy
from holdfast.warehouse.batches import Batch
from holdfast.warehouse.booking import scan
from holdfast.warehouse.sql import quoted
from holdfast.warehouse.states import STATUSES, Array, Columns, Priced, array_of, differs, whole

PPM = 1_000_000

#: up to these, the price of a row stays within 64 bits, times 1,000,000 and any interval
LARGEST_BILLING = 10_000_000_000
LARGEST_COUNT = 1_000_000
LARGEST_FACTOR = 400

_WORDS = (
    "account_id", "subscription_id", "item_id", "product_id", "plan_id", "currency", "interval", "usage_type", "status",
    "source_kind",
)  # fmt: skip
_NUMBERS = (
    "quantity", "unit_amount_minor", "interval_count", "forever_off_ppm", "forever_off_minor", "valid_from", "deleted",
    "load_no", "source_row",
)  # fmt: skip


@dataclass(frozen=True)
class Rows:
    """A batch's landed rows: words as dictionaries, all in one piece."""

    table: pa.Table

    def codes(self, name: str) -> Array:
        """The places of a column's words in its dictionary; -1 where there is none."""
        return array_of(whole(self.table[name]).indices.fill_null(-1))

    def ranks(self, name: str) -> Array:
        """Numbers in the order of a column's words; -1 where there is none."""
        words = whole(self.table[name]).dictionary
        ranks = np.full(len(words) + 1, -1, dtype=np.int64)
        ranks[array_of(pc.sort_indices(words))] = np.arange(len(words))
        found: Array = ranks[self.codes(name)]
        return found

    def mapped(self, name: str, values: Sequence[int] | Array, kind: type) -> Array:
        """A column with each word replaced by the value at its place. No nulls."""
        return np.asarray(values, dtype=kind)[self.codes(name)]

    def names(self, name: str) -> list[str]:
        """The words of a column."""
        return [str(word) for word in whole(self.table[name]).dictionary.to_pylist()]

    def numbers(self, name: str) -> Array:
        return array_of(self.table[name])


def read(batch: Batch, columns: Sequence[str], linked: Sequence[str]) -> Rows | None:
    """The batch's rows in order, without those of linked accounts and those that are replaced; None where a key is missing."""
    parts = [_part(file, batch, columns) for file in batch.files]
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    accounts = whole(table["account_id"])
    wanted = np.ones(len(accounts.dictionary), dtype=bool)
    if batch.low is not None:
        wanted &= array_of(pc.greater_equal(accounts.dictionary, batch.low))
    if batch.high is not None:
        wanted &= array_of(pc.less(accounts.dictionary, batch.high))
    if linked:
        wanted &= ~array_of(pc.is_in(accounts.dictionary, value_set=pa.array(linked, pa.string())))
    rows = np.flatnonzero(wanted[array_of(accounts.indices)])
    # in order they mostly lie together: nothing is copied then
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, -1)
    together = last - first + 1 == len(rows)
    found = Rows(table.slice(first, len(rows)) if together else table.take(pa.array(rows)))
    return found if batch.in_order else _in_order(found)


def read_some(
    c: duckdb.DuckDBPyConnection, files: Sequence[Path], columns: Sequence[str], accounts: Sequence[str]
) -> Rows | None:
    """The rows of some accounts, in order, without those that are replaced; None where a key is missing."""
    c.register("some_accounts", pa.table({"account_id": pa.array(accounts, pa.string())}))
    chosen = ", ".join(map(quoted, columns))
    # a join, for a long list of ids is slower
    table = c.sql(f"select {chosen} from {scan(files)} join some_accounts using (account_id)").to_arrow_table()
    for place, name in enumerate(columns):
        if name in _WORDS:
            table = table.set_column(place, name, whole(table[name]).dictionary_encode())
    return _in_order(Rows(table))


#: what tells the order of rows that lie in several loads, besides the columns that are read for every batch
ORDER = ("learned_at", "replaces_item")


def _in_order(rows: Rows) -> Rows | None:
    """The rows as models/landed.sql has them: in one order, without those that a newer row of the item's whole history supersedes."""
    keys = [rows.ranks(name) for name in ("account_id", "subscription_id", "item_id")]
    if any(int(ranks.min(initial=0)) < 0 for ranks in keys):
        return None
    learned = array_of(whole(rows.table["learned_at"]).view(pa.int64()))
    order = np.lexsort(
        (rows.numbers("source_row"), rows.numbers("load_no"), learned, rows.numbers("valid_from"), *reversed(keys))
    )
    opens = differs(keys[0][order]) | differs(keys[1][order]) | differs(keys[2][order])
    if len(order):
        learned = learned[order]
        says_all = np.where(rows.numbers("replaces_item")[order], learned, np.iinfo(np.int64).min)
        newest = np.maximum.reduceat(says_all, np.flatnonzero(opens))
        order = order[learned >= newest[np.cumsum(opens) - 1]]
    return Rows(rows.table.take(pa.array(order)))


def _part(path: Path, batch: Batch, columns: Sequence[str]) -> pa.Table:
    """The row groups of a file that hold accounts of the batch; its ends may bring others along."""
    file = pq.ParquetFile(path, read_dictionary=_WORDS)
    place = file.schema_arrow.get_field_index("account_id")
    spans = [file.metadata.row_group(n).column(place).statistics for n in range(file.metadata.num_row_groups)]
    groups = [
        number
        for number, span in enumerate(spans)
        if (batch.low is None or span.max >= batch.low) and (batch.high is None or span.min < batch.high)
    ]
    return file.read_row_groups(groups, columns=list(columns), use_threads=False)


def priced(rows: Rows, policy: Policy, currencies: Sequence[str]) -> Priced | None:
    """The columns of the view priced; None where an amount is beyond 64 bits."""
    c = {name: rows.numbers(name) for name in _NUMBERS}
    full = _full_minor(rows, c, policy)
    if full is None:
        return None
    new_account = differs(rows.codes("account_id"))
    new_subscription = new_account | differs(rows.codes("subscription_id"))
    new_item = new_subscription | differs(rows.codes("item_id"))
    superseded = np.zeros(len(new_item), dtype=bool)
    superseded[:-1] = ~new_item[1:] & ~differs(c["valid_from"])[1:]
    gaps = {"billing": policy.gap_days_billing, "contract": policy.gap_days_contract, "file": policy.gap_days_file}
    columns = {
        "new_account": new_account,
        "new_subscription": new_subscription,
        "new_item": new_item,
        "is_superseded": superseded,
        "plan_mark": _plan_mark(rows, c),
        "discount_mark": (c["forever_off_ppm"] << 34) | c["forever_off_minor"],
        "currency": rows.mapped("currency", [currencies.index(word) for word in rows.names("currency")], np.uint8),
        "status": rows.mapped("status", [STATUSES.index(word) for word in rows.names("status")], np.uint8),
        "full_minor": full,
        "gap_days": rows.mapped("source_kind", [gaps.get(word, 0) for word in rows.names("source_kind")], np.int32),
        "valid_to": array_of(rows.table["valid_to"].fill_null(date.max)),
        "is_special": is_special(rows, policy),
    }
    columns |= {name: c[name] for name in ("deleted", "quantity", "valid_from", "load_no", "source_row")}
    term_end, account_id, subscription_id = (
        whole(rows.table[name]) for name in ("term_end", "account_id", "subscription_id")
    )
    return Priced(columns, term_end, account_id, subscription_id, rows.table)


def is_special(rows: Rows, policy: Policy) -> Array:
    """Whether a state may change by itself before it ends."""
    special = rows.mapped("status", [word in ("past_due", "paused") for word in rows.names("status")], bool)
    special |= array_of(rows.table["cancel_requested_on"].is_valid())
    for kind, counts in (("repeating", policy.repeating_discounts), ("once", policy.once_discounts)):
        if counts:
            special |= rows.numbers(f"{kind}_off_ppm") + rows.numbers(f"{kind}_off_minor") > 0
    return special


def _full_minor(rows: Rows, c: Columns, policy: Policy) -> Array | None:
    """MRR of each row while it is active, exact, rounded once."""
    count = c["interval_count"]
    factors = [_factor(word, policy) for word in rows.names("interval")]
    limits = ((c["quantity"], LARGEST_BILLING), (c["unit_amount_minor"], LARGEST_BILLING), (c["forever_off_ppm"], PPM),
        (c["forever_off_minor"], LARGEST_BILLING), (count - 1, LARGEST_COUNT))  # fmt: skip
    fits = all(int(values.min(initial=0)) >= 0 and int(values.max(initial=0)) <= limit for values, limit in limits)
    if not fits or max((num for num, _ in factors), default=0) > LARGEST_FACTOR:
        return None
    # neither factor has more than 34 bits, so that a float tells which product is too large
    if float((c["quantity"].astype(float) * c["unit_amount_minor"]).max(initial=0)) > LARGEST_BILLING:
        return None
    full = c["quantity"] * c["unit_amount_minor"]
    num = rows.mapped("interval", [num for num, _ in factors], np.int64)
    den = rows.mapped("interval", [den for _, den in factors], np.int64) * count
    changed = num != den
    if policy.forever_discounts:
        changed |= (c["forever_off_ppm"] > 0) | (c["forever_off_minor"] > 0)
    some = np.flatnonzero(changed)
    reduced = full[some] * PPM
    if policy.forever_discounts:
        reduced = full[some] * (PPM - c["forever_off_ppm"][some]) - c["forever_off_minor"][some] * PPM
    full[some] = _divided(np.maximum(reduced, 0) * num[some], PPM * den[some], policy.rounding == "down")
    metered = rows.mapped("usage_type", [word == "metered" for word in rows.names("usage_type")], bool)
    full[metered] = 0
    return full


def _factor(interval: str, policy: Policy) -> tuple[int, int]:
    """month_num and month_den of models/macros.sql, for one interval."""
    week, day = policy.week_factor, policy.day_factor
    return {
        "month": (1, 1),
        "year": (1, 12),
        "week": (week.numerator, week.denominator),
        "day": (day.numerator, day.denominator),
    }.get(interval, (1, day.denominator))


def _divided(n: Array, d: Array, down: bool) -> Array:
    """n / d, rounded down or half to even."""
    quotient: Array = n // d
    if down:
        return quotient
    rest = n - quotient * d
    up = (2 * rest > d) | ((2 * rest == d) & (quotient & 1 == 1))
    rounded: Array = quotient + up
    return rounded


def _plan_mark(rows: Rows, c: Columns) -> Array:
    """One number for plan, product, interval and count: another number is another plan."""
    mark = c["interval_count"].copy()
    for name in ("plan_id", "product_id", "interval"):
        mark = mark * (len(rows.names(name)) + 1) + rows.codes(name) + 1
    return mark
