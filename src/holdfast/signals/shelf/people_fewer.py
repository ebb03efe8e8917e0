"""Fewer active people than four weeks ago, and than all other accounts let expect."""

from __future__ import annotations

import math

from holdfast.domain.judgement import NOTICE, URGENT, WARNING, number
from holdfast.signals.peers import usual_pace
from holdfast.signals.signal import Rows, Seen, Signal, Verdict

FALLS = ((0.60, URGENT), (0.45, WARNING), (0.35, NOTICE))
#: days with use that an average is made of, and how many standard deviations below what is expected
DAYS, UNLIKELY = 18, 2.0


def judge(seen: Seen) -> Verdict | None:
    now, change = seen["mean_users_28d"], seen["users_change_28d"]
    # one person more or less is no trend
    if change <= -1 or seen["usual_people"] <= 0 or seen.at_least("tracking_gap_days_28d", 14):
        return None
    before = now / (1 + change)
    expected = before * seen["usual_people"]
    if expected - now < max(1.0, UNLIKELY * math.sqrt(2 * (expected + expected**2 / 25) / DAYS)):
        return None
    fall = 1 - now / expected
    for limit, severity in FALLS:
        if fall >= limit:
            seats = seen.get("seats")
            paid = f"; seats paid for: {number(seats)}" if seats else ""
            return Verdict(severity, f"Active people fell from {number(before)} to {number(now)} in four weeks{paid}.")
    return None


SIGNAL = Signal(
    name="people_fewer",
    kind="risk",
    title="Fewer active people",
    sentence="On an average day of four weeks at least 35 % fewer people were active than in the four weeks before, and more than chance and season explain.",
    next="Find out who stopped, and whether they left, changed team or lost interest; train those who came new.",
    observes=("mean_users_28d", "users_change_28d", "usual_people"),
    also=("seats", "active_users_28d", "active_users_84d", "tracking_gap_days_28d"),
    observe=usual_pace,
    gives=("usual_pace", "usual_people"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "day between $day - 34 and $day",
            "'Busiest day of the week to ' || ($day - (($day - day) // 7 * 7)::integer)",
            "max(active_users) || ' active'",
            order="min($day - day)",
            source="usage.usage_total",
            group="($day - day) // 7",
        ),
    ),
    outcome="churn",
)
