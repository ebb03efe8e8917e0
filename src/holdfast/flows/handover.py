"""Hand-overs: accounts pass from owner to owner on a day; the one before is closed, and the audit log keeps who did it.

The first thousand of one hand-over each tell the event `account.owner_changed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from holdfast.desk.models import ApiKey, AuditEntry, Handover
from holdfast.desk.turns import take_turn
from holdfast.flows import events

#: rows written and looked up at once
BATCH = 500
#: account ids named in one audit entry; the hand-overs themselves name all
NAMED = 100
#: accounts of one hand-over that each tell an event; more at once is a re-organisation, which is read through the API
TOLD = 1000


class HandoverError(ValueError):
    """A hand-over that cannot be written; the message says what is wrong with it."""


@dataclass(frozen=True)
class Order:
    """To whom, from which day, and why. An empty owner is nobody."""

    owner: str
    from_day: date
    reason: str = ""

    def __post_init__(self) -> None:
        if len(self.owner) > 200 or len(self.reason) > 400:
            raise HandoverError("an owner's name has up to 200 characters, a reason up to 400")


def hand_over(
    account_ids: Iterable[str],
    order: Order,
    now: datetime,
    *,
    user: Any = None,
    key: ApiKey | None = None,
    address: str = "",
) -> int:
    """Write the hand-overs of some accounts; how many there were.

    A hand-over that is in force on the day ends with it. One of the same day gives way, and one that is planned for a
    later day stays: the new one reaches up to it. HandoverError: an id is empty or too long.
    """
    ids = list(dict.fromkeys(account_ids))
    if any(not 0 < len(account_id) <= 255 for account_id in ids):
        raise HandoverError("an account's id has 1 to 255 characters")
    with transaction.atomic():
        take_turn()
        for some in _batches(ids):
            _write(some, order, now, user)
        if ids:
            AuditEntry.add(
                "handed over", ids[0] if len(ids) == 1 else f"{len(ids)} accounts", now, user=user, key=key, address=address,
                owner=order.owner, from_day=str(order.from_day), reason=order.reason, accounts=ids[:NAMED],
            )  # fmt: skip
        for account_id in ids[:TOLD]:
            _tell(account_id, order, now)
    return len(ids)


def _batches(ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _write(ids: list[str], order: Order, now: datetime, user: Any) -> None:
    standing = Handover.objects.filter(account_id__in=ids)
    later = standing.filter(from_day__gt=order.from_day).exclude(until_day=F("from_day")).order_by("-from_day")
    # the earliest of them is read last, and is the one that counts
    planned: dict[str, date] = dict(later.values_list("account_id", "from_day"))
    # one of the same day keeps its row and holds on no day at all
    standing.on(order.from_day).update(until_day=order.from_day)
    Handover.objects.bulk_create(
        Handover(
            account_id=account_id, owner=order.owner, from_day=order.from_day, until_day=planned.get(account_id),
            reason=order.reason, by=user if user is not None and user.pk else None, at=now,
        )
        for account_id in ids
    )  # fmt: skip


def _tell(account_id: str, order: Order, now: datetime) -> None:
    told = {
        "account_id": account_id, "owner": order.owner or None, "from_day": str(order.from_day), "reason": order.reason,
    }  # fmt: skip
    effect = f"{account_id}:{order.from_day}:{order.owner}:{now.isoformat()}"
    events.emit("account.owner_changed", told, now, effect=effect)


def of_account(account_id: str) -> list[Handover]:
    """An account's hand-overs that held or will hold on some day, newest first."""
    found = Handover.objects.filter(account_id=account_id).select_related("by").order_by("-from_day", "-id")
    return [one for one in found if one.until_day is None or one.until_day > one.from_day]
