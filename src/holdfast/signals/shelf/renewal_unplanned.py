"""The renewal comes near, and nobody works on it."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days

NEAR, VERY_NEAR = 90, 30


def judge(seen: Seen) -> Verdict | None:
    left, term = seen["days_to_renewal"], seen["term_months"]
    # a month's term renews all the time
    if not 0 <= left <= NEAR or term < 6 or seen["renewal_opportunity_open"] > 0 or seen.at_least("touches_28d", 1):
        return None
    by_itself = seen.at_least("auto_renew", 1)
    severity = (URGENT if left <= VERY_NEAR else WARNING) - (1 if by_itself else 0)
    automatic = " It renews by itself unless they cancel." if by_itself else ""
    return Verdict(
        max(severity, NOTICE),
        f"The renewal is in {days(left)}; there is no renewal deal, and no touch in four weeks.{automatic}",
    )


SIGNAL = Signal(
    name="renewal_unplanned",
    kind="risk",
    title="Renewal near with no plan",
    sentence="A term of half a year or more ends within 90 days, without an open renewal deal and without a touch in four weeks.",
    next="Open the renewal: agree on the date, who signs, and what was reached in this term.",
    observes=("days_to_renewal", "term_months", "renewal_opportunity_open"),
    also=("auto_renew", "touches_28d", "days_since_touch"),
    judge=judge,
    evidence=(
        Rows(
            "subscription_item",
            "valid_from <= $day and valid_until > $day and term_end between $day and $day + 90",
            "coalesce(plan_id, product_id, item_id)",
            "'term ends on ' || term_end",
            "subscription_id || ' ' || item_id",
            "term_end",
            source="item",
        ),
    ),
    outcome="churn",
)
