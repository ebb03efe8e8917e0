"""What every request passes: the headers that keep a page safe, and the gate that asks for its right."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from holdfast.charts import numbers
from holdfast.web import answers, rights

Answer = Callable[[HttpRequest], HttpResponseBase]
log = logging.getLogger("holdfast.web")

#: no script, style or frame from elsewhere, none in the page; charts set styles through the document's object model
CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
    "form-action 'self'{form}; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)


class Headers:
    """Content Security Policy, no caching of what is private, and how long the server took."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        # the browser counts a redirect after a form as the form's target: single sign-on leads to the provider
        issuers = [app["settings"]["server_url"] for app in settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]]
        origins = "".join(f" {'/'.join(url.split('/')[:3])}" for url in issuers)
        self.policy = CONTENT_SECURITY.format(form=origins)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        begun = time.perf_counter()
        response = self.answer(request)
        response.headers.setdefault("Content-Security-Policy", self.policy)
        response.headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        if not request.path.startswith("/static/"):
            response.headers.setdefault("Cache-Control", "private, no-cache")
            response.headers["Vary"] = ", ".join(filter(None, {response.headers.get("Vary", ""), "HX-Request"}))
        response.headers["Server-Timing"] = f"app;dur={(time.perf_counter() - begun) * 1000:.1f}"
        return response


class Gate:
    """One place asks every request for the right that its address needs; the API has a gate of its own, with keys."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        numbers.use(_locale(request))
        # a page is of one book, and what changes something sees its change
        with answers.one_look() if request.method in ("GET", "HEAD") else nullcontext():
            return self.answer(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponseBase | None:
        right = right_of(request)
        if right is None:
            log.error("%s has no right written down and is refused", request.path)
            raise PermissionDenied
        if right == "key":
            return None
        if _has_nul(request, kwargs):
            raise SuspiciousOperation("a field holds the character NUL, which no text has")
        if right == rights.PUBLIC:
            return None
        if not request.user.is_authenticated:
            if request.headers.get("HX-Request"):
                return HttpResponse(status=401, headers={"HX-Redirect": settings.LOGIN_URL})
            return redirect_to_login(request.get_full_path())
        if not rights.allowed(request, right):
            raise PermissionDenied
        return None


def right_of(request: HttpRequest) -> str | None:
    """The right that the request's address needs; `key`: the API asks for a key; None: none is written down."""
    match = request.resolver_match
    if match is None:
        return None
    if match.app_names and match.app_names[0] == "api":
        return "key"
    if match.url_name in rights.LIBRARY and match.func.__module__.startswith("allauth"):
        return rights.LIBRARY[match.url_name]
    from holdfast.web.urls import right_of_name  # the addresses import the pages, which import this floor

    return right_of_name(match.url_name or "")


def _has_nul(request: HttpRequest, kwargs: Mapping[str, Any]) -> bool:
    """Whether something holds a NUL: PostgreSQL keeps no text with one, and nobody writes one by hand."""
    given = (value for form in (request.GET, request.POST) for _, values in form.lists() for value in values)
    return any("\0" in value for value in (*given, *kwargs.values()) if isinstance(value, str))


def _locale(request: HttpRequest) -> str:
    chosen = getattr(request.user, "locale", "") if request.user.is_authenticated else ""
    return numbers.locale_for(chosen or request.headers.get("Accept-Language", ""))
