"""Restated: the movements that two ledgers of the same company tell differently, by account and month.

One is the ledger as known on a past day, the other the ledger as it is told today. Amounts stay in their currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from holdfast.domain.period import month_name
from holdfast.warehouse.sql import literal

TITLE = "Restated"


@dataclass(frozen=True)
class Difference:
    """A movement that one ledger tells differently from the other; minor units of its currency."""

    entity: str
    account_id: str
    name: str | None
    month: str
    currency: str
    kind: str
    known: int
    restated: int

    @property
    def difference(self) -> int:
        return self.restated - self.known


@dataclass(frozen=True)
class Differences:
    """A page of them, largest first, with their number and their sums by currency."""

    lines: tuple[Difference, ...]
    count: int
    accounts: int
    sums: tuple[tuple[str, int], ...]


def measure(known: Path, restated: Path, months: range, limit: int | None = 50, offset: int = 0) -> Differences:
    """What differs in the months, from two ledger files."""
    with duckdb.connect() as c:
        c.execute("set enable_progress_bar = false")
        for name, path in (("known", known), ("restated", restated)):
            c.execute(f"attach {literal(str(path))} as {name} (read_only)")
        c.execute(f"create temp table differs as {_difference(months)}")
        count, accounts = c.execute("select count(*), count(distinct entity_id) from differs").fetchall()[0]
        sums = c.execute("select currency, sum(now - before)::bigint from differs group by 1 order by 1").fetchall()
        paged = f" limit {limit} offset {offset}" if limit is not None else ""
        rows = c.execute(
            "select entity_id, account_id, name, month_no, currency, kind, before, now from differs "
            f"order by abs(now - before) desc, entity_id, month_no, kind{paged}"
        ).fetchall()
    lines = tuple(
        Difference(entity, account, name, month_name(month), *rest) for entity, account, name, month, *rest in rows
    )
    return Differences(lines, int(count), int(accounts), tuple((code, int(amount)) for code, amount in sums))


def _difference(months: range) -> str:
    def told(by: str) -> str:
        return (
            "select entity_id, entity.account_id, account.name, month_no, currency, kind::varchar as kind, amount_minor "
            f"from {by}.movement as movement join {by}.entity as entity using (entity_key) "
            f"left join {by}.account as account using (account_id) where month_no between {months.start} and {months.stop - 1}"
        )

    return (
        "select entity_id, coalesce(b.account_id, a.account_id) as account_id, coalesce(b.name, a.name) as name, month_no, currency, "
        "kind, coalesce(a.amount_minor, 0) as before, coalesce(b.amount_minor, 0) as now "
        f"from ({told('known')}) as a full join ({told('restated')}) as b using (entity_id, month_no, currency, kind) "
        "where coalesce(a.amount_minor, 0) <> coalesce(b.amount_minor, 0)"
    )
