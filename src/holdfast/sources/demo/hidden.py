"""The truth behind the demo world: states and hazards by account and month, which no source ever shows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from holdfast.sources.demo import columns as col
from holdfast.sources.demo.life import live
from holdfast.sources.demo.state import CAUSES, State
from holdfast.sources.demo.traits import Traits, traits
from holdfast.sources.demo.words import INDUSTRIES
from holdfast.sources.demo.world import SEGMENTS, B, F, World


def lives(world: World) -> Iterator[tuple[int, Traits, State]]:
    """Every chunk, simulated."""
    for chunk in range(world.chunks):
        who = traits(world, chunk)
        yield chunk, who, live(world, chunk, who)


def hidden(world: World) -> pa.Table:
    """One row per account and month in which it could leave: hazard, outcome, and the states behind."""
    return pa.concat_tables([_months(world, who, state) for _, who, state in lives(world)])


def _months(world: World, who: Traits, state: State) -> pa.Table:
    index, month = np.nonzero(~np.isnan(state.hazard))
    cause = state.cause[index, month].astype(np.int64)
    return pa.table(
        {
            "account_id": col.account_ids(who.number[index]),
            "month": col.days(world.firsts[month]),
            "segment": col.pick(SEGMENTS, who.segment[index]),
            "industry": col.pick(INDUSTRIES, who.industry[index]),
            "annual": pa.array(who.annual[index]),
            "hazard": pa.array(state.hazard[index, month].astype(np.float64)),
            "churned": pa.array(cause > 0),
            "cause": col.pick(CAUSES, cause),
            "through_decline": pa.array(state.path[index, month] > 0),
            "dipping": pa.array(state.dip_then[index, month]),
            "champion_left": pa.array(state.champion_then[index, month]),
            "value": pa.array(state.value_then[index, month]),
            "load": pa.array(state.load_then[index, month]),
            "near_months": pa.array(state.near_then[index, month]),
        }
    )


def oracle_auc(world: World) -> float:
    """How well the true hazard itself ranks account-months by who left: nobody can do better."""
    hazards, outcomes = [], []
    for _, _, state in lives(world):
        there = ~np.isnan(state.hazard)
        hazards.append(state.hazard[there].astype(np.float64))
        outcomes.append(state.cause[there] > 0)
    return auc(np.concatenate(hazards), np.concatenate(outcomes))


def whale(world: World) -> str:
    """The account that carries one manager's book."""
    who = traits(world, 0)
    return str(col.account_ids(who.number[[who.whale]])[0])


def auc(score: F, hit: B) -> float:
    """Chance that a hit scores above a miss; ties count half."""
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    first = np.searchsorted(ordered, ordered, side="left")
    last = np.searchsorted(ordered, ordered, side="right")
    rank = np.empty(score.size)
    rank[order] = (first + last + 1) / 2
    hits = int(hit.sum())
    misses = score.size - hits
    if not hits or not misses:
        raise ValueError("the AUC needs both hits and misses")
    return float((rank[hit].sum() - hits * (hits + 1) / 2) / (hits * misses))
