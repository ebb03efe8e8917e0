"""Intercom as its reference describes it (REST API 2.14): searches by POST with a cursor in the body, and the scroll over companies.

Contact searches know days only. One scroll at a time; it ends with an empty page, expires, and cannot be gone on with after a failure.
"""

from __future__ import annotations

from typing import Any

from .serving import Answer, Asked, Emulator

TOKEN = "ic-access-token"
DAY = 86_400
ALL = frozenset({"admin", "people", "conversations"})


def error(status: int, code: str) -> Answer:
    return Answer(status, {"type": "error.list", "errors": [{"code": code, "message": code}]})


class Intercom(Emulator):
    routes = (
        ("GET", r"/me", "me"),
        ("POST", r"/contacts/search", "contacts_search"),
        ("POST", r"/conversations/search", "conversations_search"),
        ("GET", r"/companies/scroll", "scroll"),
        ("POST", r"/companies/list", "companies_list"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.granted = ALL
        self.page = 150
        self.objects: dict[str, list[dict[str, Any]]] = {"companies": [], "contacts": [], "conversations": []}
        #: the open scroll: its name and place
        self.open: tuple[str, int] | None = None
        #: pages of a scroll after which it breaks
        self.breaks_after: int | None = None

    def put(self, kind: str, obj: dict[str, Any]) -> None:
        self.objects[kind] = [*(one for one in self.objects[kind] if one["id"] != obj["id"]), obj]

    def remove(self, kind: str, key: str) -> None:
        self.objects[kind] = [one for one in self.objects[kind] if one["id"] != key]

    def allowed(self, asked: Asked) -> Answer | None:
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return error(401, "unauthorized")
        if asked.headers.get("intercom-version") != "2.14":
            return error(400, "intercom_version_invalid")
        wanted = "admin" if asked.path == "/me" else "conversations" if "conversations" in asked.path else "people"
        return None if wanted in self.granted else error(403, "token_unauthorized")

    def me(self, asked: Asked) -> Any:
        return {
            "type": "admin",
            "id": "1",
            "name": "Ada Admin",
            "email": "ada@acme.test",
            "app": {"name": "Acme", "id_code": "abc"},
        }

    def contacts_search(self, asked: Asked) -> Any:
        return self._search(asked, "contacts", "data", DAY)

    def conversations_search(self, asked: Asked) -> Any:
        return self._search(asked, "conversations", "conversations", 1)

    def _search(self, asked: Asked, kind: str, part: str, grain: int) -> Any:
        body = asked.json()
        query, paging = body.get("query"), body.get("pagination") or {}
        if not query or query["operator"] != ">" or query["field"] not in ("created_at", "updated_at"):
            return error(400, "parameter_invalid")
        size = paging.get("per_page", 50)
        if size > 150:
            return error(400, "parameter_invalid")
        size = min(size, self.page)
        field = query["field"]
        found = [one for one in self.objects[kind] if one[field] // grain > query["value"] // grain]
        found.sort(key=lambda one: (one[(body.get("sort") or {}).get("field", "created_at")], one["id"]))
        place = int(paging.get("starting_after") or 0)
        after = place + size
        pages: dict[str, Any] = {
            "type": "pages",
            "page": place // size + 1,
            "per_page": size,
            "total_pages": -(-len(found) // size),
        }
        if after < len(found):
            pages["next"] = {"page": after // size + 1, "starting_after": str(after)}
        return {"type": "list", part: found[place:after], "total_count": len(found), "pages": pages}

    def scroll(self, asked: Asked) -> Any:
        named = asked.first("scroll_param")
        if not named:
            if self.open:
                return error(400, "scroll_exists")
            self.open = ("scroll-1", 0)
        elif not self.open or self.open[0] != named:
            return error(404, "not_found")
        name, place = self.open or ("", 0)
        if self.breaks_after is not None and place >= self.breaks_after * self.page:
            self.open = None
            return Answer(
                500,
                {
                    "type": "error.list",
                    "errors": [{"code": "internal_server_error", "message": "restart the scroll operation"}],
                },
            )
        some = self.objects["companies"][place : place + min(100, self.page)]
        self.open = (name, place + len(some)) if some else None
        return {"type": "list", "data": some, "pages": None, "total_count": None, "scroll_param": name}

    def companies_list(self, asked: Asked) -> Any:
        some = self.objects["companies"][: int(asked.first("per_page", "15"))]
        return {
            "type": "list",
            "data": some,
            "pages": {"type": "pages", "next": None},
            "total_count": len(self.objects["companies"]),
        }
