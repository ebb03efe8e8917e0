"""What Intercom's texts, addresses and ratings mean in ours. Nothing here raises."""

from __future__ import annotations

import html
import re
from typing import Any
from urllib.parse import urlsplit

BREAKS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6])\b[^>]*>", re.IGNORECASE)
TAGS = re.compile(r"<[^>]*>")


def plain(value: Any) -> str:
    """A text without blanks around it; "" for what is none."""
    return value.strip() if isinstance(value, str) else ""


def text_of(value: Any) -> str:
    """The words of a text in HTML, a line for each paragraph."""
    words = html.unescape(TAGS.sub("", BREAKS.sub("\n", plain(value))))
    return "\n".join(line for line in (" ".join(part.split()) for part in words.splitlines()) if line)


def host_of(website: Any) -> str:
    """The internet domain of a web address, however it was typed."""
    typed = plain(website).lower()
    try:
        host = urlsplit(typed if "//" in typed else f"//{typed}").hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if "." in host else ""


def rated(rating: Any) -> int | None:
    """A rating of 1 to 5."""
    given = rating.get("rating") if isinstance(rating, dict) else None
    return given if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 5 else None
