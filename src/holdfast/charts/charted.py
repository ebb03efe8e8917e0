"""A chart with the table behind it: what a reader sees, hears, downloads and prints comes from one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["text", "money", "percent", "count"]


@dataclass(frozen=True)
class Column:
    """A column of the table; money is in minor units of the chart's currency, percent a fraction of 1."""

    title: str
    kind: Kind = "text"


@dataclass(frozen=True)
class Charted:
    """One chart: the option that ECharts draws, and its rows as plain values."""

    name: str
    title: str
    option: dict[str, Any]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    sub: str = ""
    currency: str = "USD"
    #: sm, md or lg
    size: str = "md"
    #: where a row's first cell leads, by row; empty for none
    links: Sequence[str] = field(default_factory=tuple)
    #: the last row is a total
    totalled: bool = False

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.name}: a row has {len(row)} values, the table {len(self.columns)} columns")
