"""Taking turns: what must not be done by two at once waits here. SQLite's transactions take turns by themselves; PostgreSQL's do not."""

from __future__ import annotations

from holdfast.desk.models import BookSettings


def take_turn() -> None:
    """Within a transaction: whoever comes second waits until the first has committed, and then sees what it wrote."""
    BookSettings.now()
    BookSettings.objects.select_for_update().get(pk=1)
