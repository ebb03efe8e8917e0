"""About the caller and the house: which key this is, and which events there are."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from pydantic import BaseModel, Field

from holdfast.api.door import ANY_KEY, get
from holdfast.desk.models import ApiKey
from holdfast.flows import answers, events


class KeySelf(BaseModel):
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None
    company: str


class EventKind(BaseModel):
    name: str
    when: str
    data_schema: dict[str, Any] = Field(description="JSON Schema of its data.")
    example: dict[str, Any]


class Events(BaseModel):
    events: list[EventKind]


@get("/keys/self", needs=ANY_KEY, answers=KeySelf, tag="About")
def key_self(request: HttpRequest) -> KeySelf:
    """The key that this call was made with, and what it may do."""
    key: ApiKey = request.auth  # type: ignore[attr-defined]
    return KeySelf(
        name=key.name, prefix=key.prefix, scopes=key.scopes, created_at=key.created_at, last_used_at=key.last_used_at,
        company=answers.home().settings.company,
    )  # fmt: skip


@get("/events", needs=ANY_KEY, answers=Events, tag="Webhooks")
def event_catalogue(request: HttpRequest) -> Events:
    """The events that webhooks tell of."""
    return Events(
        events=[
            EventKind(name=kind.name, when=kind.when, data_schema=dict(kind.schema), example=dict(kind.example))
            for kind in events.CATALOGUE.values()
        ]
    )
