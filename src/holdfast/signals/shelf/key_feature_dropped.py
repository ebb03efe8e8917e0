"""The feature that an account used most is hardly used any more."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.peers import usual_pace
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

FALLS = ((0.18, URGENT), (0.30, WARNING), (0.45, NOTICE))
#: events of twelve weeks from which on a key feature can be told
ENOUGH_EVENTS = 200


def judge(seen: Seen) -> Verdict | None:
    if seen["events_84d"] < ENOUGH_EVENTS or seen["usual_pace"] <= 0 or seen.at_least("tracking_gap_days_28d", 14):
        return None
    # the feature tells four weeks against twelve, which hold them: here it is against the eight weeks before
    trend = seen["key_feature_trend_4w_12w"]
    pace = 2 * trend / max(3 - trend, 0.1) / seen["usual_pace"]
    for limit, severity in FALLS:
        if pace <= limit:
            return Verdict(
                severity,
                f"The feature it used most is at {share(pace)} of its pace of the eight weeks before, the season taken into account.",
            )
    return None


SIGNAL = Signal(
    name="key_feature_dropped",
    kind="risk",
    title="Key feature abandoned",
    sentence="The feature that an account used most lies at 45 % or less of its own pace.",
    next="Ask what they do in its place; show what is new in it, or which feature fits the work better.",
    observes=("key_feature_trend_4w_12w", "events_84d", "usual_pace"),
    also=("key_feature_share_28d", "features_dropped_28d", "tracking_gap_days_28d"),
    observe=usual_pace,
    gives=("usual_pace", "usual_people"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "feature <> '*' and day between $day - 83 and $day",
            "feature",
            "coalesce(sum(events) filter (day > $day - 28), 0)::bigint || ' events in four weeks, ' "
            "|| coalesce(sum(events) filter (day <= $day - 28), 0)::bigint || ' in the eight weeks before'",
            order="sum(events) desc",
            source="usage.usage_day",
            group="feature",
        ),
    ),
    outcome="churn",
)
