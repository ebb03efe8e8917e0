"""Reading a source from end to end in a test: from the emulator into raw landing, and from there into rows of the fact tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from holdfast.sources.access import Access
from holdfast.sources.raw import Raw
from holdfast.sources.reading import Place, Pulled, pull
from holdfast.sources.source import Facts, Object, Source, Told


class Reader:
    """A connection of a test, without a desk: `pull` as often as you like, then `facts`."""

    def __init__(self, source: Source, folder: Path, settings: Mapping[str, str], secrets: Mapping[str, str]) -> None:
        self.source, self.access = source, Access(settings, secrets)
        self.place = Place(folder / "raw" / "it", folder / "work")
        self.raw = Raw(self.place.raw)

    def pull(self, now: datetime, *, whole: bool = False, kept: Mapping[str, Sequence[Object]] | None = None) -> Pulled:
        return pull(self.source, self.access, self.place, now, whole=whole, kept=kept)

    def facts(self, now: datetime, timezone: str = "UTC", currency: str = "USD") -> Facts:
        """What all groups say together."""
        names = [stream.name for stream in self.source.streams]
        shared = {stream.name: self.raw.shared(stream.name) for stream in self.source.streams if stream.is_shared}
        whole = Facts()
        for group, objects in self.raw.told(names, self.raw.every_group(names)):
            found = self.source.facts(Told(group, objects, shared, timezone, currency, self.access.settings, now))
            for table, rows in found.rows.items():
                whole.rows.setdefault(table, []).extend(rows)
            whole.parties += found.parties
            whole.bad += found.bad
        return whole
