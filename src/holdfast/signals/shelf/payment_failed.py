"""A payment failed, or a bill is long overdue."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted, days

#: what is older still is a dispute rather than a card
OVERDUE, LONG_OVERDUE, OLD = 14, 30, 120


def judge(seen: Seen) -> Verdict | None:
    unpaid, overdue = seen["overdue_invoices"], seen.get("overdue_days") or 0
    failed = seen.get("failed_attempts_90d") or 0
    if unpaid <= 0 or (overdue < OVERDUE and failed <= 0):
        return None
    severity = URGENT if LONG_OVERDUE <= overdue < OLD else WARNING if overdue >= OVERDUE else NOTICE
    tried = f"; {counted(failed, 'payment')} failed in 90 days" if failed else ""
    return Verdict(severity, f"{counted(unpaid, 'bill').capitalize()} overdue, the oldest for {days(overdue)}{tried}.")


SIGNAL = Signal(
    name="payment_failed",
    kind="risk",
    title="Failed payment",
    sentence="A bill is overdue for two weeks, or is overdue and a payment failed.",
    next="Ask for a new card or the right recipient of bills; nobody decided to leave.",
    observes=("overdue_invoices",),
    also=("overdue_days", "failed_attempts_90d", "past_due_share"),
    judge=judge,
    evidence=(
        Rows(
            "invoice",
            "issued_on <= $day and due_on <= $day and (paid_on is null or paid_on > $day) and status not in ('void', 'draft')",
            "'Invoice ' || invoice_id",
            "'due on ' || due_on || coalesce(', ' || nullif(attempts, 0) || ' attempts', '')",
            "invoice_id",
            "due_on",
        ),
    ),
    outcome="churn",
)
