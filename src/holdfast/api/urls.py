"""The API's addresses. Each module of operations is imported once, which writes its operations down."""

from __future__ import annotations

from typing import Any

from django.urls import URLPattern, path, re_path

from holdfast.api import (
    about,
    accounts,
    addresses,
    ctas,
    facts,
    hooks,
    notes,
    numbers,
    opened,
    owners,
    reference,
    sources,
    watch,
)
from holdfast.api.door import api
from holdfast.api.problems import careful, nothing_here

OPERATIONS = (addresses, numbers, opened, accounts, facts, notes, ctas, watch, owners, sources, hooks, about)


def _careful(pattern: Any) -> Any:
    """An address of the library, all of whose answers are ours."""
    if isinstance(pattern, URLPattern):
        pattern.callback = careful(pattern.callback)
    return pattern


app_name = "api"
urlpatterns: list[Any] = [
    path("openapi.json", careful(reference.openapi_json), name="openapi-json"),
    path("docs", careful(reference.page), name="docs"),
    *(_careful(pattern) for pattern in api.urls[0]),
    # `.` alone stops at a line break, which an address can carry too
    re_path(r"^[\s\S]*$", careful(nothing_here), name="nothing"),
]
