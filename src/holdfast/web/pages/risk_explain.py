"""How was this computed? For MRR at risk, expected MRR and predicted NRR: a page, and a part of one for the drawer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from holdfast.flows import explain_watch as flow
from holdfast.metrics import risk as metrics
from holdfast.web import answers, show
from holdfast.web.pages import watch_room as room
from holdfast.web.pages.account_reach import reach_of
from holdfast.web.pages.risk import one_of
from holdfast.web.rights import page


@dataclass(frozen=True)
class Model:
    """What stands behind the chances of one target."""

    target: str
    title: str
    verdict: str
    pill: str
    auc: float | None
    model: str


@room.with_watch("risk")
def explain(request: HttpRequest, metric: str) -> HttpResponseBase:
    """The figure, opened: of all accounts that the reader sees."""
    if metric not in flow.METRICS:
        raise Http404(f"there is no figure called '{metric}'")
    reach, track = reach_of(request), room.track_record()
    horizon = int(one_of(request, "days", ("30", "90", "180"), "90"))
    told: flow.Explanation = answers.ask_records(flow.explained, metric, horizon, reach.owners, reach.owner_in)
    error = metrics.past_error(track["book"], told.horizon)
    low, high = told.outlook.interval(error)
    nrr = told.parts.expected_minor / told.parts.mrr_minor if told.parts.mrr_minor else None
    query = f"?days={told.horizon}"
    context: dict[str, Any] = {
        "told": told, "metrics": flow.METRICS, "currency": answers.records().currency, "published": answers.current(), "error": error,
        "luck_minor": round(metrics.NINETY * math.sqrt(told.outlook.variance)), "low_minor": low, "high_minor": high, "nrr": nrr, "query": query,
        "models": _models(track, told.horizon), "whole_page": reverse("risk_explain", args=[metric]) + query,
        "all_accounts": reverse("accounts") + "?sort=-at_risk_minor",
    }  # fmt: skip
    if show.is_fragment(request):
        response = render(request, "web/watch/explain_part.html", context | room.watched_at() | {"in_drawer": True})
    else:
        response = room.shown(request, "web/watch/explain.html", "risk", **context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _models(track: dict[str, Any], horizon: int) -> list[Model]:
    told = [(target, room.target(track, target, horizon) or {}) for target in metrics.TARGETS]
    return [
        Model(
            target,
            room.TARGETS[target],
            one.get("verdict") or "",
            room.VERDICTS.get(one.get("verdict") or "", ""),
            one.get("auc"),
            one.get("model") or "",
        )
        for target, one in told
    ]


urls = [page("risk/explain/<slug:metric>/", explain, "risk_explain", needs="watch")]
