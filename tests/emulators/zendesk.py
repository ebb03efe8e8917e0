"""Zendesk Support as its reference describes it (API v2, incremental exports).

Exports leave out what changed in the last minute and refuse to begin there; a cursor comes with every page, also with the last; time-based
pages overlap by what has the same second; deleted things are exported. Only admins may export. An unknown e-mail and token is answered as
somebody anonymous at users/me.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any

from .serving import Answer, Asked, Emulator

EMAIL, TOKEN, OAUTH = "admin@acme.test", "zd-api-token", "zd-oauth-token"


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


class Zendesk(Emulator):
    routes = (
        ("GET", r"/api/v2/users/me\.json", "me"),
        ("GET", r"/api/v2/incremental/(tickets|users)/cursor\.json", "by_cursor"),
        ("GET", r"/api/v2/incremental/(organizations)\.json", "by_time"),
    )

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.now = now
        self.role = "admin"
        self.page = 1_000
        #: metric sets come within tickets, or beside them
        self.beside = False
        self.objects: dict[str, list[dict[str, Any]]] = {"organizations": [], "users": [], "tickets": []}
        self.metrics: dict[int, dict[str, Any]] = {}

    def put(self, kind: str, obj: dict[str, Any]) -> None:
        """Create or change an object."""
        kept = [one for one in self.objects[kind] if one["id"] != obj["id"]]
        self.objects[kind] = [*kept, obj]

    def is_known(self, asked: Asked) -> bool:
        given = asked.headers.get("authorization", "")
        basic = "Basic " + base64.b64encode(f"{EMAIL}/token:{TOKEN}".encode()).decode()
        return given in (basic, f"Bearer {OAUTH}")

    def me(self, asked: Asked) -> Any:
        if not self.is_known(asked):
            return {"user": {"id": None, "name": "Anonymous user", "email": "invalid@example.com", "role": "end-user"}}
        return {"user": {"id": 1, "name": "Ada Admin", "email": EMAIL, "role": self.role}}

    def refused(self, asked: Asked) -> Answer | None:
        if not self.is_known(asked):
            return Answer(401, {"error": "Couldn't authenticate you"})
        if self.role != "admin":
            return Answer(403, {"error": {"title": "Forbidden", "message": "You do not have access to this page."}})
        start = asked.first("start_time")
        if start and int(start) > self.now().timestamp() - 60:
            return Answer(422, {"error": "StartTimeTooRecent", "description": "Too recent start_time."})
        return None

    def listed(self, kind: str, since: int) -> list[dict[str, Any]]:
        last = self.now().timestamp() - 60
        told = [
            (obj.get("generated_timestamp") or seconds(obj["updated_at"]), obj["id"], obj) for obj in self.objects[kind]
        ]
        return [obj for at, _, obj in sorted(told, key=lambda one: one[:2]) if since <= at <= last]

    def by_cursor(self, asked: Asked, kind: str) -> Any:
        refused = self.refused(asked)
        if refused:
            return refused
        if not asked.first("start_time") and not asked.first("cursor"):
            return Answer(400, {"error": "BadRequest", "description": "start_time or cursor is missing"})
        start, place = asked.first("start_time"), 0
        if not start:
            start, _, at = base64.b64decode(asked.first("cursor")).decode().partition("|")
            place = int(at)
        every = self.listed(kind, int(start))
        size = min(int(asked.first("per_page", "1000")), self.page)
        some = every[place : place + size]
        cursor = base64.b64encode(f"{start}|{place + len(some)}".encode()).decode()
        answer: dict[str, Any] = {
            kind: some, "after_cursor": cursor, "after_url": f"{self.url}{asked.path}?cursor={cursor}", "before_cursor": None,
            "before_url": None, "end_of_stream": place + len(some) >= len(every),
        }  # fmt: skip
        if kind == "tickets" and asked.first("include") == "metric_sets":
            told = [self.metrics[obj["id"]] for obj in some if obj["id"] in self.metrics]
            if self.beside:
                answer["metric_sets"] = told
            else:
                answer[kind] = [obj | {"metric_set": self.metrics.get(obj["id"])} for obj in some]
        return answer

    def by_time(self, asked: Asked, kind: str) -> Any:
        refused = self.refused(asked)
        if refused:
            return refused
        start = int(asked.first("start_time"))
        every = self.listed(kind, start)
        size = min(int(asked.first("per_page", "1000")), self.page)
        # all of one second stay together; those of the first second came with the page before, too
        later = [obj for obj in every if seconds(obj["updated_at"]) > start][:size]
        some = [obj for obj in every if not later or obj["updated_at"] <= later[-1]["updated_at"]]
        end = seconds(some[-1]["updated_at"]) if some else start
        return {
            kind: some, "count": len(some), "end_time": end, "end_of_stream": len(some) == len(every),
            "next_page": f"{self.url}{asked.path}?start_time={end}",
        }  # fmt: skip
