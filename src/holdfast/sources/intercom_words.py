"""What Intercom's texts and ratings mean in ours. Nothing here raises."""

from __future__ import annotations

import html
import re
from typing import Any

BREAKS = re.compile(r"<(?:br|/p|/div|/li|/h[1-6])\b[^>]*>", re.IGNORECASE)
TAGS = re.compile(r"<[^>]*>")


def text_of(value: Any) -> str:
    """The words of a text in HTML, a line for each paragraph."""
    words = html.unescape(TAGS.sub("", BREAKS.sub("\n", value if isinstance(value, str) else "")))
    return "\n".join(line for line in (" ".join(part.split()) for part in words.splitlines()) if line)


def rated(rating: Any) -> int | None:
    """A rating of 1 to 5."""
    given = rating.get("rating") if isinstance(rating, dict) else None
    return given if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 5 else None
