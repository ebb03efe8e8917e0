"""Track record: how often the predictions were right here, against simpler ways, and what the product does where they are not better."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from holdfast.charts import numbers, options, watching
from holdfast.charts.charted import Charted, Column
from holdfast.metrics.risk import HORIZONS, TARGETS
from holdfast.web import answers, rights
from holdfast.web.charted import book_charted
from holdfast.web.pages import watch_room as room
from holdfast.web.pages.account_filters import AskedError
from holdfast.web.rights import page

#: the verdict as a headline, by target's word
HEADLINES = {
    "better": "Better than the scorecard at predicting who is {}",
    "not better": "Not better than the scorecard at predicting who is {}",
    "not enough history": "Not enough history to predict who is {}",
}
FALLS_BACK = "The product goes by the scorecard for this, and says so wherever a chance is shown."


@dataclass(frozen=True)
class Way:
    """One way of ranking accounts, by how well it did."""

    title: str
    auc: float | None
    low: float | None
    high: float | None
    sentence: str


@room.with_watch("trackrecord")
def trackrecord(request: HttpRequest) -> HttpResponseBase:
    """The page: all verdicts, and one target and horizon opened."""
    track = room.track_record()
    name, horizon = _chosen(request)
    one = room.target(track, name, horizon)
    sees_money = rights.may(request.user, "numbers")
    return room.shown(
        request, "web/watch/trackrecord.html", "trackrecord", track=track, one=one, target=name, horizon=horizon, targets=room.TARGETS,
        horizons=HORIZONS, verdicts=room.VERDICTS, headline=_headline(one, name), falls_back=FALLS_BACK, ways=_ways(one),
        grid=[(target, [room.target(track, target, days) for days in HORIZONS]) for target in TARGETS],
        calibration=calibration(request), caught=caught(request), forecast=forecast(request) if sees_money else None,
        live=[line for line in track["live"] if line["target"] == name and line["horizon_days"] == horizon],
        origins=list(reversed(one["origins"] or [])) if one else [], currency=track.get("currency") or answers.records().currency,
        # a part is left out where there is nothing to count
        per_hundred=round(one["auc"] * 100) if one and one.get("auc") is not None else None,
    )  # fmt: skip


def _chosen(request: HttpRequest) -> tuple[str, int]:
    """The target and horizon in the address. AskedError: there is no such one."""
    name, days = request.GET.get("target") or "churn", request.GET.get("days") or "90"
    if name not in TARGETS or days not in map(str, HORIZONS):
        raise AskedError(f"target is one of: {', '.join(TARGETS)}; days is one of: {', '.join(map(str, HORIZONS))}")
    return name, int(days)


def _headline(one: dict[str, Any] | None, name: str) -> str:
    if one is None:
        return f"Nothing was learned yet of who is {room.TARGETS[name]}"
    return HEADLINES.get(one["verdict"], "{}").format(room.TARGETS[name])


def _ways(one: dict[str, Any] | None) -> list[Way]:
    if one is None or one.get("auc") is None:
        return []
    return [
        Way(
            "The model", one["auc"], one.get("auc_low"), one.get("auc_high"), "learned from this company's own history"
        ),
        Way("The scorecard", one.get("auc_scorecard"), None, None, "health as the company weighs it by hand"),
        Way("Tenure only", one.get("auc_tenure"), None, None, "the newest customers first, nothing else"),
        Way("A coin", 0.5, None, None, "knows nothing"),
    ]


@book_charted("calibration")
def calibration(request: HttpRequest) -> Charted | None:
    """What was predicted against what happened."""
    name, horizon = _chosen(request)
    one = room.target(room.track_record(), name, horizon)
    steps = (one.get("calibration") if one else None) or []
    if not steps:
        return None
    option = watching.calibration(
        [step["predicted"] for step in steps], [step["observed"] for step in steps], [step["n"] for step in steps]
    )
    columns = (
        Column("Group", "count"),
        Column("Predictions", "count"),
        Column("Predicted", "percent"),
        Column("Happened", "percent"),
    )
    rows = [(n, step["n"], step["predicted"], step["observed"]) for n, step in enumerate(steps, 1)]
    sub = "where 10 % was said, did it happen to 10 %? Dots on the dashed line kept their word"
    return Charted("calibration", "Promised and happened", option, columns, rows, sub)


@book_charted("caught")
def caught(request: HttpRequest) -> Charted | None:
    """How much of what was lost the first tenth of each ranking held."""
    name, horizon = _chosen(request)
    one = room.target(room.track_record(), name, horizon)
    if one is None:
        return None
    told = [
        ("By probability × MRR", one.get("dollars_top_decile_by_worth")), ("By probability", one.get("dollars_top_decile")),
        ("By the scorecard", one.get("dollars_top_decile_scorecard")), ("At random", 0.1),
    ]  # fmt: skip
    known = [(title, share) for title, share in told if share is not None]
    if len(known) < 2:
        return None
    option = options.ranking(
        [title for title, _ in known], [share for _, share in known], options.fmt_percent(numbers.locale())
    )
    what = {
        "churn": "the dollars that left",
        "contraction": "the dollars that were cut",
        "expansion": "the dollars that were won",
    }[name]
    sub = f"of {what}, the share that the first tenth of the accounts held; whoever can look after one in ten begins there"
    return Charted(
        "caught", "Dollars caught by the top 10 %", option, (Column("Ranking"), Column("Share", "percent")), known, sub
    )


@book_charted("book-forecasts")
def forecast(request: HttpRequest) -> Charted | None:
    """Forecasts of the whole book, with their intervals, and what came."""
    if not rights.may(request.user, "numbers"):
        return None
    track, (_, horizon) = room.track_record(), _chosen(request)
    told = sorted(
        (line for line in track["book"] if line["horizon_days"] == horizon), key=lambda line: str(line["day"])
    )
    if len(told) < 2:
        return None
    currency = track.get("currency") or answers.records().currency
    days = [f"{date.fromisoformat(str(line['day'])):%-d %b %y}" for line in told]
    option = watching.forecasts(
        days, [line["forecast_minor"] for line in told], [line["low_minor"] for line in told], [line["high_minor"] for line in told],
        [line.get("actual_minor") for line in told], options.fmt_money(currency, numbers.locale()),
    )  # fmt: skip
    columns = (
        Column("Made on"), Column("MRR then", "money"), Column("Forecast", "money"), Column("From", "money"), Column("To", "money"),
        Column("Came", "money"), Column("Inside"),
    )  # fmt: skip
    rows = [
        (str(line["day"]), line["mrr_minor"], line["forecast_minor"], line["low_minor"], line["high_minor"], line.get("actual_minor"), _inside(line))
        for line in told
    ]  # fmt: skip
    came = [line for line in told if line.get("actual_minor") is not None]
    kept = sum(_inside(line) == "yes" for line in came)
    sub = f"MRR of the accounts {horizon} days later; {kept} of {len(came)} came inside the interval, of which 90 in 100 should"
    return Charted("book-forecasts", "Forecasts of the book", option, columns, rows, sub, currency)


def _inside(line: dict[str, Any]) -> str:
    if line.get("actual_minor") is None:
        return "not yet"
    return "yes" if line["low_minor"] <= line["actual_minor"] <= line["high_minor"] else "no"


urls = [page("trackrecord/", trackrecord, "trackrecord", needs="watch")]
