"""Fetching files: those that are new or changed are copied, each whole or not at all, and remembered once they are loaded.

FOLDER/<name below the place>       copies, which are removed when they are loaded
FOLDER/.loaded.json                 name → mark of what was loaded
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from holdfast.sources.access import Access
from holdfast.sources.bucket_places import Listed, place
from holdfast.sources.files.read import SUFFIXES
from holdfast.sources.source import Fetched

LOADED = ".loaded.json"
#: bytes of the largest file that is fetched
LARGEST = 2 * 1024**3
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")


def wanted(access: Access, found: Sequence[Listed]) -> list[Listed]:
    """The files that are of a kind that is read and have a name that was asked for; oldest first, so that the newest is told last."""
    pattern = access.value("pattern").strip() or "*"
    kept = [one for one in found if _is_data(one.name) and fnmatch(one.name, pattern)]
    return sorted(kept, key=lambda one: (one.changed or _LONG_AGO, one.name))


def _is_data(name: str) -> bool:
    parts = PurePosixPath(name).parts
    hidden = any(part.startswith((".", "~$", "_")) for part in parts)
    return (
        not hidden
        and not name.startswith("/")
        and not _CONTROL.search(name)
        and PurePosixPath(name).suffix.lower() in SUFFIXES
    )


def fetch(access: Access, folder: Path) -> Fetched:
    """Copy what is new or changed into `folder`. `done` of the result is called once all of it is loaded: what is not remembered is
    fetched again. SourceError: the place cannot be read."""
    where = place(access)
    found = wanted(access, list(where.listed()))
    loaded = _loaded(folder)
    fresh = [one for one in found if loaded.get(one.name) != one.mark]
    large = [one for one in fresh if one.size > LARGEST]
    copies: list[Path] = []
    for one in fresh:
        if one.size > LARGEST:
            continue
        target = folder / one.name
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(target.name + ".part")
        where.copy(one.name, beside)
        beside.replace(target)
        copies.append(target)
    left_out = tuple(f"{one.name} has {one.size:,} bytes; up to {LARGEST:,} are read" for one in large)
    marks = {one.name: one.mark for one in found if one not in large}
    return Fetched(tuple(copies), lambda: _remember(folder, marks, copies), left_out)


def _loaded(folder: Path) -> dict[str, str]:
    file = folder / LOADED
    told: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return told


def _remember(folder: Path, marks: dict[str, str], copies: Sequence[Path]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    beside = folder / (LOADED + ".part")
    beside.write_text(json.dumps(marks))
    beside.replace(folder / LOADED)
    for copy in copies:
        copy.unlink(missing_ok=True)
