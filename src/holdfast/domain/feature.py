"""What a feature is: one number known of an account on a day, from which health, signals and risk are made."""

from __future__ import annotations

from dataclasses import dataclass

#: in the order in which they are shown
GROUPS = ("usage", "support", "billing", "relationship", "contract", "outcome", "firmographics")


@dataclass(frozen=True)
class Feature:
    """One feature; its sentence says what it counts and over which days."""

    name: str
    group: str
    unit: str
    #: +1: the higher, the likelier the account leaves; -1: the less likely; 0: not known beforehand
    risk: int
    #: the same for growing
    growth: int
    sentence: str
