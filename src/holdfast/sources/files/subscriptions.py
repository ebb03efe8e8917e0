"""Subscription rows in the shapes that people have: intervals with an amount, or one amount per month.

What is decided here: which rows are states of one item, what part of a total is the price of one seat, and
what a status means where one row tells a whole life.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.sources.files.cells import Cells, Mask, as_days, days_from, mask_of
from holdfast.sources.files.mapping import Mapping
from holdfast.sources.files.parse import read_interval

#: An end from here on means that there is none.
_NEVER = date(2900, 1, 1)
_FAR = np.datetime64("9999-12-31", "D")
_MONTH, _AMOUNT = "the month", "the month's amount"


def months_as_rows(
    table: pa.Table, rows: npt.NDArray[np.int64], mapping: Mapping
) -> tuple[pa.Table, npt.NDArray[np.int64], Mapping]:
    """A file with one column per month as one with a row per customer and month.

    A month left blank says nothing and gives no row; a month with 0 says that nothing was paid.
    """
    kept = [name for name in table.column_names if name not in mapping.months]
    parts = []
    numbers = []
    for header, month in mapping.months.items():
        said = pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(table[header]), ""), False)
        part = table.filter(said)
        parts.append(
            part.select(kept)
            .append_column(_MONTH, pa.repeat(month, part.num_rows))
            .append_column(_AMOUNT, part[header])
        )
        numbers.append(rows[mask_of(said.combine_chunks())])
    columns = mapping.columns | {"month": _MONTH, "unit_amount_minor": _AMOUNT}
    long = replace(
        mapping,
        shape="months_down",
        columns=columns,
        months={},
        date_format=mapping.date_format | {_MONTH: "iso"},
    )
    return pa.concat_tables(parts), np.concatenate(numbers), long


def subscription_rows(cells: Cells) -> pa.Table:
    """The canonical columns of every row, and `source_row`; bad rows are marked in `cells` and left out."""
    mapping = cells.mapping
    for name in ("account_id", "subscription_id", "item_id"):
        if cells.has(name):
            cells.require(name, cells.text(name))
    columns: dict[str, pa.Array] = {
        name: cells.text(name) for name in ("account_id", "subscription_id", "item_id", "product_id", "plan_id")
    }
    columns["valid_from"], columns["valid_to"] = _interval_of(cells)
    amount, columns["currency"] = cells.money("unit_amount_minor")
    cells.require("unit_amount_minor", amount)
    header = mapping.columns.get("unit_amount_minor", "")
    negative = mask_of(pc.less(amount, 0).fill_null(False))
    cells.reject(negative, header, "is negative", "give the price as it is, and what is off in a discount column")
    columns["unit_amount_minor"] = amount
    columns["quantity"] = _quantity(cells)
    columns["interval"], columns["interval_count"] = _billing(cells)
    columns |= _optional(cells)
    columns["status"] = _status(cells, columns["valid_to"])
    columns["source_row"] = pa.array(cells.rows)
    good = pa.table(columns).filter(pa.array(~cells.bad))
    return _with_seats(cells, _with_histories(cells, _with_items(cells, good))) if good.num_rows else good


# -- when ----------------------------------------------------------------------------------------------------


def _interval_of(cells: Cells) -> tuple[pa.Array, pa.Array]:
    """First day, and first day no longer, of every row."""
    if cells.mapping.shape == "months_down":
        month = as_days(cells.require("month", cells.day("month"))).astype("datetime64[M]")
        return days_from(month), days_from(month + np.timedelta64(1, "M"))
    start = cells.require("valid_from", cells.day("valid_from"))
    end = _ends_that_come(cells, cells.day("valid_to"))
    if cells.mapping.end_is == "inclusive":
        end = days_from(as_days(end) + np.timedelta64(1, "D"))
    header = cells.mapping.columns.get("valid_to", "")
    first = cells.mapping.columns.get("valid_from", "")
    backwards = mask_of(pc.less(end, start).fill_null(False))
    cells.reject(backwards, header, f"is before {first}", "correct one of the two dates")
    empty = int((mask_of(pc.equal(end, start).fill_null(False)) & ~cells.bad).sum())
    if empty:
        cells.notes.append(f"{empty} rows end on the day they begin: they hold for no time")
    return start, end


def _ends_that_come(cells: Cells, end: pa.Array) -> pa.Array:
    """The ends, without those of 9999-12-31 and the like, which people write where there is none."""
    never = mask_of(pc.greater_equal(end, pa.scalar(_NEVER)).fill_null(False))
    if never.any():
        cells.notes.append(f"{int(never.sum())} ends are beyond the year {_NEVER.year}: taken as open")
    return pc.if_else(pa.array(never), pa.scalar(None, pa.date32()), end)


def _billing(cells: Cells) -> tuple[pa.Array, pa.Array]:
    """Interval and count for which the amount is."""
    meaning = cells.mapping.amount_is
    if meaning in ("monthly_total", "yearly_total"):
        unit = "month" if meaning == "monthly_total" else "year"
        return pa.repeat(unit, cells.count), pa.repeat(pa.scalar(1, pa.int64()), cells.count)
    both = pa.struct([("unit", pa.string()), ("count", pa.int64())])
    read = cells.read("interval", lambda text: dict(zip(("unit", "count"), read_interval(text), strict=True)), both)
    unit = pc.struct_field(read, "unit").fill_null("month")
    count = pc.struct_field(read, "count").fill_null(1)
    return unit, pc.multiply(count, cells.whole("interval_count").fill_null(1))


# -- what ----------------------------------------------------------------------------------------------------


def _quantity(cells: Cells) -> pa.Array:
    quantity = cells.whole("quantity")
    negative = mask_of(pc.less(quantity, 0).fill_null(False))
    cells.reject(negative, cells.mapping.columns.get("quantity", ""), "is negative", "give the number of seats")
    return quantity.fill_null(1)


def _optional(cells: Cells) -> dict[str, pa.Array]:
    """The columns that are there or not, each in its own kind."""
    told: dict[str, pa.Array] = {}
    for name in ("forever_off_ppm", "repeating_off_ppm", "once_off_ppm"):
        if cells.has(name):
            told[name] = cells.whole(name)
    for name in ("forever_off_minor", "repeating_off_minor", "once_off_minor"):
        if cells.has(name):
            told[name] = cells.money(name)[0]
    for name in ("repeating_until", "once_until", "cancel_requested_on", "term_end"):
        if cells.has(name):
            told[name] = cells.day(name)
    for name in ("auto_renew", "replaces_item", "deleted"):
        if cells.has(name):
            told[name] = cells.flag(name)
    if cells.has("discount_percent"):
        told["forever_off_ppm"] = cells.percent_ppm("discount_percent")
    if cells.has("usage_type"):
        told["usage_type"] = cells.listed("usage_type")
    if "replaces_item" not in told:
        told["replaces_item"] = pa.repeat(cells.mapping.replaces_item, cells.count)
    return told


def _status(cells: Cells, end: pa.Array) -> pa.Array:
    """The status of each row. Where a row tells a whole life, its status is of today, not of all its days.

    So "canceled" there means that it was active until its end, and a row without an end cannot be read; and
    paused, past due or unpaid since an unknown day is taken as active, and said.
    """
    status = cells.listed("status").fill_null("active")
    if cells.mapping.replaces_item:
        header = cells.mapping.columns.get("status", "")
        canceled = mask_of(pc.equal(status, "canceled"))
        endless = canceled & mask_of(end.is_null())
        cells.reject(endless, header, "but the row has no end", "give the day on which it ended")
        unsettled = mask_of(pc.is_in(status, value_set=pa.array(["paused", "past_due", "unpaid"])))
        if unsettled.any():
            cells.notes.append(
                f"{int(unsettled.sum())} rows are paused, past due or unpaid, but the file does "
                "not tell since when; taken as active"
            )
        status = pc.if_else(pa.array(canceled | unsettled), "active", status)
    trial = mask_of(cells.flag("trial").fill_null(False))
    return pc.if_else(pa.array(trial), "trialing", status) if cells.has("trial") else status


# -- items ---------------------------------------------------------------------------------------------------


def _with_items(cells: Cells, table: pa.Table) -> pa.Table:
    """Give every row its subscription and item where the file has no ids of its own.

    An item is the coarsest thing whose rows do not overlap in time: the subscription (or, without one, the
    account), else that with its product, else with its plan, else with both.
    """
    own_subscription = cells.has("subscription_id")
    base = pc.coalesce(table["subscription_id"], table["account_id"])
    table = _set(table, "subscription_id", base)
    if cells.has("item_id"):
        return _set(table, "item_id", pc.coalesce(table["item_id"], base))
    parts = [name for name in ("product_id", "plan_id") if cells.has(name)]
    ladder: list[list[str]] = [[], *([part] for part in parts), *([parts] if len(parts) == 2 else [])]
    start, end = as_days(_flat(table["valid_from"])), as_days(_flat(table["valid_to"]))
    candidates = [(names, _named(base, table, names)) for names in ladder]
    for names, item in candidates:
        # Without an end, a row of a subscription holds until its next row; rows of an account are things
        # beside one another.
        if _is_one_line(item, start, end, until_next=own_subscription):
            return _told(cells, _set(table, "item_id", item), names, own_subscription)
    if cells.mapping.shape == "months_down":
        names, item = candidates[-1]
        return _told(cells, _summed(cells, _set(table, "item_id", item)), names, own_subscription)
    names, item = candidates[-1]
    if not _is_one_line(item, start, end, until_next=True):
        item = _numbered(item, start)
        cells.notes.append("some rows overlap in time and tell nothing apart: they are counted as separate lines")
    return _told(cells, _set(table, "item_id", item), names, own_subscription)


def _told(cells: Cells, table: pa.Table, names: list[str], own_subscription: bool) -> pa.Table:
    if not own_subscription:
        what = " and ".join(["account", *(cells.mapping.columns[name] for name in names)])
        cells.notes.append(f"no subscription id: the rows of one {what} are one line, followed through time")
    return table


def _named(base: pa.ChunkedArray, table: pa.Table, names: list[str]) -> pa.Array:
    """The base with the named columns' texts behind it."""
    texts = [base, *(table[name].fill_null("") for name in names)]
    return _flat(pc.binary_join_element_wise(*texts, "/") if names else base)


