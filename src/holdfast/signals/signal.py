"""What a signal is made of. One file in `signals/shelf` adds one: what it `observes` meets the world, its `judge` decides and is pure.

    SIGNAL = Signal(name="days_off", kind="risk", title="Days off", sentence="Nobody used it for two weeks.",
                    observes=("days_since_last_use",), judge=judge, outcome="churn", next="Call them")

`judge` is asked only where everything that the signal observes is known: what is not known never fires.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from holdfast.domain.judgement import Kind
from holdfast.domain.scorecard import BANDS, Band
from holdfast.signals.book import Book
from holdfast.warehouse.records import Records

#: what a signal may foretell; "": nothing that could be counted
Foretold = Literal["churn", "contraction", "expansion", ""]
#: by column one value a row
Columns = Mapping[str, Sequence[Any]]


def known_rows(signal: Signal, columns: Columns) -> list[int]:
    """Rows on which everything that a signal observes is known: those on which it is asked."""
    rows = len(columns["account_id"])
    if any(name not in columns for name in signal.observes):
        return []
    known = np.ones(rows, dtype=bool)
    for name in signal.observes:
        # a value that is not a number is not equal to itself
        known &= np.fromiter((one is not None and one == one for one in columns[name]), dtype=bool, count=rows)
    found: list[int] = np.flatnonzero(known).tolist()
    return found


class Seen:
    """One account on one day: its features, what the signal itself observed, and the bands in which health is told."""

    __slots__ = ("bands", "columns", "row")

    def __init__(self, columns: Columns, row: int = 0, bands: tuple[Band, ...] = BANDS) -> None:
        self.columns = columns
        self.row = row
        self.bands = bands

    def __getitem__(self, name: str) -> float:
        """A value that the signal `observes`: it is known."""
        value: float = self.columns[name][self.row]
        return value

    def get(self, name: str) -> float | None:
        """A value that may not be known."""
        column = self.columns.get(name)
        value: float | None = None if column is None else column[self.row]
        return value

    def at_least(self, name: str, limit: float) -> bool:
        """Whether a value is known, and not below a limit."""
        value = self.get(name)
        return value is not None and value >= limit

    def text(self, name: str) -> str:
        """A text; empty where there is none."""
        column = self.columns.get(name)
        return "" if column is None else column[self.row] or ""


@dataclass(frozen=True)
class Verdict:
    """What a signal says: how severe, in a plain sentence with its numbers.

    A portfolio signal may say which part of the book it is `about`, and name an account in evidence.
    """

    severity: int
    sentence: str
    about: str = ""
    account_id: str = ""


@dataclass(frozen=True)
class Rows:
    """Rows behind a judgement, found in the records at a day. All parts are SQL; `$day` is the day."""

    #: the fact table that they are rows of
    table: str
    where: str
    label: str
    value: str
    #: the row's key; "": sums of rows have none
    key: str = "''"
    order: str = "1"
    #: where the records keep them; "": under the fact table's name
    source: str = ""
    #: sums by this expression
    group: str = ""


@dataclass(frozen=True)
class Signal:
    """One thing that we notice."""

    name: str
    kind: Kind
    title: str
    #: what it notices, and from when on
    sentence: str
    #: what to do about it
    next: str
    #: columns that have to be known
    observes: tuple[str, ...] = ()
    #: columns that are used where they are known
    also: tuple[str, ...] = ()
    #: more columns, worked out of the features of all accounts and of the records: (table, records) → column → values
    observe: Callable[[pa.Table, Records | None], Columns] | None = None
    #: what `observe` gives
    gives: tuple[str, ...] = ()
    judge: Callable[[Seen], Verdict | None] | None = None
    #: for portfolio signals: judged once, on the whole book
    judge_book: Callable[[Book], Iterable[Verdict]] | None = None
    evidence: tuple[Rows, ...] = ()
    outcome: Foretold = ""
    #: within so many days
    horizon_days: int = 90
