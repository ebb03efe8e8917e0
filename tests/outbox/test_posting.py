"""Nothing that somebody typed in leads into our own network."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from holdfast.flows import posting
from holdfast.flows.posting import AddressError

from .receivers import Hook

PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.5.4", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "255.255.255.255",
    "[::1]", "[fe80::1]", "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]",
]  # fmt: skip


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_refused(host: str) -> None:
    with pytest.raises(AddressError, match="private"):
        posting.target(f"https://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "https://", "https:///x", "example.com", "https://a:b@example.com/", "http://example.com/",
        "https://exa mple.com/", "https://example.com:99999/", "https://example.com/\r\nHost: x", "https://é.example/", "file:///etc/passwd",
        "https://-/", f"https://{'a' * 64}.com/", "https://[::1", "https://" + "a." * 200 + "com/", "https://a..b/",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(AddressError):
        posting.target(url)


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "localhost", "localhost."])
def test_a_name_that_means_a_private_address_is_refused(host: str) -> None:
    with pytest.raises((AddressError, OSError)):
        posting.resolved(posting.target(f"https://{host}/"))


def test_a_name_of_which_one_address_is_private_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    with pytest.raises(AddressError, match=r"10\.0\.0\.1"):
        posting.resolved(posting.target("https://rebind.example/"))


def test_the_name_is_asked_once_and_the_address_that_was_checked_is_used(
    hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that means a public address when it is checked, and ours when it is connected to."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def changing(host: str, *rest: Any, **named: Any) -> Any:
        if host == "rebind.example":
            asked.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1" if len(asked) > 1 else "127.0.0.1", 443))]
        return real(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "rebind.example")
    port = hook.url.split(":")[2].split("/")[0]
    assert posting.post(f"http://rebind.example:{port}/x", b"{}", {}) == 204
    assert asked == ["rebind.example"]
    assert hook.requests[0][1]["Host"] == f"rebind.example:{port}"


def test_a_host_that_is_named_may_be_private(hook: Hook) -> None:
    assert posting.post(hook.url, b"{}", {}) == 204


def test_one_that_is_not_named_may_not(hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "other.internal")
    with pytest.raises(AddressError):
        posting.post(hook.url, b"{}", {})
    assert not hook.requests


def test_a_body_has_a_bound(hook: Hook) -> None:
    with pytest.raises(AddressError, match="bytes"):
        posting.post(hook.url, b"x" * (posting.LARGEST + 1), {})


def test_a_receiver_that_drips_is_cut_off(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import http.client
    import threading
    import time

    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "localhost")
    monkeypatch.setattr(posting, "WHOLE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.recv(65_536)
                    for sign in b"HTTP/1.1 200 OK, but it takes a very long time to say so, sign after sign after sign":
                        connection.sendall(bytes([sign]))
                        time.sleep(0.1)
                except OSError:
                    return

        threading.Thread(target=drip, daemon=True).start()
        begun = time.monotonic()
        with pytest.raises((OSError, http.client.HTTPException)):
            posting.post(f"http://localhost:{server.getsockname()[1]}/", b"{}", {})
        assert time.monotonic() - begun < 5
