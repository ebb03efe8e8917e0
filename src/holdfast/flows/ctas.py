"""CTAs opened from what signals and risk ask for: one of a cause at a time, within each CSM's budget of the week; twice is the same as once.

`today` is the day that the data runs up to: by it a cause is still there. Weeks, snoozes and quiet periods are people's, and go by `now`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction

from holdfast.desk.models import BookSettings, Cta, CtaEvent
from holdfast.desk.turns import take_turn
from holdfast.domain import ctas
from holdfast.domain.ctas import Budget, Ranked, Wanted
from holdfast.domain.judgement import Evidence
from holdfast.flows import events

__all__ = ["Budget", "Evidence", "Opened", "Wanted", "budget", "open_from", "refresh", "set_budget"]

#: what a CTA takes over from what asks for it, as long as it is open
FOLLOWED = (
    "title", "sentence", "evidence", "next_step", "at_stake_minor", "currency", "due_on", "severity", "priority", "signals",
    "seen_on", "owner_name", "is_pooled",
)  # fmt: skip
#: rows written at once
BATCH = 500
#: CTAs of one watch that each tell an event, the most money first; more at once is a beginning, which is read through the API
TOLD = 1000


@dataclass
class Opened:
    """What became of what was asked for: new CTAs by their public ids, and how many others changed."""

    opened: list[str] = field(default_factory=list)
    #: open ones that got a signal, or became more severe
    joined: int = 0
    #: asked for, but closed not long ago
    quiet: int = 0
    returned: int = 0
    #: put on somebody's list of the week, and taken off it
    given: int = 0
    postponed: int = 0
    pooled: int = 0


def budget() -> Budget:
    """The budget that is set."""
    row = BookSettings.now()
    return Budget(row.ctas_per_week, row.ctas_pool_under_minor, row.ctas_large_minor, row.ctas_quiet_days)


def set_budget(wanted: Budget, now: datetime) -> None:
    """Set the budget; the lists follow it at once."""
    with transaction.atomic():
        take_turn()
        BookSettings.objects.filter(pk=1).update(
            ctas_per_week=wanted.per_week, ctas_pool_under_minor=wanted.pool_under_minor,
            ctas_large_minor=wanted.large_minor, ctas_quiet_days=wanted.quiet_days,
        )  # fmt: skip
        _give_out(now, wanted, Opened(), frozenset())


def open_from(wanted: Sequence[Wanted], now: datetime, today: date, budget: Budget) -> Opened:
    """Open, join and give out. `wanted` is all that is asked for on the day: what is not in it has no cause any more."""
    told = Opened()
    with transaction.atomic():
        take_turn()
        _return_due(now, told)
        there = {(row.account_id, row.kind, row.cause): row for row in Cta.objects.unclosed().filter(is_own=False)}
        closed = _closed_lately(now, budget)
        made: list[Cta] = []
        seen: list[int] = []
        for one in ctas.merged(wanted):
            row = there.get(one.key)
            if row is not None:
                if not _follow(row, one, now, today, budget, told):
                    seen.append(row.pk)
            elif _is_quiet(one, closed.get(one.key), now, budget):
                told.quiet += 1
            else:
                made.append(_new(one, now, today, budget))
        for start in range(0, len(seen), BATCH):
            Cta.objects.filter(pk__in=seen[start : start + BATCH]).exclude(seen_on=today).update(seen_on=today)
        fresh = _write(made, now, told)
        _give_out(now, budget, told, fresh)
        for row in Cta.objects.filter(pk__in=fresh).order_by("-at_stake_minor", "pk")[:TOLD]:
            tell_opened(row, now)
    return told


def refresh(now: datetime, budget: Budget) -> Opened:
    """Without asking signals: what was snoozed comes back when it is due, and free places are filled."""
    told = Opened()
    with transaction.atomic():
        take_turn()
        _return_due(now, told)
        _give_out(now, budget, told, frozenset())
    return told


def give_out(now: datetime) -> None:
    """Within a transaction: fill the places that came free."""
    _give_out(now, budget(), Opened(), frozenset())


# -- opening and joining -----------------------------------------------------------------------------------------


def _closed_lately(now: datetime, budget: Budget) -> dict[tuple[str, str, str], tuple[date, int]]:
    """By account, kind and cause the day and severity of the last closing within the quiet period."""
    since = now - timedelta(days=budget.quiet_days + 1)
    rows = Cta.objects.filter(closed_at__gte=since, is_own=False).order_by("closed_at")
    found = rows.values_list("account_id", "kind", "cause", "closed_at", "severity")
    return {(account, kind, cause): (at.date(), severity) for account, kind, cause, at, severity in found if at}


def _is_quiet(one: Wanted, closed: tuple[date, int] | None, now: datetime, budget: Budget) -> bool:
    if closed is None:
        return False
    closed_on, severity = closed
    return not ctas.may_open(closed_on, severity, one.severity, now.date(), budget.quiet_days)


def _new(one: Wanted, now: datetime, today: date, budget: Budget) -> Cta:
    is_pooled = one.is_small(budget)
    return Cta(
        account_id=one.account_id, kind=one.kind, cause=one.cause[:80], opened_at=now, state="open" if is_pooled else "waiting",
        **_told(one, today, budget) | {"is_pooled": is_pooled},
    )  # fmt: skip


def _told(one: Wanted, today: date, budget: Budget) -> dict[str, Any]:
    return {
        "title": one.called[:200], "sentence": one.sentence, "evidence": [asdict(fact) for fact in one.evidence],
        "next_step": one.next_step, "at_stake_minor": one.at_stake_minor, "currency": one.currency, "due_on": one.due_on,
        "severity": one.severity, "priority": ctas.priority(one.at_stake_minor, one.severity, budget.large_minor),
        "signals": list(one.signals), "seen_on": today, "owner_name": one.owner[:200],
    }  # fmt: skip


def _write(made: list[Cta], now: datetime, told: Opened) -> frozenset[int]:
    rows = Cta.objects.bulk_create(made, batch_size=BATCH)
    CtaEvent.objects.bulk_create(
        [CtaEvent(cta=row, kind="opened", at=now, detail=_opening(row)) for row in rows], batch_size=BATCH
    )
    told.opened = [row.public_id for row in rows]
    told.pooled += sum(row.is_pooled for row in rows)
    return frozenset(row.pk for row in rows)


def _opening(row: Cta) -> dict[str, Any]:
    """What it looked like when it was opened; the row itself goes on with the days."""
    return {
        "sentence": row.sentence, "signals": row.signals, "severity": row.severity, "at_stake_minor": row.at_stake_minor,
        "currency": row.currency, "owner": row.owner_name,
    }  # fmt: skip


def _follow(row: Cta, one: Wanted, now: datetime, today: date, budget: Budget, told: Opened) -> bool:
    """Bring an open one up to the day, and say in its history what is new; False where it is as it was but for the day."""
    fresh = _followed(row, one, today, budget)
    more, rose = fresh["signals"][len(row.signals) :], one.severity > row.severity
    changes: list[tuple[str, dict[str, Any]]] = []
    if more:
        changes.append(("joined", {"signals": more}))
    if rose:
        changes.append(("rose", {"before": row.severity, "after": one.severity}))
    if fresh["is_pooled"] != row.is_pooled:
        changes.append(("pooled" if fresh["is_pooled"] else "unpooled", {}))
        row.state, row.week = ("open" if fresh["is_pooled"] else "waiting"), None
        told.pooled += fresh["is_pooled"]
    if fresh["owner_name"] != row.owner_name:
        changes.append(("moved", {"before": row.owner_name, "after": fresh["owner_name"]}))
    told.joined += bool(more or rose)
    if all(getattr(row, name) == fresh[name] for name in FOLLOWED if name != "seen_on"):
        return False
    for name in FOLLOWED:
        setattr(row, name, fresh[name])
    row.save(update_fields=[*FOLLOWED, "state", "week"])
    for kind, detail in changes:
        CtaEvent.objects.create(cta=row, kind=kind, at=now, detail=detail)
    return True


def _followed(row: Cta, one: Wanted, today: date, budget: Budget) -> dict[str, Any]:
    """What an open one takes over. Its signals are added to, its severity only rises, and what a person settled stays."""
    fresh = _told(one, today, budget) | {"is_pooled": row.is_pooled}
    fresh["signals"] = [*row.signals, *ctas.new_signals(row.signals, one.signals)]
    # the highest it ever had: the quiet period after its end is measured by it
    fresh["severity"] = max(row.severity, one.severity)
    fresh["priority"] = ctas.priority(one.at_stake_minor, fresh["severity"], budget.large_minor)
    # what somebody plans by does not move under their hands
    if row.due_on and (one.severity <= row.severity or one.due_on is None):
        fresh["due_on"] = row.due_on
    if row.is_placed:
        fresh["owner_name"] = row.owner_name
    elif row.state in ("open", "waiting"):
        fresh["is_pooled"] = one.is_small(budget)
    return fresh


def _return_due(now: datetime, told: Opened) -> None:
    """What was snoozed up to today comes back to where it was."""
    for row in Cta.objects.filter(state="snoozed", snoozed_until__lte=now.date()):
        row.state, row.snoozed_until = "open", None
        # a person put it off until now, and so it stands on the list, before the budget
        row.week = None if row.is_pooled else ctas.monday(now.date())
        row.save(update_fields=["state", "snoozed_until", "week"])
        CtaEvent.objects.create(cta=row, kind="returned", at=now)
        told.returned += 1


# -- the week ----------------------------------------------------------------------------------------------------


def _give_out(now: datetime, budget: Budget, told: Opened, fresh: frozenset[int]) -> None:
    """Put on each owner's list what belongs on it this week. That a new one is on it at once needs no word in its history."""
    week = ctas.monday(now.date())
    by_owner: dict[str, list[Cta]] = defaultdict(list)
    for row in Cta.objects.filter(state__in=("waiting", "open", "in_progress"), is_pooled=False).order_by("pk"):
        by_owner[row.owner_name].append(row)
    for rows in by_owner.values():
        listed = ctas.week_list([_ranked(row, week) for row in rows], budget.per_week)
        _put(rows, listed, week, now, told, fresh)


