"""Risk read from the watch: chances, reasons and expected MRR of one account; MRR at risk and predicted NRR of a book and its parts.

An interval of several accounts holds two things: the luck of each account, and how far the forecasts of the whole book were off
before. Luck alone makes it far too narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from holdfast.metrics.accounts import NO_OVERRIDES, Owners, UnknownColumnError, reachable, within
from holdfast.warehouse.records import Records
from holdfast.warehouse.sql import quoted

TITLE = "Risk"

TARGETS, HORIZONS = ("churn", "contraction", "expansion"), (30, 90, 180)
#: standard deviations on each side of a 90 % interval
NINETY = 1.645


@dataclass(frozen=True)
class Chances:
    """One account in the days ahead: the chance of each target, and the MRR to expect with its 90 % interval."""

    horizon_days: int
    churn: float | None
    contraction: float | None
    expansion: float | None
    expected_minor: int | None
    low_minor: int | None
    high_minor: int | None


@dataclass(frozen=True)
class Reason:
    """Why a chance is as high or as low as it is; a positive contribution raises it."""

    target: str
    horizon_days: int
    feature: str
    contribution: float
    sentence: str


@dataclass(frozen=True)
class Outlook:
    """What is expected of some accounts; minor units of the records' currency."""

    accounts: int
    mrr_minor: int
    at_risk_minor: int
    expected_minor: int
    #: of the accounts' own luck, in squared minor units
    variance: float

    def interval(self, error: float | None) -> tuple[int, int]:
        """90 % of the outcomes, with the relative error of past forecasts of the book where one is known."""
        reach = NINETY * math.sqrt(self.variance + ((error or 0.0) * self.expected_minor) ** 2)
        return max(0, round(self.expected_minor - reach)), round(self.expected_minor + reach)


@dataclass(frozen=True)
class Share:
    """The outlook of the accounts with one value: an owner, a month of renewal, a segment."""

    value: Any
    outlook: Outlook


def chances(records: Records, account_id: str) -> list[Chances]:
    """By horizon, the nearest first."""
    told: dict[int, dict[str, Any]] = {}
    for line in records.of_account("risk", account_id):
        told.setdefault(line["horizon_days"], {})[line["target"]] = line["probability"]
    for line in records.of_account("expected", account_id):
        told.setdefault(line["horizon_days"], {}).update(line)
    names = (*TARGETS, "expected_minor", "low_minor", "high_minor")
    return [Chances(days, *(told[days].get(name) for name in names)) for days in sorted(told)]


def reasons(records: Records, account_id: str) -> list[Reason]:
    """All reasons, in the order of targets and of weight."""
    lines = sorted(
        records.of_account("reason", account_id), key=lambda line: (line["horizon_days"], line["place"] or 0)
    )
    return [
        Reason(line["target"], line["horizon_days"], line["feature"], line["contribution"], line["sentence"])
        for line in lines
    ]


