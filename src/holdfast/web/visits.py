"""Notes when a session was last used: at once when its address or browser changes, and otherwise once a minute.

The sign-in library writes it with every request, which makes each reader wait for all others' writing.
"""

from __future__ import annotations

import time
from typing import Any

from allauth.usersessions.middleware import UserSessionsMiddleware
from django.http import HttpRequest, HttpResponseBase

#: seconds between two notes of a session, and sessions that one process has in mind
EVERY, KEPT = 60.0, 10_000


class Visits(UserSessionsMiddleware):  # type: ignore[misc]  # the library tells no types
    """Stands where the library's own middleware would."""

    def __init__(self, answer: Any) -> None:
        super().__init__(answer)
        self.noted: dict[tuple[str | None, ...], float] = {}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        given = request.META
        key = (request.session.session_key, *map(given.get, ("REMOTE_ADDR", "HTTP_X_FORWARDED_FOR", "HTTP_USER_AGENT")))
        now = time.monotonic()
        response: HttpResponseBase
        if now - self.noted.get(key, -EVERY) < EVERY:
            response = self.get_response(request)
            return response
        response = super().__call__(request)
        if len(self.noted) >= KEPT:
            self.noted.clear()
        if request.user.is_authenticated:
            self.noted[key] = now
        return response
