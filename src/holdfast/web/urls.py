"""Every address of the app, with the right that it needs. A module in `pages` that lists `urls` is found by being there."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from typing import Any

from django.urls import URLPattern, include, path

from holdfast.web import library, pages


def _rooms() -> list[Any]:
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    return [importlib.import_module(f"{pages.__name__}.{name}") for name in names]


OWN: list[URLPattern] = [pattern for room in _rooms() for pattern in getattr(room, "urls", [])]

urlpatterns: list[Any] = [*OWN, path("api/v1/", include("holdfast.api.urls")), *library.urls]

handler400 = "holdfast.web.errors.bad"
handler403 = "holdfast.web.errors.not_allowed"
handler404 = "holdfast.web.errors.not_found"
handler500 = "holdfast.web.errors.broken"


@cache
def _rights() -> dict[str, str]:
    return {str(pattern.name): pattern.holdfast_right for pattern in OWN}  # type: ignore[attr-defined]


def right_of_name(name: str) -> str | None:
    """The right that one of our addresses needs; None: it has none written down."""
    return _rights().get(name)
