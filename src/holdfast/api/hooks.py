"""Webhook endpoints and their deliveries."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Path, Query
from pydantic import BaseModel, Field, StringConstraints

from holdfast.api import moment, pages
from holdfast.api.door import Made, get, operation
from holdfast.api.fields import DIGITS, Given
from holdfast.api.pages import Paged
from holdfast.api.problems import Problem
from holdfast.desk.models import Delivery
from holdfast.desk.models import Endpoint as Row
from holdfast.flows import webhooks

RowId = Annotated[int, Path(ge=1, le=2**53), DIGITS]


class EndpointGiven(Given):
    url: Annotated[str, StringConstraints(min_length=8, max_length=500, pattern=r"^https?://[!-~]+$")]
    events: Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=50)] = Field(
        [], description="The events it wants; none: all of them."
    )
    description: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""


class Endpoint(BaseModel):
    endpoint_id: int
    url: str
    events: list[str]
    description: str
    is_on: bool
    created_at: datetime


class NewEndpoint(Endpoint):
    secret: str = Field(description="`whsec_…`, by which messages are verified; told this once.")


class Endpoints(BaseModel):
    endpoints: list[Endpoint]


class DeliveryTold(BaseModel):
    """One event to one endpoint. `unknown`: we stopped while it was sent, and nobody can know whether it arrived."""

    delivery_id: int
    endpoint_id: int
    event: str
    message_id: str
    state: str
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    response_status: int | None
    error: str


class Deliveries(BaseModel):
    deliveries: list[DeliveryTold]
    next: str | None


def _endpoint(row: Row) -> dict[str, object]:
    return {
        "endpoint_id": row.pk, "url": row.url, "events": row.events, "description": row.description, "is_on": row.is_on,
        "created_at": row.created_at,
    }  # fmt: skip


def _delivery(row: Delivery) -> DeliveryTold:
    return DeliveryTold(
        delivery_id=row.pk, endpoint_id=row.endpoint_id, event=row.event.kind, message_id=row.event.message_id, state=row.state,
        attempts=row.attempts, due_at=row.due_at, sent_at=row.sent_at, response_status=row.response_status, error=row.error,
    )  # fmt: skip


@get("/webhooks", needs="webhooks:write", answers=Endpoints, tag="Webhooks")
def endpoints(request: HttpRequest) -> Endpoints:
    """The endpoints that events are posted to."""
    return Endpoints(endpoints=[Endpoint(**_endpoint(row)) for row in Row.objects.order_by("pk")])  # type: ignore[arg-type]


@operation("POST", "/webhooks", needs="webhooks:write", answers=NewEndpoint, status=201, tag="Webhooks")
def add_endpoint(request: HttpRequest, given: EndpointGiven) -> Made:
    """Add an endpoint. Its secret is told this once."""
    try:
        row, secret = webhooks.create(given.url, given.events, given.description, moment.now(), key=request.auth)  # type: ignore[attr-defined]
    except webhooks.WebhookError as error:
        raise Problem(422, str(error), [("body", str(error))]) from None
    return Made(NewEndpoint(**_endpoint(row), secret=secret))  # type: ignore[arg-type]


@operation("DELETE", "/webhooks/{int:endpoint_id}", needs="webhooks:write", answers=None, status=204, tag="Webhooks")
def remove_endpoint(request: HttpRequest, endpoint_id: RowId) -> Made:
    """Remove an endpoint, with its deliveries."""
    row = Row.objects.filter(pk=endpoint_id).first()
    if row is None:
        raise Problem(404, f"there is no endpoint {endpoint_id}")
    webhooks.remove(row, moment.now(), key=request.auth)  # type: ignore[attr-defined]
    return Made(None, 204)


@get("/webhooks/deliveries", needs="webhooks:write", answers=Deliveries, tag="Webhooks")
def deliveries(request: HttpRequest, asked: Query[Paged]) -> Deliveries:
    """Deliveries, newest first."""
    last = pages.after("deliveries", asked, 2**62)
    rows = list(Delivery.objects.filter(pk__lt=last).select_related("event").order_by("-pk")[: asked.limit + 1])
    more = len(rows) > asked.limit
    return Deliveries(
        deliveries=[_delivery(row) for row in rows[: asked.limit]],
        next=pages.cursor("deliveries", rows[asked.limit - 1].pk) if more else None,
    )


@operation(
    "POST",
    "/webhooks/deliveries/{int:delivery_id}/replay",
    needs="webhooks:write",
    answers=DeliveryTold,
    status=201,
    tag="Webhooks",
)
def replay_delivery(request: HttpRequest, delivery_id: RowId) -> Made:
    """Send an event once more to the same endpoint, under the same message id."""
    row = Delivery.objects.select_related("event", "endpoint").filter(pk=delivery_id).first()
    if row is None:
        raise Problem(404, f"there is no delivery {delivery_id}")
    try:
        made = webhooks.replay(row, moment.now(), key=request.auth)  # type: ignore[attr-defined]
    except webhooks.WebhookError as error:
        raise Problem(409, str(error)) from None
    return Made(_delivery(made))
