"""How each account stands by the watch, beside its summary: health, chances, money at risk, signals. Null where nothing is watched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any

from holdfast.warehouse.records import Records

#: stands for "any signal" where signals are chosen
ANY = "any"


@dataclass(frozen=True)
class Standing:
    """An account on the day of the watch; minor units of the records' currency."""

    #: 0 bad to 100 good; None: too little is known
    health: float | None
    #: four weeks earlier
    health_before: float | None
    band: str | None
    scorecard: str | None
    #: the part of the scorecard's weights that is known
    known_share: float | None
    #: what the CSM says, 1 bad to 5 good
    sentiment: int | None
    #: the chances of leaving, shrinking and growing within 90 days
    churn_90: float | None
    contraction_90: float | None
    expansion_90: float | None
    at_risk_minor: int | None
    expected_90_minor: int | None
    #: of the gravest signal: 1 notice, 2 warning, 3 urgent
    severity: int | None
    signals: int

    @property
    def health_change(self) -> float | None:
        if self.health is None or self.health_before is None:
            return None
        return round(self.health - self.health_before, 1)


_READ = ", ".join(
    field.name if field.name != "signals" else "coalesce(signals, 0) as signals" for field in fields(Standing)
)

#: columns that accounts can be sorted by and exported with: the name, and the SQL over `standing`
COLUMNS = {
    "health": "standing.health",
    "health_change": "round(standing.health - standing.health_before, 1)",
    "band": "standing.band",
    "sentiment": "standing.sentiment",
    "churn_90": "standing.churn_90",
    "contraction_90": "standing.contraction_90",
    "expansion_90": "standing.expansion_90",
    "at_risk_minor": "standing.at_risk_minor",
    "expected_90_minor": "standing.expected_90_minor",
    "severity": "standing.severity",
    "signals": "standing.signals",
}
_TYPES = {"band": "varchar", "at_risk_minor": "bigint", "expected_90_minor": "bigint"} | dict.fromkeys(
    ("sentiment", "severity", "signals"), "bigint"
)


def beside(source: str, records: Records) -> str:
    """The SQL source of accounts with the columns of the watch."""
    if records.watch is None:
        none = ", ".join(f"null::{_TYPES.get(name, 'double')} as {name}" for name in COLUMNS)
        return f"(select accounts.*, {none} from {source} as accounts)"
    told = ", ".join(f"{sql} as {name}" for name, sql in COLUMNS.items())
    return f"(select accounts.*, {told} from {source} as accounts left join standing on standing.account_id = accounts.account_id)"


def of_accounts(records: Records, ids: Sequence[str]) -> dict[str, Standing]:
    """How some accounts stand, by id; those that are not watched are left out."""
    if records.watch is None or not ids:
        return {}
    told = records.told(
        f"select account_id, {_READ} from standing where account_id in (select unnest(?::varchar[]))", [list(ids)]
    )
    return {line.pop("account_id"): Standing(**line) for line in told}


def of_account(records: Records, account_id: str) -> Standing | None:
    """How one account stands; None where it is not watched."""
    found = records.of_account("standing", account_id) if records.watch is not None else []
    if not found:
        return None
    names = [field.name for field in fields(Standing)]
    return Standing(**{name: found[0][name] for name in names} | {"signals": found[0]["signals"] or 0})


def with_signals(records: Records, names: Iterable[str]) -> tuple[str, list[Any]]:
    """The condition that leaves the accounts with one of these signals now, or with any; with its parameters."""
    if records.watch is None:
        return "false", []
    if ANY in (chosen := list(names)):
        return "account_id in (select account_id from judgement)", []
    return "account_id in (select account_id from judgement where signal in (select unnest(?::varchar[])))", [chosen]
