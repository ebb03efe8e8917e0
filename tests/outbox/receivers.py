"""Real receivers: a mail server and an address for webhooks, each on a port of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """A mail server that keeps what it is given. `says` is its answer to each message."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.says: Callable[[], str] = lambda: "250 Message accepted for delivery"
        self.refuses = ""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.messages.append(message_from_bytes(envelope.content, policy=default))
        return self.says()


@contextmanager
def mail_server(mailbox: Mailbox) -> Iterator[int]:
    """The port of a mail server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


class Hook:
    """An address for webhooks: it keeps each request, and answers with `status` after `pause`."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.status: int | Callable[[], int] = 204
        self.pause: threading.Event | None = None
        self.headers: dict[str, str] = {}
        self.url = ""


@contextmanager
def hook_server(hook: Hook) -> Iterator[Hook]:
    """The address, served."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            hook.requests.append((self.path, dict(self.headers.items()), body))
            if hook.pause is not None:
                hook.pause.wait(30)
            self.send_response(hook.status() if callable(hook.status) else hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hook.url = f"http://localhost:{server.server_port}/hooks?from=holdfast"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
