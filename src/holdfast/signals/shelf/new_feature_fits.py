"""A new feature fits what an account uses, or what its tickets ask for, and it has not tried it."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.launches import fitting
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted


def judge(seen: Seen) -> Verdict | None:
    tickets, uses = seen["launch_tickets"], seen["launch_uses"]
    if tickets <= 0 and uses <= 0:
        return None
    asked = f"{counted(tickets, 'ticket')} of half a year asked for something like it" if tickets else ""
    used = f"it works with {seen.text('launch_used_feature')}, which the account uses" if uses else ""
    why = " and ".join(filter(None, (asked, used)))
    return Verdict(WARNING if tickets else NOTICE, f"“{seen.text('launch_title')}” is new and not tried yet: {why}.")


SIGNAL = Signal(
    name="new_feature_fits",
    kind="opportunity",
    title="New feature fits",
    sentence="A feature of the last 90 days that the account's plan has and that it has not used fits its tickets or what it uses most.",
    next="Show it to whoever asked, in the words of their own ticket.",
    observes=("launch_tickets", "launch_uses"),
    observe=fitting,
    gives=("launch_tickets", "launch_uses", "launch_title", "launch_used_feature"),
    judge=judge,
    evidence=(
        Rows(
            "ticket",
            "opened_at::date between $day - 182 and $day",
            "coalesce(subject, 'Ticket')",
            "coalesce(left(body, 160), '')",
            "ticket_id",
            "opened_at desc",
        ),
    ),
    outcome="expansion",
    horizon_days=180,
)
