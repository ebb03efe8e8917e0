"""Health of all accounts: how they are spread, the scorecards with what they are worth, and the text of them with a preview before it counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from holdfast.domain.scorecard import Measure, Scorecard, ScorecardError
from holdfast.flows import scorecards as flow
from holdfast.metrics import health
from holdfast.metrics.health import Spread
from holdfast.web import answers, doing, rights
from holdfast.web.pages import watch_room as room
from holdfast.web.pages import watch_words as words
from holdfast.web.pages.account_filters import attribute_title
from holdfast.web.pages.account_reach import reach_of, with_records
from holdfast.web.rights import page

#: accounts of the lists
SOME = 8
#: the longest text of scorecards
LONGEST = 100_000


@dataclass(frozen=True)
class Row:
    """The accounts of one scorecard, or of all: how many there are in each band; the last number has no score."""

    title: str
    accounts: int
    mrr_minor: int
    at_risk_minor: int
    counts: list[int]

    @property
    def shares(self) -> list[tuple[float, float]]:
        """Where each part of a bar begins, and how wide it is, in percent."""
        made, at = [], 0.0
        for count in self.counts:
            width = 100 * count / self.accounts if self.accounts else 0.0
            made.append((round(at, 2), round(width, 2)))
            at += width
        return made


@dataclass(frozen=True)
class Line:
    """A measure as the page tells it: its share of the whole score, and its worst and best value."""

    measure: Measure
    share: float
    bad: str
    good: str


@dataclass(frozen=True)
class Card:
    """A scorecard as the page tells it."""

    card: Scorecard
    title: str
    who: list[tuple[str, str]]
    groups: list[tuple[str, float, list[Line]]]


@room.with_watch("scorecards")
def scorecards(request: HttpRequest) -> HttpResponseBase:
    """The page."""
    reach, home = reach_of(request), answers.home()
    error, cards = "", []
    try:
        cards = [_card(one) for one in flow.cards(home)]
    except ScorecardError as refusal:
        error = str(refusal)
    bands = room.bands()
    spread = answers.ask_records(health.spread, reach.owners, reach.owner_in)
    return room.shown(
        request, "web/watch/scorecards.html", "scorecards", cards=cards, error=error, bands=bands, rows=_rows(spread, bands, cards),
        tones=room.tones(), currency=answers.records().currency, record=_worth(), may_edit=rights.may(request.user, "scorecards"),
        is_own=flow.is_own(home), fell=answers.ask_records(health.fell, SOME, reach.owners, reach.owner_in),
        apart=answers.ask_records(health.apart, tuple(name for name, _, _ in bands), SOME, reach.owners, reach.owner_in), sentiments=room.SENTIMENTS,
    )  # fmt: skip


def _rows(spread: list[Spread], bands: list[tuple[str, float, str]], cards: list[Card]) -> list[Row]:
    titles = {one.card.name: one.title for one in cards}
    names = sorted(
        {one.scorecard for one in spread}, key=lambda name: list(titles).index(name) if name in titles else 99
    )
    rows = [
        _row(titles.get(name, name or "No scorecard"), [one for one in spread if one.scorecard == name], bands)
        for name in names
    ]
    return [*rows, _row("All accounts", spread, bands)] if len(rows) > 1 else rows


def _row(title: str, some: list[Spread], bands: list[tuple[str, float, str]]) -> Row:
    counts = [sum(one.accounts for one in some if one.band == name) for name, _, _ in bands]
    every = sum(one.accounts for one in some)
    return Row(
        title,
        every,
        sum(one.mrr_minor for one in some),
        sum(one.at_risk_minor for one in some),
        [*counts, every - sum(counts)],
    )


def _card(card: Scorecard) -> Card:
    whole = sum(group.weight for group in card.groups)
    groups = []
    for group in card.groups:
        inside = sum(one.weight for one in group.measures)
        lines = [
            Line(
                one,
                group.weight / whole * one.weight / inside,
                *(words.amount(value, _unit(one)) for value in (one.bad, one.good)),
            )
            for one in group.measures
        ]
        groups.append((group.name, group.weight / whole, lines))
    who = [(attribute_title(name), ", ".join(values)) for name, values in card.when.items()]
    return Card(card, card.title or card.name, who, groups)


def _unit(one: Measure) -> str:
    feature = words.of_name().get(one.feature)
    return feature.unit if feature else one.unit


def _worth() -> dict[str, Any] | None:
    """How well health told who leaves, by the track record."""
    return room.target(room.track_record(), "churn", 90)


@with_records
def edit(request: HttpRequest) -> HttpResponse:
    """The text of the scorecards: look what a change would do, and put it in force."""
    home = answers.home()
    given = (
        request.POST.get("text", "").replace("\r\n", "\n")[:LONGEST] if request.method == "POST" else flow.text(home)
    )
    told: dict[str, Any] = {"text": given, "is_own": flow.is_own(home), "lines": given.count("\n") + 1}
    status = 200
    if request.method == "POST":
        try:
            if "reset" in request.POST:
                flow.reset(home, request.user, answers.now(), doing.ip(request))
                doing.say(request, "good", "The scorecards that come along are in force again, from the next watch on.")
                return doing.see("scorecards")
            if "save" in request.POST:
                flow.save(home, given, request.user, answers.now(), doing.ip(request))
                doing.say(
                    request, "good", "The scorecards are saved. Every account is scored by them from the next watch on."
                )
                return doing.see("scorecards")
            told |= {"preview": _preview(given), "looked": True}
        except ScorecardError as refusal:
            status = 400
            told |= {"error": str(refusal), "error_line": flow.line_of(given, str(refusal))}
            told["error_text"] = _line(given, told["error_line"])
    response = room.shown(
        request,
        "web/watch/scorecards_edit.html",
        "scorecards",
        tones=room.tones(),
        currency=answers.records().currency,
        **told,
    )
    response.status_code = status
    return response


def _preview(given: str) -> flow.Preview | None:
    """None: nothing is watched yet, so that there is nothing to hold it against."""
    records = answers.records()
    if records.watch is None:
        flow.read(given)
        return None
    return flow.preview(answers.home(), given, records, answers.Source(answers.home().policy()).ledger())


def _line(given: str, number: int | None) -> str:
    told = given.splitlines()
    return told[number - 1].strip() if number and number <= len(told) else ""


urls = [
    page("health/", scorecards, "scorecards", needs="watch"),
    page("health/edit/", edit, "scorecards_edit", needs="scorecards"),
]
