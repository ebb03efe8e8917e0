"""Balances and movements in arrays: what models/balance.sql and movement.sql say of entities with one currency and nothing on hold.

The others are left to SQL. The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from holdfast.warehouse.events import NEVER_CODE
from holdfast.warehouse.matrix import Balances, LedgerError, Movements
from holdfast.warehouse.states import Array, Columns, before, columns_of, differs, words

#: the words of models/types.sql, in their order
KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "fx", "transfer")

_BALANCE = (
    "select position, month_no::bigint as month_no, mrr_before::bigint as mrr_before, mrr::bigint as mrr from compared"
)
_MOVEMENT = (
    "select position, month_no::bigint as month_no, mrr_before::bigint as mrr_before, mrr::bigint as mrr, "
    "amount::bigint as amount, enum_code(kind::movement_kind)::utinyint as kind from movement_of_batch"
)
_LEFT = "select entity_no::bigint as entity_no, month_no::bigint as month_no from result_left_month"

#: the month of what is not yet due
_NEVER_MONTH = NEVER_CODE >> 5

_KIND = {word: np.uint8(place) for place, word in enumerate(KINDS)}


@dataclass(frozen=True)
class Moved:
    """What happened month by month, in order of position (entity and currency) and month."""

    #: position, month_no, mrr_before, mrr: where a balance changed, or may have
    balance: Columns
    #: position, month_no, kind, amount, mrr_before, mrr
    movement: Columns
    #: entity_no, month_no: gone at its end, where something moved later
    left: Columns

    @property
    def balances(self) -> Balances:
        return Balances(*(self.balance[name] for name in ("position", "month_no", "mrr_before", "mrr")))

    @property
    def movements(self) -> Movements:
        return Movements(*(self.movement[name] for name in ("position", "month_no", "amount")))

    def tables(self, currencies: Sequence[str]) -> dict[str, pa.Table]:
        """The views of models/result_movement.sql."""
        moved, left = self.movement, self.left
        movement = {
            "entity_no": pa.array((moved["position"] >> 8).astype(np.int32)),
            "currency": words((moved["position"] & 255).astype(np.uint8), currencies),
            "month_no": pa.array(moved["month_no"].astype(np.int16)),
            "kind": words(moved["kind"], KINDS),
            "amount_minor": pa.array(moved["amount"]),
            "opening_minor": pa.array(moved["mrr_before"]),
            "closing_minor": pa.array(moved["mrr"]),
        }
        gone = {
            "entity_no": pa.array(left["entity_no"].astype(np.int32)),
            "month_no": pa.array(left["month_no"].astype(np.int16)),
        }
        return {"movement": pa.table(movement), "left_month": pa.table(gone)}


def asked(c: duckdb.DuckDBPyConnection) -> Moved:
    """What the SQL models found."""
    return Moved(*(columns_of(c.sql(question).to_arrow_table()) for question in (_BALANCE, _MOVEMENT, _LEFT)))


def apart(key: Array, held_delta: Array) -> Array:
    """Events (in order of key) of entities that are left to SQL: several currencies, or something on hold."""
    opens = differs(key >> 24)
    entity = np.cumsum(opens) - 1
    odd = np.zeros(int(entity[-1]) + 1 if len(entity) else 0, dtype=bool)
    odd[entity[differs(key >> 16) & ~opens]] = True
    odd[entity[held_delta != 0]] = True
    found: Array = odd[entity]
    return found


def moved(key: Array, delta: Array, new_after_days: int | None) -> Moved:
    """Events in order of key. LedgerError: an entity does not end at 0."""
    month_key, total = key >> 5, np.cumsum(delta)
    ends = np.flatnonzero(np.append(month_key[1:] != month_key[:-1], True)[: len(key)])
    month_key, mrr = month_key[ends], total[ends]
    position = month_key >> 11
    opens = differs(position)
    _check_ends(position, opens, mrr)
    # every entity ends at 0, so the balance before its first month is 0 as well
    prior = before(mrr)
    rows = np.flatnonzero((month_key & 2047) < _NEVER_MONTH)
    balance = {
        "position": position[rows],
        "month_no": month_key[rows] & 2047,
        "mrr_before": prior[rows],
        "mrr": mrr[rows],
    }
    return Moved(balance, _movements(balance, new_after_days), _left(balance))


def _check_ends(position: Array, opens: Array, mrr: Array) -> None:
    closes = np.append(opens[1:], True)[: len(opens)]
    wrong = np.flatnonzero(closes & (mrr != 0))
    if len(wrong):
        raise LedgerError(
            f"{len(wrong)} entities do not end at 0 after their last state ({mrr[wrong[0]]} minor units are left of number "
            f"{position[wrong[0]] >> 8})"
        )


def _movements(balance: Columns, new_after_days: int | None) -> Columns:
    """The months in which the balance changed, with the kind of the change."""
    rows = np.flatnonzero(balance["mrr"] != balance["mrr_before"])
    moved = {name: values[rows] for name, values in balance.items()}
    position, month, prior, mrr = (moved[name] for name in ("position", "month_no", "mrr_before", "mrr"))
    amount = mrr - prior
    kind = np.where(amount > 0, _KIND["expansion"], _KIND["contraction"])
    kind[mrr == 0] = _KIND["churn"]
    begins = prior == 0
    # at 0 and yet not the first: it was above 0 before
    first = differs(position)
    kind[begins] = np.where(first, _KIND["new"], _KIND["reactivation"])[begins]
    if new_after_days is not None:
        # what moves from 0 follows the movement that took it there
        away = _first_days(month) - _first_days(before(month))
        kind[begins & ~first & (away > new_after_days)] = _KIND["new"]
    return moved | {"amount": amount, "kind": kind}


def _first_days(month: Array) -> Array:
    """The first days of months, counted from 1970."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _left(balance: Columns) -> Columns:
    """The months at whose end an entity was gone and after which it still moved: the few that may have come back."""
    position = balance["position"]
    goes_on = np.append(~differs(position)[1:], False)[: len(position)]
    rows = np.flatnonzero((balance["mrr"] == 0) & (balance["mrr_before"] > 0) & goes_on)
    return {"entity_no": position[rows] >> 8, "month_no": balance["month_no"][rows]}


def together(parts: Sequence[Moved]) -> Moved:
    """Several, in one order."""
    balance, movement, left = (
        {name: np.concatenate([part[name] for part in same]) for name in same[0]}
        for same in (
            [part.balance for part in parts],
            [part.movement for part in parts],
            [part.left for part in parts],
        )
    )
    return Moved(_ordered(balance), _ordered(movement), left)


def _ordered(columns: Columns) -> Columns:
    order = np.argsort((columns["position"] << 11) | columns["month_no"], kind="stable")
    return {name: values[order] for name, values in columns.items()}
