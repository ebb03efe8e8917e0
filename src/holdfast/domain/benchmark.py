"""Verdicts: where a rate stands by stage, by band, and beside published populations that are named each time."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib import resources
from typing import Any

from holdfast.domain.policy import Policy


@dataclass(frozen=True)
class Comparison:
    """A published figure beside ours."""

    population: str
    who: str
    definition: str
    nrr: int | None
    grr: int | None
    #: why the two are not quite the same thing; empty where they are
    caution: str


@dataclass(frozen=True)
class Verdict:
    """What an NRR means at this size of company."""

    stage: str
    word: str
    band: str
    comparisons: tuple[Comparison, ...]


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads((resources.files("holdfast.domain") / "benchmarks.toml").read_text())


def stage_word(nrr: Fraction, arr_usd: int) -> tuple[str, str]:
    """The stage by ARR in US dollars, and excellent, good, fair or concerning."""
    stage = next(s for s in _table()["stage"] if arr_usd < s.get("arr_below_usd", arr_usd + 1))
    percent = nrr * 100
    if percent > stage["excellent_above"]:
        return stage["name"], "excellent"
    if percent >= stage["good_from"]:
        return stage["name"], "good"
    return stage["name"], "concerning" if percent < stage["concerning_below"] else "fair"


def band(nrr: Fraction) -> str:
    """decay, basic retention without expansion, healthy expansion, elite or outlier."""
    bands = _table()["band"]
    return str(next(b["name"] for b in bands if nrr * 100 < b.get("below", nrr * 100 + 1)))


def verdict(nrr: Fraction, arr_usd: int, accounts: int, policy: Policy, window_months: int) -> Verdict:
    """The verdict on an NRR under a policy; `accounts` picks the populations' figures for our contract size."""
    stage, word = stage_word(nrr, arr_usd)
    acv = arr_usd // accounts if accounts else 0
    return Verdict(
        stage, word, band(nrr), tuple(_compare(p, acv, policy, window_months) for p in _table()["population"])
    )


def _compare(population: dict[str, Any], acv_usd: int, policy: Policy, window_months: int) -> Comparison:
    row = next((r for r in population.get("by_acv", []) if acv_usd < r.get("below_usd", acv_usd + 1)), population)
    caution = []
    if window_months != 12:
        caution.append(f"theirs is over 12 months, ours over {window_months}")
    if population.get("policy", "holdfast-1") != policy.name and "policy" in population:
        caution.append(f"theirs follows the definition of '{population['policy']}', ours of '{policy.name}'")
    if policy.grain == "subscription":
        caution.append("ours follows subscriptions, theirs accounts")
    who = population["who"]
    if row is not population:
        who += f", yearly contract {_acv_range(population['by_acv'], row)}"
    return Comparison(
        population["name"], who, population["definition"], row.get("nrr"), row.get("grr"), "; ".join(caution)
    )


def _acv_range(rows: list[dict[str, Any]], row: dict[str, Any]) -> str:
    at = rows.index(row)
    low = rows[at - 1]["below_usd"] if at else None
    high = row.get("below_usd")
    if low is None:
        return f"below ${high:,}"
    return f"${low:,} to ${high:,}" if high else f"above ${low:,}"
