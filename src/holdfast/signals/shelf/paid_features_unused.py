"""What is paid for beyond the basics is never used."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

SETTLED_DAYS = 90
USED = 0.34


def judge(seen: Seen) -> Verdict | None:
    used = seen["paid_features_used_share"]
    # use has to be seen at all: an account that is not tracked uses nothing as far as we know
    if used > USED or seen["tenure_days"] < SETTLED_DAYS or seen["events_84d"] <= 0:
        return None
    how = "Nothing" if used == 0 else f"Only {share(used)}"
    return Verdict(WARNING if used == 0 else NOTICE, f"{how} of what it pays for beyond the basics is used.")


SIGNAL = Signal(
    name="paid_features_unused",
    kind="risk",
    title="Paid features never used",
    sentence="After three months at most a third of the features that are paid for is in use.",
    next="Show one of them on the customer's own case; what stays unused will be struck at the renewal.",
    observes=("paid_features_used_share", "tenure_days", "events_84d"),
    also=("features_used_84d",),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "feature <> '*' and day between $day - 83 and $day",
            "feature",
            "sum(events)::bigint || ' events in twelve weeks'",
            order="sum(events) desc",
            source="usage.usage_day",
            group="feature",
        ),
    ),
    outcome="contraction",
    horizon_days=180,
)
