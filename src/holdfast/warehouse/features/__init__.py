"""Features: what is known of each paying account on a day, defined in SQL files with a sentence each, as known on that day."""

from __future__ import annotations

from holdfast.warehouse.features.dictionary import dictionary
from holdfast.warehouse.features.measuring import measure

__all__ = ["dictionary", "measure"]
