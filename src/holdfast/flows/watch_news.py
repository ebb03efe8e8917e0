"""What is new since the watch before: signals that were raised and health that moved into another band, told as events."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from holdfast.flows.events import emit
from holdfast.warehouse.watched import Watched

#: events of one watch at most, the gravest first: after a change of scorecards everything moves
MOST = 500
REASONS = 3


def tell(before: Watched | None, now_seen: Watched, now: datetime) -> int:
    """Emit the news; how many events there were. Without a watch before there is no news."""
    if before is None:
        return 0
    as_of = str(now_seen.as_of)
    return _signals(before, now_seen, as_of, now) + _health(before, now_seen, as_of, now)


_JUDGED = "select account_id, signal, about, severity, sentence, since from judgement"


def _signals(before: Watched, now_seen: Watched, as_of: str, now: datetime) -> int:
    known: dict[tuple[Any, ...], int] = {}
    for account, signal, about, severity, _, _ in before.rows(_JUDGED):
        known[account, signal, about] = max(severity, known.get((account, signal, about), 0))
    count = 0
    for account, signal, about, severity, sentence, since in now_seen.rows(
        f"{_JUDGED} order by severity desc, account_id limit {MOST}"
    ):
        if severity > known.get((account, signal, about), 0):
            data = {"account_id": account, "signal": signal, "severity": severity, "sentence": sentence, "as_of": as_of}
            count += (
                emit("signal.raised", data, now, effect=f"{signal}:{account}:{about}:{since}:{severity}") is not None
            )
    return count


def _health(before: Watched, now_seen: Watched, as_of: str, now: datetime) -> int:
    known = {
        account: (score, band) for account, score, band in before.rows("select account_id, health, band from standing")
    }
    reasons: dict[str, list[str]] = {}
    for account, sentence in now_seen.rows(
        f"select account_id, sentence from health_move where place < {REASONS} order by account_id, place"
    ):
        reasons.setdefault(account, []).append(sentence)
    count = 0
    for account, score, band in now_seen.rows(
        "select account_id, health, band from standing where health is not null order by health, account_id"
    ):
        was, was_band = known.get(account, (None, None))
        if band == was_band or account not in known or count >= MOST:
            continue
        data = {
            "account_id": account, "score": score, "before": was, "band": band, "as_of": as_of, "reasons": reasons.get(account, []),
        }  # fmt: skip
        count += emit("health.changed", data, now, effect=f"{account}:{was_band}:{band}:{as_of}") is not None
    return count
