"""What signals are held against: by account the days on which it left, shrank, or grew of its own will."""

from __future__ import annotations

from collections import defaultdict
from datetime import date

from holdfast.warehouse.happened import happened
from holdfast.warehouse.ledger import Ledger

#: a price that rises and a discount that ends are our doing: nobody needs a signal to see them come
_GROWN = """
select distinct unnest([entity.entity_id, coalesce(change.account_id, entity.account_id)]) as account, change.day
from change join entity using (entity_key)
where change.delta_minor > 0 and change.cause not in ('price', 'discount_end', 'transfer')
"""


def foretellable(ledger: Ledger, currency: str) -> dict[str, list[tuple[date, str]]]:
    """By account what happened to it, as `record.Panel` takes it: (day, "churn" | "contraction" | "expansion"), oldest first."""
    grown = set(ledger.rows(_GROWN))
    told = happened(ledger, currency)
    found: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for account, day, kind in zip(*(told[name].to_pylist() for name in ("account_id", "day", "kind")), strict=True):
        if kind != "expansion" or (account, day) in grown:
            found[account].append((day, kind))
    return dict(found)
