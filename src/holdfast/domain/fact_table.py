"""What a canonical fact table is: its columns, their kinds, and its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "int", "money", "ppm", "rate", "date", "time", "flag", "map"]


@dataclass(frozen=True)
class Column:
    """One column of a fact table."""

    name: str
    kind: Kind
    doc: str
    required: bool = False
    #: the value taken where a source says nothing (None: missing)
    default: str | int | bool | None = None
    #: allowed values, for text columns with a fixed list
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class FactTable:
    """A canonical table. The newest learned row of a key is the one that holds."""

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    #: the column landing files are sorted by, so that one account's rows lie together
    sort: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)
