"""PostHog as its API reference tells it (November 2026): groups_types, groups by cursor, and the query endpoint, whose HogQL is really run.

An answer has 100 rows unless LIMIT says otherwise, and 50,000 at most. A question asked with `force_async` is answered with its status
(202) and is there when it is looked after. Scopes of the key are checked; a key that is not known is 401.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from .serving import Answer, Asked, Emulator

KEY = "phx_good"
#: HogQL's functions in DuckDB's words
MACROS = """
    create macro toString(x) as cast(x as varchar);
    create macro toDate(x) as cast(x as date);
    create macro toDateTime(x, zone := 'UTC') as timezone(zone, cast(x as timestamp));
    create macro toTimeZone(x, zone) as timezone(zone, x);
    create macro splitByChar(mark, x) as string_split(x, mark);
"""


@dataclass
class Happened:
    """An event."""

    at: str
    event: str
    group: str | None
    person: str
    email: str | None = None
    name: str | None = None


@dataclass
class Project:
    events: list[Happened] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    types: list[str] = field(default_factory=lambda: ["project", "company"])
    now: datetime = field(default_factory=lambda: datetime.fromisoformat("2026-03-10T12:00:00+00:00"))


class PostHog(Emulator):
    routes = (
        ("GET", r"/api/projects/(\d+)/groups_types/", "group_types"),
        ("GET", r"/api/projects/(\d+)/groups/", "groups"),
        ("POST", r"/api/projects/(\d+)/query/", "query"),
        ("GET", r"/api/projects/(\d+)/query/([\w-]+)/", "status"),
    )

    def __init__(self, number: int = 7, page: int = 2) -> None:
        super().__init__()
        self.number, self.page, self.project = number, page, Project()
        self.scopes = {"query:read", "group:read"}
        #: looks at a question before it is answered
        self.looks = 1
        #: the most rows of an answer
        self.most = 50_000
        self.answers: dict[str, tuple[int, Any]] = {}
        self.questions: list[str] = []
        #: the events as a table, and the project's state that it was made of
        self.table: duckdb.DuckDBPyConnection | None = None
        self.made_of: tuple[list[Happened], datetime] | None = None

    def allowed(self, asked: Asked) -> Answer | None:
        if asked.headers.get("authorization") != f"Bearer {KEY}":
            return Answer(
                401,
                {
                    "type": "authentication_error",
                    "code": "authentication_failed",
                    "detail": "Invalid personal API key.",
                },
            )
        found = re.match(r"/api/projects/(\d+)/", asked.path)
        if not found or int(found[1]) != self.number:
            return Answer(404, {"type": "invalid_request", "code": "not_found", "detail": "Project not found."})
        scope = "query:read" if "/query/" in asked.path else "group:read"
        if scope not in self.scopes:
            detail = f"API key missing required scope '{scope}'"
            return Answer(403, {"type": "authentication_error", "code": "permission_denied", "detail": detail})
        return None

    def group_types(self, asked: Asked, number: str) -> list[Any]:
        return [
            {"group_type": name, "group_type_index": index, "name_singular": None, "name_plural": None}
            for index, name in enumerate(self.project.types)
        ]

    def groups(self, asked: Asked, number: str) -> Answer:
        index = asked.first("group_type_index")
        if not index.isdigit():
            return Answer(400, {"type": "validation_error", "detail": "You must pass ?group_type_index= in the URL"})
        these = [one for one in self.project.groups if one["group_type_index"] == int(index)]
        start = int(asked.first("cursor", "0"))
        more = start + self.page < len(these)
        link = f"{self.url}{asked.path}?cursor={start + self.page}&group_type_index={index}" if more else None
        return Answer(200, {"next": link, "previous": None, "results": these[start : start + self.page]})

    def query(self, asked: Asked, number: str) -> Answer:
        told = asked.json()
        assert told["query"]["kind"] == "HogQLQuery"
        try:
            rows = self.run(told["query"]["query"], told["query"].get("values") or {})
        except duckdb.Error as error:
            return Answer(
                400, {"type": "validation_error", "code": "illegal_hogql", "detail": str(error).splitlines()[0]}
            )
        if told.get("refresh") != "force_async":
            return Answer(200, {"results": rows, "hasMore": False})
        name = f"q-{len(self.answers)}"
        self.answers[name] = (self.looks, rows)
        return Answer(
            202, {"query_status": {"id": name, "complete": False, "error": False, "query_async": True, "results": None}}
        )

    def status(self, asked: Asked, number: str, name: str) -> dict[str, Any]:
        looks, rows = self.answers[name]
        self.answers[name] = (looks - 1, rows)
        if isinstance(rows, str):
            return {
                "query_status": {"id": name, "complete": True, "error": True, "error_message": rows, "results": None}
            }
        done = looks <= 1
        return {
            "query_status": {
                "id": name,
                "complete": done,
                "error": False,
                "results": {"results": rows} if done else None,
            }
        }

    def run(self, sql: str, values: dict[str, Any]) -> list[list[Any]]:
        """What ClickHouse would answer, from DuckDB."""
        self.questions.append(sql)
        limit = re.search(r"limit (\d+)", sql)
        assert limit or " group by " not in sql, "without LIMIT an answer has 100 rows"
        for name, value in values.items():
            sql = sql.replace("{" + name + "}", _literal(value))
        # DuckDB gives a macro's default for an argument by its name alone; the pattern stays within the one call
        sql = re.sub(r"toDateTime\((concat\([^()]*\)), ('[^']*')\)", r"toDateTime(\1, zone := \2)", sql)
        sql = re.sub(r"\$group_(\d)", r'"$group_\1"', sql).replace("any(", "any_value(").replace("now()", "moment()")
        return [list(row) for row in self.db().execute(sql).fetchall()[: self.most]]

    def db(self) -> duckdb.DuckDBPyConnection:
        """What happened, as a table; made anew when something more did."""
        state = (list(self.project.events), self.project.now)
        if self.table is None or state != self.made_of:
            self.table, self.made_of = _table(*state), state
        return self.table

    # -- what there is -------------------------------------------------------------------------------------------

    def group(self, key: str, **properties: Any) -> None:
        self.project.groups.append(
            {
                "group_type_index": 1,
                "group_key": key,
                "group_properties": properties,
                "created_at": "2026-01-01T00:00:00Z",
            }
        )

    def happened(self, at: str, event: str, group: str | None, person: str, times: int = 1, **more: Any) -> None:
        self.project.events += [Happened(at, event, group, person, **more)] * times

    def days(self, first: date, count: int, group: str) -> None:
        """An event a day."""
        for place in range(count):
            self.happened(f"{first + timedelta(days=place)}T10:00:00Z", "report", group, "p1")


def _table(events: list[Happened], now: datetime) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute("set timezone = 'UTC'")
    db.execute(MACROS)
    db.execute(f"create macro moment() as timestamptz '{now.isoformat()}'")
    db.execute(
        'create table events (timestamp timestamptz, event varchar, "$group_0" varchar, "$group_1" varchar, person_id varchar, '
        "person struct(properties struct(email varchar, name varchar)))"
    )
    if events:
        db.executemany(
            "insert into events values (?, ?, '', ?, ?, {'properties': {'email': ?, 'name': ?}})",
            [[one.at, one.event, one.group or "", one.person, one.email, one.name] for one in events],
        )
    return db


def _literal(value: Any) -> str:
    if isinstance(value, list):
        return "(" + ", ".join(_literal(one) for one in value) + ")"
    return "'" + str(value).replace("'", "''") + "'"