def _is_one_line(
    item: pa.Array, start: npt.NDArray[np.datetime64], end: npt.NDArray[np.datetime64], *, until_next: bool
) -> bool:
    """Whether no two rows of an item begin on one day or overlap."""
    codes = item.dictionary_encode().indices.to_numpy()
    order = np.lexsort((start, codes))
    same = codes[order][1:] == codes[order][:-1]
    begins, ends = start[order], end[order]
    ends = np.where(np.isnat(ends), begins if until_next else _FAR, ends)
    clash = (begins[1:] == begins[:-1]) | (begins[1:] < ends[:-1])
    return not bool((same & clash).any())


def _numbered(item: pa.Array, start: npt.NDArray[np.datetime64]) -> pa.Array:
    """Items with `#n` behind them, counted in the order in which they begin."""
    codes = item.dictionary_encode().indices.to_numpy()
    order = np.lexsort((start, codes))
    ranked = codes[order]
    begins = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    counts = np.arange(len(ranked)) - np.repeat(begins, np.diff(np.r_[begins, len(ranked)])) + 1
    number = np.empty(len(ranked), dtype=np.int64)
    number[order] = counts
    return pc.binary_join_element_wise(item, pa.array(number).cast(pa.string()), "#")


def _summed(cells: Cells, table: pa.Table) -> pa.Table:
    """One row per item, currency and month, with the sum of its amounts and the rest of its first row."""
    keys = ["item_id", "currency", "valid_from"]
    others = [name for name in table.column_names if name not in (*keys, "unit_amount_minor", "quantity")]
    grouped = table.group_by(keys, use_threads=False).aggregate(
        [("unit_amount_minor", "sum"), ("quantity", "min"), *((name, "first") for name in others)]
    )
    renamed = [name.removesuffix("_sum").removesuffix("_first") for name in grouped.column_names]
    renamed = ["quantity" if name == "quantity_min" else name for name in renamed]
    joined = grouped.rename_columns(renamed).select(table.column_names)
    cells.notes.append(f"{table.num_rows - joined.num_rows} rows tell a month that another tells too: added up")
    return joined


