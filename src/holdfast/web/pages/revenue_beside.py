"""Revenue beside itself: under all policies, as known against as restated, and against the invoices."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse

from holdfast.domain.period import Window, month_start, parse_day
from holdfast.domain.policy import Policy
from holdfast.flows import compare, settings_policy
from holdfast.flows import revenue as flow
from holdfast.flows import revenue_known as known_flow
from holdfast.metrics import reconcile as reconcile_metric
from holdfast.metrics import restated
from holdfast.metrics import retention as retention_metric
from holdfast.metrics.reconcile import Reconciliation
from holdfast.web import answers, rights, show
from holdfast.web.answers import Source
from holdfast.web.lens import Lens, LensError
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page

#: accounts told of where two policies differ
WHY = 20
#: months of the two stories told side by side
MONTHS = 12


def compared(lens: Lens) -> list[compare.Compared]:
    """The window under all policies. room.Working: they are being counted."""
    home, window, view = answers.home(), lens.window, lens.view
    return room.later(
        "policies", (window, view, *_policies()), lambda step: compare.compare(home, window, view, step=step)
    )


def _policies() -> tuple[Policy, ...]:
    return tuple(answers.home().policies().values())


def told_policies(found: list[compare.Compared], base: Policy) -> list[dict[str, Any]]:
    """Each policy's figures with what makes it another one."""
    return [
        {
            "one": one,
            "is_base": one.policy.name == base.name,
            "differences": settings_policy.differences(base, one.policy),
        }
        for one in found
    ]


