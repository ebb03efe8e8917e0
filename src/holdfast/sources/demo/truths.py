"""The truths of the demo world, read from `truths.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Truth:
    """A statement about the world, and how near a good system must come to it."""

    id: str
    sentence: str
    value: float
    #: where it can be seen: tables, or "hidden"
    seen_in: tuple[str, ...]
    #: allowed distance at 20,000 accounts and at 600
    tolerance: float
    tolerance_600: float
    #: whether the MRR ledger alone shows it
    ledger: bool

    def holds(self, measured: float, small: bool = False) -> bool:
        return abs(measured - self.value) <= (self.tolerance_600 if small else self.tolerance)


def truths() -> dict[str, Truth]:
    """Every truth by its id."""
    text = files(__package__).joinpath("truths.toml").read_text(encoding="utf-8")
    rows = tomllib.loads(text)["truth"]
    return {row["id"]: Truth(**{**row, "seen_in": tuple(row["seen_in"])}) for row in rows}
