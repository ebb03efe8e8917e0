"""Calls to action with their history, and what CSMs themselves say of their accounts."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import Max, Q, QuerySet

from holdfast.desk.models.people import User
from holdfast.domain import ctas, sentiment


def new_public_id() -> str:
    """`cta_` and sixteen signs, by which others know a CTA."""
    return f"cta_{secrets.token_hex(8)}"


class CtaQuerySet(QuerySet["Cta"]):
    """CTAs by what is to be done with them."""

    def unclosed(self) -> CtaQuerySet:
        return self.filter(closed_at=None)

    def to_do(self) -> CtaQuerySet:
        """On somebody's list of the week."""
        return self.filter(state__in=("open", "in_progress"), is_pooled=False)

    def gone(self, today: date) -> CtaQuerySet:
        """Open ones whose cause has not been seen for so long that they are offered for closing."""
        return self.unclosed().filter(seen_on__lte=today - timedelta(days=ctas.GONE_AFTER))


class Cta(models.Model):
    """Something to be done about an account. Of an account, kind and cause one is open at most."""

    public_id = models.CharField(max_length=20, unique=True, default=new_public_id)
    account_id = models.CharField(max_length=255, db_index=True)
    kind = models.CharField(max_length=12, choices=list(ctas.KINDS.items()))
    #: what it goes back to; a person's own has one of its own
    cause = models.CharField(max_length=80)
    title = models.CharField(max_length=200)
    sentence = models.TextField(blank=True)
    signals = models.JSONField(default=list)
    #: label, value, table, row_id
    evidence = models.JSONField(default=list)
    next_step = models.TextField(blank=True)
    owner_name = models.CharField(max_length=200, blank=True, db_index=True)
    at_stake_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    #: the highest it ever had
    severity = models.PositiveSmallIntegerField()
    priority = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField()
    #: who wrote it, where it is a person's own; a program's key
    opened_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    via_key = models.ForeignKey("desk.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+")
    is_own = models.BooleanField(default=False)
    due_on = models.DateField(null=True)
    state = models.CharField(max_length=12, choices=list(ctas.STATES.items()), default="waiting", db_index=True)
    snoozed_until = models.DateField(null=True)
    #: the Monday of the week that it was given for
    week = models.DateField(null=True)
    #: looked after in a digital programme
    is_pooled = models.BooleanField(default=False)
    #: a person gave it an owner or took it up: neither a hand-over, nor the pool, nor the budget takes it away
    is_placed = models.BooleanField(default=False)
    #: the last day of data on which its cause was seen; nothing for a person's own
    seen_on = models.DateField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    outcome_note = models.TextField(blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    objects = CtaQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account_id", "kind", "cause"], condition=Q(closed_at=None), name="one_open_cta_of_a_cause"
            )
        ]
        indexes = [models.Index(fields=["owner_name", "state"])]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def kind_title(self) -> str:
        return ctas.KINDS[self.kind]

    @property
    def state_title(self) -> str:
        return "pooled" if self.is_pooled and not self.is_closed else ctas.STATES[self.state]

    @property
    def priority_title(self) -> str:
        return ctas.PRIORITIES[self.priority]

    @property
    def outcome_title(self) -> str:
        return ctas.OUTCOMES.get(self.outcome, "")


class CtaEvent(models.Model):
    """Something that happened to a CTA. Rows are added, never changed; `text` is what a person wrote."""

    cta = models.ForeignKey(Cta, on_delete=models.CASCADE, related_name="events")
    #: opened joined rose pooled unpooled given postponed started snoozed returned reassigned moved note closed
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    via_key = models.ForeignKey("desk.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.TextField(blank=True)
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.cta_id} {self.kind}"


class Sentiment(models.Model):
    """What a person says of an account, from 1 (bad) to 5 (good). The newest one holds; the others are its history."""

    account_id = models.CharField(max_length=255, db_index=True)
    value = models.PositiveSmallIntegerField()
    note = models.TextField(blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    via_key = models.ForeignKey("desk.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(value__gte=min(sentiment.VALUES), value__lte=max(sentiment.VALUES)),
                name="sentiment_from_1_to_5",
            )
        ]

    def __str__(self) -> str:
        return f"{self.account_id}: {self.value}"

    @property
    def title(self) -> str:
        return sentiment.VALUES[self.value]

    @classmethod
    def newest(cls, until: datetime | None = None) -> QuerySet[Any]:
        """The one that holds for each account that has one; of a moment in the past where it is named."""
        rows = cls.objects.filter(at__lte=until) if until else cls.objects.all()
        return cls.objects.filter(pk__in=rows.values("account_id").annotate(last=Max("pk")).values("last"))
