"""The pure half of the file source: the rows of a file and its mapping become canonical rows and rejects.

No file is touched here. The result has columns of the fact table (those the file can fill) and `source_row`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.domain.fact_table import Column
from holdfast.domain.facts import TABLES
from holdfast.sources.files.cells import Cells, as_days, days_from, mask_of
from holdfast.sources.files.mapping import Mapping
from holdfast.sources.files.rejects import Reject
from holdfast.sources.files.subscriptions import months_as_rows, subscription_rows


@dataclass(frozen=True)
class Facts:
    """What a file tells: canonical rows, rows that could not be read, and what should be known about both."""

    table: str
    rows: pa.Table
    rejects: list[Reject] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def to_facts(
    table: pa.Table, rows: npt.NDArray[np.int64], mapping: Mapping, subscriptions: pa.Table | None = None
) -> Facts:
    """The canonical rows of a file's text columns. `rows` are the rows' numbers in the file.

    `subscriptions` (subscription_id, account_id, each subscription once) finds the account of rows that only
    name a subscription.
    """
    if mapping.shape == "months_across":
        table, rows, mapping = months_as_rows(table, rows, mapping)
    cells = Cells(table, rows, mapping)
    if mapping.table == "subscription_item":
        result = subscription_rows(cells)
    else:
        columns = {
            column.name: _read(cells, column)
            for column in TABLES[mapping.table].columns
            if column.name in _fillable(mapping)
        }
        finish = _FINISH.get(mapping.table)
        if finish is not None:
            columns |= finish(cells, columns, subscriptions)
        for column in TABLES[mapping.table].columns:
            if column.required:
                values = columns.get(column.name, pa.nulls(cells.count))
                cells.require(column.name, values)
        columns["source_row"] = pa.array(cells.rows)
        result = _gather(cells, pa.table(columns).filter(pa.array(~cells.bad)))
    return Facts(mapping.table, result, sorted(cells.rejects, key=lambda each: each.row), cells.notes)


def _fillable(mapping: Mapping) -> set[str]:
    """The columns that the file fills, and the currency beside every amount."""
    money = any(column.kind == "money" and column.name in mapping.columns for column in TABLES[mapping.table].columns)
    with_currency = money and "currency" in TABLES[mapping.table].names
    return set(mapping.columns) | ({"currency"} if with_currency else set())


def _read(cells: Cells, column: Column) -> pa.Array:
    """One column in its own kind."""
    if column.choices:
        return cells.listed(column.name)
    if column.name == "currency":
        return _row_currency(cells)
    if column.kind == "money":
        return cells.money(column.name)[0]
    readers: dict[str, Callable[[str], pa.Array]] = {
        "text": cells.text,
        "int": cells.whole,
        "ppm": cells.whole,
        "rate": cells.rate,
        "date": cells.day,
        "time": cells.moment,
        "flag": cells.flag,
    }
    return readers[column.kind](column.name)


def _row_currency(cells: Cells) -> pa.Array:
    """The currency of a row: as its first amount says, else its own column, else the mapping."""
    for column in TABLES[cells.mapping.table].columns:
        if column.kind == "money" and cells.has(column.name):
            bad, count = cells.bad.copy(), len(cells.rejects)
            currency = cells.money(column.name)[1]
            cells.bad[:] = bad  # the amount itself is read, and its bad rows told, in its own column
            del cells.rejects[count:]
            return currency
    return cells.currency()


Columns = dict[str, pa.Array]


def _finish_account(cells: Cells, columns: Columns, _: pa.Table | None) -> Columns:
    """Segment attributes, and domains as they are compared."""
    more: Columns = {"attributes": _attributes(cells)}
    if "domain" in columns:
        host = pc.replace_substring_regex(pc.utf8_lower(columns["domain"]), r"^(https?://)?(www\.)?", "")
        more["domain"] = pc.replace_substring_regex(host, r"[/?#:].*$", "")
    return more


def _attributes(cells: Cells) -> pa.Array:
    """A map of the filled attributes of every row, in the order of their names."""
    named = sorted(cells.mapping.attributes.items())
    if not named:
        return pa.array([{}] * cells.count, pa.map_(pa.string(), pa.string()))
    columns = [cells.filled(header) for _, header in named]
    width = len(named)
    filled = np.column_stack([mask_of(column.is_valid()) for column in columns])
    places = np.arange(width)[None, :] * cells.count + np.arange(cells.count)[:, None]
    values = pa.concat_arrays(columns).take(pa.array(places[filled]))
    names = np.broadcast_to(np.arange(width), filled.shape)[filled]
    keys = pa.array([name for name, _ in named]).take(pa.array(names))
    offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int32)
    return pa.MapArray.from_arrays(pa.array(offsets), keys, values)


def _finish_usage(cells: Cells, columns: Columns, subscriptions: pa.Table | None) -> Columns:
    """The account through the subscription where the row names no account; `*` where it names no feature."""
    more: Columns = {}
    if "feature" not in columns:
        more["feature"] = pa.repeat("*", cells.count)
    if "account_id" not in columns:
        named = cells.text("subscription_id")
        header = cells.mapping.columns.get("subscription_id", "subscription_id")
        cells.require("subscription_id", named)
        if subscriptions is None or not subscriptions.num_rows:
            accounts = pa.nulls(cells.count, pa.string())
        else:
            place = pc.index_in(named, value_set=subscriptions["subscription_id"])
            accounts = subscriptions["account_id"].combine_chunks().take(place)
        unknown = mask_of(accounts.is_null()) & ~cells.bad
        cells.reject(unknown, header, "is no subscription that was loaded", "load the subscriptions first")
        more["account_id"] = accounts
    return more


def _finish_ticket(cells: Cells, columns: Columns, _: pa.Table | None) -> Columns:
    """The moment of the first response, from the minutes it took."""
    if not cells.has("first_response_minutes") or "first_response_at" in columns:
        return {}
    minutes = cells.whole("first_response_minutes").to_numpy(zero_copy_only=False).astype("timedelta64[m]")
    opened = columns["opened_at"].to_numpy(zero_copy_only=False)
    return {"first_response_at": pa.array((opened + minutes).astype("datetime64[us]"), pa.timestamp("us"))}


def _finish_fx(cells: Cells, columns: Columns, _: pa.Table | None) -> Columns:
    """The reporting currency as the quote where the file has none; a rate must be above zero."""
    if "rate" in columns:
        wrong = mask_of(pc.less_equal(columns["rate"], 0.0).fill_null(False))
        cells.reject(wrong, cells.mapping.columns["rate"], "is not above zero", "correct the rate")
    more = {} if "quote" in columns else {"quote": pa.repeat(cells.mapping.currency, cells.count)}
    return more | {name: pc.utf8_upper(columns[name]) for name in ("currency", "quote") if name in columns}


def _finish_spend(cells: Cells, columns: Columns, _: pa.Table | None) -> Columns:
    """The month's first day."""
    return {"month": days_from(as_days(columns["month"]).astype("datetime64[M]"))}


