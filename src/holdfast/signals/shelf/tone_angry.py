"""Tickets sound angry."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted

#: how often, and how the tickets sound on the whole (-1 angry, 1 kind): one angry ticket is a bad day
OFTEN, ON_THE_WHOLE = 2, -0.15


def judge(seen: Seen) -> Verdict | None:
    angry, tickets, tone = seen["angry_tickets_84d"], seen["tickets_84d"], seen["tone_84d"]
    if angry < OFTEN or angry < tickets / 3 or tone > ON_THE_WHOLE:
        return None
    severity = URGENT if angry >= 6 else WARNING if angry >= 3 else NOTICE
    return Verdict(severity, f"{counted(angry, 'ticket').capitalize()} of {tickets:,.0f} in twelve weeks sound angry.")


SIGNAL = Signal(
    name="tone_angry",
    kind="risk",
    title="Angry tone",
    sentence="Two tickets or more of twelve weeks, and a third of all, sound angry.",
    next="Call; do not write. Say who will see to it and by when.",
    observes=("angry_tickets_84d", "tickets_84d", "tone_84d"),
    also=("bad_ratings_180d", "satisfaction_180d"),
    judge=judge,
    evidence=(
        Rows(
            "ticket",
            "opened_at::date between $day - 83 and $day",
            "coalesce(subject, 'Ticket')",
            "coalesce(left(body, 160), '')",
            "ticket_id",
            "coalesce(satisfaction, 3), opened_at desc",
        ),
    ),
    outcome="churn",
)