def _ranked(row: Cta, week: date) -> Ranked:
    is_kept = row.state == "in_progress" or (row.state == "open" and (row.is_own or row.is_placed))
    return Ranked(
        row.pk, row.at_stake_minor, row.severity, row.opened_at.date(), is_kept,
        is_given=row.state == "open" and row.week == week,
    )  # fmt: skip


def _put(
    rows: Iterable[Cta], listed: frozenset[int], week: date, now: datetime, told: Opened, fresh: frozenset[int]
) -> None:
    for row in rows:
        before = (row.state, row.week)
        if row.pk not in listed:
            row.state, row.week = "waiting", None
        elif row.state == "waiting" or row.week is None:
            row.state, row.week = ("open" if row.state == "waiting" else row.state), week
        elif row.state == "open" and row.week < week:
            row.week = week
        if (row.state, row.week) == before:
            continue
        row.save(update_fields=["state", "week"])
        if before[0] == row.state:
            continue
        is_given = row.state == "open"
        told.given, told.postponed = told.given + is_given, told.postponed + (not is_given)
        if row.pk not in fresh:
            CtaEvent.objects.create(cta=row, kind="given" if is_given else "postponed", at=now)


# -- telling -----------------------------------------------------------------------------------------------------


def tell_opened(row: Cta, now: datetime) -> None:
    """Tell others. What a person wrote is not sent: it is read through the API."""
    events.emit("cta.opened", {**_common(row), "title": None if row.is_own else row.title,
        "sentence": None if row.is_own else row.sentence, "state": row.state, "pooled": row.is_pooled,
        "due_on": row.due_on.isoformat() if row.due_on else None}, now, effect=row.public_id)  # fmt: skip


def tell_closed(row: Cta, now: datetime) -> None:
    """Tell others what came of it; without what the person wrote."""
    events.emit("cta.closed", {**_common(row), "state": row.state, "outcome": row.outcome,
        "closed_at": now.isoformat()}, now, effect=row.public_id)  # fmt: skip


def _common(row: Cta) -> dict[str, Any]:
    return {
        "cta_id": row.public_id, "account_id": row.account_id, "kind": row.kind, "cause": row.cause, "severity": row.severity,
        "at_stake_minor": row.at_stake_minor, "currency": row.currency, "owner": row.owner_name or None,
    }  # fmt: skip
