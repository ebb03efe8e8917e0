"""The oracle in one place.

`states` values the priced lines day by day, `changes` turns that into dated changes of entities, `bridge`
into month ends and movements, `retention` into windows.
"""

from .bridge import Ledger, book
from .changes import Change, changes_by_entity
from .retention import Window, balances_before, by_day, retention
from .states import AccountState, Facts, ItemState, Line

__all__ = [
    "AccountState",
    "Change",
    "Facts",
    "ItemState",
    "Ledger",
    "Line",
    "Window",
    "balances_before",
    "book",
    "by_day",
    "changes_by_entity",
    "retention",
]
