"""The rows of the desk."""

from holdfast.desk.models.books import BookSettings, Handover, Note, SavedView
from holdfast.desk.models.outgoing import Delivery, Endpoint, Event, Mail, Schedule
from holdfast.desk.models.people import ApiKey, Invitation, User
from holdfast.desk.models.record import AuditEntry, IdempotentCall

__all__ = [
    "ApiKey", "AuditEntry", "BookSettings", "Delivery", "Endpoint", "Event", "Handover", "IdempotentCall", "Invitation",
    "Mail", "Note", "SavedView", "Schedule", "User",
]  # fmt: skip
