"""Books of accounts: who carries which account from when, what they note down, and the views they saved."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet

from holdfast.desk.models.people import User


class BookSettings(models.Model):
    """The desk's few settings; one row."""

    csm_reads_all = models.BooleanField(default=False)
    #: days for which superseded states of source objects, and single events, are kept; None: for ever
    keep_raw_days = models.PositiveIntegerField(null=True)
    keep_event_days = models.PositiveIntegerField(null=True)
    #: CTAs that a CSM is given a week; MRR under which accounts are pooled; money at stake that weighs in full; days of quiet
    ctas_per_week = models.PositiveIntegerField(default=10)
    ctas_pool_under_minor = models.PositiveBigIntegerField(default=10_000)
    ctas_large_minor = models.PositiveBigIntegerField(default=100_000)
    ctas_quiet_days = models.PositiveIntegerField(default=45)

    def __str__(self) -> str:
        return "settings of the desk"

    @classmethod
    def now(cls) -> BookSettings:
        """The row, made at the first asking."""
        return cls.objects.get_or_create(pk=1)[0]


class HandoverQuerySet(QuerySet["Handover"]):
    """Hand-overs by day."""

    def on(self, day: date) -> HandoverQuerySet:
        return self.filter(Q(from_day__lte=day), Q(until_day=None) | Q(until_day__gt=day))

    def owners_on(self, day: date) -> dict[str, str | None]:
        """By account the owner it was handed to, '' (nobody) as None; accounts never handed over are left out."""
        return {a: owner or None for a, owner in self.on(day).order_by("id").values_list("account_id", "owner")}


class Handover(models.Model):
    """An account carried by an owner from a day on, until the day before `until_day`. It goes before what the CRM says."""

    account_id = models.CharField(max_length=255, db_index=True)
    owner = models.CharField(max_length=200, blank=True)
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    reason = models.CharField(max_length=400, blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    objects = HandoverQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["until_day", "owner"])]

    def __str__(self) -> str:
        return f"{self.account_id} → {self.owner or 'nobody'} from {self.from_day}"


class Note(models.Model):
    """What somebody wrote about an account. A deleted note keeps its row, without its text."""

    account_id = models.CharField(max_length=255, db_index=True)
    author = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="notes")
    via_key = models.ForeignKey("desk.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+")
    external_id = models.CharField(max_length=255, null=True, unique=True)
    text = models.TextField(max_length=20_000)
    is_pinned = models.BooleanField(default=False)
    written_at = models.DateTimeField(db_index=True)
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"note {self.pk} on {self.account_id}"


class SavedView(models.Model):
    """A list of accounts as somebody arranged it: the address' query under a name."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="views")
    page = models.CharField(max_length=40, default="accounts")
    name = models.CharField(max_length=80)
    query = models.TextField(blank=True)
    is_shared = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="one_view_of_a_name")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def seen_by(cls, user: User, page: str) -> QuerySet[Any]:
        """One's own views, and those that others share."""
        return cls.objects.filter(Q(user=user) | Q(is_shared=True), page=page).order_by("name")
