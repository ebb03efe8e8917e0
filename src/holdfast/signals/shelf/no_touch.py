"""We have not been in touch for a long time."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days

LONG, VERY_LONG = 90, 180


def judge(seen: Seen) -> Verdict | None:
    since = seen["days_since_touch"]
    if since < LONG:
        return None
    renewal = seen.get("days_to_renewal")
    soon = renewal is not None and 0 <= renewal <= LONG
    after = f"; the renewal is in {days(renewal)}" if soon and renewal is not None else ""
    return Verdict(WARNING if since >= VERY_LONG or soon else NOTICE, f"No touch for {days(since)}{after}.")


SIGNAL = Signal(
    name="no_touch",
    kind="risk",
    title="No touch",
    sentence="Nothing of ours (call, mail, meeting, programme) reached the account for 90 days.",
    next="Write with something of use to them; ask for half an hour.",
    observes=("days_since_touch",),
    also=("days_to_renewal", "touches_84d"),
    judge=judge,
    evidence=(
        Rows(
            "touch",
            "happened_at::date <= $day",
            "coalesce(subject, channel)",
            "channel || ', ' || happened_at::date",
            "touch_id",
            "happened_at desc",
        ),
    ),
    outcome="churn",
)
