"""Special states in arrays: what models/special.sql, piece.sql, inside.sql and aside.sql say of those that keep one value.

Most states that the policy may change by themselves end before it does. The few that are cut by a day inside, or have a
discount for some time, are left to SQL. The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from holdfast.domain.policy import Policy
from holdfast.warehouse.states import NEVER, STATUSES, Array, Columns, States, array_of, before, dates, words

#: the words of models/types.sql, in their order
LANES = ("trial", "held", "past_due", "pending")

_ACTIVE, _PAST_DUE, _UNPAID, _PAUSED, _TRIALING = (
    STATUSES.index(word) for word in ("active", "past_due", "unpaid", "paused", "trialing")
)

_OF_SPECIAL = (
    "account_no", "subscription_no", "item_no", "state_no", "currency", "gap_days", "load_no", "source_row", "status",
    "valid_from", "valid_until",
)  # fmt: skip


@dataclass(frozen=True)
class Special:
    """The special states (models/special.sql), one row each."""

    #: places among the states
    places: Array
    #: the first day of the run of states with one status, past due or paused; only in such runs it says anything
    run_from: Array
    #: the place of the state before that run, -1 where there is none
    earlier: Array

    def take(self, rows: Array) -> Special:
        return Special(self.places[rows], self.run_from[rows], self.earlier[rows])


@dataclass(frozen=True)
class Lasting:
    """Special states of one value, which stands from their first day to their last."""

    special: Special
    #: what counts as MRR
    minor: Array
    #: paused, and what was paid before is on hold
    is_held: Array
    #: cancelled already, at the end of what is paid
    is_pending: Array


def special(states: States) -> Special:
    """The states that the policy may change by themselves."""
    c = states.columns
    places = np.flatnonzero(c["is_special"])
    status, touches = c["status"][places], c["touches"][places]
    runs = (status == _PAST_DUE) | (status == _PAUSED)
    opens = ~(touches & runs & (before(c["status"])[places] == status))
    run = np.flatnonzero(opens)[np.cumsum(opens) - 1]
    return Special(places, c["valid_from"][places][run], np.where(touches[run], places[run] - 1, -1))


def special_table(states: States, chosen: Special, currencies: Sequence[str]) -> pa.Table:
    """The table special of models/special.sql."""
    c = {name: states.columns[name][chosen.places] for name in _OF_SPECIAL}
    days = {name: c[name] for name in ("valid_from", "valid_until")} | {"run_from": chosen.run_from}
    return pa.table(
        {name: pa.array(values) for name, values in c.items()}
        | {name: dates(values) for name, values in days.items()}
        | {
            "currency": words(c["currency"], currencies),
            "status": words(c["status"], STATUSES),
            "state_before": pa.array(states.columns["state_no"][chosen.earlier], mask=chosen.earlier < 0),
        }
    )


def state_table(states: States, chosen: Special, currencies: Sequence[str]) -> pa.Table:
    """Of the table state of models/state.sql what is asked of the states before special ones."""
    places = np.unique(chosen.earlier[chosen.earlier >= 0])
    c = {name: states.columns[name][places] for name in ("state_no", "currency", "status", "full_minor")}
    return pa.table(
        {name: pa.array(values) for name, values in c.items()}
        | {"currency": words(c["currency"], currencies), "status": words(c["status"], STATUSES)}
    )


def lasting(states: States, landed: pa.Table | None, every: Special, policy: Policy) -> tuple[Lasting, Special]:
    """Those of one value, and the others, for SQL. landed: the rows that the states were made of; without them all are for SQL."""
    if landed is None:
        none = np.zeros(0, dtype=np.int64)
        return Lasting(every.take(none), none, none.astype(bool), none.astype(bool)), every
    c, places = states.columns, every.places
    rows = landed.take(pa.array(states.rows[places]))
    begins, until, status = c["valid_from"][places], c["valid_until"][places], c["status"][places]
    clicked, grace = _day(rows, "cancel_requested_on"), _grace_until(status, every.run_from, policy)
    cut = _is_inside(clicked, begins, until) | _is_inside(grace, begins, until)
    for kind, counts in (("repeating", policy.repeating_discounts), ("once", policy.once_discounts)):
        if counts:
            ends = _day(rows, f"{kind}_until")
            off = array_of(rows[f"{kind}_off_ppm"]) + array_of(rows[f"{kind}_off_minor"])
            cut |= _is_inside(ends, begins, until) | ((begins < ends) & (off > 0))
    # SQL asks what the state before a pause was worth
    paused = cut & (status == _PAUSED)
    cut |= np.isin(places, every.earlier[paused])
    stays = np.flatnonzero(~cut)
    kept = {"status": status[stays], "full": c["full_minor"][places][stays], "begins": begins[stays]}
    minor = _minor(kept, grace[stays], clicked[stays], policy)
    own = every.take(stays)
    is_held = (kept["status"] == _PAUSED) & (kept["begins"] < grace[stays]) & (own.earlier >= 0)
    is_pending = (kept["begins"] >= clicked[stays]) & (minor != 0)
    return Lasting(own, minor, is_held, is_pending), every.take(np.flatnonzero(cut))


def _is_inside(day: Array, begins: Array, until: Array) -> Array:
    found: Array = (day > begins) & (day < until)
    return found


def _day(rows: pa.Table, name: str) -> Array:
    return array_of(rows[name].fill_null(date.max))


def _grace_until(status: Array, run_from: Array, policy: Policy) -> Array:
    """The day on which the policy loses patience; NEVER where it has no end."""
    until = np.full(len(status), NEVER, dtype=np.int64)
    for code, days in ((_PAST_DUE, policy.past_due_grace_days), (_PAUSED, policy.pause_grace_days)):
        if days is not None:
            until = np.where(status == code, run_from + days, until)
    return until


def _minor(kept: Columns, grace: Array, clicked: Array, policy: Policy) -> Array:
    """mrr_minor of models/piece.sql."""
    status = kept["status"]
    counts = status == _ACTIVE
    if policy.past_due_counts:
        counts |= (status == _PAST_DUE) & (kept["begins"] < grace)
    if policy.unpaid_counts:
        counts |= status == _UNPAID
    if policy.cancel_at == "click":
        counts &= kept["begins"] < clicked
    return np.where(counts, kept["full"], 0)


def on_hold(states: States, found: Lasting, last: Array) -> Columns:
    """What is on hold (the table held): place, currency, from, until and amount. last: each state's MRR on its last day."""
    rows = np.flatnonzero(found.is_held)
    rows = rows[last[found.special.earlier[rows]] != 0]
    c, place, earlier = states.columns, found.special.places[rows], found.special.earlier[rows]
    return {
        "place": place,
        "currency": c["currency"][earlier],
        "begins": c["valid_from"][place],
        "until": c["valid_until"][place],
        "amount": last[earlier],
    }


