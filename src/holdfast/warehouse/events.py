"""Changes and events, found in arrays: what models/change.sql, event.sql and cause.sql say, for accounts that stand alone.

The tests hold the two against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from holdfast.warehouse.pieces import Lasting
from holdfast.warehouse.states import STATUSES, Array, Columns, States, array_of, before, dates, differs, words

#: the words of models/types.sql, in their order
CAUSES = (
    "start", "cancel", "plan", "seats", "price", "discount", "discount_end", "pause", "involuntary", "usage", "add_on",
    "cross_sell", "transfer",
)  # fmt: skip

#: never_code() of the models: later than every day
NEVER_CODE = 65535

#: what is asked of the tables edge and change_inside; words as their place among the fixed ones
EDGES = "select state_no, first_minor, last_minor from edge"
INSIDE = (
    "select state_no, enum_code(currency::currency_code)::utinyint as currency, day, delta::bigint as delta, held_delta, "
    "enum_code(cause::change_cause)::utinyint as cause from change_inside"
)

#: the cause of what is put on hold
PAUSE = np.uint8(CAUSES.index("pause"))

_CODE = {word: np.uint8(place) for place, word in enumerate(CAUSES)}
_ACTIVE, _PAST_DUE, _UNPAID, _PAUSED = (STATUSES.index(word) for word in ("active", "past_due", "unpaid", "paused"))

#: below this, a product of two stays within 64 bits
_SMALL = 1_000_000_000


@dataclass(frozen=True)
class Rules:
    """What the policy says about events."""

    unpaid_counts: bool
    #: whether entities are subscriptions, not accounts
    by_subscription: bool
    as_of: date

    @property
    def entity(self) -> str:
        """The column of states that numbers the entities."""
        return "subscription_no" if self.by_subscription else "account_no"


def values(states: States, edges: Columns, lasting: Lasting, rules: Rules) -> tuple[Array, Array]:
    """The MRR of each state on its first and on its last day (first_minor, last_minor of the table valued).

    edges: what SQL says of special states; lasting: those that have one value.
    """
    status = states.columns["status"]
    counts = status == _ACTIVE
    if rules.unpaid_counts:
        counts |= status == _UNPAID
    first = np.where(counts, states.columns["full_minor"], 0)
    first[lasting.special.places] = lasting.minor
    last = first.copy()
    places = edges["state_no"] - 1
    first[places], last[places] = edges["first_minor"], edges["last_minor"]
    return first, last


def terms(states: States, last: Array) -> Columns:
    """Contract terms that came to their end (the view result_term): place, day and amount."""
    c = states.columns
    ends = array_of(states.term_end.fill_null(date.min))
    place = np.flatnonzero((ends > c["valid_from"]) & (ends <= c["valid_until"]) & (last > 0))
    return {"place": place, "day": ends[place], "amount": last[place]}


def changes(states: States, first: Array, last: Array, inside: Columns) -> Columns:
    """What each state adds to or takes from its item's MRR: place of the state, currency, day, delta, held_delta, cause."""
    c = states.columns
    earlier = np.where(c["follows"], before(last), 0)
    is_last = np.append(~c["follows"][1:], True)[: len(last)]
    delta = first - earlier
    seats = _seats(c, earlier, first)
    rest = np.flatnonzero(delta != seats)
    moved = np.flatnonzero(seats)
    ended = np.flatnonzero(is_last & (last != 0))
    place = np.concatenate([rest, moved, ended])
    past = (c["status"][ended] == _PAST_DUE) | (c["status"][ended] == _UNPAID)
    found = {
        "place": place,
        "currency": c["currency"][place],
        "day": np.concatenate([c["valid_from"][rest], c["valid_from"][moved], c["valid_until"][ended]]),
        "delta": np.concatenate([(delta - seats)[rest], seats[moved], -last[ended]]),
        "held_delta": np.zeros(len(place), dtype=np.int64),
        "cause": np.concatenate(
            [
                _causes(c, first, earlier, rest),
                np.full(len(moved), _CODE["seats"]),
                np.where(past, _CODE["involuntary"], _CODE["cancel"]),
            ]
        ),
    }
    return {name: np.concatenate([array, inside[name]]) for name, array in found.items()}


def _seats(c: Columns, earlier: Array, first: Array) -> Array:
    """Seats and price moved at once: what the seats make at the old price; the rest is price."""
    seats = np.zeros(len(first), dtype=np.int64)
    quantity, previous = c["quantity"], c["quantity_before"]
    both = c["follows"] & (quantity != previous) & (previous > 0) & (earlier > 0) & (first > 0) & ~c["is_other_plan"]
    places = np.flatnonzero(both)
    amount, part, whole = earlier[places], quantity[places] - previous[places], previous[places]
    if np.all((amount < _SMALL) & (np.abs(part) < _SMALL)):
        product = amount * part
        quotient, rest = np.divmod(np.abs(product), whole)
        up = (2 * rest > whole) | ((2 * rest == whole) & (quotient % 2 == 1))
        seats[places] = np.sign(product) * (quotient + up)
    else:
        seats[places] = [_share(int(a), int(p), int(w)) for a, p, w in zip(amount, part, whole, strict=True)]
    return seats


