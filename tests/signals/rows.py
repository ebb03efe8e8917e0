"""Rows as signals see them, written by hand: what is not named is not known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from holdfast.signals.judging import fires
from holdfast.signals.shelf import signal
from holdfast.signals.signal import Seen, Verdict

DAY = date(2026, 6, 7)


def verdict(name: str, values: Mapping[str, float | str | None]) -> Verdict | None:
    """What a signal says of one account; None where it is quiet, or where something it observes is not known."""
    one = signal(name)
    columns = {"account_id": ["acme"], "as_of": [DAY], **{column: [value] for column, value in values.items()}}
    if not any(fires(one, columns)):
        return None
    assert one.judge is not None
    return one.judge(Seen(columns))
