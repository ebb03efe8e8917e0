"""What leaves the house: mail and webhooks. A row is committed as `sending` before it is handed off.

After a crash in between it is `unknown`: never sent again by itself, and listed for a person.
"""

from __future__ import annotations

from django.db import models

from holdfast.desk.models.people import User

STATES = [(s, s) for s in ("waiting", "sending", "sent", "failed", "unknown", "cancelled")]


class Outgoing(models.Model):
    """What mail and webhook deliveries have in common."""

    #: the same effect asked for twice finds the same row
    effect_key = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=12, choices=STATES, default="waiting", db_index=True)
    attempts = models.IntegerField(default=0)
    due_at = models.DateTimeField(db_index=True)
    created_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        abstract = True


class Mail(Outgoing):
    """One message to one address."""

    kind = models.CharField(max_length=30)
    to = models.EmailField()
    subject = models.CharField(max_length=250)
    text = models.TextField()
    html = models.TextField(blank=True)
    #: files of the home, by name: {"name": …, "type": …, "path": …}
    attachments = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.kind} to {self.to}: {self.state}"


class Endpoint(models.Model):
    """Where events are posted, signed as Standard Webhooks asks."""

    url = models.URLField(max_length=500)
    #: `whsec_…`; encrypted with the home's key
    sealed_secret = models.TextField()
    description = models.CharField(max_length=200, blank=True)
    events = models.JSONField(default=list)
    is_on = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return self.url


class Event(models.Model):
    """Something that happened, as the catalogue names it; kept so that it can be played again."""

    message_id = models.CharField(max_length=60, unique=True)
    kind = models.CharField(max_length=60, db_index=True)
    data = models.JSONField()
    at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.kind} {self.message_id}"


class Delivery(Outgoing):
    """One event to one endpoint."""

    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="deliveries")
    response_status = models.IntegerField(null=True)

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}: {self.state}"


class Schedule(models.Model):
    """A report that goes out by itself: the board pack, or the weekly digests."""

    REPORTS = [
        ("board", "Board pack"),
        ("csm_digest", "Weekly digest of each book"),
        ("manager_digest", "Weekly digest of all books"),
    ]
    EVERY = [("week", "every week"), ("month", "every month"), ("quarter", "every quarter")]

    report = models.CharField(max_length=20, choices=REPORTS)
    every = models.CharField(max_length=10, choices=EVERY)
    #: 0 Monday … 6 for weeks; 1 … 28 for months and quarters
    on_day = models.IntegerField(default=0)
    at_hour = models.IntegerField(default=7)
    #: addresses of the board pack; digests go to people by role
    recipients = models.JSONField(default=list)
    is_on = models.BooleanField(default=True)
    next_at = models.DateTimeField(db_index=True)
    last_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"{self.get_report_display()} {self.get_every_display()}"
