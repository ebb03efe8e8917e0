"""Which numbers led net revenue retention in this company: time to first value, adoption, health, use, and the expansion pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from holdfast.flows import labels
from holdfast.flows.past import Floats, Past
from holdfast.learning.leading import Lead, leads

HORIZONS = (90, 180)
#: an indicator whose value is not known for this share of rows is not looked at
LEAST_KNOWN = 0.1


def _feature(name: str, sign: int = 1) -> Callable[[Past], Floats]:
    def values(past: Past) -> Floats:
        found: Floats = sign * labels.numbers(past.table[name])
        return found

    return values


def _pipeline(past: Past) -> Floats:
    """Open expansion deals as a part of the account's yearly MRR."""
    amount = _feature("open_opportunity_amount")(past)
    part: Floats = np.nan_to_num(amount) / np.maximum(12 * past.panel.worth.astype(np.float64), 1.0)
    return part


def _health(past: Past) -> Floats:
    return np.array([np.nan if one is None else one for one in past.scores])


def _health_change(past: Past) -> Floats:
    """Health less that of about twelve weeks before."""
    health, before = _health(past), np.full(len(past.panel), np.nan)
    place = {key: row for row, key in enumerate(zip(past.panel.who.tolist(), past.panel.days.tolist(), strict=True))}
    for (who, day), row in place.items():
        earlier = place.get((who, day - 84))
        if earlier is not None:
            before[row] = health[earlier]
    change: Floats = health - before
    return change


#: name → how those that stand high and low on it are called, and its value
INDICATORS: dict[str, tuple[str, str, Callable[[Past], Floats]]] = {
    "time_to_first_value": (
        "Accounts that took less time to their first use", "those that took longer", _feature("days_to_first_use", -1),
    ),
    "feature_adoption": ("Accounts that use more features", "those that use fewer", _feature("features_used_28d")),
    "use_trend": ("Accounts whose use rises", "those whose use falls", _feature("events_trend_4w_12w")),
    "active_people": ("Accounts with more of their seats in use", "those with fewer", _feature("seat_use_share_28d")),
    "health": ("Accounts with better health", "those with worse", _health),
    "health_trend": ("Accounts whose health rose over twelve weeks", "those whose health fell", _health_change),
    "expansion_pipeline": ("Accounts with more open expansion deals", "those with fewer", _pipeline),
}  # fmt: skip


def leading(past: Past) -> tuple[dict[str, Any], ...]:
    """By indicator the horizon at which it led most, and by how much; those that led first."""
    compared = len(INDICATORS) * len(HORIZONS)
    found = [_told(name, high, low, values(past), past, compared) for name, (high, low, values) in INDICATORS.items()]
    return tuple(sorted(found, key=lambda one: (one["verdict"] != "led", -abs(one["effect"] or 0.0))))


def _told(name: str, high: str, low: str, values: Floats, past: Past, compared: int) -> dict[str, Any]:
    told: list[Lead] = []
    if np.mean(~np.isnan(values)) >= LEAST_KNOWN:
        after = {horizon: past.after[horizon].after for horizon in HORIZONS}
        told = leads(values, past.panel.days, past.panel.who, past.panel.worth, after, compared=compared)
    if not told:
        nothing = dict.fromkeys(("lead_days", "effect", "low", "high", "upper", "lower"))
        return {
            "indicator": name,
            "sentence": f"{high}, and {low}: too few differ to tell.",
            "verdict": "not enough history",
            **nothing,
        }
    best = max(told, key=lambda one: abs(one.effect) / (one.high - one.low) if one.high > one.low else 0.0)
    led = best.low > 0 or best.high < 0
    kept = f"kept {best.upper:.1%} of their MRR over {best.horizon_days} days, {low} {best.lower:.1%}"
    sure = "more than chance gives" if led else "no more than chance gives"
    return {
        "indicator": name, "sentence": f"{high} {kept}, accounts of one size compared: {sure}.", "lead_days": best.horizon_days,
        "effect": best.effect, "low": best.low, "high": best.high, "upper": best.upper, "lower": best.lower,
        "verdict": "led" if led else "did not lead",
    }  # fmt: skip
