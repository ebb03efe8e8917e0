"""An account pays for a higher plan, and uses it as others use a lower one."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING, number
from holdfast.signals.peers import plan_use
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import share

#: lowest share of its plan, and how far below the middle of the lower plan
LOWEST, VERY_LOWEST, BELOW = 0.10, 0.03, 0.6
SETTLED_DAYS = 120


def judge(seen: Seen) -> Verdict | None:
    use, lower, rank = seen["seat_use"], seen["lower_plan_seat_use"], seen["plan_use_rank"]
    if rank >= LOWEST or use > BELOW * lower or seen["tenure_days"] < SETTLED_DAYS:
        return None
    return Verdict(
        WARNING if rank < VERY_LOWEST else NOTICE,
        f"{number(use)} events a seat in four weeks: less than {share(1 - rank)} of its plan, "
        f"where {number(lower)} are usual on the plan below.",
    )


SIGNAL = Signal(
    name="plan_misfit",
    kind="opportunity",
    title="Plan misfit",
    sentence="A seat is used less than 90 % of the same plan's are, and 40 % less than is usual on the plan below.",
    next="Talk about the plan before they do: show what it has that they do not use, or offer the one that fits for a longer term.",
    observes=("seat_use", "lower_plan_seat_use", "plan_use_rank", "tenure_days"),
    also=("price_against_plan",),
    observe=plan_use,
    gives=("seat_use", "plan_seat_use", "higher_plan_seat_use", "lower_plan_seat_use", "plan_use_rank"),
    judge=judge,
    evidence=(
        Rows(
            "subscription_item",
            "valid_from <= $day and valid_until > $day",
            "coalesce(plan_id, product_id, item_id)",
            "quantity || ' units since ' || valid_from",
            "subscription_id || ' ' || item_id",
            "valid_from desc",
            source="item",
        ),
    ),
    outcome="contraction",
)
