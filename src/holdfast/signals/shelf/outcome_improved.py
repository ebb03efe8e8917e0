"""The customer's own business metric got better: the moment to ask."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

BETTER, MUCH_BETTER = 0.10, 0.30
#: an older value says nothing of now
FRESH_DAYS = 60


def judge(seen: Seen) -> Verdict | None:
    change = seen["outcome_change_90d"]
    if change < BETTER or seen["outcome_age_days"] > FRESH_DAYS:
        return None
    severity = WARNING if change >= MUCH_BETTER else NOTICE
    return Verdict(severity, f"The customer's own metric is {share(change)} better than 90 days ago.")


SIGNAL = Signal(
    name="outcome_improved",
    kind="opportunity",
    title="Business metric improved",
    sentence="What the customer bought the product for is 10 % better than 90 days ago.",
    next="Write it down with them, ask for a reference, and ask where else it would help.",
    observes=("outcome_change_90d", "outcome_age_days"),
    also=("outcome_level_against_first",),
    judge=judge,
    evidence=(
        Rows(
            "outcome",
            "day <= $day",
            "measure || ' on ' || day",
            "value || coalesce(' ' || unit, '')",
            "measure || ' ' || day",
            "day desc",
        ),
    ),
    outcome="expansion",
)
