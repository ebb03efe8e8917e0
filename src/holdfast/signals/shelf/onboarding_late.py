"""A new customer does not get going."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days, share

#: from when on, and how long, it is a matter of getting going
FROM_DAY, TO_DAY = 14, 120
LATE, VERY_LATE = 14, 30
FEW_SEATS = 0.25


def judge(seen: Seen) -> Verdict | None:
    tenure = seen["tenure_days"]
    if not FROM_DAY <= tenure <= TO_DAY or seen.at_least("tracking_gap_days_28d", 14):
        return None
    if seen["events_84d"] <= 0:
        severity = URGENT if tenure >= VERY_LATE else WARNING
        return Verdict(severity, f"A customer for {days(tenure)}, and nobody has used it yet.")
    first = seen.get("days_to_first_use")
    if first is not None and first > LATE and tenure <= first + VERY_LATE:
        return Verdict(NOTICE, f"It took {days(first)} until the first use.")
    seats, used = seen.get("seats"), seen.get("seat_use_share_28d")
    if tenure >= VERY_LATE and seats and seats >= 4 and used is not None and used < FEW_SEATS:
        return Verdict(WARNING, f"A customer for {days(tenure)}, and {share(used)} of {seats:,.0f} seats are active.")
    return None


SIGNAL = Signal(
    name="onboarding_late",
    kind="lifecycle",
    title="Onboarding late",
    sentence="In the first four months: no use after two weeks, a first use that came late, or hardly any seat active after a month.",
    next="Set up the first use case together, on their own data, in one meeting.",
    observes=("tenure_days", "events_84d"),
    also=("days_to_first_use", "seats", "seat_use_share_28d", "tracking_gap_days_28d"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "day <= $day",
            "'First use'",
            "min(day)::varchar",
            source="usage.usage_total",
            group="account_id",
        ),
    ),
    outcome="churn",
    horizon_days=180,
)
