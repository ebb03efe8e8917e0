"""Which write keys are good: asked of the desk once in a few seconds, not for every call."""

from __future__ import annotations

import hashlib
import threading
import time
from datetime import datetime

#: the one scope of a key that sends events
SCOPE = "events:write"
#: seconds for which an answer is believed, and how many answers are remembered
BELIEVED, REMEMBERED = 3.0, 2_000


class Keys:
    """The keys of this process' desk."""

    def __init__(self, believed: float = BELIEVED) -> None:
        self.believed = believed
        self._answers: dict[bytes, tuple[float, bool]] = {}
        self._one = threading.Lock()

    def is_good(self, key: str, now: datetime) -> bool:
        """Whether a key may send events. A revoked one stops within seconds."""
        known_as = hashlib.sha256(key.encode("utf-8", "replace")).digest()
        told = self._answers.get(known_as)
        if told is not None and time.monotonic() - told[0] < self.believed:
            return told[1]
        with self._one:
            told = self._answers.get(known_as)
            if told is None or time.monotonic() - told[0] >= self.believed:
                if len(self._answers) >= REMEMBERED:
                    self._answers.clear()
                told = self._answers[known_as] = (time.monotonic(), _ask(key, now))
        return told[1]


def _ask(key: str, now: datetime) -> bool:
    from django.db import close_old_connections

    from holdfast.desk.models import ApiKey

    if not key.startswith("hf_") or not key.isascii():
        return False
    # this thread answers no request of Django's, which would look after its connection
    close_old_connections()
    found = ApiKey.known(key)
    if found is None or SCOPE not in found.scopes:
        return False
    found.used(now)
    return True
