"""Webhooks that come in: each is on disk before it is answered, and becomes part of the connection's next reading.

HOME/connections/<name>/hooks/<digest of its id>.json
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from holdfast.flows.connections import access_of, folder_of
from holdfast.flows.home import Home, HomeError, write_whole
from holdfast.sources.source import Object

#: bytes of a webhook
LARGEST = 1024 * 1024


def take(home: Home, name: str, body: bytes, headers: Mapping[str, str], now: datetime) -> bool:
    """Keep what a connection's system tells of itself; whether it was new. A repeat changes nothing.

    HomeError: there is no such connection, or it takes no webhooks. SourceError: the signature is not theirs.
    """
    source, access = access_of(name)
    if source.hook is None:
        raise HomeError(f"{source.title} sends no webhooks to Holdfast")
    told = source.hook(access, body, headers, now)
    if told is None:
        return False
    folder = folder_of(home, name) / "hooks"
    path = folder / f"{hashlib.sha256(told.id.encode()).hexdigest()[:32]}.json"
    if path.exists():
        return False
    write_whole(path, json.dumps({"stream": told.stream, "obj": told.obj}))
    return True


def waiting(home: Home, name: str) -> tuple[dict[str, list[Object]], list[Path]]:
    """What came and was not read yet, by stream; and its files, to be removed once it is landed."""
    found: dict[str, list[Object]] = {}
    files = sorted(
        (folder_of(home, name) / "hooks").glob("*.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True
    )
    for file in files:
        told = json.loads(file.read_text())
        found.setdefault(told["stream"], []).append(told["obj"])
    return found, files


def is_waiting(home: Home, name: str) -> bool:
    """Whether something came and was not read yet."""
    return next((folder_of(home, name) / "hooks").glob("*.json"), None) is not None
