"""Connections to other systems, what their runs did, whose accounts are whose, and what was written back or erased."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import models
from django.db.models import QuerySet

from holdfast.desk import sealing
from holdfast.desk.models.people import User

#: how long a connection that failed waits before it is tried again, by the number of failures in a row
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))


class ConnectionQuerySet(QuerySet["Connection"]):
    """Connections by what may be done with them."""

    def live(self) -> ConnectionQuerySet:
        """Those that were not revoked."""
        return self.filter(revoked_at=None)

    def due(self, now: datetime) -> ConnectionQuerySet:
        """Those whose turn it is."""
        return self.live().filter(is_paused=False, next_run_at__lte=now)


class Connection(models.Model):
    """One connection to a system: which source of the shelf, its settings, and its secrets, sealed."""

    name = models.SlugField(max_length=40, unique=True)
    source = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)
    sealed = models.TextField(blank=True)
    every_minutes = models.PositiveIntegerField(default=15)
    is_paused = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    revoked_at = models.DateTimeField(null=True)
    next_run_at = models.DateTimeField(null=True, db_index=True)
    #: somebody asked for everything to be listed at the next run
    is_whole_next = models.BooleanField(default=False)
    #: when every object was last listed, which shows those that are gone
    whole_at = models.DateTimeField(null=True)
    last_success_at = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)

    objects = ConnectionQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    @property
    def secrets(self) -> dict[str, str]:
        """SealError: they were sealed in another home."""
        opened: dict[str, str] = json.loads(sealing.unseal(self.sealed)) if self.sealed else {}
        return opened

    def seal(self, secrets: Mapping[str, str]) -> None:
        """Keep secrets, encrypted; the row is not saved yet."""
        self.sealed = sealing.seal(json.dumps(dict(secrets))) if secrets else ""

    def revoke(self, now: datetime) -> None:
        """Forget the secrets; what was learned stays."""
        self.sealed, self.revoked_at, self.next_run_at = "", now, None
        self.save(update_fields=["sealed", "revoked_at", "next_run_at"])

    def wait_after_failure(self) -> timedelta:
        return BACK_OFF[min(self.failures, len(BACK_OFF)) - 1] if self.failures else timedelta(0)


class SyncRun(models.Model):
    """One run of a connection. A run that was cut off keeps no outcome until the next one finds it."""

    RUNNING, DONE, FAILED, CUT_OFF = "running", "done", "failed", "cut off"

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, default=RUNNING)
    is_whole = models.BooleanField(default=False)
    #: objects read by stream, and rows landed by fact table
    read = models.JSONField(default=dict)
    landed = models.JSONField(default=dict)
    #: what is being done, for who watches
    progress = models.CharField(max_length=200, blank=True)
    problem = models.TextField(blank=True)
    remedy = models.TextField(blank=True)
    #: objects that could not be understood: stream, object, field, value, reason, remedy; the first hundred
    bad = models.JSONField(default=list)
    bad_count = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.started_at:%Y-%m-%d %H:%M} {self.outcome}"


class Party(models.Model):
    """An account as another system knows it, and which of our accounts it is."""

    #: nobody decided yet and nothing was near enough · sure enough by itself · to be looked at · said by a person · said to be none of ours
    NEW, MATCHED, DOUBTFUL, CONFIRMED, REFUSED = "new", "matched", "doubtful", "confirmed", "refused"
    STATES = (NEW, MATCHED, DOUBTFUL, CONFIRMED, REFUSED)

    #: `hubspot`: the connection's name; or what sends by itself, such as `events`
    system = models.CharField(max_length=40, db_index=True)
    external_id = models.CharField(max_length=255)
    name = models.CharField(max_length=400, blank=True)
    domain = models.CharField(max_length=255, blank=True, db_index=True)
    #: ids of the same company in other systems, as that system told them: `stripe:cus_1`, or plain
    keys = models.JSONField(default=list)
    #: segment attributes and owner that the system tells
    attributes = models.JSONField(default=dict)
    owner = models.CharField(max_length=200, blank=True)
    state = models.CharField(max_length=12, default=NEW, db_index=True)
    account_id = models.CharField(max_length=255, blank=True, db_index=True)
    #: why it was matched (`id`, `domain`, `name`), how sure (0 to 100), and what else it may be
    how = models.CharField(max_length=40, blank=True)
    score = models.PositiveSmallIntegerField(default=0)
    candidates = models.JSONField(default=list)
    #: accounts that a person said it is not
    refused = models.JSONField(default=list)
    seen_at = models.DateTimeField()
    is_gone = models.BooleanField(default=False)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["system", "external_id"], name="one_party_of_a_system")]

    def __str__(self) -> str:
        return f"{self.system}:{self.external_id}"


class WriteBack(models.Model):
    """What a connected system was last told about one of its accounts, so that it is told again only when it changes."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="writebacks")
    external_id = models.CharField(max_length=255)
    values = models.JSONField(default=dict)
    #: `due`, `sending`, `done`, `failed`
    state = models.CharField(max_length=12, default="due", db_index=True)
    changed_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "external_id"], name="one_write_back_of_an_account")
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}:{self.external_id} {self.state}"


class Erasure(models.Model):
    """A person who asked to be forgotten. Of the address only a keyed hash is kept, by which it is known again when it comes in anew."""

    address_hash = models.CharField(max_length=64, unique=True)
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    done_at = models.DateTimeField(null=True)
    #: how much was erased, by place
    erased = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"erasure {self.pk}"
