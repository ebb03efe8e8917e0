"""Files of this machine that somebody typed in: only those below folders that the operator named may be read.

HOLDFAST_ALLOW_PATHS    folders, with : between them as in PATH; none: no file of this machine may be named
"""

from __future__ import annotations

import os
from pathlib import Path


class PathError(ValueError):
    """A file or folder that may not be read; the message says why."""


def allowed_folders() -> tuple[Path, ...]:
    """The folders below which files may be named, without links in them."""
    told = os.environ.get("HOLDFAST_ALLOW_PATHS", "")
    return tuple(Path(part).resolve() for part in told.split(os.pathsep) if part.strip() and Path(part).is_absolute())


def require_allowed(path: str) -> Path:
    """The path with all links followed. PathError: it leads elsewhere."""
    if not Path(path).is_absolute() or "\x00" in path:
        raise PathError(f"'{path}' is not a whole path; write it as /data/exports")
    real = Path(path).resolve()
    if not any(real == folder or real.is_relative_to(folder) for folder in allowed_folders()):
        raise PathError(f"{path} is not below a folder that is named in HOLDFAST_ALLOW_PATHS")
    return real