@show.with_lens
def policies(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The window under all policies side by side."""
    base = answers.home().policy()

    def found() -> dict[str, Any]:
        return {"told": told_policies(compared(lens), base)}

    return room.part_or_page(
        request, lens, "web/revenue/policies.html", "web/revenue/policies_part.html", "revenue_policies", found, base=base, lens_query=lens.query()
    )  # fmt: skip


@show.with_lens
def policies_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The policies as a file; a page that waits while they are being counted."""
    try:
        found = compared(lens)
    except room.Working:
        return redirect(reverse("revenue_policies") + lens.query())
    columns = [
        "policy",
        "title",
        "accounts",
        "currency",
        "opening",
        "closing",
        "nrr",
        "grr",
        "logo_retention",
        "refused",
    ]
    rows = []
    for one in found:
        row = one.row
        figures = (
            [
                row.counts.accounts,
                lens.currency,
                room.major(row.counts.opening, lens.currency),
                room.major(row.counts.closing, lens.currency),
            ]
            if row
            else ["", "", "", ""]
        )
        figures += [room.rate(value) for value in (row.nrr, row.grr, row.logo_retention)] if row else ["", "", ""]
        rows.append([one.policy.name, one.policy.title, *figures, one.refused])
    return room.csv(request, "policies", columns, rows)


@show.with_lens
def why(request: HttpRequest, lens: Lens, other: str) -> HttpResponseBase:
    """Why two policies differ, account by account."""
    home, window, view = answers.home(), lens.window, lens.view
    base, theirs = home.policy(), home.policy(other)

    def found() -> dict[str, Any]:
        accounts = room.later(
            "why", (window, view, base, theirs), lambda step: compare.why(home, window, view, theirs, WHY, step)
        )
        lines = [(one, [_titled(text) for text in one.because]) for one in accounts]
        return {"lines": lines, "formula": [_titled(text) for text in compare.formula_differences(base, theirs)]}

    return room.part_or_page(
        request, lens, "web/revenue/why.html", "web/revenue/why_part.html", "revenue_policies", found, base=base, theirs=theirs,
        differences=settings_policy.differences(base, theirs), limit=WHY, lens_query=lens.query(),
    )  # fmt: skip


def _titled(text: str) -> str:
    """`grr: capped → summed` with the setting's title instead of its name."""
    name, colon, rest = text.partition(":")
    return f"{settings_policy.WORDS[name][1]}{colon}{rest}" if colon and name in settings_policy.WORDS else text


def day_of(request: HttpRequest, lens: Lens) -> date:
    """The day of the older story; the end of the last quarter but one where none is given."""
    given = request.GET.get("on")
    if given:
        day = parse_day(given)
    else:
        day = month_start(lens.last_month - lens.last_month % 3) - timedelta(days=1)
        day = max(day, month_start(lens.ledger().first_month + 1) - timedelta(days=1))
    if not month_start(lens.ledger().first_month) < day <= lens.ledger().as_of:
        first, last = month_start(lens.ledger().first_month), lens.ledger().as_of
        raise LensError(f"choose a day after {first} and not after {last}")
    return day


@show.with_lens
def known(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The same numbers as known on a day and as restated, with closes beside them."""
    day = day_of(request, lens)
    then, now = Source(lens.policy, day), Source(lens.policy)
    last = known_flow.last_whole_month(day)
    first = max(lens.ledger().first_month, last - MONTHS + 1)
    months = range(first, max(first, last) + 1)
    pairs = known_flow.beside(*(source.ask(flow.bridged, months, lens.view, (), 1) for source in (then, now)))
    window = Window.months_to(month_start(months.stop), min(lens.months, months.stop - lens.ledger().first_month))
    rates = [next(iter(source.ask(retention_metric.measure, window, lens.view)), None) for source in (then, now)]
    number = room.page_no(request)
    offset = (number - 1) * room.SIZE
    key = ("restated", then.path.name, now.path.name, answers.generation(), months.start, months.stop, offset)
    differs = answers.kept(key, lambda: restated.measure(then.path, now.path, months, room.SIZE, offset))
    return room.shown(
        request, lens, "web/revenue/known.html", "revenue_known", day=day, pairs=pairs, window=window, rates=_rates(rates),
        differs=differs, pager=room.Pager(number, differs.count), closes=known_flow.signed_by_month(answers.home())[:60],
        may_close=rights.may(request.user, "close"), next_month=known_flow.next_to_sign(answers.home(), answers.Source(answers.home().policy()).ledger()),
        lens_query=lens.query(), changed=sum(1 for pair in pairs if pair.closing_difference),
    )  # fmt: skip


def _rates(
    rows: list[retention_metric.Row | None],
) -> list[tuple[str, Fraction | None, Fraction | None, Fraction | None]]:
    """Title, as known, as restated, difference."""
    then, now = rows
    told = []
    for title, name in (("NRR", "nrr"), ("GRR", "grr"), ("Logo retention", "logo_retention")):
        a, b = getattr(then, name, None), getattr(now, name, None)
        told.append((title, a, b, None if a is None or b is None else b - a))
    return told


@show.with_lens
def known_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """What differs between the two stories, by account, as a file."""
    day = day_of(request, lens)
    last = known_flow.last_whole_month(day)
    months = range(max(lens.ledger().first_month, last - MONTHS + 1), last + 1)
    then, now = Source(lens.policy, day), Source(lens.policy)
    then.ledger()
    now.ledger()
    found = restated.measure(then.path, now.path, months, None)
    rows = [
        [
            d.entity,
            d.account_id,
            d.name or "",
            d.month,
            d.kind,
            d.currency,
            *(room.major(a, d.currency) for a in (d.known, d.restated, d.difference)),
        ]
        for d in found.lines
    ]
    return room.csv(
        request,
        "restated",
        ["entity", "account", "name", "month", "kind", "currency", "known", "restated", "difference"],
        rows,
    )


def reconciled(lens: Lens) -> Reconciliation:
    """The ledger beside the invoices. room.Working: they are being compared."""
    home, policy, known_on, months = answers.home(), lens.policy, lens.known_on, lens.window.months
    return room.later(
        "reconcile", (policy, known_on, months), lambda step: known_flow.reconciled(home, policy, known_on, months)
    )


@show.with_lens
def reconcile(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The ledger's MRR beside what the invoices imply."""
    reason = room.one_of(request, "reason", ("", *reconcile_metric.REASONS), "")
    order, account = room.one_of(request, "sort", known_flow.ORDERS, "size"), request.GET.get("account", "").strip()
    number = room.page_no(request)

    def found() -> dict[str, Any]:
        told = reconciled(lens)
        rows = known_flow.chosen(told, reason, account, order)
        pager = room.Pager(number, len(rows))
        here = rows[pager.offset : pager.offset + room.SIZE]
        names = known_flow.names(lens.ledger(), tuple(dict.fromkeys(one.account for one in here)))
        return {"told": told, "rows": [(one, names.get(one.account)) for one in here], "pager": pager,
                "reasons": known_flow.reasons(told), "tied_share": Fraction(told.tied, told.compared) if told.compared else None}  # fmt: skip

    return room.part_or_page(
        request, lens, "web/revenue/reconcile.html", "web/revenue/reconcile_part.html", "revenue_reconcile", found,
        reason=reason, order=order, account=account, lens_query=lens.query(),
    )  # fmt: skip


@show.with_lens
def reconcile_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The differences as a file; the page that waits while they are being counted."""
    reason = room.one_of(request, "reason", ("", *reconcile_metric.REASONS), "")
    try:
        rows = known_flow.chosen(reconciled(lens), reason, request.GET.get("account", "").strip(), "size")
    except room.Working:
        return redirect(reverse("revenue_reconcile") + lens.query())
    lines = [
        [
            o.month,
            o.account,
            o.currency,
            *(room.major(a, o.currency) for a in (o.ledger, o.invoiced, o.difference)),
            o.reason,
        ]
        for o in rows
    ]
    return room.csv(
        request, "reconciliation", ["month", "account", "currency", "ledger", "invoiced", "difference", "reason"], lines
    )


urls = [
    page("revenue/policies/", policies, "revenue_policies", needs="numbers"),
    page("revenue/policies.csv", policies_csv, "revenue_policies_csv", needs="numbers"),
    page("revenue/policies/why/<str:other>/", why, "revenue_why", needs="numbers"),
    page("revenue/known/", known, "revenue_known", needs="numbers"),
    page("revenue/known.csv", known_csv, "revenue_known_csv", needs="numbers"),
    page("revenue/reconcile/", reconcile, "revenue_reconcile", needs="numbers"),
    page("revenue/reconcile.csv", reconcile_csv, "revenue_reconcile_csv", needs="numbers"),
]
