"""What a signal says of one account on one day, with the facts behind it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["risk", "opportunity", "lifecycle", "portfolio"]

NOTICE, WARNING, URGENT = 1, 2, 3
#: what a severity is called on screen
SEVERITIES = {NOTICE: "notice", WARNING: "warning", URGENT: "urgent"}


@dataclass(frozen=True)
class Evidence:
    """A fact behind a judgement; where it is a landed row, its table and key."""

    label: str
    value: str
    table: str = ""
    row_id: str = ""


@dataclass(frozen=True)
class Judgement:
    """A signal's verdict: how severe, in a sentence, and why. `account_id` is empty for the whole book."""

    signal: str
    account_id: str
    kind: Kind
    severity: int
    sentence: str
    evidence: tuple[Evidence, ...]
    as_of: date
    #: what else tells two judgements of one signal apart: the segment, or the owner whose book it is
    about: str = ""


def number(value: float, unit: str = "") -> str:
    """A number as it stands in a sentence: 14, 2.3, 52 %, 3 days. Shares are given as parts of one."""
    shown = value * 100 if unit == "%" else value
    digits = 0 if abs(shown) >= 10 or shown == int(shown) or unit == "%" else 1
    # zero has no sign
    text = f"{round(shown, digits) + 0.0:,.{digits}f}"
    if text == "1" and unit != "%":
        unit = "person" if unit == "people" else unit.removesuffix("s")
    return f"{text} {unit}" if unit else text
