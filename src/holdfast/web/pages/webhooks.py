"""Webhooks: the endpoints that events are posted to, what was delivered, and what a person has to look at."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from holdfast.desk.models import Delivery, Endpoint
from holdfast.desk.sealing import SealError, seal, unseal
from holdfast.flows import events, webhooks
from holdfast.web import answers, doing
from holdfast.web.pages.setup import LINES, page_of, pager, shown
from holdfast.web.rights import page

#: states of a delivery: what they are called, and how they are shown
STATES = {
    "waiting": ("waiting", "pill-info"), "sending": ("under way", "pill-info"), "sent": ("delivered", "pill-good"),
    "failed": ("failed", "pill-bad"), "unknown": ("unknown", "pill-warn"), "cancelled": ("cancelled", ""),
}  # fmt: skip


def rooms(request: HttpRequest) -> HttpResponseBase:
    """Endpoints, deliveries and the catalogue."""
    number, state = page_of(request), request.GET.get("state", "")
    found = Delivery.objects.select_related("event", "endpoint").order_by("-pk")
    if state in STATES:
        found = found.filter(state=state)
    total = found.count()
    lines = list(found[(number - 1) * LINES : number * LINES])
    return shown(
        request, "web/webhooks/list.html", "webhooks", endpoints=Endpoint.objects.select_related("created_by").order_by("pk"),
        deliveries=[(one, *STATES[one.state]) for one in lines], state=state, states=STATES, pager=pager(number, total, LINES),
        unknown=Delivery.objects.filter(state="unknown").count(), catalogue=events.CATALOGUE.values(),
        subscribable=[events.CATALOGUE[name] for name in events.SUBSCRIBABLE], made=_shown_once(request),
    )  # fmt: skip


def _shown_once(request: HttpRequest) -> dict[str, str] | None:
    """The secret of an endpoint that was just made; it is shown on one page and then gone."""
    kept = request.session.pop("shown_webhook", None)
    if not kept:
        return None
    try:
        return {"url": kept["url"], "secret": unseal(kept["sealed"])}
    except SealError:
        return None


def _who(request: HttpRequest) -> dict[str, Any]:
    return {"user": request.user, "address": doing.ip(request)}


@require_POST
def create(request: HttpRequest) -> HttpResponseBase:
    """A new endpoint; the next page shows its secret, this once."""
    url, told = request.POST.get("url", "").strip(), request.POST.get("description", "").strip()
    try:
        made, secret = webhooks.create(url, request.POST.getlist("events"), told, answers.now(), **_who(request))
    except webhooks.WebhookError as error:
        doing.say(request, "bad", f"No endpoint was added: {error}.")
        return doing.see("webhooks")
    request.session["shown_webhook"] = {"url": made.url, "sealed": seal(secret)}
    return doing.see("webhooks")


@require_POST
def switch(request: HttpRequest, endpoint_id: int) -> HttpResponseBase:
    """Switch an endpoint on or off."""
    endpoint = get_object_or_404(Endpoint, pk=endpoint_id)
    on = request.POST.get("on") == "yes"
    try:
        webhooks.change(
            endpoint,
            answers.now(),
            url=endpoint.url,
            kinds=endpoint.events,
            description=endpoint.description,
            is_on=on,
            **_who(request),
        )
    except webhooks.WebhookError as error:
        doing.say(request, "bad", f"It was not changed: {error}.")
    else:
        doing.say(
            request, "good", "The endpoint is on." if on else "The endpoint is off; what waited for it is cancelled."
        )
    return doing.see("webhooks")


@require_POST
def send_test(request: HttpRequest, endpoint_id: int) -> HttpResponseBase:
    """Post a test event to one endpoint."""
    endpoint = get_object_or_404(Endpoint, pk=endpoint_id)
    if endpoint.is_on:
        webhooks.test(endpoint, answers.now())
        doing.log(request, "tested webhook", endpoint.url)
        doing.say(request, "good", "A test is on its way; see below how it went.")
    else:
        doing.say(request, "warn", "The endpoint is off. Switch it on first.")
    return doing.see("webhooks")


@require_POST
def remove(request: HttpRequest, endpoint_id: int) -> HttpResponseBase:
    """Remove an endpoint, with its deliveries."""
    webhooks.remove(get_object_or_404(Endpoint, pk=endpoint_id), answers.now(), **_who(request))
    doing.say(request, "good", "The endpoint is removed.")
    return doing.see("webhooks")


@require_POST
def replay(request: HttpRequest, delivery_id: int) -> HttpResponseBase:
    """Send an event once more."""
    delivery = get_object_or_404(Delivery.objects.select_related("event", "endpoint"), pk=delivery_id)
    try:
        webhooks.replay(delivery, answers.now(), **_who(request))
        doing.say(request, "good", "It is sent again, as a delivery of its own.")
    except webhooks.WebhookError as error:
        doing.say(request, "warn", f"It was not sent again: {error}.")
    return doing.see("webhooks")


urls = [
    page("setup/webhooks/", rooms, "webhooks", needs="setup"),
    page("setup/webhooks/create/", create, "webhook_create", needs="setup"),
    page("setup/webhooks/<int:endpoint_id>/switch/", switch, "webhook_switch", needs="setup"),
    page("setup/webhooks/<int:endpoint_id>/test/", send_test, "webhook_test", needs="setup"),
    page("setup/webhooks/<int:endpoint_id>/remove/", remove, "webhook_remove", needs="setup"),
    page("setup/webhooks/deliveries/<int:delivery_id>/replay/", replay, "webhook_replay", needs="setup"),
]
