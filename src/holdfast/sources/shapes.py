"""Parts of an object that may be missing or of another kind than they should be. Nothing here raises: what does not fit is not there."""

from __future__ import annotations

from typing import Any

from holdfast.sources.source import Object


def part(obj: Object, name: str) -> Object:
    """An object within an object; {} where there is none."""
    found = obj.get(name)
    return found if isinstance(found, dict) else {}


def parts(obj: Object, name: str) -> list[Object]:
    """The objects of a list within an object."""
    found = obj.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def text(obj: Object, name: str) -> str:
    """A text without blanks around it; "" where there is none."""
    found = obj.get(name)
    return found.strip() if isinstance(found, str) else ""


def number(obj: Object, name: str) -> int | None:
    """A whole number."""
    found: Any = obj.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def key(obj: Object, name: str) -> str:
    """An id, which may be a number; "" where there is none."""
    found = obj.get(name)
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
