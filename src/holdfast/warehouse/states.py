"""The states that hold, found in arrays: word for word what models/state.sql says, in a tenth of its time.

Whole columns are compared with themselves shifted by one row. The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Array = npt.NDArray[Any]
Columns = dict[str, Array]

#: the words of models/types.sql, in their order
STATUSES = ("trialing", "active", "past_due", "unpaid", "paused", "canceled")

#: never() of the models, in days since 1970
NEVER = (date(9999, 12, 31) - date(1970, 1, 1)).days

#: what is asked of the view priced; words as their place among the fixed ones
QUESTION = (
    "select * replace (enum_code(currency)::utinyint as currency, enum_code(status)::utinyint as status) from priced"
)

_CARRIED = (
    "currency",
    "status",
    "quantity",
    "full_minor",
    "gap_days",
    "valid_from",
    "load_no",
    "source_row",
    "is_special",
)


@dataclass(frozen=True)
class Priced:
    """The rows of the view priced: columns that are never null (currency and status as codes), and the others."""

    #: valid_to is NEVER where it is open
    columns: Columns
    term_end: pa.Array
    account_id: pa.Array
    subscription_id: pa.Array
    #: the same rows as they were landed; None where SQL has put them in order
    landed: pa.Table | None = None


def asked(priced: pa.Table) -> Priced:
    """The rows as QUESTION asks for them."""
    apart = ("term_end", "account_id", "subscription_id")
    place = priced.schema.get_field_index("valid_to")
    closed = priced.set_column(place, "valid_to", priced["valid_to"].fill_null(date.max)).drop_columns(list(apart))
    return Priced(columns_of(closed), *(whole(priced[name]) for name in apart))


@dataclass(frozen=True)
class States:
    """One row a state, in order of account, subscription, item and day. Days count from 1970, money is in minor units."""

    #: the columns of models/state.sql that are never null; currency and status as codes
    columns: Columns
    term_end: pa.Array
    #: ids where they open, else null
    account_id: pa.Array
    subscription_id: pa.Array
    #: the place of each among the priced rows
    rows: Array


def words(codes: Array, names: Sequence[str]) -> pa.DictionaryArray:
    """Codes as the words they stand for."""
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(names, pa.string()))


def dates(numbers: Array) -> pa.Array:
    """Days since 1970 as dates."""
    return pa.array(numbers.astype(np.int32)).view(pa.date32())


def columns_of(table: pa.Table) -> Columns:
    """Columns as arrays; dates as days since 1970."""
    return {name: array_of(table[name]) for name in table.column_names}


def hold(priced: Priced) -> States:
    """The states that hold."""
    c = priced.columns
    numbers = {name: np.cumsum(c[f"new_{name}"], dtype=np.int32) for name in ("account", "subscription", "item")}
    rows = np.flatnonzero(~(c["is_superseded"] | c["deleted"]))
    rows, until = _bounded(rows, numbers["item"], c["valid_from"], c["valid_to"])
    # mostly all rows hold: nothing is copied then
    some = slice(None) if len(rows) == len(c["deleted"]) else rows
    chosen = {f"{name}_no": values[some] for name, values in numbers.items()}
    chosen |= {name: c[name][some] for name in _CARRIED}
    chosen["state_no"] = np.arange(1, len(rows) + 1, dtype=np.int32)
    chosen["valid_until"] = until
    chosen["touches"] = ~differs(chosen["item_no"])
    chosen["touches"][1:] &= until[:-1] == chosen["valid_from"][1:]
    chosen["follows"] = chosen["touches"] & ~differs(chosen["currency"])
    chosen["is_other_plan"] = differs(c["plan_mark"][some])
    chosen["is_other_discount"] = differs(c["discount_mark"][some])
    chosen["quantity_before"] = before(chosen["quantity"])
    opens = differs(chosen["subscription_no"])
    places = pa.array(rows, mask=~opens)
    return States(
        chosen,
        priced.term_end.take(pa.array(rows)),
        priced.account_id.take(places),
        priced.subscription_id.take(places),
        rows,
    )


def differs(values: Array) -> Array:
    """Where a value is not the one of the row before; the first row always is another."""
    out = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=out[1:])
    return out


def before(values: Array) -> Array:
    """The values of the row before; 0 in the first row."""
    out = np.zeros_like(values)
    out[1:] = values[:-1]
    return out


def _bounded(rows: Array, item_no: Array, valid_from: Array, valid_to: Array) -> tuple[Array, Array]:
    """The rows that hold for a day at least, and until when: their own end, or where the item's next state begins."""
    item, begins, until = item_no[rows], valid_from[rows], valid_to[rows]
    follows = item[1:] == item[:-1]
    until[:-1] = np.where(follows, np.minimum(until[:-1], begins[1:]), until[:-1])
    lasting = until > begins
    return rows[lasting], until[lasting]


def whole(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column in one piece."""
    joined = column if isinstance(column, pa.Array) else column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)


def array_of(column: pa.ChunkedArray | pa.Array) -> Array:
    """A column without nulls as an array; dates as days since 1970."""
    joined = whole(column)
    if pa.types.is_date32(joined.type):
        joined = joined.view(pa.int32())
    return np.asarray(joined.to_numpy(zero_copy_only=False))


def entities(states: States, by_subscription: bool) -> pa.Table:
    """The table entity_number of models/entity_account.sql and entity_subscription.sql."""
    number = states.columns["subscription_no" if by_subscription else "account_no"]
    opens = np.flatnonzero(differs(number))
    ids = states.account_id.take(pa.array(opens)).cast(pa.string())
    names = states.subscription_id.take(pa.array(opens)).cast(pa.string()) if by_subscription else ids
    return pa.table({"entity_no": pa.array(number[opens]), "entity_id": names, "account_id": ids})
