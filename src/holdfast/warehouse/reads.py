"""What was read of a file that never changes, kept for all who read it beside each other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Reads(Generic[K, T]):
    """Answers by key, as many as there is room for; the oldest go first. What is kept is shared: nobody changes it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self._found: dict[K, T] = {}
        self._lock = threading.Lock()

    def get(self, key: K, read: Callable[[], T]) -> T:
        """The answer to a key; `read` finds it where it is not kept. Two who ask at once may both read."""
        with self._lock:
            if key in self._found:
                return self._found[key]
        answer = read()
        with self._lock:
            self._found[key] = answer
            while len(self._found) > self.room:
                del self._found[next(iter(self._found))]
        return answer