def _share(amount: int, part: int, whole: int) -> int:
    """amount × part / whole, rounded half to even, in whole numbers of any size."""
    quotient, rest = divmod(abs(amount * part), whole)
    value = quotient + (2 * rest > whole or (2 * rest == whole and quotient % 2 == 1))
    return value if part > 0 else -value


def _causes(c: Columns, first: Array, earlier: Array, rows: Array) -> Array:
    """Why the value changed where a state begins."""
    status, previous = c["status"][rows], before(c["status"])[rows]
    unpaid = (status == _PAST_DUE) | (status == _UNPAID)
    unpaid_before = (previous == _PAST_DUE) | (previous == _UNPAID)
    nothing = first[rows] == 0
    tests = [
        (~c["follows"][rows], "start"),
        ((status == _PAUSED) | (previous == _PAUSED), "pause"),
        (nothing & (unpaid | unpaid_before), "involuntary"),
        (nothing, "cancel"),
        (earlier[rows] == 0, "start"),
        (c["is_other_plan"][rows], "plan"),
        (c["is_other_discount"][rows], "discount"),
    ]
    return np.select([test for test, _ in tests], [_CODE[word] for _, word in tests], _CODE["price"])


def events(states: States, changed: Columns, rules: Rules) -> Columns:
    """The table event: changes by entity and day in order of key, with the causes that only the neighbours tell."""
    c, place = states.columns, changed["place"]
    entity = c[rules.entity][place].astype(np.int64)
    key = (entity << 24) | (changed["currency"].astype(np.int64) << 16) | _codes(changed["day"], rules.as_of)
    order = np.argsort((key << 4) | changed["cause"], kind="stable")
    place = place[order]
    event = {"key": key[order]}
    event |= {name: changed[name][order] for name in ("delta", "held_delta", "cause", "day")}
    for name in ("account_no", "subscription_no", "item_no", "state_no", "gap_days", "load_no", "source_row"):
        event[name] = c[name][place]
    event["cause"] = _told(c, event)
    return event


def event_table(event: Columns) -> pa.Table:
    """The same for the models; causes are texts."""
    return pa.table(
        {name: pa.array(values) for name, values in event.items()}
        | {"cause": words(event["cause"], CAUSES), "day": dates(event["day"])}
    )


def change_table(event: Columns, currencies: Sequence[str]) -> pa.Table:
    """The view result_change of models/result_change.sql."""
    key = event["key"]
    return pa.table(
        {
            "entity_no": pa.array((key >> 24).astype(np.int32)),
            "currency": words(((key >> 16) & 255).astype(np.uint8), currencies),
            "day": dates(event["day"]),
            "delta_minor": pa.array(event["delta"]),
            "held_delta_minor": pa.array(event["held_delta"]),
            "cause": words(event["cause"], CAUSES),
            "load_no": pa.array(event["load_no"]),
            "source_row": pa.array(event["source_row"]),
            "account_id": pa.nulls(len(key), pa.string()),
        }
    )


def day_number(day: date) -> int:
    """Days since 1970."""
    return day.toordinal() - date(1970, 1, 1).toordinal()


def _codes(days: Array, as_of: date) -> Array:
    """day_code of the models; what is not yet due gets the last code of all."""
    last = day_number(as_of)
    due = days <= last
    first = int(days.min(initial=last))
    calendar = np.arange(first, last + 1).astype("datetime64[D]")
    months = calendar.astype("datetime64[M]")
    codes = months.astype(np.int64) * 32 + (calendar - months.astype("datetime64[D]")).astype(np.int64) + 1
    return np.where(due, codes[np.where(due, days - first, 0)], NEVER_CODE)


def _told(c: Columns, event: Columns) -> Array:
    """Causes: a start on the day of a cancellation is a change of plan; one inside a subscription that lasts, an add-on."""
    cause, key = event["cause"], event["key"]
    starts, cancels = cause == _CODE["start"], cause == _CODE["cancel"]
    switch = cancels & before(starts) & ~differs(key) & ((key & NEVER_CODE) < NEVER_CODE)
    switched = np.isin(key, key[switch])
    begins, ends = _lasting(c)
    number = event["subscription_no"]
    added = (starts & (event["day"] > begins[number])) | (cancels & (event["day"] < ends[number]))
    tests = [(starts | cancels) & switched, added]
    return np.select(tests, [_CODE["plan"], _CODE["add_on"]], cause)


def _lasting(c: Columns) -> tuple[Array, Array]:
    """By number of subscription its first day and its end, where it has several items; else days that nothing is beyond."""
    number = c["subscription_no"]
    size = int(number[-1]) + 1 if len(number) else 1
    begins = np.full(size, np.iinfo(np.int32).max, dtype=np.int64)
    ends = np.full(size, np.iinfo(np.int32).min, dtype=np.int64)
    opens = np.flatnonzero(differs(number))
    if len(opens):
        closes = np.append(opens[1:], len(number)) - 1
        several = c["item_no"][opens] != c["item_no"][closes]
        which = number[opens][several]
        begins[which] = np.minimum.reduceat(c["valid_from"], opens)[several]
        ends[which] = np.maximum.reduceat(c["valid_until"], opens)[several]
    return begins, ends
