"""The sponsor, who pays for it, is gone."""

from __future__ import annotations

from holdfast.domain.judgement import URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days


def judge(seen: Seen) -> Verdict | None:
    if seen["sponsor_left_180d"] <= 0:
        return None
    since = seen.get("days_since_sponsor_left")
    when = f"{days(since)} ago" if since is not None else "within six months"
    nobody = seen.get("sponsor_present") == 0
    return Verdict(
        URGENT if nobody else WARNING,
        f"A sponsor left, as noticed {when}; there is {'no' if nobody else 'another'} sponsor now.",
    )


SIGNAL = Signal(
    name="sponsor_left",
    kind="risk",
    title="Sponsor left",
    sentence="A sponsor left the account within the last six months, as far as we noticed.",
    next="Ask the champion who holds the budget now, and show that person what was reached so far.",
    observes=("sponsor_left_180d",),
    also=("sponsor_present", "days_since_sponsor_left"),
    judge=judge,
    evidence=(
        Rows(
            "contact",
            "role = 'sponsor' and left_noticed_on between $day - 180 and $day",
            "coalesce(name, 'Sponsor') || coalesce(', ' || title, '')",
            "'left on ' || coalesce(left_on, left_noticed_on) || ', noticed on ' || left_noticed_on",
            "contact_id",
            "left_noticed_on desc",
        ),
    ),
    outcome="churn",
    horizon_days=180,
)
