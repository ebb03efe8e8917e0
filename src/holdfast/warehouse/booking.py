"""What is to be booked: which facts, under which policy, up to which day, and as known when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from holdfast.domain.belonging import Belonging
from holdfast.domain.fact_table import FactTable
from holdfast.domain.policy import Policy
from holdfast.warehouse.sql import literal, quoted


@dataclass(frozen=True)
class Facts:
    """Landing files by table, as the booking reads them."""

    items: tuple[Path, ...]
    accounts: tuple[Path, ...] = ()
    lines: tuple[Path, ...] = ()
    fx: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Booking:
    """What is to be booked: a policy, the day up to which, and what was known when."""

    policy: Policy
    as_of: date
    #: rows learned before this moment (UTC); None: all
    known_before: datetime | None = None
    #: only these accounts; None: all
    only: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Linked:
    """Accounts that belong, or belonged, to another entity: where each one stood when."""

    spans: tuple[Belonging, ...] = ()

    @property
    def accounts(self) -> set[str]:
        return {span.account_id for span in self.spans}


def reads_lines(policy: Policy) -> bool:
    """Whether the policy makes MRR of invoice lines, wholly or in part."""
    return policy.metered_months > 0 or policy.basis == "revenue"


#: the kinds of columns in SQL, and what landing itself says of a row
SQL_TYPES = {
    "text": "varchar", "int": "bigint", "money": "bigint", "ppm": "bigint", "rate": "double", "date": "date", "time": "timestamp",
    "flag": "boolean", "map": "map(varchar, varchar)",
}  # fmt: skip
BOOKKEEPING_TYPES = {"learned_at": "timestamp", "load_no": "integer", "source_row": "bigint", "source_kind": "varchar"}


def scan(files: Sequence[Path]) -> str:
    """The SQL source that reads landing files one after the other."""
    return f"read_parquet([{', '.join(literal(str(file)) for file in files)}])"


def scan_whole(fact: FactTable, files: Sequence[Path]) -> str:
    """The same, with every column that the fact table has by now: files landed before a column was added give nothing in it."""
    told = {column.name: SQL_TYPES[column.kind] for column in fact.columns} | BOOKKEEPING_TYPES
    nothing = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in told.items())
    found = f" union all by name from read_parquet([{', '.join(literal(str(file)) for file in files)}], union_by_name = true)"
    return f"(from (select {nothing}) where false{found if files else ''})"


def known(booking: Booking) -> str:
    """The SQL condition that leaves the rows that were known, of the accounts wanted."""
    clauses = ["true"]
    if booking.known_before is not None:
        clauses.append(f"learned_at < timestamp '{booking.known_before:%Y-%m-%d %H:%M:%S.%f}'")
    if booking.only is not None:
        clauses.append(f"account_id in ({', '.join(map(literal, booking.only)) or 'null'})")
    return " and ".join(clauses)
