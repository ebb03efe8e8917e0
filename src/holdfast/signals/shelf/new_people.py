"""A new team or department joined."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted

MANY = 3


def judge(seen: Seen) -> Verdict | None:
    departments, people = seen["new_departments_90d"], seen["new_contacts_90d"]
    contacts = seen.get("contacts") or 0
    # a new customer's people are all new
    if seen["tenure_days"] < 120 or (departments <= 0 and (people < MANY or people < contacts / 4)):
        return None
    if departments > 0:
        team = counted(departments, "new department")
        return Verdict(
            WARNING, f"{team} and {counted(people, 'new person', 'new people')} within 90 days.".capitalize()
        )
    return Verdict(NOTICE, f"{counted(people, 'new person', 'new people')} within 90 days.".capitalize())


SIGNAL = Signal(
    name="new_people",
    kind="opportunity",
    title="New team or department",
    sentence="Within 90 days people of a department came in that was not there before, or three people or more.",
    next="Welcome them; ask what their team does, and whether it needs seats of its own.",
    observes=("new_departments_90d", "new_contacts_90d", "tenure_days"),
    also=("contacts", "departments"),
    judge=judge,
    evidence=(
        Rows(
            "contact",
            "joined_on between $day - 89 and $day",
            "coalesce(name, 'Contact') || coalesce(', ' || title, '')",
            "coalesce(department || ', ', '') || 'since ' || joined_on",
            "contact_id",
            "joined_on desc",
        ),
    ),
    outcome="expansion",
)
