"""Every seat is taken."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING, number
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

#: on the busiest day, and on an average one: on one day all of three people may happen to be there
FULL, MOSTLY = 0.98, 0.75


def judge(seen: Seen) -> Verdict | None:
    seats, people = seen["seats"], seen["mean_users_28d"]
    if seen["seat_use_share_28d"] < FULL or seats < 2 or people < MOSTLY * seats:
        return None
    severity = WARNING if seats >= 10 else NOTICE
    usual = f"on an average day {share(people / seats)} were active"
    return Verdict(severity, f"All {number(seats)} seats were in use on the busiest day of four weeks; {usual}.")


SIGNAL = Signal(
    name="seats_full",
    kind="opportunity",
    title="Seats full",
    sentence="All seats were in use on the busiest day of four weeks, and three of four on an average day.",
    next="Offer seats for those who wait for one; ask who shares a login.",
    observes=("seat_use_share_28d", "seats", "mean_users_28d"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "day between $day - 27 and $day",
            "'Busiest day ' || day",
            "active_users || ' active'",
            "day::varchar",
            "active_users desc, day desc",
            source="usage.usage_total",
        ),
    ),
    outcome="expansion",
)
