"""The history of one subscription as layers over time: its items, its status, its discounts, what is cancelled, its terms.

Each layer is dated for itself, by what was seen (stripe_sightings) or, where nobody looked, by what was invoiced (stripe_past).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from holdfast.sources.source import Object
from holdfast.sources.stripe_discounts import Discounts
from holdfast.sources.stripe_past import (
    DAY,
    HOUR,
    Found,
    Value,
    Window,
    billed,
    fill_discounts,
    fill_items,
    fill_status,
    value_of,
)
from holdfast.sources.stripe_shape import (
    Item,
    Line,
    begins,
    discounts_told,
    ends,
    ident,
    items_of,
    part,
    seconds,
)
from holdfast.sources.stripe_sightings import Sighting

V = TypeVar("V")

#: seconds after which an event that was not read may be lost
QUIET = 30 * DAY

#: statuses in which nobody is a customer yet, and perhaps never
NOT_YET = ("incomplete", "incomplete_expired")


@dataclass
class Steps(Generic[V]):
    """A value over time: what is put at a moment holds until the next."""

    told: list[tuple[int, V]] = field(default_factory=list)

    def put(self, at: int, value: V) -> None:
        """Later words on the same moment, or on one before the last, take the place of what was said from there on."""
        while self.told and self.told[-1][0] >= at:
            self.told.pop()
        self.told.append((at, value))

    def last(self) -> V | None:
        return self.told[-1][1] if self.told else None

    def fill(self, told: Sequence[tuple[int, V]]) -> None:
        """Several at once, in any order; of one moment the last holds."""
        for at, value in sorted(told, key=lambda one: one[0]):
            self.put(at, value)


@dataclass(frozen=True)
class Ending:
    """A cancellation: when it was asked for, and when the subscription is to end."""

    asked: int | None
    at: int


@dataclass
class History:
    """One subscription over time. Moments are seconds since 1970."""

    id: str
    begin: int
    currency: str
    items: dict[str, Steps[Value | None]] = field(default_factory=dict)
    #: as Stripe says it, with `paused` also where collection is paused; None: no customer (yet)
    status: Steps[str | None] = field(default_factory=Steps)
    discounts: Steps[tuple[str, ...]] = field(default_factory=Steps)
    item_discounts: dict[str, Steps[tuple[str, ...]]] = field(default_factory=dict)
    ending: Steps[Ending | None] = field(default_factory=Steps)
    #: item → (start, end) of the periods it was billed for
    terms: dict[str, dict[int, int]] = field(default_factory=dict)
    ended_at: int | None = None
    #: the moment from which on all of it is sure; None: from the beginning
    sure_from: int | None = None
    #: prices that its states have written out, by id
    prices: dict[str, Object] = field(default_factory=dict)
    tax_rates: dict[str, tuple[Object, ...]] = field(default_factory=dict)

    def item(self, name: str) -> Steps[Value | None]:
        return self.items.setdefault(name, Steps())

    def unsure(self, moments: Sequence[int]) -> None:
        self.sure_from = max([*moments, *([self.sure_from] if self.sure_from is not None else [])], default=None)


def history(
    sub_id: str, seen: Sequence[Sighting], invoices: Sequence[Object], lines: Sequence[Line], known: Discounts,
    metered: frozenset[str], now: int,
) -> History | None:  # fmt: skip
    """The history of a subscription up to `now`; None: it was never one (not begun, or never paid for). `lines`: those of it."""
    if not seen:
        return None
    begin = begins(seen[0].obj)
    told = History(sub_id, seen[0].at if begin is None else begin, str(seen[-1].obj.get("currency") or "").upper())
    _note_shared(told, seen, lines)
    before: Sighting | None = None
    for sighting in seen:
        is_born = before is None and sighting.is_exact
        if not sighting.is_exact:
            _fill(told, before, sighting, invoices, lines, known, metered)
        elif before is not None:
            _fill_quiet(told, before, sighting.at, invoices, lines, known, metered)
        _see(told, before, sighting, known, is_born)
        before = sighting
    if before is not None:
        _fill_quiet(told, before, now, invoices, lines, known, metered)
    if all(status is None for _, status in told.status.told):
        return None
    _note_terms(told, seen, lines)
    return told


def _note_shared(told: History, seen: Sequence[Sighting], lines: Sequence[Line]) -> None:
    for line in lines:
        if line.price is not None:
            told.prices.setdefault(line.price_id, line.price)
    for sighting in seen:
        for item in items_of(sighting.obj):
            told.prices[ident(item.price)] = item.price
            told.tax_rates[item.id] = item.tax_rates


def _note_terms(told: History, seen: Sequence[Sighting], lines: Sequence[Line]) -> None:
    for line in lines:
        if line.is_recurring and line.item:
            told.terms.setdefault(line.item, {})[line.start] = line.end
    for sighting in seen:
        for item in items_of(sighting.obj):
            if item.period:
                told.terms.setdefault(item.id, {})[item.period[0]] = item.period[1]


# -- what was seen -------------------------------------------------------------------------------------------


def _see(told: History, before: Sighting | None, sighting: Sighting, known: Discounts, is_born: bool) -> None:
    """Take over a state that was seen."""
    sub, at = sighting.obj, told.begin if is_born else sighting.at
    now = {item.id: item for item in items_of(sub)}
    if not sighting.is_exact:
        # the window before it has dated the changes
        at = sighting.at
    for name in sorted({*now, *told.items}):
        steps = told.item(name)
        wanted = value_of(now[name]) if name in now else None
        if steps.last() != wanted:
            steps.put(at, wanted)
    _see_status(told, before, sighting, at)
    _see_discounts(told, sub, now, known, at)
    _see_ending(told, sub, at)


def _see_status(told: History, before: Sighting | None, sighting: Sighting, at: int) -> None:
    sub, steps = sighting.obj, told.status
    status = status_of(sub)
    if status == "canceled":
        told.ended_at = ended(sub, sighting.at)
        if not steps.told:
            steps.put(told.begin, "active")
        steps.put(max(told.ended_at, told.begin), "canceled")
        return
    told.ended_at = None
    if status == steps.last():
        return
    trial_end = seconds(sub.get("trial_end"))
    if steps.last() is None:
        # whoever pays after all was a customer from the beginning
        at = told.begin if status is not None else at
    elif steps.last() == "trialing" and trial_end is not None and trial_end <= at and status != "paused":
        # the word about a trial's end comes a little later
        at = trial_end
    elif status == "paused" and (paused := _paused_at(sub)) is not None and paused <= at:
        at = paused
    steps.put(at, status)


def status_of(sub: Object) -> str | None:
    """A status in our words; None: not (yet) a customer. Where nothing is collected it is paused."""
    status = str(sub.get("status") or "")
    if status in NOT_YET:
        return None
    if status in ("active", "past_due", "unpaid") and sub.get("pause_collection"):
        return "paused"
    return status if status in ("trialing", "past_due", "unpaid", "paused", "canceled") else "active"


def ended(sub: Object, seen_at: int) -> int:
    """When an ended subscription ended."""
    return next((at for name in ("ended_at", "canceled_at") if (at := seconds(sub.get(name))) is not None), seen_at)


def _paused_at(sub: Object) -> int | None:
    return seconds(part(sub, "status_details", "paused").get("transitioned_at"))


def _see_discounts(told: History, sub: Object, now: Mapping[str, Item], known: Discounts, at: int) -> None:
    names = known.named(discounts_told(sub))
    if told.discounts.last() != names:
        told.discounts.put(at, names)
    for name, item in now.items():
        steps = told.item_discounts.setdefault(name, Steps())
        own = known.named(item.discounts)
        if (steps.last() or ()) != own:
            steps.put(at, own)


def _see_ending(told: History, sub: Object, at: int) -> None:
    steps = told.ending
    asked, agreed = seconds(sub.get("canceled_at")), ends(sub)
    if told.ended_at is not None:
        agreed = told.ended_at
    if agreed is None:
        if steps.last() is not None:
            steps.put(at, None)
        return
    # what ends at once was not agreed before
    wanted = Ending(None if asked is not None and asked + HOUR >= agreed else asked, agreed)
    if wanted.asked is None and told.ended_at is None:
        wanted = Ending(at, agreed)
    if steps.last() != wanted:
        steps.put(wanted.asked if wanted.asked is not None else agreed, wanted)


# -- what nobody saw -----------------------------------------------------------------------------------------


def _fill(
    told: History, before: Sighting | None, after: Sighting, invoices: Sequence[Object], lines: Sequence[Line], known: Discounts,
    metered: frozenset[str],
) -> None:  # fmt: skip
    """Find what happened between two sightings."""
    limit = after.at
    if status_of(after.obj) == "canceled":
        limit = min(limit, ended(after.obj, after.at))
    window = Window(
        start=before.at if before else told.begin - DAY, end=max(limit, told.begin), begin=told.begin,
        before={item.id: value_of(item) for item in items_of(before.obj)} if before else {},
        after={item.id: item for item in items_of(after.obj)}, is_first=before is None,
    )  # fmt: skip
    found = Found()
    fill_items(window, lines, metered, found)
    _fill_status(told, window, after.obj, invoices, found)
    own = () if before is None else known.named(discounts_told(before.obj))
    each = {name for item in items_of(after.obj) for name in known.named(item.discounts)}
    fill_discounts(window, lines, own, {*known.named(discounts_told(after.obj)), *each}, known, found)
    for name, steps in found.items.items():
        told.item(name).fill(steps)
    _sweep_discounts(told, found, known, each)
    told.unsure(found.unsure)


def _fill_quiet(
    told: History, last: Sighting, until: int, invoices: Sequence[Object], lines: Sequence[Line], known: Discounts,
    metered: frozenset[str],
) -> None:  # fmt: skip
    """Find what came and went while nothing seemed to change: events that were not read within thirty days are lost.

    The day before the next word is left out: what Stripe does and what it says of it are up to an hour apart.
    """
    if until - last.at > QUIET and status_of(last.obj) not in (None, "canceled"):
        _fill(told, last, Sighting(until - DAY, last.obj, False), invoices, lines, known, metered)


def _fill_status(told: History, window: Window, sub: Object, invoices: Sequence[Object], found: Found) -> None:
    status = status_of(sub)
    if status is None:
        return
    fill_status(window, sub, billed(invoices, told.id), told.status.last() or "active", found)
    told.status.fill([(at, value) for at, value in found.status if at <= window.end])
    last = told.status.last()
    if status in ("canceled", last):
        return
    if status == "trialing" and last == "active":
        # the trial was given again, or put off
        found.unsure.append(window.end)
    elif status == "paused" and (at := _paused_at(sub)) is not None and at <= window.end:
        told.status.put(at, "paused")
    elif status == "paused" and seconds(sub.get("trial_end")) == (
        told.status.told[-1][0] if told.status.told else None
    ):
        # a trial that ended without a way to pay
        told.status.put(told.status.told[-1][0], "paused")
    else:
        found.unsure.append(window.end)


def _sweep_discounts(told: History, found: Found, known: Discounts, on_items: set[str]) -> None:
    """Turn beginnings and ends of discounts into steps of what was there together."""
    here = list(told.discounts.last() or ())
    own: dict[str, list[str]] = {name: list(steps.last() or ()) for name, steps in told.item_discounts.items()}
    for at, name, is_begun in sorted(found.discounts, key=lambda one: (one[0], one[2])):
        item = known.known[name].item
        if not item and name in on_items:
            # which item it is on is told by the state that was seen
            continue
        held = own.setdefault(item, []) if item else here
        if is_begun and name not in held:
            held.append(name)
        elif not is_begun and name in held:
            held.remove(name)
        steps = told.item_discounts.setdefault(item, Steps()) if item else told.discounts
        steps.put(at, tuple(held))


def metered_of(prices: Mapping[str, Any]) -> frozenset[str]:
    """The prices that are billed by use."""
    return frozenset(
        name for name, price in prices.items() if (part(price, "recurring") or price).get("usage_type") == "metered"
    )
