"""How often a key may call: a bucket of tokens that fills up by itself, the same for every process of an install.

HOLDFAST_API_RATE    calls a minute that a key may make in the long run; 600 if left out. A burst may take a minute's calls at once.
"""

from __future__ import annotations

import fcntl
import math
import os
import struct
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from holdfast.desk.start import home_path

STATE = struct.Struct("<dd")


@dataclass(frozen=True)
class Standing:
    """What a key has left after a call."""

    limit: int
    left: int
    #: seconds until the bucket is full again, and until the next call is allowed
    full_in: int
    again_in: int
    is_over: bool

    def headers(self) -> dict[str, str]:
        told = {
            "RateLimit-Limit": str(self.limit), "RateLimit-Remaining": str(self.left), "RateLimit-Reset": str(self.full_in),
            "RateLimit-Policy": f"{self.limit};w=60",
        }  # fmt: skip
        return told | ({"Retry-After": str(self.again_in)} if self.is_over else {})


def per_minute() -> int:
    """Calls a minute of one key."""
    try:
        return max(1, int(os.environ.get("HOLDFAST_API_RATE", "600")))
    except ValueError:
        return 600


def take(key_id: int, now: datetime) -> Standing:
    """Take a token out of a key's bucket."""
    # a file per key under a lock: exact over threads and processes, and without a write to the database for every read
    folder = home_path() / "cache" / "limits"
    path = folder / str(key_id)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        left, standing = _taken(os.pread(handle, STATE.size, 0), now.timestamp(), per_minute())
        os.pwrite(handle, STATE.pack(left, now.timestamp()), 0)
        return standing
    finally:
        os.close(handle)


def _taken(held: bytes, now: float, limit: int) -> tuple[float, Standing]:
    rate = limit / 60
    left, at = STATE.unpack(held) if len(held) == STATE.size else (float(limit), now)
    left = min(float(limit), left + max(0.0, now - at) * rate)
    is_over = left < 1
    left = left if is_over else left - 1
    again = math.ceil((1 - left) / rate) if left < 1 else 0
    return left, Standing(limit, int(left), math.ceil((limit - left) / rate), max(1, again), is_over)


def forget(folder: Path) -> None:
    """Forget every bucket; for tests."""
    for path in (folder / "cache" / "limits").glob("*"):
        path.unlink()
