"""Health read from the watch: the parts of one account's score, its history, what moved it, and how a book is spread over the bands.

A score goes from 0 (bad) to 100 (good). What is not known is told as missing, and never counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.metrics.accounts import NO_OVERRIDES, AccountRow, Owners, reachable, some, within
from holdfast.metrics.standing import beside
from holdfast.warehouse.records import Records

TITLE = "Health"


@dataclass(frozen=True)
class Part:
    """One measure of a scorecard: its value, its score from 0 to 100, its share of the weights, and the points it gives."""

    part: str
    label: str
    feature: str
    #: None: not known, and not scored
    value: float | None
    score: float | None
    weight: float | None
    points: float | None

    @property
    def is_missing(self) -> bool:
        return self.score is None


@dataclass(frozen=True)
class Move:
    """What one measure did to the score in four weeks; its sentence names the event."""

    feature: str
    points: float
    sentence: str
    since: date | None


@dataclass(frozen=True)
class Spread:
    """The accounts of a band under a scorecard, and their MRR."""

    scorecard: str
    #: None: not enough is known for a score
    band: str | None
    accounts: int
    mrr_minor: int
    at_risk_minor: int


def parts(records: Records, account_id: str) -> list[Part]:
    """The parts of an account's score, in the scorecard's order."""
    lines = sorted(records.of_account("health_part", account_id), key=lambda line: line["place"] or 0)
    names = ("part", "label", "feature", "value", "score", "weight", "points")
    return [Part(**{name: line[name] for name in names}) for line in lines]


def history(records: Records, account_id: str) -> list[tuple[date, float | None]]:
    """The score by day, oldest first; None where too little was known."""
    lines = records.of_account("health_day", account_id)
    return sorted((line["day"], line["score"]) for line in lines)


def moves(records: Records, account_id: str) -> list[Move]:
    """What moved the score in four weeks, the largest first."""
    lines = sorted(records.of_account("health_move", account_id), key=lambda line: line["place"] or 0)
    return [Move(line["feature"], line["points"], line["sentence"], line["since"]) for line in lines]


def spread(records: Records, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None) -> list[Spread]:
    """How the accounts are spread over the bands, by scorecard; best band first."""
    where = within(owner_in)
    found = records.rows(
        "select coalesce(standing.scorecard, ''), standing.band, count(*), sum(standing.mrr_minor)::bigint, "
        f"coalesce(sum(standing.at_risk_minor), 0)::bigint from {reachable(records, owners)} as accounts "
        f"join standing on standing.account_id = accounts.account_id where {where} "
        "group by 1, 2 order by 1, max(standing.health) desc nulls last",
        where.parameters,
    )
    return [Spread(*line) for line in found]


def fell(
    records: Records,
    limit: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
    least: float = 5.0,
) -> list[AccountRow]:
    """The accounts whose health fell in four weeks by so many points or more, the most first."""
    where = within(owner_in)
    where.add("health_change <= ?", -least)
    return some(records, where, "health_change, mrr_minor desc", limit, owners, watched=True)


def apart(
    records: Records,
    bands: tuple[str, ...],
    limit: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
) -> list[AccountRow]:
    """The accounts where score and CSM disagree, as `domain.health.disagreement` has it, the largest first; bands best first."""
    last = len(bands) - 1
    where = within(owner_in)
    felt = "case when sentiment >= 4 then 0 when sentiment = 3 then ? else ? end"
    where.add(f"abs({felt} - list_position(?, band) + 1) >= 2", last // 2, last, list(bands))
    return some(records, where, "mrr_minor desc", limit, owners, watched=True)


def new_signals(
    records: Records, days: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> Sequence[tuple[str, str, str, int, str, date]]:
    """Account, name, signal, severity, sentence and first day of what was raised in the last days, the gravest first."""
    where = within(owner_in)
    where.add("judgement.since > ?", records.as_of - timedelta(days=days))
    return records.rows(
        "select accounts.account_id, accounts.name, judgement.signal, judgement.severity, judgement.sentence, judgement.since "
        f"from judgement join {beside(reachable(records, owners), records)} as accounts using (account_id) where {where} "
        "order by judgement.severity desc, accounts.at_risk_minor desc nulls last, accounts.mrr_minor desc, account_id, judgement.signal",
        where.parameters,
    )
