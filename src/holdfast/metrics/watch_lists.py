"""Lists of the watch for programs, page by page: accounts by what is at risk, and judgements with their evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from holdfast.domain.judgement import Evidence
from holdfast.metrics.accounts import NO_OVERRIDES, Owners, Where, reachable
from holdfast.warehouse.records import Records
from holdfast.warehouse.sql import quoted

TITLE = "Lists of the watch"

#: what accounts can be ranked by, the most first
ORDERS = ("at_risk_minor", "churn_90")


@dataclass(frozen=True)
class Expected:
    """MRR to expect of an account, with its 90 % interval."""

    expected_minor: int
    low_minor: int
    high_minor: int


@dataclass(frozen=True)
class Ahead:
    """An account in the days ahead; minor units of the records' currency."""

    account_id: str
    name: str
    owner: str | None
    mrr_minor: int
    at_risk_minor: int | None
    #: by target, and by horizon in days
    probabilities: dict[str, dict[str, float]] = field(default_factory=dict)
    #: by horizon in days
    expected: dict[str, Expected] = field(default_factory=dict)


@dataclass(frozen=True)
class Judged:
    """What a signal says now; without account it is said of the whole book."""

    account_id: str | None
    signal: str
    kind: str
    severity: int
    sentence: str
    since: date | None
    #: the segment or the owner, where a book has several judgements of one signal
    about: str
    evidence: tuple[Evidence, ...]


def ranked(
    records: Records, order: str, after: str, limit: int, owners: Owners = NO_OVERRIDES, owner: str | None = None
) -> list[Ahead]:
    """Accounts behind one of them in an order, the most at risk first; from the first on where `after` is empty."""
    assert order in ORDERS, order
    worth = f"coalesce(standing.{quoted(order)}, -1)"
    where = Where()
    if owner is not None:
        where.add("accounts.owner = ?", owner)
    if after:
        # several stand at one value: their ids tell which of them were told
        last = f"(select {worth} from standing where standing.account_id = ?)"
        where.add(f"{worth} < {last} or ({worth} = {last} and accounts.account_id > ?)", after, after, after)
    return _ahead(records, where, f"{worth} desc, accounts.account_id limit ?", [limit], owners)


def one(records: Records, account_id: str, owners: Owners = NO_OVERRIDES) -> Ahead | None:
    """One account in the days ahead; None: it is not watched."""
    where = Where()
    where.add("accounts.account_id = ?", account_id)
    found = _ahead(records, where, "1", [], owners)
    return found[0] if found else None


def _ahead(records: Records, where: Where, order: str, parameters: list[Any], owners: Owners) -> list[Ahead]:
    lines = records.rows(
        "select accounts.account_id, accounts.name, accounts.owner, standing.mrr_minor, standing.at_risk_minor "
        f"from {reachable(records, owners)} as accounts join standing on standing.account_id = accounts.account_id "
        f"where {where} order by {order}",
        [*where.parameters, *parameters],
    )
    found = {line[0]: Ahead(*line) for line in lines}
    _fill(records, found)
    return list(found.values())


def _fill(records: Records, found: dict[str, Ahead]) -> None:
    """Add chances and expected MRR, of all accounts at once; the nearest horizon first."""
    some = "account_id in (select unnest(?::varchar[]))"
    for account_id, target, days, chance in records.rows(
        f"select account_id, target, horizon_days, probability from risk where {some} order by target, horizon_days", [list(found)]
    ):  # fmt: skip
        found[account_id].probabilities.setdefault(target, {})[str(days)] = chance
    for account_id, days, *figures in records.rows(
        f"select account_id, horizon_days, expected_minor, low_minor, high_minor from expected where {some} order by horizon_days",
        [list(found)],
    ):
        found[account_id].expected[str(days)] = Expected(*figures)


def judgements(
    records: Records, limit: int, offset: int = 0, *, signal: str | None = None, kind: str | None = None,
    severity: int | None = None, account_id: str | None = None,
) -> list[Judged]:  # fmt: skip
    """Judgements now that fit all that is given, the gravest first; in an order that a watch keeps."""
    where = Where()
    given = {"signal": signal, "kind": kind, "severity": severity, "account_id": account_id}
    for name, value in given.items():
        if value is not None:
            where.add(f"{name} = ?", value)
    found = records.told(
        "select account_id, signal, kind, severity, sentence, since, coalesce(about, '') as about, evidence from judgement "
        f"where {where} order by severity desc, account_id, signal, about, sentence limit ? offset ?",
        [*where.parameters, limit, offset],
    )
    return [_judged(line) for line in found]


def _judged(line: dict[str, Any]) -> Judged:
    told: Sequence[dict[str, str]] = json.loads(line.pop("evidence") or "[]")
    return Judged(
        **line | {"account_id": line["account_id"] or None}, evidence=tuple(Evidence(**each) for each in told)
    )
