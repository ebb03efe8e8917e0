"""The signal that docs/adding.md shows fits the shelf and works as it stands there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from holdfast.domain.judgement import URGENT, WARNING
from holdfast.signals.judging import fires
from holdfast.signals.shelf import put
from holdfast.signals.signal import Signal
from holdfast.warehouse.features import dictionary
from tests.docs.pages import DOCS, blocks


def shown() -> Signal:
    [code] = [block.text for block in blocks(DOCS / "adding.md", "python") if "SIGNAL = Signal(" in block.text]
    scope: dict[str, Any] = {}
    exec(compile(code, str(Path("adding.md")), "exec"), scope)
    signal: Signal = scope["SIGNAL"]
    return signal


def test_it_fits_the_shelf() -> None:
    found: dict[str, Signal] = {}
    put(found, "gone_quiet.py", shown(), {feature.name for feature in dictionary()})
    assert list(found) == ["gone_quiet"]


def test_it_says_what_the_page_says() -> None:
    columns = {"account_id": list("abcd"), "days_since_last_use": [13.0, 14.0, 30.0, None]}
    assert fires(shown(), columns) == [0, WARNING, URGENT, 0]
