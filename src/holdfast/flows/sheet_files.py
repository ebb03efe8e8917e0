"""The layouts of what is printed and mailed."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def sheet_text(name: str) -> str:
    """A layout's text."""
    return (resources.files("holdfast.flows") / "sheets" / name).read_text()
