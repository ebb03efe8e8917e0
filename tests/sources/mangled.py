"""Objects with one thing wrong: every value in turn is taken away, or is something that nobody expects there."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from holdfast.sources.source import Facts, Source, State, Told

ODD: tuple[Any, ...] = (
    None,
    "",
    "x",
    -1,
    0,
    True,
    10**20,
    1.5,
    [],
    {},
    [None],
    ["x"],
    {"x": None},
    "2026-13-45T00:00:00Z",
)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def variants(obj: Any) -> Iterator[Any]:
    """Copies of an object, each with one value of it mangled."""
    for path in _paths(obj, ()):
        for odd in ODD:
            made = copy.deepcopy(obj)
            at = made
            for step in path[:-1]:
                at = at[step]
            at[path[-1]] = odd
            yield made


def _paths(obj: Any, so_far: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    steps = obj.items() if isinstance(obj, dict) else enumerate(obj) if isinstance(obj, list) else ()
    for step, value in steps:
        yield (*so_far, step)
        yield from _paths(value, (*so_far, step))


def each(
    source: Source, group: str, objects: Mapping[str, Sequence[Any]], shared: Mapping[str, Mapping[str, Any]]
) -> Iterator[Facts]:
    """What a source says of a group in which one value of one object is mangled; of all values. What it does not catch is raised."""
    for stream in source.streams:
        for place, obj in enumerate(
            (shared.get(stream.name) or {}).values() if stream.is_shared else objects.get(stream.name, ())
        ):
            for odd in variants(obj):
                stream.key(obj | {"id": odd["id"]})
                stream.group(odd), stream.changed(odd), stream.is_deleted(odd)
                told = {name: list(some) for name, some in objects.items()}
                others = {name: dict(some) for name, some in shared.items()}
                if stream.is_shared:
                    others[stream.name][list(others[stream.name])[place]] = odd
                else:
                    told[stream.name][place] = odd
                yield source.facts(_told(source, group, told, others))


def _told(
    source: Source, group: str, objects: Mapping[str, Sequence[Any]], shared: Mapping[str, Mapping[str, Any]]
) -> Told:
    states = {
        stream.name: {
            str(n): [State(obj, stream.changed(obj), NOW, False)] for n, obj in enumerate(objects.get(stream.name, ()))
        }
        for stream in source.streams
    }
    return Told(group, states, shared, "Europe/Berlin", "USD", {}, NOW)
