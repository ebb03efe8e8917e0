"""The shelf of sources: each module here that has a SOURCE is one, found by being there; other packages add theirs by entry points.

[project.entry-points."holdfast.sources"]
acme = "acme_holdfast:SOURCE"
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from importlib.metadata import entry_points

from holdfast.domain.facts import SOURCE_KINDS
from holdfast.sources.source import Source


class ShelfError(ValueError):
    """A file on the shelf that is not a source; the message says what it lacks."""


@cache
def sources() -> dict[str, Source]:
    """All sources by name. ShelfError: one does not fit."""
    found: dict[str, Source] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        where = f"{__name__}.{module.name}"
        _put(found, where, getattr(importlib.import_module(where), "SOURCE", None))
    for entry in sorted(entry_points(group="holdfast.sources"), key=lambda one: one.name):
        _put(found, entry.value, entry.load())
    return found


def source(name: str) -> Source:
    """A source by its name. ShelfError: there is none."""
    if name not in sources():
        raise ShelfError(f"there is no source '{name}'; there are: {', '.join(sources())}")
    return sources()[name]


def _put(found: dict[str, Source], where: str, one: object) -> None:
    if not isinstance(one, Source):
        raise ShelfError(f"{where} has no SOURCE; see docs/adding.md")
    if one.kind not in SOURCE_KINDS:
        raise ShelfError(f"{where}: kind '{one.kind}' is not one of {', '.join(SOURCE_KINDS)}")
    if one.name in found:
        raise ShelfError(f"{where}: there is another source '{one.name}'")
    names = [stream.name for stream in one.streams]
    if (
        not names
        or len(set(names)) < len(names)
        or any(not name.isidentifier() or name != name.lower() for name in names)
    ):
        raise ShelfError(f"{where}: streams have names of their own, in small letters: {', '.join(names)}")
    found[one.name] = one
