"""The customer's own metric passed a milestone, counted from where it began."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING, number
from holdfast.signals.signal import Rows, Seen, Signal, Verdict

MILESTONES = (5.0, 3.0, 2.0, 1.5, 1.25)
FRESH_DAYS = 60


def judge(seen: Seen) -> Verdict | None:
    level, change = seen["outcome_level_against_first"], seen["outcome_change_90d"]
    if change <= 0 or seen["outcome_age_days"] > FRESH_DAYS:
        return None
    before = level / (1 + change)
    for milestone in MILESTONES:
        # passed within 90 days, not long ago
        if before < milestone <= level:
            severity = WARNING if milestone >= 2 else NOTICE
            return Verdict(severity, f"The customer's own metric is {number(level)} times what it was at the start.")
    return None


SIGNAL = Signal(
    name="milestone_reached",
    kind="opportunity",
    title="Success milestone reached",
    sentence="The customer's own metric passed 1.25, 1.5, 2, 3 or 5 times its first value within 90 days.",
    next="Celebrate it with the sponsor; agree on the next objective and what it needs.",
    observes=("outcome_level_against_first", "outcome_change_90d", "outcome_age_days"),
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
