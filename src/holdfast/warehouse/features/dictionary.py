"""The feature dictionary, read from the comment lines of the SQL files: what a file promises is what it makes."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

from holdfast.domain.feature import GROUPS, Feature

#: the files that make features, in the order in which they run: a later one may read an earlier one
FILES = (
    "usage_volume", "usage_trend", "usage_turn", "usage_breadth", "usage_seats",
    "support_tickets", "support_mood",
    "billing_mrr", "billing_items", "billing_payments",
    "relationship_people", "relationship_touches", "relationship_surveys",
    "contract", "contract_deals",
    "outcome",
    "firmographics",
)  # fmt: skip

#: `-- name | unit | risk | growth | Sentence.`
_LINE = re.compile(r"^-- (\w+) \| ([^|]+) \| ([0+-]) \| ([0+-]) \| (\S.*\S)$", re.MULTILINE)
_SIGN = {"0": 0, "+": 1, "-": -1}


@cache
def text(name: str) -> str:
    """The text of <name>.sql beside this module."""
    return (resources.files("holdfast.warehouse.features") / f"{name}.sql").read_text()


@cache
def features_of(file: str) -> tuple[Feature, ...]:
    """The features that a file makes, in its order; its group is the first word of its name."""
    group = file.split("_")[0]
    return tuple(
        Feature(name, group, unit, _SIGN[risk], _SIGN[growth], sentence)
        for name, unit, risk, growth, sentence in _LINE.findall(text(file))
    )


@cache
def dictionary() -> tuple[Feature, ...]:
    """Every feature, in the order in which `measure` tells them."""
    found = [feature for file in FILES for feature in features_of(file)]
    return tuple(sorted(found, key=lambda feature: GROUPS.index(feature.group)))
