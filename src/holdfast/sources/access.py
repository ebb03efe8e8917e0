"""How a source is asked: with its settings and secrets, over connections that do not lead into our own network.

Waiting (429, Retry-After), repeating (5xx, broken connections) and paging are dlt's.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from holdfast.domain.hosts import AddressError, allowed_by_name, check

if TYPE_CHECKING:
    from dlt.sources.helpers.rest_client.auth import AuthConfigBase
    from dlt.sources.helpers.rest_client.client import RESTClient
    from dlt.sources.helpers.rest_client.paginators import BasePaginator
    from requests import Session

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

#: seconds to connect and to wait for an answer; attempts; the longest wait is the other system's Retry-After
TIMEOUT, ATTEMPTS = 60.0, 6


@dataclass(frozen=True)
class Access:
    """One connection's way in. Secrets are not part of how it is shown."""

    settings: Mapping[str, str]
    secrets: Mapping[str, str] = field(repr=False)

    def value(self, name: str) -> str:
        """A setting or a secret; "" where there is none."""
        return self.secrets.get(name) or self.settings.get(name, "")

    def client(
        self,
        base_url: str,
        *,
        auth: AuthConfigBase | None = None,
        headers: Mapping[str, str] | None = None,
        paginator: BasePaginator | None = None,
    ) -> RESTClient:
        """A client of a REST API. AddressError: the address may not be asked."""
        from dlt.sources.helpers.rest_client.client import RESTClient

        require_public(base_url)
        return RESTClient(base_url, headers=dict(headers or {}), auth=auth, paginator=paginator, session=self._session)

    @cached_property
    def _session(self) -> Session:
        """One for all clients of the connection: it is dear to make, and keeps its lines open."""
        from dlt.sources.helpers.requests import Client

        client = Client(
            request_timeout=TIMEOUT, request_max_attempts=ATTEMPTS, request_backoff_factor=_pause(), raise_for_status=False,
            respect_retry_after_header=True,
        )  # fmt: skip
        guard(client.session)
        return client.session


def _pause() -> float:
    """Seconds by which the pause between attempts grows."""
    return float(os.environ.get("HOLDFAST_RETRY_PAUSE", "1"))


def require_public(url: str) -> None:
    """AddressError: the address is not one that may be asked."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if not host or parts.scheme not in ("http", "https"):
        raise AddressError(f"'{url}' is not an address; write it as https://api.example.com")
    if parts.scheme == "http" and host not in allowed_by_name():
        raise AddressError(f"{url} must begin with https://; a host of your own can be named in HOLDFAST_ALLOW_HOSTS")


def guard(session: Any) -> None:
    """Let a `requests` session's connections reach public addresses only, and those allowed by name."""
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    def checked(sock: socket.socket, host: str) -> socket.socket:
        if host.lower() not in allowed_by_name():
            try:
                check(str(sock.getpeername()[0]))
            except AddressError:
                sock.close()
                raise
        return sock

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return checked(super()._new_conn(), self.host)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    class Guarded(HTTPAdapter):
        def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    # redirects to plain http of a public host are refused by the address that is asked, not by the one they lead to
    for scheme in ("http://", "https://"):
        session.mount(scheme, Guarded())
