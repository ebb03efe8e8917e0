"""The rows of the desk."""

from holdfast.desk.models.books import BookSettings, Handover, Note, SavedView
from holdfast.desk.models.connections import Connection, Erasure, Party, SyncRun, WriteBack
from holdfast.desk.models.ctas import Cta, CtaEvent, Sentiment
from holdfast.desk.models.outgoing import Delivery, Endpoint, Event, Mail, Schedule
from holdfast.desk.models.people import ApiKey, Invitation, User
from holdfast.desk.models.record import AuditEntry, IdempotentCall

__all__ = [
    "ApiKey", "AuditEntry", "BookSettings", "Connection", "Cta", "CtaEvent", "Delivery", "Endpoint", "Erasure", "Event", "Handover",
    "IdempotentCall", "Invitation", "Mail", "Note", "Party", "SavedView", "Schedule", "Sentiment", "SyncRun", "User", "WriteBack",
]  # fmt: skip
