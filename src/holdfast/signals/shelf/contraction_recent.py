"""The account just shrank: who gives back a part may give back the rest."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted, days, share

RECENT = 60


def judge(seen: Seen) -> Verdict | None:
    since = seen["days_since_contraction"]
    if since > RECENT:
        return None
    often, mrr, change = seen.get("contractions_365d") or 1, seen.get("mrr"), seen.get("mrr_change_90d")
    again = f"; {counted(often, 'contraction')} in a year" if often > 1 else ""
    lost = f", by {share(-change)} in 90 days" if change is not None and change < 0 and mrr else ""
    return Verdict(WARNING if often > 1 else NOTICE, f"It contracted {days(since)} ago{lost}{again}.")


SIGNAL = Signal(
    name="contraction_recent",
    kind="risk",
    title="Contraction just happened",
    sentence="Its MRR was reduced within the last 60 days, and it went on paying.",
    next="Ask what it no longer needs and why; agree on what has to be true for the rest to stay.",
    observes=("days_since_contraction",),
    also=("contractions_365d", "mrr", "mrr_change_90d"),
    judge=judge,
    evidence=(
        Rows(
            "subscription_item",
            "valid_from between $day - 60 and $day",
            "coalesce(plan_id, product_id, item_id)",
            "'from ' || valid_from || ': ' || quantity || ' units'",
            "subscription_id || ' ' || item_id || ' ' || valid_from",
            "valid_from desc",
            source="item",
        ),
    ),
    outcome="churn",
    horizon_days=180,
)
