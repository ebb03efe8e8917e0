"""The dictionary of features: what is counted of every account, over which days, how many have it, and how it is spread now."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase

from holdfast.domain.feature import GROUPS, Feature
from holdfast.metrics import measured
from holdfast.warehouse.features import dictionary
from holdfast.web import answers, show
from holdfast.web.pages import watch_room as room
from holdfast.web.pages.account_reach import reach_of
from holdfast.web.pages.watch_words import amount, direction
from holdfast.web.rights import page

#: units that are called otherwise on the page
UNITS = {"flag": "yes or no", "count": "", "minor units": "money", "points": ""}
NONE = measured.Spread(0, 0, None, None, None)


@dataclass(frozen=True)
class Line:
    """A feature as the page tells it."""

    feature: Feature
    #: how its values are counted, where its sentence does not say it
    unit: str
    #: what more of it means for leaving, and for growing
    risk: str
    growth: str
    coverage: float
    low: str
    middle: str
    high: str


@room.with_watch("features")
def features(request: HttpRequest) -> HttpResponseBase:
    """All features by group; `q` leaves those that have its words."""
    reach, words = reach_of(request), request.GET.get("q", "")[:100].casefold().split()
    spread = answers.ask_records(measured.spread, reach.owners, reach.owner_in)
    found = [one for one in dictionary() if fits(one, words)]
    groups = [
        (group, [_line(one, spread.get(one.name, NONE)) for one in found if one.group == group]) for group in GROUPS
    ]
    template = "web/watch/features_list.html" if show.is_fragment(request) else "web/watch/features.html"
    return room.shown(
        request, template, "features", groups=[(group, lines) for group, lines in groups if lines], found=len(found), total=len(dictionary()),
        text=request.GET.get("q", "")[:100],
    )  # fmt: skip


def fits(one: Feature, words: list[str]) -> bool:
    """Whether a feature has all words in its name, group or sentence."""
    text = f"{one.name} {one.name.replace('_', ' ')} {one.group} {one.sentence}".casefold()
    return all(word in text for word in words)


def _line(one: Feature, spread: measured.Spread) -> Line:
    return Line(
        one, UNITS.get(one.unit, one.unit), direction(one.risk, "leave"), direction(one.growth, "grow"), spread.coverage,
        *(amount(value, one.unit) for value in (spread.low, spread.middle, spread.high)),
    )  # fmt: skip


urls = [page("features/", features, "features", needs="watch")]
