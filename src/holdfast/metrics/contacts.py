"""People at accounts, one after the other by id: for lists that go on where the last one ended."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

from holdfast.metrics.accounts import NO_OVERRIDES, Owners, reachable, within
from holdfast.warehouse.records import Records

TITLE = "Contacts"


@dataclass(frozen=True)
class Person:
    """A person at an account, as learned last."""

    contact_id: str
    account_id: str
    name: str | None
    email: str | None
    title: str | None
    department: str | None
    role: str
    joined_on: date | None
    left_on: date | None
    left_noticed_on: date | None


COLUMNS = ", ".join(f"contact.{field.name}" for field in fields(Person))


def listed(
    records: Records,
    account_id: str | None,
    after: str,
    limit: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
) -> list[Person]:
    """People with an id after `after`, of one account or of all that the reader may see."""
    where = within(owner_in)
    where.add("contact_id > ?", after)
    if account_id is not None:
        where.add("contact.account_id = ?", account_id)
    source = "contact"
    if owner_in is not None:
        source = f"contact join (select account_id, owner from {reachable(records, owners)}) as seen using (account_id)"
    rows = records.rows(
        f"select {COLUMNS} from {source} where {where} order by contact_id limit ?", [*where.parameters, limit]
    )
    return [Person(*row) for row in rows]
