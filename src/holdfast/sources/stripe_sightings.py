"""What was seen of a subscription, in order: its states by events, which are exact, and by listings, which only say that it is so by now.

An event tells the state after a change and what differed before. Where the state before is not the last one seen, something was not told:
that is a window, and what happened in it has to be found elsewhere (stripe_past).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from holdfast.sources.source import Object, State
from holdfast.sources.stripe_shape import discounts_told, ident, items_of, seconds


@dataclass(frozen=True)
class Told:
    """An event about an object: the object after it, and before it (None: it was created by it, or that is not told)."""

    at: int
    type: str
    obj: Object
    before: Object | None

    @property
    def is_creation(self) -> bool:
        return self.type.endswith(".created")


@dataclass(frozen=True)
class Sighting:
    """A state of a subscription at a moment. Exact: it became so at that moment; else it was so by then."""

    at: int
    obj: Object
    is_exact: bool


def told_by(events: Iterable[Object], kind: str) -> dict[str, list[Told]]:
    """What events tell of objects of a kind, by object id, oldest first."""
    found: dict[str, list[Told]] = {}
    for event in events:
        data = event.get("data")
        obj = data.get("object") if isinstance(data, dict) else None
        at = seconds(event.get("created"))
        if not isinstance(obj, dict) or obj.get("object") != kind or at is None:
            continue
        previous = data.get("previous_attributes") if isinstance(data, dict) else None
        before = before_of(obj, previous) if isinstance(previous, dict) and previous else None
        found.setdefault(ident(obj), []).append(Told(at, str(event.get("type") or ""), obj, before))
    return {name: in_order(told) for name, told in found.items()}


def before_of(obj: Object, previous: Object) -> Object:
    """The object as it was before an event."""
    merged = dict(obj)
    for name, value in previous.items():
        now = obj.get(name)
        # a list is told whole, of an object only what differed
        merged[name] = before_of(now, value) if isinstance(now, dict) and isinstance(value, dict) else value
    return merged


def in_order(told: Sequence[Told]) -> list[Told]:
    """Events in the order in which they happened; those of one second are linked by what each says was before."""
    result: list[Told] = []
    rest = sorted(told, key=lambda one: (one.at, not one.is_creation, one.type.endswith(".deleted")))
    while rest:
        second = [one for one in rest if one.at == rest[0].at]
        rest = rest[len(second) :]
        while second:
            last = said(result[-1].obj) if result else None
            following = (one for one in second if one.before is not None and said(one.before) == last)
            # the first of a chain is one before which none of the others happened
            after = [said(one.obj) for one in second]
            first = (one for one in second if one.before is None or said(one.before) not in after)
            chosen = next(following, None) or next(first, second[0])
            second.remove(chosen)
            if not result or chosen.at != result[-1].at or chosen.obj != result[-1].obj:
                result.append(chosen)
    return result


def said(sub: Object) -> tuple[Any, ...]:
    """What counts of a subscription's state; two states that say the same are the same."""
    items = tuple(sorted((item.id, ident(item.price), item.quantity, _names(item.discounts)) for item in items_of(sub)))
    return (
        sub.get("status"), bool(sub.get("pause_collection")), items, _names(discounts_told(sub)),
        bool(sub.get("cancel_at_period_end")), sub.get("cancel_at"), sub.get("trial_end"), sub.get("ended_at"),
    )  # fmt: skip


def _names(told: Iterable[str | Object]) -> tuple[str, ...]:
    return tuple(ident(one) or str(one.get("start")) if isinstance(one, dict) else one for one in told)


def looks(states: Iterable[State]) -> list[tuple[int, Object]]:
    """Listings of an object: when it was seen, and how."""
    return [
        (int(state.seen_at.timestamp()), state.obj)
        for state in states
        if state.changed_at is None and not state.is_deleted
    ]


def sightings(seen: Sequence[tuple[int, Object]], events: Sequence[Told]) -> list[Sighting]:
    """All that was seen of one subscription, each state once; see Sighting."""
    result: list[Sighting] = []
    last_at = -1
    for event in events:
        known = result[-1].obj if result else None
        if not event.is_creation and not _follows(event, known):
            for at, obj in seen:
                if last_at < at < event.at:
                    _look(result, at, obj)
            if event.before is not None:
                _look(result, event.at, event.before)
        # without a word about before, all of it may have changed some time ago
        is_exact = event.is_creation or event.before is not None or _is_known(result, event)
        result.append(Sighting(event.at, event.obj, is_exact))
        last_at = event.at
    for at, obj in seen:
        if at >= last_at:
            _look(result, at, obj)
    return result


def _follows(event: Told, known: Object | None) -> bool:
    """Whether the event says that it goes on from the last known state."""
    return known is not None and event.before is not None and said(event.before) == said(known)


def _is_known(result: Sequence[Sighting], event: Told) -> bool:
    """An event that says nothing of before (deleted, paused, resumed) is exact where the same items were seen before."""
    is_step = event.type.rsplit(".", 1)[-1] in ("deleted", "paused", "resumed")
    return is_step and bool(result) and said(result[-1].obj)[2] == said(event.obj)[2]


def _look(result: list[Sighting], at: int, obj: Object) -> None:
    if not result or said(result[-1].obj) != said(obj):
        result.append(Sighting(at, obj, False))
