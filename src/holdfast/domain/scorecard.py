"""What a scorecard is: groups of measures with weights and thresholds, and which accounts it is for.

A score goes from 0 (bad) to 100 (good), everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BAD, GOOD = 0.0, 100.0
#: share of the weights that has to be known for a score
KNOWN_SHARE = 0.4


class ScorecardError(ValueError):
    """Scorecards that cannot be used; the message names table, key and what to do."""


@dataclass(frozen=True)
class Band:
    """Scores from `floor` on, up to the next band."""

    name: str
    floor: float


#: best first
BANDS = (Band("green", 80.0), Band("yellow", 65.0), Band("red", 0.0))


@dataclass(frozen=True)
class Measure:
    """One feature on the scale: at `bad` (and beyond) 0, at `good` (and beyond) 100, in a line between."""

    feature: str
    label: str
    weight: float
    bad: float
    good: float
    #: how its values are written: "%", "days" …
    unit: str = ""

    def level(self, value: float) -> float:
        """0 to 100."""
        return min(max((value - self.bad) / (self.good - self.bad), 0.0), 1.0) * GOOD


@dataclass(frozen=True)
class Group:
    """Measures that count together, with one weight."""

    name: str
    weight: float
    measures: tuple[Measure, ...]


@dataclass(frozen=True)
class Scorecard:
    """How accounts of a kind are scored."""

    name: str
    groups: tuple[Group, ...]
    title: str = ""
    #: attribute → values that it is for; empty: all accounts that no other is for
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    known_share: float = KNOWN_SHARE
    bands: tuple[Band, ...] = BANDS

    def fits(self, attributes: Mapping[str, str | None]) -> bool:
        """Whether it is for an account with these attributes; capitals do not count."""
        return all(
            (attributes.get(name) or "").casefold() in {one.casefold() for one in values}
            for name, values in self.when.items()
        )

    @property
    def measures(self) -> tuple[Measure, ...]:
        return tuple(measure for group in self.groups for measure in group.measures)


def chosen(scorecards: Iterable[Scorecard], attributes: Mapping[str, str | None]) -> Scorecard:
    """The first scorecard that fits, the default last. ScorecardError: there is none."""
    ordered = sorted(scorecards, key=lambda card: not card.when)
    for card in ordered:
        if card.fits(attributes):
            return card
    raise ScorecardError("no scorecard is for every account: add one without `when`")


def is_known(value: float | None) -> bool:
    """Whether a feature's value says anything."""
    return value is not None and not math.isnan(value)


def band(score: float, bands: tuple[Band, ...] = BANDS) -> Band:
    """The band that a score lies in."""
    return next(one for one in bands if score >= one.floor)
