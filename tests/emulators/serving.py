"""A small real HTTP server that speaks as another system does: routes, faults on demand, and a record of what it was asked."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Asked:
    """A request: path without query, parameters in order, headers in lower case, the body as it came."""

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes

    def first(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.query if key == name), default)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.query if key == name]

    def json(self) -> Any:
        return json.loads(self.body or b"{}")


@dataclass
class Answer:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Handler = Callable[..., "Answer | dict[str, Any] | list[Any]"]


class Emulator:
    """Subclass it: `routes` maps (method, regular expression of the path) to a method of the class, which is given the request and the
    groups of the expression. `faults` are answers given before anything else, each once."""

    routes: tuple[tuple[str, str, str], ...] = ()

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: list[Answer] = []
        self.lock = threading.RLock()
        emulator = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # head and body are two packets: the second must not wait until the first is acknowledged
            disable_nagle_algorithm = True

            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                parts = urlsplit(self.path)
                asked = Asked(
                    self.command, parts.path, parse_qsl(parts.query, keep_blank_values=True),
                    {name.lower(): value for name, value in self.headers.items()}, self.rfile.read(length),
                )  # fmt: skip
                with emulator.lock:
                    answer = emulator.answer(asked)
                body = (
                    b""
                    if answer.body is None
                    else answer.body
                    if isinstance(answer.body, bytes)
                    else json.dumps(answer.body).encode()
                )
                self.send_response(answer.status)
                told = {"Content-Type": "application/json", **answer.headers, "Content-Length": str(len(body))}
                for name, value in told.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  the names that the server looks for

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Any:
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def allowed(self, asked: Asked) -> Answer | None:
        """An answer of its own to who may not ask; None: they may."""
        return None

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.faults:
            return self.faults.pop(0)
        refused = self.allowed(asked)
        if refused is not None:
            return refused
        for method, pattern, name in self.routes:
            found = re.fullmatch(pattern, asked.path)
            if found and method == asked.method:
                given = getattr(self, name)(asked, *found.groups())
                return given if isinstance(given, Answer) else Answer(200, given)
        return Answer(404, {"error": f"there is no {asked.method} {asked.path}"})
