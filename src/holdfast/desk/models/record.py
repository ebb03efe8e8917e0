"""Who did what: the audit log, and the calls that are answered once however often they are made."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import models

from holdfast.desk.models.people import ApiKey, User


class AuditEntry(models.Model):
    """One thing done by somebody: an export seen, a setting changed, a sign-in. Rows are added, never changed."""

    at = models.DateTimeField(db_index=True)
    actor = models.CharField(max_length=200)
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    key = models.ForeignKey(ApiKey, on_delete=models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=60, db_index=True)
    target = models.CharField(max_length=300, blank=True)
    detail = models.JSONField(default=dict)
    address = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.target}"

    @classmethod
    def add(cls, action: str, target: str, now: datetime, *, user: Any = None, key: ApiKey | None = None,
            address: str = "", **detail: Any) -> AuditEntry:  # fmt: skip
        """Write one thing down; `detail` is JSON, without secrets."""
        actor = user.email if user is not None and user.pk else (str(key) if key else "holdfast")
        return cls.objects.create(
            at=now, actor=actor[:200], user=user if user is not None and user.pk else None, key=key,
            action=action, target=target[:300], detail=detail, address=address[:64],
        )  # fmt: skip


class IdempotentCall(models.Model):
    """A write of the API that carried an Idempotency-Key: its answer is kept for 30 days and given again."""

    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    idempotency_key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    #: 0 while the call is being answered
    status = models.IntegerField(default=0)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key", "idempotency_key"], name="one_answer_to_a_call")]

    def __str__(self) -> str:
        return self.idempotency_key
