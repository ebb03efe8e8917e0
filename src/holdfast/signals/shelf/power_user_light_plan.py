"""An account uses a light plan harder than others use the plan above it."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING, number
from holdfast.signals.peers import plan_use
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

TOP, VERY_TOP = 0.90, 0.97
#: how far above the middle of the higher plan
ABOVE = 1.3


def judge(seen: Seen) -> Verdict | None:
    use, higher, rank = seen["seat_use"], seen["higher_plan_seat_use"], seen["plan_use_rank"]
    if rank < TOP or use < ABOVE * higher:
        return None
    return Verdict(
        WARNING if rank >= VERY_TOP else NOTICE,
        f"{number(use)} events a seat in four weeks: more than {share(rank)} of its plan, where {number(higher)} are usual a plan higher.",
    )


SIGNAL = Signal(
    name="power_user_light_plan",
    kind="opportunity",
    title="Power user on a light plan",
    sentence="A seat is used more than 90 % of the same plan's are, and 30 % more than is usual on the next higher plan.",
    next="Show what the next plan would save such a team; offer a trial of it.",
    observes=("seat_use", "higher_plan_seat_use", "plan_use_rank"),
    observe=plan_use,
    gives=("seat_use", "plan_seat_use", "higher_plan_seat_use", "lower_plan_seat_use", "plan_use_rank"),
    judge=judge,
    evidence=(
        Rows(
            "usage_day",
            "feature <> '*' and day between $day - 27 and $day",
            "feature",
            "sum(events)::bigint || ' events in four weeks'",
            order="sum(events) desc",
            source="usage.usage_day",
            group="feature",
        ),
    ),
    outcome="expansion",
)
