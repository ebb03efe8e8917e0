"""The track records beside a made-up watch: every kind of verdict, with figures that hang together."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

#: title, kind, what it foretells, verdict, how often it was right, how often others came to it
SIGNALS: dict[str, tuple[str, str, str, str, float | None, float]] = {
    "usage_falling": ("Use is falling", "risk", "churn", "useful", 0.19, 0.06),
    "champion_left": ("Champion left", "risk", "churn", "useful", 0.24, 0.06),
    "urgent_ticket_open": ("Urgent ticket open", "risk", "churn", "noise", 0.061, 0.06),
    "near_limit": ("Near the limit of seats", "opportunity", "expansion", "useful", 0.31, 0.09),
    "onboarding_late": ("Onboarding is late", "lifecycle", "churn", "too few to tell", None, 0.06),
}


def track_record(as_of: str, currency: str, whole: int) -> dict[str, Any]:
    """A track record with every kind of verdict."""
    last = date.fromisoformat(as_of)
    verdicts = {"churn": ("better", None), "contraction": ("not better", None), "expansion": ("not enough history", 14)}
    targets = [
        _target(target, days, verdict, needs, last)
        for target, (verdict, needs) in verdicts.items()
        for days in (30, 90, 180)
    ]
    book = []
    for n in range(9, 0, -1):
        mrr = round(whole * (1 - 0.012 * n))
        came = round(mrr * (1.004 + 0.012 * ((n * 7) % 5 - 2) / 2)) if n > 3 else None
        book.append(
            {
                "day": str(last - timedelta(days=28 * (n - 1))),
                "horizon_days": 90,
                "mrr_minor": mrr if n > 1 else whole,
                "forecast_minor": round((mrr if n > 1 else whole) * 1.002),
                "low_minor": round(mrr * 0.982),
                "high_minor": round(mrr * 1.024),
                "actual_minor": came,
            }
        )
    live = [
        {
            "target": "churn",
            "horizon_days": 90,
            "from": str(last - timedelta(days=200)),
            "to": str(last - timedelta(days=110)),
            "n": 2400,
            "events": 61,
            "auc": 0.74,
            "brier": 0.0241,
            "brier_constant": 0.0252,
            "predicted": 0.027,
            "observed": 0.0254,
        },
    ]
    leading = [
        {
            "indicator": "Time to first value",
            "sentence": "Accounts that saw value within 30 days kept 4 points more a year.",
            "lead_days": 270,
            "effect": 0.041,
            "low": 0.012,
            "high": 0.07,
            "verdict": "led",
        },
        {
            "indicator": "Expansion pipeline",
            "sentence": "More pipeline did not come before more NRR here.",
            "lead_days": 90,
            "effect": 0.004,
            "low": -0.02,
            "high": 0.03,
            "verdict": "did not lead",
        },
    ]
    drift = [
        {
            "feature": "tickets_84d",
            "psi": 0.27,
            "sentence": "Tickets are spread otherwise than when the model was trained.",
        }
    ]
    models = [
        {
            "version": "churn-90-3",
            "target": "churn",
            "horizon_days": 90,
            "kind": "a blend of a logistic and boosted trees",
            "trained_at": as_of,
            "rows": 21400,
            "events": 512,
            "replaced": True,
            "used": True,
            "why": "better than the one before by 0.004 of log-loss",
        },
        {
            "version": "churn-90-2",
            "target": "churn",
            "horizon_days": 90,
            "kind": "a logistic centred on the scorecard",
            "trained_at": str(last - timedelta(days=84)),
            "rows": 19800,
            "events": 470,
            "replaced": True,
            "used": False,
            "why": "a better one came",
        },
    ]
    return {
        "as_of": as_of,
        "watched_at": f"{as_of}T06:00:00+00:00",
        "currency": currency,
        "accounts_share": 1.0,
        "targets": targets,
        "live": live,
        "book": book,
        "leading": leading,
        "drift": drift,
        "models": models,
    }


def _target(target: str, days: int, verdict: str, needs: int | None, last: date) -> dict[str, Any]:
    learned = verdict != "not enough history"
    why = {
        "better": "AUC 0.78 against 0.66 of the scorecard, and the probabilities are calibrated.",
        "not better": "The scorecard tells it as well: 0.61 against 0.60.",
        "not enough history": "6 accounts grew in the history; about 20 are needed.",
    }[verdict]
    steps = [
        {"predicted": p, "observed": p * (1.1 if n % 2 else 0.92), "n": 2140}
        for n, p in enumerate((0.004, 0.009, 0.015, 0.024, 0.041, 0.09))
    ]
    origins = [
        {
            "day": str(last - timedelta(days=90 + 28 * n)),
            "n": 560 + n,
            "events": 14 + n % 5,
            "auc": round(0.78 - 0.01 * (n % 4), 3),
        }
        for n in range(12)
    ]
    numbers = {
        "auc": 0.78,
        "auc_low": 0.74,
        "auc_high": 0.82,
        "average_precision": 0.19,
        "brier": 0.0228,
        "brier_constant": 0.0249,
        "calibration_slope": 1.04,
        "calibration_intercept": -0.03,
        "lift_top_decile": 4.1,
        "auc_scorecard": 0.66,
        "auc_tenure": 0.58,
        "dollars_top_decile": 0.23,
        "dollars_top_decile_by_worth": 0.47,
        "dollars_top_decile_scorecard": 0.18,
    }
    told = numbers if learned else dict.fromkeys(numbers)
    return {
        "target": target,
        "horizon_days": days,
        "n": 7200 if learned else 900,
        "events": 180 if learned else 6,
        "accounts": 690,
        **told,
        "verdict": verdict,
        "why": why,
        "needs": needs,
        "model": "a blend of a logistic and boosted trees" if learned else "the scorecard",
        "version": f"{target}-{days}-3",
        "trained_at": str(last),
        "calibration": steps if learned else [],
        "origins": origins if learned else [],
    }


def signal_record(as_of: str) -> dict[str, Any]:
    """A record with every kind of verdict."""
    told = []
    for name, (title, kind, outcome, verdict, precision, base) in SIGNALS.items():
        known = precision is not None
        share = precision or 0.0
        told.append(
            {
                "signal": name,
                "title": title,
                "kind": kind,
                "sentence": f"{title}: what the signal looks for, in a sentence.",
                "outcome": outcome,
                "horizon_days": 90,
                "alerts": 340 if known else 4,
                "hits": round(340 * share) if known else 1,
                "precision": precision,
                "precision_low": share - 0.04 if known else None,
                "precision_high": share + 0.05 if known else None,
                "base_rate": base,
                "lift": share / base if known else None,
                "recall": 0.3 if known else None,
                "lead_days": 46 if known else None,
                "per_week": 3.2 if known else 0.1,
                "verdict": verdict,
                "why": "compared with the accounts that did not have it",
            }
        )
    return {"as_of": as_of, "signals": told}