def outlook(
    records: Records, horizon: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> Outlook:
    """What is expected of all accounts that the reader may see."""
    found = _outlooks(records, "null", horizon, owners, owner_in)
    return found[0].outlook if found else Outlook(0, 0, 0, 0, 0.0)


def by_owner(
    records: Records, horizon: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> list[Share]:
    """By who carries the accounts, the most MRR at risk first; None is nobody."""
    found = _outlooks(records, "accounts.owner", horizon, owners, owner_in)
    return sorted(found, key=lambda one: -one.outlook.at_risk_minor)


def by_segment(
    records: Records,
    attribute: str,
    horizon: int,
    owners: Owners = NO_OVERRIDES,
    owner_in: frozenset[str] | None = None,
) -> list[Share]:
    """By the values of an attribute, the most MRR first. UnknownColumnError: there is no such attribute."""
    if attribute not in records.segments:
        raise UnknownColumnError(f"accounts have no attribute '{attribute}'; there are: {', '.join(records.segments)}")
    found = _outlooks(records, f"accounts.{quoted(f'seg_{attribute}')}", horizon, owners, owner_in)
    return sorted(found, key=lambda one: -one.outlook.mrr_minor)


def by_renewal(
    records: Records, horizon: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> list[Share]:
    """By the month of the next renewal, the next first; None last: no term runs."""
    month = "date_trunc('month', accounts.renewal_on)::date"
    found = _outlooks(records, month, horizon, owners, owner_in)
    return sorted(found, key=lambda one: one.value or date.max)


def _outlooks(
    records: Records, value: str, horizon: int, owners: Owners, owner_in: frozenset[str] | None
) -> list[Share]:
    """Sums by a value; a chance that is not known counts as none, and MRR that nothing is expected of stays as it is."""
    where = within(owner_in)
    churn, growth = "coalesce(ahead.churn, 0)", "coalesce(ahead.expansion, 0)"
    found = records.rows(
        "with ahead as (select account_id, max(probability) filter (where target = 'churn') as churn, "
        "max(probability) filter (where target = 'expansion') as expansion from risk where horizon_days = ? group by account_id) "
        f"select {value} as value, count(*), sum(standing.mrr_minor)::bigint, coalesce(sum(standing.at_risk_minor), 0)::bigint, "
        "sum(coalesce(expected.expected_minor, standing.mrr_minor))::bigint, "
        f"sum({churn} * (1 - {churn}) * standing.mrr_minor::double ^ 2 "
        f"+ {growth} * (1 - {growth}) * greatest(coalesce(expected.high_minor, 0) - standing.mrr_minor, 0)::double ^ 2) "
        f"from {reachable(records, owners)} as accounts join standing on standing.account_id = accounts.account_id "
        "left join expected on expected.account_id = accounts.account_id and expected.horizon_days = ? "
        f"left join ahead on ahead.account_id = accounts.account_id where {where} group by 1",
        [horizon, horizon, *where.parameters],
    )
    return [Share(line[0], Outlook(*line[1:])) for line in found]


@dataclass(frozen=True)
class Parts:
    """What MRR at risk (within 90 days) and expected MRR are sums of; minor units of the records' currency."""

    accounts: int
    mrr_minor: int
    #: each account's MRR × its chance of leaving
    leaving_minor: int
    at_risk_minor: int
    #: of the accounts that are expected to lose, and of those that are expected to grow
    lost_minor: int
    won_minor: int
    expected_minor: int


@dataclass(frozen=True)
class Ahead:
    """One account in the sums: its MRR, chances, MRR at risk and expected MRR."""

    account_id: str
    name: str
    mrr_minor: int
    churn: float | None
    contraction: float | None
    expansion: float | None
    at_risk_minor: int | None
    expected_minor: int


def parts(
    records: Records, horizon: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> Parts:
    """The sums over all accounts that the reader may see."""
    where = within(owner_in)
    moved = "coalesce(expected.expected_minor, standing.mrr_minor) - standing.mrr_minor"
    found = records.rows(
        "select count(*), coalesce(sum(standing.mrr_minor), 0)::bigint, "
        "coalesce(sum(round(standing.mrr_minor * standing.churn_90)), 0)::bigint, "
        "coalesce(sum(standing.at_risk_minor), 0)::bigint, "
        f"coalesce(sum(least({moved}, 0)), 0)::bigint, coalesce(sum(greatest({moved}, 0)), 0)::bigint, "
        "coalesce(sum(coalesce(expected.expected_minor, standing.mrr_minor)), 0)::bigint "
        f"from {_standing(records, owners)} where {where}",
        [horizon, *where.parameters],
    )
    return Parts(*found[0])


def ahead(
    records: Records, by: str, horizon: int, limit: int, owners: Owners = NO_OVERRIDES, owner_in: frozenset[str] | None = None
) -> list[Ahead]:  # fmt: skip
    """The accounts that make up most of a sum: `at_risk`, or `moved` by which expected MRR differs from today's."""
    where = within(owner_in)
    size = {
        "at_risk": "coalesce(standing.at_risk_minor, 0)",
        "moved": "abs(coalesce(expected.expected_minor, standing.mrr_minor) - standing.mrr_minor)",
    }[by]
    chance = "(select max(probability) from risk where risk.account_id = accounts.account_id and horizon_days = ? and target = '{}')"
    chances = ", ".join(chance.format(target) for target in TARGETS)
    found = records.rows(
        f"select accounts.account_id, accounts.name, standing.mrr_minor, {chances}, standing.at_risk_minor, "
        f"coalesce(expected.expected_minor, standing.mrr_minor) from {_standing(records, owners)} where {where} "
        f"order by {size} desc, accounts.account_id limit ?",
        [*[horizon] * len(TARGETS), horizon, *where.parameters, limit],
    )
    return [Ahead(*line) for line in found]


def _standing(records: Records, owners: Owners) -> str:
    return (
        f"{reachable(records, owners)} as accounts join standing on standing.account_id = accounts.account_id "
        "left join expected on expected.account_id = accounts.account_id and expected.horizon_days = ?"
    )


def past_error(book: Iterable[dict[str, Any]], horizon: int) -> float | None:
    """How far past forecasts of the whole book were off, as a share of them; None: none has come true yet."""
    told = [
        (line["actual_minor"] - line["forecast_minor"]) / line["forecast_minor"]
        for line in book
        if line["horizon_days"] == horizon and line.get("actual_minor") is not None and line["forecast_minor"]
    ]
    return math.sqrt(sum(one * one for one in told) / len(told)) if told else None