def _with_histories(cells: Cells, table: pa.Table) -> pa.Table:
    """A row does not tell a whole history where its item has several rows, whatever the mapping says."""
    if not cells.mapping.replaces_item or len(pc.unique(table["item_id"])) == table.num_rows:
        return table
    cells.notes.append("replaces_item: left out, as some items have several rows in this file")
    return _set(table, "replaces_item", pa.repeat(False, table.num_rows))


# -- seats ---------------------------------------------------------------------------------------------------


def _with_seats(cells: Cells, table: pa.Table) -> pa.Table:
    """The price of one seat, where the file has totals and they divide by the seats in all rows of an item.

    Elsewhere the item is one unit at its total: there is no price per seat with a fraction of a cent.
    """
    if cells.mapping.amount_is == "unit_price" or not cells.has("quantity"):
        return table
    total = _flat(table["unit_amount_minor"]).to_numpy()
    seats = _flat(table["quantity"]).to_numpy()
    at_least_one = np.maximum(seats, 1)
    codes = _flat(table["item_id"]).dictionary_encode().indices.to_numpy()
    uneven: Mask = (total % at_least_one != 0) | (seats == 0)
    item_is_uneven = np.bincount(codes, weights=uneven) > 0
    whole = item_is_uneven[codes]
    table = _set(table, "unit_amount_minor", pa.array(np.where(whole, total, total // at_least_one)))
    header = cells.mapping.columns["quantity"]
    if whole.any():
        cells.notes.append(
            f"{header}: left out (quantity 1) in {int(whole.sum())} rows whose total does not divide by it"
        )
    return _set(table, "quantity", pa.array(np.where(whole, 1, at_least_one)))


def _set(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, name, values)


def _flat(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)
