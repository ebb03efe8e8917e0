"""What all pages of the watch have in common: tabs, what stands there before the first watch, and how things are called and coloured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views.decorators.http import require_safe

from holdfast.flows import watched as flow
from holdfast.flows.home import HomeError
from holdfast.web import answers, rights, show
from holdfast.web.pages.account_reach import with_records
from holdfast.web.pages.watch_words import KINDS, SENTIMENTS, SEVERITIES, bands, tones

__all__ = [
    "KINDS", "SENTIMENTS", "SEVERITIES", "TABS", "TARGETS", "VERDICTS", "bands", "caution", "shown", "signal_record", "signal_title",
    "target", "tones", "track_record", "watched_at", "with_watch",
]  # fmt: skip

View = Callable[..., HttpResponseBase]

TABS = (
    ("risk", "Risk"), ("signals", "Signals"), ("scorecards", "Health"), ("trackrecord", "Track record"), ("features", "Features"),
)  # fmt: skip

#: what the targets are called: what happens, and the chance of it
TARGETS = {"churn": "leaving", "contraction": "shrinking", "expansion": "growing"}
#: what a verdict's pill looks like
VERDICTS = {
    "better": "good", "not better": "bad", "not enough history": "warn", "useful": "good", "noise": "bad", "too few to tell": "warn",
}  # fmt: skip


def shown(request: HttpRequest, template: str, tab: str, **context: Any) -> HttpResponse:
    """A page of the room."""
    whose = {"is_own_book": rights.book_of(request.user) is not None}
    return show.page(request, template, section="risk", tab=tab, tabs=TABS, **(watched_at() | whose | context))


def watched_at() -> dict[str, Any]:
    """What stands beside every figure of the watch: its day, and whether something was booked since."""
    told = answers.watch()
    if told is None:
        return {"watch": None}
    return {"watch": told, "watched_on": told.day, "is_behind": told.generation != answers.generation()}


def with_watch(tab: str) -> Callable[[View], View]:
    """A view over what is watched. Before the first watch the page says what to do."""

    def made(view: View) -> View:
        @require_safe
        @with_records
        @wraps(view)
        def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if answers.records().watch is None:
                return shown(request, "web/watch/nothing.html", tab)
            return view(request, *args, **kwargs)

        return told

    return made


def track_record() -> dict[str, Any]:
    """What the predictions were worth; without targets where nothing is written down."""
    return _told(
        "track", flow.track_record, {"targets": [], "live": [], "book": [], "leading": [], "drift": [], "models": []}
    )


def signal_record() -> dict[str, dict[str, Any]]:
    """What each signal was worth, by its name."""
    told = _told("signals", flow.signal_record, {"signals": []})
    return {one["signal"]: one for one in told["signals"]}


def _told(name: str, read: Callable[..., dict[str, Any]], without: dict[str, Any]) -> dict[str, Any]:
    current = answers.watch()
    if current is None:
        return without

    def look() -> dict[str, Any]:
        try:
            return without | read(answers.home())
        except (HomeError, FileNotFoundError):
            return without

    return answers.kept(("watch", str(answers.home().path), current.number, current.watched_at, name), look)


def target(track: dict[str, Any], name: str, horizon: int) -> dict[str, Any] | None:
    """The record of one target and horizon."""
    return next((one for one in track["targets"] if one["target"] == name and one["horizon_days"] == horizon), None)


@dataclass(frozen=True)
class Caution:
    """What a reader has to know before believing the chances: the model's verdict where it is not `better`."""

    verdict: str
    why: str
    needs: int | None


def caution(track: dict[str, Any], horizon: int = 90) -> Caution | None:
    """Why chances of leaving are not to be taken at their word; None: the model is better than the scorecard."""
    found = target(track, "churn", horizon)
    if found is None or found.get("verdict") == "better":
        return None
    return Caution(found["verdict"], found.get("why") or "", found.get("needs"))


def signal_title(name: str) -> str:
    """What a signal is called; its name in words where nothing is written down of it."""
    told = signal_record().get(name)
    return str(told["title"]) if told and told.get("title") else name.replace("_", " ").capitalize()
