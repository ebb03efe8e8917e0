"""How was this computed? A page, and a part of one for the drawer, for every headline number."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from holdfast.domain.period import month_name
from holdfast.flows import explain as flow
from holdfast.flows import settings_policy
from holdfast.metrics.retention import Segment
from holdfast.web import answers, show
from holdfast.web.lens import Lens
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page

#: columns of the accounts, by metric: what opening, amount and closing are called there
HEADS = {
    "renewal_rate": ("Due", "Lost", "Renewed"),
    "mrr": ("A month before", "MRR", "MRR"),
    "arr": ("A month before", "MRR", "MRR"),
}


def _metric(metric: str) -> str:
    if metric not in flow.METRICS:
        raise Http404(f"there is no number called '{metric}'")
    return metric


@show.with_lens
def explain(request: HttpRequest, lens: Lens, metric: str) -> HttpResponseBase:
    """The number, opened."""
    segment = room.segment_of(request, lens)
    told: flow.Explanation = lens.ask(flow.explained, _metric(metric), lens.window, lens.view, segment)
    context = _context(lens, told, segment)
    if show.is_fragment(request):
        response = render(request, "web/explain/part.html", context | {"lens": lens, "in_drawer": True})
    else:
        response = show.page(request, "web/explain/page.html", lens, section="revenue", **context)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _context(lens: Lens, told: flow.Explanation, segment: Segment) -> dict[str, Any]:
    first, last = month_name(told.window.months[0]), month_name(told.window.months[-1])
    bridge = reverse("revenue_movements") + lens.query(**{"from": first, "month": last}, **room.in_segment(segment))
    if segment and segment[0][1] is None:
        bridge += "&value="
    return {
        "told": told, "ties": flow.ties(told), "settings": settings_policy.said(lens.policy), "published": answers.current(),
        "metrics": [(name, flow.definitions()[name].title) for name in flow.METRICS], "segment": segment,
        "all_accounts": reverse("explain_accounts", args=(told.metric,)) + _query(lens, segment), "opens": opens(told, bridge),
        "window_query": lens.query(**{"from": first, "month": last}), "whole_page": reverse("explain", args=(told.metric,)) + _query(lens, segment),
        "heads": HEADS.get(told.metric, ("Opening", "Moved", "Closing")), "other_query": _query(lens, segment),
    }  # fmt: skip


def _query(lens: Lens, segment: Segment) -> str:
    told = lens.query(**room.in_segment(segment))
    return told + "&value=" if segment and segment[0][1] is None else told


def opens(told: flow.Explanation, bridge: str) -> str:
    """Where a movement can be opened in the bridge: only where the bridge has the same one."""
    return bridge if told.metric in ("net_new_arr", "quick_ratio") else ""


@show.with_lens
def accounts(request: HttpRequest, lens: Lens, metric: str) -> HttpResponseBase:
    """All accounts that make a number, page by page."""
    segment, number, sort = room.segment_of(request, lens), room.page_no(request), room.sort_of(request)
    told: flow.Explanation = lens.ask(flow.explained, _metric(metric), lens.window, lens.view, segment)
    found = lens.ask(flow.accounts, metric, lens.window, lens.view, segment, sort, room.SIZE, (number - 1) * room.SIZE)
    return show.page(
        request, "web/explain/accounts.html", lens, section="revenue", found=found, sort=sort,
        pager=room.Pager(number, found.count), **_context(lens, told, segment),
    )  # fmt: skip


@show.with_lens
def accounts_csv(request: HttpRequest, lens: Lens, metric: str) -> HttpResponseBase:
    """All accounts that make a number, as a file."""
    segment = room.segment_of(request, lens)
    found = flow.accounts(lens.ledger(), _metric(metric), lens.window, lens.view, segment, room.sort_of(request), None)
    rows = [
        [
            o.entity,
            o.account_id,
            o.name or "",
            o.kind,
            lens.currency,
            *(room.major(a, lens.currency) for a in (o.opening, o.amount, o.closing)),
        ]
        for o in found.lines
    ]
    return room.csv(
        request,
        f"{metric}-accounts",
        ["entity", "account", "name", "kind", "currency", "opening", "amount", "closing"],
        rows,
    )


urls = [
    page("explain/<slug:metric>/", explain, "explain", needs="numbers"),
    page("explain/<slug:metric>/accounts/", accounts, "explain_accounts", needs="numbers"),
    page("explain/<slug:metric>/accounts.csv", accounts_csv, "explain_accounts_csv", needs="numbers"),
]
