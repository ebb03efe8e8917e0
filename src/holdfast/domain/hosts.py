"""Addresses that somebody typed in, and those that lead into our own network.

HOLDFAST_ALLOW_HOSTS    host names, with commas, that may be private or answer without TLS
"""

from __future__ import annotations

import ipaddress
import os
import re

#: a host's name: labels of up to 63 letters, digits, - and _
HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
#: networks that lead inside though the address itself looks public: IPv6 forms of IPv4, and translation
TUNNELS = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


class AddressError(ValueError):
    """An address that nothing may be sent to or asked of; the message says why."""


def allowed_by_name() -> frozenset[str]:
    """The host names that may lead inside."""
    return frozenset(
        name.strip().lower() for name in os.environ.get("HOLDFAST_ALLOW_HOSTS", "").split(",") if name.strip()
    )


def is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check(address: str) -> None:
    """AddressError: the address leads into a network of our own, or nowhere."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    inside = not ip.is_global or ip.is_multicast or any(ip in net for net in TUNNELS if net.version == ip.version)
    if inside:
        raise AddressError(f"{address} is a private address; a host of your own can be named in HOLDFAST_ALLOW_HOSTS")
