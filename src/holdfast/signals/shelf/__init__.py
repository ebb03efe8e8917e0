"""The shelf of signals: each module here that has a SIGNAL is one, found by being there; other packages add theirs by entry points.

[project.entry-points."holdfast.signals"]
days_off = "acme_holdfast:SIGNAL"
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Collection
from functools import cache
from importlib.metadata import entry_points
from typing import get_args

from holdfast.domain.judgement import Kind
from holdfast.signals.signal import Foretold, Signal
from holdfast.warehouse.features import dictionary

#: columns beside the features that a table of accounts may have; each is None where it is not known
BESIDE = ("mrr_minor", "health", "sentiment")
_TEXTS = ("title", "sentence", "next")


class ShelfError(ValueError):
    """A file on the shelf that is not a signal; the message names the file and says what it lacks."""


@cache
def shelf() -> tuple[Signal, ...]:
    """All signals, by name. ShelfError: one does not fit."""
    known = {feature.name for feature in dictionary()}
    found: dict[str, Signal] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda one: one.name):
        put(found, f"{module.name}.py", _of_module(module.name), known)
    for entry in sorted(entry_points(group="holdfast.signals"), key=lambda one: one.name):
        put(found, entry.value, entry.load(), known)
    return tuple(found[name] for name in sorted(found))


def signal(name: str) -> Signal:
    """A signal by its name. ShelfError: there is none."""
    for one in shelf():
        if one.name == name:
            return one
    raise ShelfError(f"there is no signal '{name}'; there are: {', '.join(one.name for one in shelf())}")


def put(found: dict[str, Signal], where: str, one: object, known: Collection[str]) -> None:
    """Take one more signal in. ShelfError: it does not fit."""
    if not isinstance(one, Signal):
        raise ShelfError(f"{where} has no SIGNAL; see docs/adding.md")
    lacks = _lacks(one, known)
    if lacks:
        raise ShelfError(f"{where}: {lacks}")
    if one.name in found:
        raise ShelfError(f"{where}: there is another signal '{one.name}'; give it a name of its own")
    found[one.name] = one


def _of_module(name: str) -> object:
    try:
        return getattr(importlib.import_module(f"{__name__}.{name}"), "SIGNAL", None)
    except (TypeError, ImportError, SyntaxError) as error:
        raise ShelfError(f"{name}.py cannot be read: {error}") from error


def _lacks(one: Signal, known: Collection[str]) -> str:
    if not one.name.isidentifier() or one.name != one.name.lower():
        return f"name '{one.name}' is not one word in small letters"
    if one.kind not in get_args(Kind):
        return f"kind '{one.kind}' is not one of {', '.join(get_args(Kind))}"
    if one.outcome not in get_args(Foretold):
        return f"outcome '{one.outcome}' is not one of {', '.join(filter(None, get_args(Foretold)))}"
    for name in _TEXTS:
        if not str(getattr(one, name)).strip():
            return f"{name} is empty; write it for people"
    if one.horizon_days <= 0:
        return f"horizon_days = {one.horizon_days}; it is at least 1"
    return _lacks_judge(one) or _lacks_columns(one, known)


def _lacks_judge(one: Signal) -> str:
    wanted, other = ("judge_book", "judge") if one.kind == "portfolio" else ("judge", "judge_book")
    if getattr(one, wanted) is None or getattr(one, other) is not None:
        return f"a signal of kind {one.kind} has {wanted}, and no {other}"
    if one.kind != "portfolio" and not one.observes:
        return "observes is empty; name the features that have to be known"
    if one.gives and one.observe is None:
        return "gives columns, but has no observe that works them out"
    return ""


def _lacks_columns(one: Signal, known: Collection[str]) -> str:
    for name in (*one.observes, *one.also):
        if name not in known and name not in BESIDE and name not in one.gives and not name.startswith("attribute."):
            return f"observes '{name}', which is no feature; see the dictionary of features"
    return ""
