"""Ids of other systems in addresses: what a step of an address cannot carry is written as ~ and two hexadecimal digits."""

from __future__ import annotations

import re

from django.urls import register_converter

_MARKED = re.compile(r"(?:~[0-9A-Fa-f]{2})+")


class External:
    """`{external:account_id}`: any text; a slash is written ~2F, and a ~ before two hexadecimal digits ~7E."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return _MARKED.sub(_opened, value)

    def to_url(self, value: str) -> str:
        text = "".join("~%02X" % ord(sign) if sign in "~/\\?#%" else sign for sign in value)  # noqa: UP031 - two digits each
        return text.replace(".", "~2E") if set(text) == {"."} else text


def _opened(match: re.Match[str]) -> str:
    try:
        return bytes.fromhex(match[0].replace("~", "")).decode()
    except UnicodeDecodeError:
        return match[0]


register_converter(External, "external")