def _finish_contact(cells: Cells, columns: Columns, _: pa.Table | None) -> Columns:
    return {"email": pc.utf8_lower(columns["email"])} if "email" in columns else {}


_FINISH: dict[str, Callable[[Cells, Columns, pa.Table | None], Columns]] = {
    "account": _finish_account,
    "usage_day": _finish_usage,
    "ticket": _finish_ticket,
    "fx_rate": _finish_fx,
    "spend": _finish_spend,
    "contact": _finish_contact,
    "target": _finish_spend,
}


def _gather(cells: Cells, table: pa.Table) -> pa.Table:
    """One row per key where the table counts things, or where a key told twice would be two truths."""
    if cells.mapping.table == "usage_day" and table.num_rows:
        return _added_up(cells, table)
    if cells.mapping.table == "account" and "valid_from" not in table.column_names:
        return _last_of_each(cells, table)
    return table


def _added_up(cells: Cells, table: pa.Table) -> pa.Table:
    """Usage of one account, day and feature on several rows, added up; of people the largest number."""
    keys = ["account_id", "day", "feature"]
    how = {"events": "sum", "active_users": "max", "source_row": "min"}
    told = [(name, way) for name, way in how.items() if name in table.column_names]
    grouped = table.group_by(keys, use_threads=False).aggregate(told)
    if grouped.num_rows < table.num_rows:
        cells.notes.append(
            f"{table.num_rows - grouped.num_rows} rows tell more of an account, day and feature: added up"
        )
    renamed = {f"{name}_{way}": name for name, way in told}
    return grouped.rename_columns([renamed.get(name, name) for name in grouped.column_names])


def _last_of_each(cells: Cells, table: pa.Table) -> pa.Table:
    """The last row of each account."""
    codes = table["account_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    _, from_end = np.unique(codes[::-1], return_index=True)
    if len(from_end) == table.num_rows:
        return table
    cells.notes.append(f"{table.num_rows - len(from_end)} rows tell an account that a later row tells again")
    return table.take(pa.array(np.sort(table.num_rows - 1 - from_end)))
