"""Clearly more tickets than an account is used to open."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, URGENT, WARNING, number
from holdfast.signals.chance import more_than_chance
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted

#: the chance that an even pace gives as many by itself; each account is looked at every week
UNLIKELY = ((0.0001, URGENT), (0.001, WARNING), (0.005, NOTICE))
LEAST = 4


def judge(seen: Seen) -> Verdict | None:
    now = seen["tickets_28d"]
    before = seen["tickets_84d"] - now
    if now < LEAST:
        return None
    chance = more_than_chance(now, before, 1 / 3)
    for limit, severity in UNLIKELY:
        if chance < limit:
            usual = f"where {number(before / 2)} are usual"
            return Verdict(severity, f"{counted(now, 'ticket').capitalize()} in four weeks, {usual}.")
    return None


SIGNAL = Signal(
    name="ticket_spike",
    kind="risk",
    title="Ticket spike",
    sentence="More tickets in four weeks than the eight weeks before let expect; chance would give as many in fewer than 1 of 200 looks.",
    next="Look for what the tickets have in common, and tell the customer what is done about it before they ask.",
    observes=("tickets_28d", "tickets_84d"),
    also=("open_tickets", "urgent_open_tickets"),
    judge=judge,
    evidence=(
        Rows(
            "ticket",
            "opened_at::date between $day - 27 and $day",
            "coalesce(subject, 'Ticket')",
            "priority || ', opened ' || opened_at::date",
            "ticket_id",
            "opened_at desc",
        ),
    ),
    outcome="churn",
)
