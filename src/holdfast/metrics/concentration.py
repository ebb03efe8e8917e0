"""Concentration: how much of MRR hangs on the largest accounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from holdfast.domain.period import Window, add_months
from holdfast.domain.retention import ratio
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, create_window

TITLE = "Concentration"

TOPS = (1, 5, 10, 20, 50)


@dataclass(frozen=True)
class Largest:
    """One of the largest accounts; minor units."""

    rank: int
    entity: str
    name: str | None
    mrr: int
    share: Fraction | None


@dataclass(frozen=True)
class Concentration:
    """Shares of the largest accounts in all MRR."""

    on: date
    accounts: int
    mrr: int
    #: share of the first n, by n
    tops: dict[int, Fraction | None]
    largest: tuple[Largest, ...]


def measure(ledger: Ledger, on: date, view: View, listed: int = 10) -> Concentration:
    """The shares at the end of a day."""
    after = on + timedelta(days=1)
    create_window(ledger, Window(after, add_months(after, 1)), view, ())
    accounts, mrr = ledger.rows(
        "select count(*), coalesce(sum(opening), 0)::bigint from entity_window where opening > 0"
    )[0]
    rows = ledger.rows(
        "select entity.entity_id, account.name, opening from entity_window join entity using (entity_key) "
        f"left join account using (account_id) where opening > 0 order by opening desc, entity.entity_id limit {max(*TOPS, listed)}"
    )
    tops = {n: ratio(sum(row[2] for row in rows[:n]), mrr) for n in TOPS if n <= accounts}
    largest = tuple(
        Largest(n, entity, name, amount, ratio(amount, mrr))
        for n, (entity, name, amount) in enumerate(rows[:listed], 1)
    )
    return Concentration(on, accounts, mrr, tops, largest)
