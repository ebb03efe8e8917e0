"""The identities that must hold before a ledger is published, in production as in the tests."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from holdfast.domain.period import month_name
from holdfast.domain.policy import Policy
from holdfast.warehouse.matrix import LedgerError


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    return connection.execute(query).fetchall()[0]


def check_batch(connection: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """What comes in goes out: every entity ends at 0 at the end of time, and today's balances are the states in force."""
    check_ends(connection)
    if not closes_today(policy):
        return
    found = dict(
        connection.execute(
            "select currency, sum(amount) from ("
            "select currency, last_minor as amount, state_no from valued "
            "where valid_from <= getvariable('as_of') and valid_until > getvariable('as_of') "
            "and state_no not in (select state_no from piece) "
            "union all select currency, mrr_minor, state_no from piece "
            "where piece_from <= getvariable('as_of') and piece_until > getvariable('as_of')) group by currency"
        ).fetchall()
    )
    booked = dict(
        connection.execute(
            "select position_currency(key >> 16) as currency, sum(delta) from flow where (key & 65535) < never_code() group by 1"
        ).fetchall()
    )
    same_today(found, booked)


def check_ends(connection: duckdb.DuckDBPyConnection) -> None:
    """What comes in goes out: every entity ends at 0 at the end of time."""
    open_ends, left = _one(
        connection,
        "select count(*), coalesce(sum(mrr), 0) from balance where (month_key & 2047) = 2047 and (mrr <> 0 or held <> 0)",
    )
    if open_ends:
        raise LedgerError(f"{open_ends} entities do not end at 0 after their last state ({left} minor units are left)")


def closes_today(policy: Policy) -> bool:
    """Whether the last balances have to be what the states in force are worth."""
    return policy.month_measure == "closing" and policy.basis == "subscription" and not policy.metered_months


def same_today(found: Mapping[str, int], booked: Mapping[str, int]) -> None:
    """Today's balances (booked) are the states in force (found), in every currency."""
    for currency in {*found, *booked}:
        if found.get(currency, 0) != booked.get(currency, 0):
            raise LedgerError(
                f"closing MRR in {currency}: the states in force sum to {found.get(currency, 0)}, "
                f"the ledger to {booked.get(currency, 0)} minor units"
            )


def check_book(connection: duckdb.DuckDBPyConnection, first_month: int, last_month: int) -> None:
    """Opening + Σ movements = closing for the whole book, by currency and month; transfers sum to 0."""
    months = range(first_month, last_month + 1)
    sums = ", ".join(f"sum(m{month})" for month in months)
    closing: dict[str, tuple[Decimal | None, ...]] = {
        row[0]: row[1:]
        for row in connection.execute(f"select currency, {sums} from position group by currency").fetchall()
    }
    moved = {
        (row[0], row[1]): row[2]
        for row in connection.execute(
            "select currency, month_no, sum(amount_minor) from movement group by all"
        ).fetchall()
    }
    for currency, values in closing.items():
        before = 0
        for month, value in zip(months, values, strict=True):
            now = int(value or 0)
            movement = int(moved.pop((currency, month), 0))
            if before + movement != now:
                raise LedgerError(
                    f"{month_name(month)} {currency}: opening {before} + movements {movement} ≠ closing {now} minor units"
                )
            before = now
    if moved:
        currency, month = next(iter(moved))
        raise LedgerError(f"{month_name(month)} {currency}: movements without balances")
    unbalanced = connection.execute(
        "select month_no, currency, sum(amount_minor) from movement where kind = 'transfer' group by all having sum(amount_minor) <> 0"
    ).fetchall()
    for month, currency, amount in unbalanced:
        raise LedgerError(f"{month_name(month)} {currency}: transfers sum to {amount}, not 0")
