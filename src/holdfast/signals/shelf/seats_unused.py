"""Seats are paid for and not used."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING, number
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

#: time that a new customer has to hand out its seats
SETTLED_DAYS = 90
USED, HARDLY_USED = 0.65, 0.40


def judge(seen: Seen) -> Verdict | None:
    seats, used = seen["seats"], seen["seat_use_share_28d"]
    if seats < 5 or used >= USED or seen["tenure_days"] < SETTLED_DAYS or seen.at_least("tracking_gap_days_28d", 14):
        return None
    severity = WARNING if used < HARDLY_USED else NOTICE
    empty = seats * (1 - used)
    return Verdict(severity, f"Of {number(seats)} seats {number(empty)} are not used: {share(used)} are active.")


SIGNAL = Signal(
    name="seats_unused",
    kind="risk",
    title="Seats unused",
    sentence="Of five seats or more fewer than 65 % were active on the busiest day of four weeks, after the first three months.",
    next="Bring the empty seats to people before the customer counts them at the renewal.",
    observes=("seats", "seat_use_share_28d", "tenure_days"),
    also=("tracking_gap_days_28d",),
    judge=judge,
    evidence=(
        Rows(
            "limit",
            "measure = 'seats' and valid_from <= $day",
            "'Seats from ' || valid_from",
            "allowed::varchar",
            "measure || ' ' || valid_from",
            "valid_from desc",
        ),
    ),
    outcome="contraction",
)
