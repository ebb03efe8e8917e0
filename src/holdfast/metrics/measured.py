"""Features read from the watch: all values of one account, and how each feature is spread over the accounts now."""

from __future__ import annotations

from dataclasses import dataclass

from holdfast.metrics.accounts import NO_OVERRIDES, Owners, reachable, within
from holdfast.warehouse.records import Records

TITLE = "Features"


@dataclass(frozen=True)
class Spread:
    """How a feature is spread over the accounts that are watched; a value that is not known is no value."""

    known: int
    accounts: int
    low: float | None
    middle: float | None
    high: float | None

    @property
    def coverage(self) -> float:
        return self.known / self.accounts if self.accounts else 0.0


def of_account(records: Records, account_id: str) -> dict[str, float | None]:
    """The values of an account's features by name."""
    return {line["name"]: line["value"] for line in records.of_account("feature", account_id)}


def spread(
    records: Records, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> dict[str, Spread]:
    """By feature, over the accounts that the reader may see."""
    where = within(owner_in)
    # everybody's accounts need no looking up: there are hundreds of values of each
    reached = (
        f"account_id in (select account_id from {reachable(records, owners)} where {where})"
        if owner_in is not None
        else "true"
    )
    accounts = records.rows(f"select count(*) from standing where {reached}", where.parameters)[0][0]
    found = records.rows(
        f"select name, count(value), min(value), median(value), max(value) from feature where {reached} group by name",
        where.parameters,
    )
    return {name: Spread(known, accounts, low, middle, high) for name, known, low, middle, high in found}
