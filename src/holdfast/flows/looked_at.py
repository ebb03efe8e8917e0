"""What would have been foretold on a past day, from nothing but what was known by then; and what is foretold today, from the watch."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pyarrow as pa

from holdfast.flows import watched
from holdfast.flows.home import Home
from holdfast.flows.labels import HORIZONS, TARGETS


def risk_on(home: Home, day: date | None, now: datetime) -> list[dict[str, Any]]:
    """By account the chances, expected MRR with its interval, and reasons; on the day of the last watch if none is named.

    HomeError: nothing was watched yet, or the day lies outside of what is booked.
    """
    seen = watched.current(home)
    if day is None or (seen is not None and day == seen.day):
        with watched.open_watched(home) as watch:
            tables = {
                name: watch.connection.sql(f"from {name}").to_arrow_table() for name in ("risk", "expected", "reason")
            }
        return _rows(tables)
    from holdfast.flows.back_then import foretell_then  # learning is only read in where it is needed

    return _rows(foretell_then(home, day, now))


def _rows(tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """One row per account, those with the most MRR to lose first."""
    found: dict[str, dict[str, Any]] = {}
    order = [("account_id", "ascending"), ("horizon_days", "ascending")]
    for row in tables["expected"].sort_by(order).to_pylist():
        one = found.setdefault(
            row["account_id"],
            {"account_id": row["account_id"], "mrr_minor": row["mrr_minor"], "probabilities": {}, "expected": {}},
        )
        one["expected"][str(row["horizon_days"])] = {
            "expected_minor": row["expected_minor"], "low_minor": row["low_minor"], "high_minor": row["high_minor"],
        }  # fmt: skip
    for row in tables["risk"].sort_by([*order, ("target", "ascending")]).to_pylist():
        chances = found[row["account_id"]]["probabilities"].setdefault(row["target"], {})
        chances[str(row["horizon_days"])] = round(row["probability"], 6)
    for one in found.values():
        one["reasons"] = []
    for row in sorted(
        tables["reason"].to_pylist(), key=lambda r: (r["account_id"], TARGETS.index(r["target"]), r["place"])
    ):
        told = {
            "target": row["target"],
            "sentence": row["sentence"],
            "raises": row["contribution"] >= 0,
            "log_odds": round(row["contribution"], 4),
        }
        found[row["account_id"]]["reasons"].append(told)
    return sorted(
        found.values(), key=lambda one: (-one["mrr_minor"] * one["probabilities"]["churn"]["90"], one["account_id"])
    )


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows without anything nested, for tables."""
    flat = []
    for row in rows:
        one = {"account_id": row["account_id"], "mrr_minor": row["mrr_minor"]}
        one |= {f"{target}_{h}": row["probabilities"][target][str(h)] for target in TARGETS for h in HORIZONS}
        for horizon in HORIZONS:
            one |= {
                f"{name.removesuffix('_minor')}_{horizon}_minor": value
                for name, value in row["expected"][str(horizon)].items()
            }
        one["reasons"] = " | ".join(
            told["sentence"] for told in row["reasons"] if told["target"] == "churn" and told["raises"]
        )
        flat.append(one)
    return flat
