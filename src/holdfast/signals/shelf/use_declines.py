"""Use falls: clearly fewer events in four weeks than the eight weeks before and all other accounts let expect."""

from __future__ import annotations

import math

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.peers import usual_pace
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

#: events come in bursts: their variance is so many times that of single events, and days differ by this share beside
BURST, DAYS_DIFFER = 8.0, 0.10
#: how many standard deviations below what is expected
UNLIKELY = 2.5
FALLS = ((0.70, URGENT), (0.55, WARNING), (0.40, NOTICE))


def judge(seen: Seen) -> Verdict | None:
    now = seen["events_28d"]
    expected = (seen["events_84d"] - now) / 2 * seen["usual_pace"]
    tracked = 1 - (seen.get("tracking_gap_days_28d") or 0) / 28
    if expected <= 0 or tracked <= 0.5:
        return None
    # what was not tracked is made up for: the fewer days it rests on, the more it scatters
    spread = math.sqrt((BURST * expected + (DAYS_DIFFER * expected) ** 2) / tracked**2)
    if expected - now < UNLIKELY * spread:
        return None
    fall = 1 - now / expected
    for limit, severity in FALLS:
        if fall >= limit:
            return Verdict(
                severity,
                f"Use fell by {share(fall)}: {now:,.0f} events in four weeks, where its own pace and the season let expect {expected:,.0f}.",
            )
    return None


SIGNAL = Signal(
    name="use_declines",
    kind="risk",
    title="Use declines",
    sentence="Use of four weeks lies at least 40 % below the account's own pace, and further than chance, season and tracking gaps explain.",
    next="Ask the champion what changed; agree on one use case to bring back.",
    observes=("events_28d", "events_84d", "usual_pace"),
    also=("tracking_gap_days_28d",),
    observe=usual_pace,
    gives=("usual_pace", "usual_people"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "day between $day - 34 and $day",
            "'Week to ' || ($day - (($day - day) // 7 * 7)::integer)",
            "sum(events)::bigint || ' events'",
            order="min($day - day)",
            source="usage.usage_total",
            group="($day - day) // 7",
        ),
    ),
    outcome="churn",
)
