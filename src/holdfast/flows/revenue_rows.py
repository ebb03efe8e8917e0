"""The rows behind a movement: the dated changes of a month, and for each the landed row with its load, file and moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from holdfast.domain.period import Window
from holdfast.flows.home import Home
from holdfast.flows.revenue import landed
from holdfast.metrics import evidence
from holdfast.metrics.evidence import MovementLine
from holdfast.warehouse.ledger import Ledger

#: what landing itself says about a row, and is told apart from what the row says
BOOKKEEPING = frozenset({"learned_at", "load_no", "source_row", "source_kind"})


@dataclass(frozen=True)
class Whose:
    """An entity of the ledger, and the account that it belongs to."""

    entity: str
    account_id: str
    name: str | None


def whose(ledger: Ledger, entity: str) -> Whose | None:
    """The entity; None: there is none of that name."""
    rows = ledger.rows(
        "select entity_id, entity.account_id, account.name from entity left join account using (account_id) where entity_id = ?",
        [entity],
    )
    return Whose(*rows[0]) if rows else None


@dataclass(frozen=True)
class Total:
    """What an account's movements in one currency lead from and to; minor units."""

    currency: str
    opening: int
    moved: int
    closing: int

    @property
    def difference(self) -> int:
        """0: they add up."""
        return self.closing - self.opening - self.moved


def by_currency(lines: Sequence[MovementLine]) -> list[Total]:
    """Opening of the first movement, closing of the last, and the sum between them, by currency."""
    found = []
    for currency in dict.fromkeys(line.currency for line in lines):
        of = [line for line in lines if line.currency == currency]
        found.append(Total(currency, of[0].opening, sum(line.amount for line in of), of[-1].closing))
    return found


@dataclass(frozen=True)
class Change:
    """One change with the landed row that says so; minor units of its currency."""

    day: date
    currency: str
    delta: int
    held_delta: int
    cause: str
    load_no: int | None
    source_row: int | None
    file: str
    source: str
    learned_at: datetime | None
    #: what the row says: name, value, and whether the value is money
    said: tuple[tuple[str, Any, bool], ...]


@dataclass(frozen=True)
class Rows:
    """The changes of one entity and month, and the movements that they make."""

    changes: tuple[Change, ...]
    movements: tuple[MovementLine, ...]

    def total(self, currency: str) -> tuple[int, int]:
        """What the changes and the movements of a currency sum to."""
        return (
            sum(c.delta for c in self.changes if c.currency == currency),
            sum(m.amount for m in self.movements if m.currency == currency),
        )

    @property
    def sums(self) -> list[tuple[str, int, int]]:
        """By currency: the changes' sum, and the movements'."""
        codes = dict.fromkeys([c.currency for c in self.changes] + [m.currency for m in self.movements])
        return [(code, *self.total(code)) for code in codes]


def rows_behind(home: Home, ledger: Ledger, entity: str, window: Window) -> Rows:
    """The changes of a month with their landed rows."""
    changes = evidence.changes(ledger, entity, window, landed(home, "subscription_item"), landed(home, "invoice_line"))
    loads = {load.load_no: load for load in home.landing.loads()}
    found = []
    for one in changes:
        load, row = loads.get(one.load_no or 0), one.row or {}
        found.append(
            Change(
                one.day,
                one.currency,
                one.delta,
                one.held_delta,
                one.cause,
                one.load_no,
                one.source_row,
                load.file if load else "",
                load.source if load else "",
                row.get("learned_at"),
                _said(row),
            )
        )
    return Rows(tuple(found), tuple(evidence.movements(ledger, entity, window)))


def _said(row: dict[str, Any]) -> tuple[tuple[str, Any, bool], ...]:
    """The columns of a landed row that say something: nothing, 0 and no are left out."""
    return tuple(
        (name.removesuffix("_minor").replace("_", " "), "yes" if value is True else value, name.endswith("_minor"))
        for name, value in row.items()
        if name not in BOOKKEEPING and value not in (None, "", 0, False)
    )
