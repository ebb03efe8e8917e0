"""How a number was computed: its definition, the integers in its formula, the SQL that ran, the rates and the accounts.

The number is measured once more, on a ledger whose every statement is written down; nothing here is a copy of a query.
"""

from __future__ import annotations

import copy
import tomllib
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any, TypeVar, cast

import duckdb

from holdfast.domain.money import FxError
from holdfast.domain.period import Window
from holdfast.domain.retention import quick_ratio
from holdfast.flows import explain_parts as parts
from holdfast.flows.explain_parts import Part
from holdfast.metrics import behind
from holdfast.metrics.behind import Found
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records
from holdfast.warehouse.window import View

Book = TypeVar("Book", Ledger, Records)

METRICS = ("nrr", "grr", "logo_retention", "mrr", "arr", "net_new_arr", "quick_ratio", "renewal_rate")
#: accounts named beside the formula
MOVERS = 8


@dataclass(frozen=True)
class Words:
    """A definition in words."""

    title: str
    long: str
    text: str
    formula: str
    #: what is different where the policy makes the rate of movements
    movements: str = ""


@cache
def definitions() -> dict[str, Words]:
    """All definitions, by metric."""
    told = tomllib.loads((resources.files("holdfast.flows") / "explain.toml").read_text())
    return {name: Words(**values) for name, values in told.items()}


@dataclass(frozen=True)
class Rate:
    """An exchange rate that was used: units of the reporting currency for one of the currency."""

    currency: str
    day: date
    rate: Fraction


@dataclass(frozen=True)
class Explanation:
    """One number, opened. Amounts are minor units of `currency`; counts where a step says so."""

    metric: str
    words: Words
    currency: str
    window: Window
    segment: Segment
    part: Part
    sql: tuple[str, ...]
    rates: tuple[Rate, ...]
    movers: Found
    made_of_movements: bool
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def last_day(self) -> date:
        return self.window.end - timedelta(days=1)

    @property
    def unit(self) -> str:
        """percent, money or ratio."""
        if self.metric in ("mrr", "arr", "net_new_arr"):
            return "money"
        return "ratio" if self.metric == "quick_ratio" else "percent"


class Recorder:
    """A connection that writes down what it is asked, and asks it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self.statements: list[str] = []

    def execute(self, query: str, parameters: Any = None) -> Any:
        self.statements.append(query)
        return self._connection.execute(query, parameters) if parameters else self._connection.execute(query)

    def executemany(self, query: str, parameters: Any = None) -> Any:
        self.statements.append(f"{query}  -- {len(parameters or ())} rows")
        return self._connection.executemany(query, parameters)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


def traced(book: Book) -> tuple[Book, Recorder]:
    """The same book with a connection that writes down what is asked."""
    recorder = Recorder(book.connection)
    twin = copy.copy(book)
    twin.connection = cast(duckdb.DuckDBPyConnection, recorder)
    return twin, recorder


def explained(ledger: Ledger, metric: str, window: Window, view: View, segment: Segment = ()) -> Explanation:
    """Measure a number and tell how. KeyError: there is no such metric.

    The window of MRR and ARR is its last day, that of net new ARR its last month.
    """
    words, span = definitions()[metric], span_of(metric, window)
    twin, recorder = traced(ledger)
    part = parts.MAKERS[metric](twin, span, view, segment)
    rates = _rates(ledger, _rated_on(metric, span), view)
    of_movements = parts.made_of_movements(metric, ledger.policy)
    return Explanation(
        metric, words, view.only or view.reporting, span, segment, part, tuple(readable(one) for one in recorder.statements),
        rates, accounts(ledger, metric, window, view, segment, "size", MOVERS), of_movements, _notes(metric, part),
    )  # fmt: skip


def span_of(metric: str, window: Window) -> Window:
    """What a metric looks at of a window: its last month for MRR, ARR and net new ARR."""
    return Window.month(window.months[-1]) if metric in ("mrr", "arr", "net_new_arr") else window


def _rated_on(metric: str, span: Window) -> date:
    return span.end if metric in ("mrr", "arr") else span.start


def _notes(metric: str, part: Part) -> tuple[str, ...]:
    if metric != "quick_ratio":
        return ()
    moved = {step.kind: step.amount for step in (*part.upper, *part.lower, *part.beside)}
    with_back = quick_ratio(
        moved["new"] + moved["reactivation"], moved["expansion"], -moved["contraction"], -moved["churn"]
    )
    return () if with_back is None else (f"With reactivations it is {float(with_back):.2f}.",)


def _rates(ledger: Ledger, day: date, view: View) -> tuple[Rate, ...]:
    found = []
    for code in () if view.only else ledger.currencies:
        if code != view.reporting:
            try:
                found.append(Rate(code, day, ledger.rates.rate(code, view.reporting, day)))
            except FxError:
                continue
    return tuple(found)


def accounts(
    ledger: Ledger, metric: str, window: Window, view: View, segment: Segment = (), sort: str = "size",
    limit: int | None = 50, offset: int = 0,
) -> Found:  # fmt: skip
    """The accounts that make a number, a page of them; their sums are the number's."""
    span = span_of(metric, window)
    if metric == "renewal_rate":
        return behind.renewals(ledger, span, view, segment, "-opening" if sort == "size" else sort, limit, offset)
    if metric in ("nrr", "grr", "logo_retention"):
        return behind.window(ledger, span, view, segment, True, sort, limit, offset)
    kind = {"net_new_arr": "", "quick_ratio": "new,expansion,contraction,churn"}.get(metric, "closing")
    return behind.movements(ledger, span.months, view, kind, segment, sort, limit, offset)


@dataclass(frozen=True)
class Tie:
    """A sum over the accounts beside the same amount in the formula."""

    label: str
    accounts: int
    formula: int
    is_count: bool = False

    @property
    def difference(self) -> int:
        return self.formula - self.accounts


def ties(told: Explanation) -> list[Tie]:
    """What the accounts sum to, held against the formula."""
    found, part = told.movers, told.part
    if told.metric in ("mrr", "arr"):
        return [Tie("MRR", found.amount, part.upper_total)]
    if told.metric == "net_new_arr":
        return [Tie("Net new MRR", found.amount, part.upper_total)]
    if told.metric == "quick_ratio":
        return [Tie("Won less lost", found.amount, part.upper_total - part.lower_total)]
    if told.metric == "renewal_rate":
        return [Tie("Due", found.opening, part.lower_total), Tie("Renewed", found.closing, part.upper_total)]
    if told.metric == "logo_retention":
        return [Tie("Customers at the start", found.count, part.lower_total, True)]
    opening = Tie("Opening MRR", found.opening, part.lower_total)
    if told.metric == "grr" or told.made_of_movements:
        return [opening]
    return [opening, Tie("Kept MRR", found.closing, part.upper_total)]


#: where a line may be broken: before these words
BREAKS = (
    " from ", " where ", " group by ", " order by ", " left join ", " join ", " union all ", " having ", " full join ", " select ",
    " qualify ", " when ", " else ", ", count(", ", sum(", ", coalesce(", ", case ",
)  # fmt: skip


def readable(query: str) -> str:
    """The statement with line breaks at its clauses, and nothing else changed: texts in quotes stay as they are."""
    pieces = query.split("'")
    for n in range(0, len(pieces), 2):
        for word in BREAKS:
            pieces[n] = pieces[n].replace(word, (",\n  " + word[2:]) if word.startswith(", ") else "\n" + word[1:])
        pieces[n] = pieces[n].replace("left\njoin ", "left join ").replace("full\njoin ", "full join ")
    return "'".join(pieces)
