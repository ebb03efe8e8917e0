"""The last NPS answer is clearly lower than the one before."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING, number
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days

FELL, DETRACTOR, PROMOTER = 2, 6, 9
#: an older answer is no news
FRESH_DAYS = 90


def judge(seen: Seen) -> Verdict | None:
    score, change, age = seen["nps"], seen["nps_change"], seen["nps_age_days"]
    if change > -FELL or age > FRESH_DAYS or score >= PROMOTER:
        return None
    severity = NOTICE if score > DETRACTOR else WARNING if change > -4 else URGENT
    return Verdict(severity, f"NPS fell from {number(score - change)} to {number(score)}, answered {days(age)} ago.")


SIGNAL = Signal(
    name="nps_fell",
    kind="risk",
    title="NPS fell",
    sentence="The last answer, not older than 90 days, is two points or more below the one before.",
    next="Call the person who answered, within two days; ask what would have made it a 9.",
    observes=("nps", "nps_change", "nps_age_days"),
    also=("detractors_365d",),
    judge=judge,
    evidence=(
        Rows(
            "survey",
            "kind = 'nps' and answered_on <= $day",
            "'NPS ' || score || ' on ' || answered_on",
            "coalesce(comment, '')",
            "response_id",
            "answered_on desc",
        ),
    ),
    outcome="churn",
)
