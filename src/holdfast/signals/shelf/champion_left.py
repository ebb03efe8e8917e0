"""The champion is gone."""

from __future__ import annotations

from holdfast.domain.judgement import URGENT, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import counted, days


def judge(seen: Seen) -> Verdict | None:
    if seen["champion_left_180d"] <= 0:
        return None
    champions = seen.get("champions")
    since = seen.get("days_since_champion_left")
    when = f"{days(since)} ago" if since is not None else "within six months"
    after = "" if champions is None else f"; {counted(champions, 'champion')} now"
    severity = URGENT if champions == 0 else WARNING
    return Verdict(severity, f"A champion left, as noticed {when}{after}.")


SIGNAL = Signal(
    name="champion_left",
    kind="risk",
    title="Champion left",
    sentence="A champion left the account within the last six months, as far as we noticed.",
    next="Win a new champion within two weeks: ask who took over the work, and begin again with what they want to reach.",
    observes=("champion_left_180d",),
    also=("champions", "days_since_champion_left"),
    judge=judge,
    evidence=(
        Rows(
            "contact",
            "role = 'champion' and left_noticed_on between $day - 180 and $day",
            "coalesce(name, 'Champion') || coalesce(', ' || title, '')",
            "'left on ' || coalesce(left_on, left_noticed_on) || ', noticed on ' || left_noticed_on",
            "contact_id",
            "left_noticed_on desc",
        ),
    ),
    outcome="churn",
    horizon_days=180,
)
