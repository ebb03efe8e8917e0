"""Posting to an address that somebody typed in, without being led into our own network.

The name is resolved once, every address it stands for is checked, and the connection is made to the address that was checked: a name
that changes its meaning meanwhile changes nothing. Redirects are not followed; of the answer only its status is read.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from holdfast.domain.hosts import HOST, AddressError, allowed_by_name, check, is_literal

#: seconds for each step, and for all of them together
STEP, WHOLE = 10.0, 20.0
#: bytes of a body
LARGEST = 256 * 1024


@dataclass(frozen=True)
class Target:
    """An address taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def is_allowed_by_name(self) -> bool:
        return self.host in allowed_by_name()

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.scheme == "https" else 80) else f"{host}:{self.port}"


def target(url: str) -> Target:
    """An address, checked as far as it can be without asking for its name. AddressError: it cannot be used."""
    if len(url) > 500 or not url.isascii() or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise AddressError("an address has up to 500 plain characters, without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressError(f"'{url}' is not an address; write it as https://example.com/hooks") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise AddressError(f"'{url}' is not an address; write it as https://example.com/hooks")
    if parts.username is not None or parts.password is not None:
        raise AddressError("an address has no user and password in it; the signature says who we are")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    found = Target(
        parts.scheme, parts.hostname.rstrip(".").lower(), port or (443 if parts.scheme == "https" else 80), path
    )
    if found.scheme == "http" and not found.is_allowed_by_name:
        raise AddressError(
            "the address must begin with https://; a host of your own can be named in HOLDFAST_ALLOW_HOSTS"
        )
    if is_literal(found.host):
        if not found.is_allowed_by_name:
            check(found.host)
    elif len(found.host) > 253 or not HOST.fullmatch(found.host):
        raise AddressError(f"'{found.host[:100]}' is not the name of a host")
    return found


def resolved(to: Target) -> list[str]:
    """The addresses of a host, all of them checked. AddressError: one leads inside; OSError: there are none."""
    found = socket.getaddrinfo(to.host, to.port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not to.is_allowed_by_name:
        for address in addresses:
            check(address)
    return addresses


class _Pinned(http.client.HTTPConnection):
    """A connection to an address that was checked, under the name that was asked for."""

    def __init__(self, to: Target, addresses: list[str]) -> None:
        super().__init__(to.host, to.port, timeout=STEP)
        self.to, self.addresses = to, addresses

    def connect(self) -> None:
        last: OSError = OSError("no address")
        for address in self.addresses[:3]:
            try:
                self.sock = socket.create_connection((address, self.to.port), STEP)
                break
            except OSError as error:
                last = error
        else:
            raise last
        if self.to.scheme == "https":
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.to.host)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post a body; the answer's status. AddressError: not there; OSError, http.client.HTTPException: no answer."""
    if len(body) > LARGEST:
        raise AddressError(f"the event has {len(body):,} bytes; up to {LARGEST:,} are sent")
    to = target(url)
    connection = _Pinned(to, resolved(to))
    connection.connect()
    whole = threading.Timer(WHOLE, _cut, [connection.sock])
    whole.daemon = True
    whole.start()
    try:
        connection.putrequest("POST", to.path, skip_host=True, skip_accept_encoding=True)
        for name, value in {
            "Host": to.host_header,
            **headers,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        whole.cancel()
        connection.close()


def _cut(sock: socket.socket) -> None:
    """End a connection that takes too long in all, however busy it keeps us."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
