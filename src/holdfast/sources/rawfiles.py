"""Which files of a raw stream are read: those that came, without those that were merged into larger ones."""

from __future__ import annotations

import json
from pathlib import Path

LIST = "_files.json"


def files(folder: Path) -> list[Path]:
    """The Parquet files of a stream's folder, in order of their names; none where there is no folder."""
    if not folder.is_dir():
        return []
    told = json.loads((folder / LIST).read_text()) if (folder / LIST).exists() else {"compacted": [], "replaced": []}
    replaced = frozenset(told["replaced"])
    merged = frozenset(told["compacted"])
    return sorted(
        file
        for file in folder.glob("*.parquet")
        if (file.name in merged if file.name.startswith("compacted") else file.name not in replaced)
    )
