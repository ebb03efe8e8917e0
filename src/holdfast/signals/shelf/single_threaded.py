"""One person holds the whole relationship."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted

#: below it one person is what there is
SEATS = 20


def judge(seen: Seen) -> Verdict | None:
    seats = seen["seats"]
    if seen["single_threaded"] < 1 or seats < SEATS:
        return None
    left = seen.get("contacts_left_180d") or 0
    gone = f"; {counted(left, 'contact')} left within six months" if left else ""
    nobody = seen.get("champions") == 0 and seen.get("sponsor_present") == 0
    who = "Nobody that decides is known" if nobody else "One person holds the relationship"
    return Verdict(WARNING if left or nobody else NOTICE, f"{who}, for {seats:,.0f} seats{gone}.")


SIGNAL = Signal(
    name="single_threaded",
    kind="risk",
    title="Single-threaded",
    sentence="Of an account with 20 seats or more we know one champion, sponsor or administrator at most.",
    next="Meet two more people: one who decides, one who works with it every day.",
    observes=("single_threaded", "seats"),
    also=("contacts", "contacts_left_180d", "champions", "sponsor_present", "roles_covered"),
    judge=judge,
    evidence=(
        Rows(
            "contact",
            "coalesce(joined_on, $day) <= $day and role in ('champion', 'sponsor', 'admin') "
            "and (left_noticed_on is null or left_noticed_on > $day)",
            "coalesce(name, 'Contact') || coalesce(', ' || title, '')",
            "role",
            "contact_id",
            "role, contact_id",
        ),
    ),
    outcome="churn",
    horizon_days=180,
)
