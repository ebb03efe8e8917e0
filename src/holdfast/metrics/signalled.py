"""What the signals say now: judgements of one account with the rows behind them, the accounts of a signal, and what concerns the whole book."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from holdfast.domain.facts import TABLES
from holdfast.domain.judgement import Evidence
from holdfast.metrics.account import Source
from holdfast.metrics.accounts import NO_OVERRIDES, Owners, reachable, within
from holdfast.metrics.standing import beside
from holdfast.warehouse.records import Records
from holdfast.warehouse.sql import quoted

TITLE = "Signals"

#: fact tables whose rows lie in the records under another name
RECORDED = {"subscription_item": "item", "account": "account_history"}


@dataclass(frozen=True)
class Behind:
    """A fact behind a judgement, and where it was landed; None: it is no single row."""

    evidence: Evidence
    source: Source | None


@dataclass(frozen=True)
class Told:
    """A signal that an account, or the whole book, has now."""

    signal: str
    kind: str
    severity: int
    sentence: str
    since: date | None
    evidence: tuple[Behind, ...]


@dataclass(frozen=True)
class Held:
    """An account that has a signal now; minor units of the records' currency."""

    account_id: str
    name: str
    owner: str | None
    mrr_minor: int
    at_risk_minor: int | None
    severity: int
    sentence: str
    since: date | None


@dataclass(frozen=True)
class Count:
    """How many accounts have a signal now, and their MRR."""

    signal: str
    kind: str
    accounts: int
    mrr_minor: int


def of_account(records: Records, account_id: str) -> list[Told]:
    """An account's signals now, the gravest first; each fact with the row it came from."""
    return _sorted(_told(records, account_id, line) for line in records.of_account("judgement", account_id))


def of_book(records: Records) -> list[Told]:
    """What is said of the whole book, the gravest first."""
    return of_account(records, "")


def _sorted(told: Any) -> list[Told]:
    return sorted(told, key=lambda one: (-one.severity, one.signal, one.sentence))


def _told(records: Records, account_id: str, line: dict[str, Any]) -> Told:
    evidence = tuple(
        Behind(one, _source(records, account_id, one))
        for one in (Evidence(**given) for given in json.loads(line["evidence"] or "[]"))
    )
    return Told(line["signal"], line["kind"], line["severity"], line["sentence"], line["since"], evidence)


def _source(records: Records, account_id: str, evidence: Evidence) -> Source | None:
    """Where a fact was landed: the account's row of the table that has the key, or a part of it."""
    fact = TABLES.get(evidence.table)
    if fact is None or not evidence.row_id or not account_id:
        return None
    name = RECORDED.get(fact.name, fact.name)
    if not _is_there(records, name):
        return None
    parts = [part for part in fact.key if part != "account_id"]
    found = [
        row
        for row in records.of_account(name, account_id)
        if row.get("load_no") is not None and evidence.row_id in [str(row.get(part)) for part in parts]
    ]
    # of several states the newest one
    newest = max(found, key=lambda row: (row["load_no"], row["source_row"]), default=None)
    return Source(fact.name, evidence.row_id, newest["load_no"], newest["source_row"]) if newest else None


def _is_there(records: Records, table: str) -> bool:
    """Whether the records keep a table row by row; usage lies in a file beside them, added up."""
    query = (
        "select 1 from duckdb_tables() where table_name = ? and database_name = current_database() and not temporary"
    )
    return bool(records.rows(query, [table]))


def counts(records: Records, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None) -> dict[str, Count]:
    """By signal, of the accounts that the reader may see."""
    where = within(owner_in)
    found = records.rows(
        "select judgement.signal, min(judgement.kind), count(distinct account_id), sum(accounts.mrr_minor)::bigint "
        f"from (select distinct signal, kind, account_id from judgement) as judgement "
        f"join {reachable(records, owners)} as accounts using (account_id) where {where} group by 1 order by 3 desc, 1",
        where.parameters,
    )
    return {line[0]: Count(*line) for line in found}


def accounts_with(
    records: Records, signal: str, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None,
    limit: int = 50, offset: int = 0,
) -> list[Held]:  # fmt: skip
    """The accounts that have a signal now: the gravest first, then those with the most money at stake."""
    where = within(owner_in)
    where.add("judgement.signal = ?", signal)
    found = records.rows(
        "select accounts.account_id, accounts.name, accounts.owner, accounts.mrr_minor, accounts.at_risk_minor, "
        "judgement.severity, judgement.sentence, judgement.since "
        f"from judgement join {beside(reachable(records, owners), records)} as accounts using (account_id) where {where} "
        f"order by judgement.severity desc, accounts.{quoted('at_risk_minor')} desc nulls last, accounts.mrr_minor desc, "
        "accounts.account_id, judgement.sentence limit ? offset ?",
        [*where.parameters, limit, offset],
    )
    return [Held(*line) for line in found]
