"""An account has been near a limit of its plan for weeks: it will need more."""

from __future__ import annotations

from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Rows, Seen, Signal, Verdict
from holdfast.signals.words import days, share

#: days of the last 56 on which 85 % of a limit was reached
LONG, VERY_LONG = 22, 30


def judge(seen: Seen) -> Verdict | None:
    near = seen["limit_days_85_56d"]
    if near < LONG:
        return None
    used = seen.get("limit_use_share_28d")
    now = "" if used is None else f"; {share(used)} of it are in use"
    return Verdict(WARNING if near >= VERY_LONG else NOTICE, f"Near a limit on {days(near)} of eight weeks{now}.")


SIGNAL = Signal(
    name="limit_near",
    kind="opportunity",
    title="Near a limit",
    sentence="On 22 days or more of eight weeks, 85 % of a limit was in use.",
    next="Offer the next size before they run into the limit; show which team drives it.",
    observes=("limit_days_85_56d",),
    also=("limit_use_share_28d", "seats_limit", "seats"),
    judge=judge,
    evidence=(
        Rows(
            "limit",
            "valid_from <= $day",
            "'Limit of ' || measure || ' from ' || valid_from",
            "allowed::varchar",
            "measure || ' ' || valid_from",
            "valid_from desc",
        ),
    ),
    outcome="expansion",
)
