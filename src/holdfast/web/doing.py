"""What a page that changes something needs: who does it, a word to the reader, and where to go next."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from holdfast.desk.models import AuditEntry
from holdfast.flows.people import Actor
from holdfast.web import answers

LEVELS = {"info": messages.INFO, "good": messages.SUCCESS, "warn": messages.WARNING, "bad": messages.ERROR}


def ip(request: HttpRequest) -> str:
    """The reader's address, as far as proxies are believed."""
    return str(get_adapter(request).get_client_ip(request))


def actor(request: HttpRequest) -> Actor:
    """Who does it, now."""
    return Actor(request.user if request.user.is_authenticated else None, answers.now(), ip(request))


def log(request: HttpRequest, action: str, target: str, **detail: Any) -> None:
    """Write down what was done."""
    AuditEntry.add(action, target, answers.now(), user=request.user, address=ip(request), **detail)


def say(request: HttpRequest, kind: str, text: str) -> None:
    """A notice on the next page: info, good, warn or bad."""
    messages.add_message(request, LEVELS[kind], text)


def see(name: str, *args: Any, query: str = "", **kwargs: Any) -> HttpResponse:
    """Go on to a page by name, after something was done."""
    response = HttpResponseRedirect(reverse(name, args=args, kwargs=kwargs) + query)
    response.status_code = 303
    return response
