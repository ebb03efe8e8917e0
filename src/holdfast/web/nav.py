"""Where one can go: the entries of the menu, with the right each one needs and the key that goes there after `g`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from holdfast.web import rights


@dataclass(frozen=True)
class Entry:
    """One entry of the menu."""

    name: str
    title: str
    icon: str
    key: str
    right: str
    group: str = ""
    keeps_lens: bool = False


ENTRIES = (
    Entry("overview", "Overview", "layout-dashboard", "o", "numbers", keeps_lens=True),
    Entry("today", "Today", "sun", "t", "today"),
    Entry("ctas", "CTAs", "flag", "c", "ctas"),
    Entry("revenue", "Revenue", "chart-column", "r", "numbers", keeps_lens=True),
    Entry("accounts", "Accounts", "building-2", "a", "accounts"),
    Entry("risk", "Watch", "heart-pulse", "w", "watch"),
    Entry("board", "Board pack", "presentation", "b", "board", keeps_lens=True),
    Entry("setup", "Setup", "settings", "s", "setup"),
)


def entries_for(user: Any) -> list[Entry]:
    """What a person may go to."""
    return [entry for entry in ENTRIES if rights.may(user, entry.right)]
