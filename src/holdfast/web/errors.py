"""Pages for what went wrong; each says what to do."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def shown(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    """A page with a title and a sentence."""
    return render(request, "web/error.html", {"title": title, "text": text, "status": status}, status=status)


def not_allowed(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return shown(
        request,
        403,
        "Not yours to see",
        "Your role does not include this. An admin can change roles under Setup → People.",
    )


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return shown(
        request,
        404,
        "Nothing here",
        "There is no page, account or file at this address. It may have been renamed or removed.",
    )


def bad(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return shown(
        request,
        400,
        "Could not read that",
        str(exception) if exception else "The address has a value that cannot be read.",
    )


def broken(request: HttpRequest) -> HttpResponse:
    return render(request, "web/broken.html", status=500)


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return shown(
        request,
        403,
        "Please try again",
        "This form had been open for too long, or your browser blocks cookies. Go back, reload the page, and send it again.",
    )
