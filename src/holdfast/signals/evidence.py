"""The rows behind a judgement: landed rows as they were at its day, found by the signal's own conditions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from holdfast.domain.judgement import Evidence
from holdfast.signals.signal import Rows, Signal
from holdfast.warehouse.records import Records

#: rows of each kind behind one judgement
SHOWN = 5


def rows_behind(
    records: Records, signal: Signal, accounts: Sequence[str], day: date, limit: int = SHOWN
) -> Mapping[str, tuple[Evidence, ...]]:
    """By account up to `limit` rows of each kind, as known at the end of a day."""
    found: dict[str, tuple[Evidence, ...]] = defaultdict(tuple)
    for one in signal.evidence:
        for account, label, value, key in records.rows(query(one, day, limit), [list(accounts)]):
            found[account] += (Evidence(str(label), str(value), one.table, str(key or "")),)
    return dict(found)


def query(one: Rows, day: date, limit: int = SHOWN) -> str:
    """SQL: account, label, value and key of the rows; its one parameter is the list of accounts."""

    def at(text: str) -> str:
        return text.replace("$day", f"date '{day}'")

    group = f"group by account_id, {at(one.group)}" if one.group else ""
    return (
        f"select account_id, label, value, key from (select account_id, {at(one.label)} as label, "
        f"{at(one.value)} as value, {at(one.key)} as key, "
        f"row_number() over (partition by account_id order by {at(one.order)}) as place "
        f"from {one.source or quoted(one.table)} where account_id in (select unnest(?)) and ({at(one.where)}) {group}) "
        f"where place <= {limit} order by account_id, place"
    )


def quoted(name: str) -> str:
    return f'"{name}"'
