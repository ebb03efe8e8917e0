"""How the watch is put into words: amounts with their units, directions, points, and names of features."""

from __future__ import annotations

from functools import cache

from holdfast.charts import numbers
from holdfast.domain.feature import Feature
from holdfast.domain.scorecard import Band
from holdfast.domain.sentiment import VALUES as SENTIMENTS
from holdfast.flows import scorecards
from holdfast.warehouse.features import dictionary
from holdfast.web import answers

#: kinds of signals: what they are called, and the colour of their pill
KINDS = {
    "risk": ("Early warning", "bad"), "opportunity": ("Opportunity", "good"), "lifecycle": ("Lifecycle", "info"),
    "portfolio": ("Portfolio", "warn"),
}  # fmt: skip
#: how grave a signal is: what it is called, and the colour of its pill
SEVERITIES = {1: ("notice", "info"), 2: ("warning", "warn"), 3: ("urgent", "bad")}
#: how good the bands are that come along
USUAL = {"green": "good", "yellow": "warn", "red": "bad"}
#: units that are parts of one
SHARES = ("share", "%")

__all__ = [
    "KINDS",
    "SENTIMENTS",
    "SEVERITIES",
    "amount",
    "bands",
    "chance",
    "direction",
    "in_force",
    "of_name",
    "points",
    "title",
    "tones",
]


def in_force() -> tuple[Band, ...]:
    """The bands of the home, best first; read once a page."""
    return answers.looked(scorecards.bands, answers.home())


def bands() -> list[tuple[str, float, str]]:
    """The bands in force, best first: name, the score at which it begins, and how good it is: good, warn or bad."""
    found = in_force()
    last = len(found) - 1
    return [
        (one.name, one.floor, USUAL.get(one.name) or ("good" if n == 0 else "bad" if n == last else "warn"))
        for n, one in enumerate(found)
    ]


def tones() -> dict[str, str]:
    """Band: good, warn or bad."""
    return {name: tone for name, _, tone in bands()}


def chance(value: float | None) -> str:
    """A probability: 7.4 %, 38 %"""
    return "—" if value is None else numbers.percent(round(value, 4), 1 if value < 0.1 else 0)


@cache
def of_name() -> dict[str, Feature]:
    """The features by name."""
    return {one.name: one for one in dictionary()}


def title(name: str) -> str:
    """What a feature is called where nothing else is: events_trend_4w_12w → Events trend 4w 12w"""
    words = name.replace("_", " ")
    return words[:1].upper() + words[1:]


def amount(value: float | None, unit: str) -> str:
    """A feature's value as one writes it: 14, 2.3, 52 %, 3 days; — where it is not known."""
    if value is None or value != value:
        return "—"
    if unit in SHARES:
        return numbers.percent(round(value, 4), 0 if abs(value) >= 0.1 or not value else 1)
    if unit == "flag":
        return "yes" if value else "no"
    if unit == "minor units":
        return numbers.money_whole(round(value), answers.records().currency)
    digits = 0 if value == int(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = numbers.count(round(value, digits), digits)
    if unit in ("days", "day"):
        return f"{text} day{'' if text == '1' else 's'}"
    return f"{text} h" if unit == "hours" else text


def direction(sign: int, what: str) -> str:
    """What more of a feature means: likelier to leave, less likely, not known beforehand."""
    return {1: f"likelier to {what}", -1: f"less likely to {what}"}.get(sign, "")


def points(value: float | None) -> str:
    """A move of a score: +3.2, −12"""
    if value is None:
        return "—"
    text = numbers.count(round(abs(value), 1), 0 if value == int(value) else 1)
    return f"{'+' if value > 0 else chr(0x2212) if value < 0 else ''}{text}"
