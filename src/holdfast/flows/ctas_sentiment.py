"""The CSM's own word on an account: said, kept with its history, and asked for before a renewal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.db import transaction
from django.db.models import Max

from holdfast.desk.models import AuditEntry, Sentiment
from holdfast.domain import sentiment
from holdfast.domain.sentiment import Checkpoint, Spoken, checkpoints_due
from holdfast.flows.ctas_work import By, CtaError

__all__ = ["Checkpoint", "Spoken", "due", "of_account", "said", "say"]

#: characters of a note
LONGEST = 10_000


def say(account_id: str, value: int, by: By, note: str = "") -> Sentiment:
    """What somebody says from now on; the same again says that it still holds. CtaError: not from 1 to 5, or too long a note."""
    told = note.replace("\r\n", "\n").replace("\0", "").strip()
    if value not in sentiment.VALUES:
        raise CtaError("a sentiment is from 1 (bad) to 5 (very good)")
    if len(told) > LONGEST:
        raise CtaError(f"a note has up to {LONGEST:,} characters; this one has {len(told):,}")
    with transaction.atomic():
        row = Sentiment.objects.create(
            account_id=account_id, value=value, note=told, by=by.person, via_key=by.key, at=by.now
        )
        AuditEntry.add("said sentiment", account_id, by.now, user=by.user, key=by.key, address=by.address, value=value)
    return row


def of_account(account_id: str, some: int = 20) -> list[Sentiment]:
    """What was said of an account, newest first; the first one holds."""
    found = Sentiment.objects.filter(account_id=account_id).select_related("by", "via_key")
    return list(found.order_by("-pk")[:some])


def newest() -> int:
    """The number of the last word that was said; 0 where none was."""
    return Sentiment.objects.aggregate(last=Max("pk"))["last"] or 0


def said(until: datetime | None = None) -> dict[str, Spoken]:
    """By account what was said last; up to a moment in the past where it is named."""
    rows = Sentiment.newest(until).values_list("account_id", "value", "at")
    return {account_id: Spoken(value, at.date()) for account_id, value, at in rows}


def due(renewals: Mapping[str, date], today: date) -> tuple[Checkpoint, ...]:
    """Of accounts with their next renewal those whose CSM has to say how they stand."""
    return checkpoints_due(renewals, said(), today)
