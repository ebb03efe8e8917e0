"""The subscription items: the log of states put in order, with ends, discounts and the mess of sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from holdfast.domain.facts import STATUSES
from holdfast.sources.demo import columns as col
from holdfast.sources.demo import settings as cfg
from holdfast.sources.demo.state import State
from holdfast.sources.demo.traits import CURRENCIES, Traits
from holdfast.sources.demo.world import ITEMS, NONE, US_DAY, B, I, World

LETTERS = np.frombuffer(cfg.SUBSCRIPTION, np.uint8)
DIGITS = np.frombuffer(b"0123456", np.uint8)


@dataclass(frozen=True)
class Rows:
    """Item states sorted by account, item and day, each ended by the next; columns by state."""

    who: I
    slot: I
    day: I
    end: I
    status: I
    qty: I
    unit: I
    plan: I
    asked: I
    term_end: I

    @property
    def key(self) -> I:
        """Sorted: account, item, day in one number."""
        return item_key(self.who, self.slot, self.day)


def item_key(who: I, slot: I, day: I) -> I:
    return (who * cfg.SLOTS + slot) * 100_000 + day


def item_rows(world: World, state: State) -> Rows:
    """The states that had begun before the world's end."""
    log = state.log.columns()
    order = np.argsort(item_key(log["who"], log["slot"], log["day"]), kind="stable")
    order = order[log["day"][order] < world.end_day]
    log = {name: column[order] for name, column in log.items()}
    item = log["who"] * cfg.SLOTS + log["slot"]
    followed = np.r_[item[1:] == item[:-1], False]
    end = np.where(followed, np.r_[log["day"][1:], NONE], log["until"])
    return Rows(
        log["who"],
        log["slot"],
        log["day"],
        end,
        log["status"],
        log["qty"],
        log["unit"],
        log["plan"],
        log["asked"],
        log["term_end"],
    )


def subscription_items(world: World, chunk: int, who: Traits, rows: Rows) -> pa.Table:
    """The fact table: a few rows learned late, a few landed twice."""
    rng = world.rng(ITEMS, chunk)
    learned = col.learn(rng, rows.day, world.end_day)
    late = learned >= (rows.day + 1) * US_DAY
    item = rows.who * cfg.SLOTS + rows.slot
    next_late = np.r_[late[1:] & (item[1:] == item[:-1]), False]
    # Where the next state was learned late, its beginning was not known as this one's end.
    end = np.where(next_late, NONE, rows.end)
    twice = np.flatnonzero(rng.random(rows.day.size) < 0.02)
    again = learned[twice] + (rng.exponential(0.3, twice.size) * US_DAY).astype(np.int64) + 1_000_000
    order = np.sort(np.concatenate([np.arange(rows.day.size), twice]), kind="stable")
    first = np.r_[True, order[1:] != order[:-1]]
    when = learned[order]
    when[~first] = np.minimum(again, world.end_day * US_DAY - 1_000_000)
    return col.table("subscription_item", _columns(who, rows, end, order), when)


def _columns(who: Traits, rows: Rows, end: I, order: I) -> dict[str, pa.Array]:
    account, slot, n = rows.who[order], rows.slot[order], order.size
    number, per = who.number[account], who.per[account]
    main = slot == cfg.MAIN
    metered = slot == cfg.METERED
    plan = np.where(main | (slot == cfg.RETURN), rows.plan[order], len(cfg.PLANS) + slot)
    plans = [*(p.lower() for p in cfg.PLANS), *cfg.PRODUCTS]
    return {
        "account_id": col.account_ids(number),
        "subscription_id": col.text(n, "su", (number, 7), "-", LETTERS[slot]),
        "item_id": col.text(n, "it", (number, 7), "-", DIGITS[slot]),
        "product_id": col.pick(cfg.PRODUCTS, slot),
        "plan_id": col.pick(plans, plan),
        "quantity": col.ints(rows.qty[order]),
        "unit_amount_minor": col.ints(rows.unit[order]),
        "currency": col.pick(CURRENCIES, who.currency[account]),
        "interval": col.pick(("month", "year"), (per == 12).astype(np.int64)),
        "interval_count": col.ints(np.where(per == 3, 3, 1)),
        "usage_type": col.pick(("licensed", "metered"), metered.astype(np.int64)),
        "forever_off_ppm": col.ints(np.where(main, who.forever_ppm[account], 0)),
        "forever_off_minor": col.ints(np.where(main, who.forever_minor[account], 0)),
        "repeating_off_ppm": col.ints(np.where(main, who.repeating_ppm[account], 0)),
        "repeating_until": col.days(_if(main, who.repeating_until[account])),
        "once_off_ppm": col.ints(np.where(main, who.once_ppm[account], 0)),
        "once_until": col.days(_if(main, who.once_until[account])),
        "status": col.pick(STATUSES, rows.status[order]),
        "valid_from": col.days(rows.day[order]),
        "valid_to": col.days(end[order]),
        "cancel_requested_on": col.days(rows.asked[order]),
        "term_end": col.days(rows.term_end[order]),
        "auto_renew": pa.array(rows.asked[order] == NONE),
    }


def _if(held: B, values: I) -> I:
    return np.where(held, values, NONE)
