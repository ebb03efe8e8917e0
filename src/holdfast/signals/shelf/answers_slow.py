"""We answer slowly, or leave something urgent open."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted, days, hours

URGENT_OPEN = ((21, URGENT), (14, WARNING))
SLOW_HOURS, VERY_SLOW_HOURS = 24, 72


def judge(seen: Seen) -> Verdict | None:
    open_days = seen.get("oldest_urgent_open_days") or 0
    for limit, severity in URGENT_OPEN:
        if open_days >= limit:
            return Verdict(severity, f"An urgent ticket is open for {days(open_days)}.")
    first, tickets = seen.get("first_response_hours_84d"), seen["tickets_84d"]
    if first is None or tickets < 3 or first < SLOW_HOURS:
        return None
    severity = WARNING if first >= VERY_SLOW_HOURS else NOTICE
    return Verdict(severity, f"We took {hours(first)} to answer {counted(tickets, 'ticket')} of twelve weeks.")


SIGNAL = Signal(
    name="answers_slow",
    kind="risk",
    title="Slow answers by us",
    sentence="An urgent ticket is open for two weeks or more, or first answers take more than a day.",
    next="Have support close the oldest urgent ticket today, and tell the customer by whom.",
    observes=("tickets_84d",),
    also=("oldest_urgent_open_days", "first_response_hours_84d", "urgent_open_tickets"),
    judge=judge,
    evidence=(
        Rows(
            "ticket",
            "opened_at::date <= $day and (closed_at is null or closed_at::date > $day)",
            "coalesce(subject, 'Ticket')",
            "priority || ', open since ' || opened_at::date",
            "ticket_id",
            "priority <> 'urgent', opened_at",
        ),
    ),
    outcome="churn",
)