def changes_of(held: Columns, pause: np.uint8) -> Columns:
    """What is put on hold and taken off again, as changes."""
    twice = {name: np.concatenate([held[name], held[name]]) for name in ("place", "currency")}
    nothing = np.zeros(2 * len(held["place"]), dtype=np.int64)
    return twice | {
        "day": np.concatenate([held["begins"], held["until"]]),
        "delta": nothing,
        "held_delta": np.concatenate([held["amount"], -held["amount"]]),
        "cause": np.full(len(nothing), pause, dtype=np.uint8),
    }


def beside(states: States, found: Lasting, held: Columns, in_sql: Array) -> Columns:
    """What stands beside MRR (models/aside.sql), without the states that SQL works off: place, lane, currency, from, until, amount."""
    c, own = states.columns, found.special.places
    trials = (c["status"] == _TRIALING) & (c["full_minor"] != 0)
    trials[in_sql] = False
    late = (c["status"][own] == _PAST_DUE) & (found.minor != 0)
    parts = [held | {"lane": np.full(len(held["place"]), LANES.index("held"), dtype=np.uint8)}]
    for lane, places, amount in (
        ("trial", np.flatnonzero(trials), c["full_minor"][trials]),
        ("past_due", own[late], found.minor[late]),
        ("pending", own[found.is_pending], found.minor[found.is_pending]),
    ):
        parts.append(
            {
                "place": places,
                "lane": np.full(len(places), LANES.index(lane), dtype=np.uint8),
                "currency": c["currency"][places],
                "begins": c["valid_from"][places],
                "until": c["valid_until"][places],
                "amount": amount,
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
