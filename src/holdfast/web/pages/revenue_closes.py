"""Closes: sign a month, and see by account what has changed in a signed month since."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from holdfast.desk.models import AuditEntry
from holdfast.domain.period import month_name, month_start, parse_month
from holdfast.flows import close as close_flow
from holdfast.flows import revenue_known as flow
from holdfast.flows.home import HomeError
from holdfast.web import answers, errors, show
from holdfast.web.lens import Lens
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page


@show.with_lens
def confirm(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """What would be signed, before it is."""
    home = answers.home()
    ledger = answers.Source(home.policy()).ledger()
    given = request.GET.get("month")
    month = parse_month(given) if given else flow.next_to_sign(home, ledger)
    whole = flow.last_whole_month(ledger.as_of)
    months = [(month_name(n), n) for n in range(whole, max(ledger.first_month, whole - 35) - 1, -1)]
    signed = {one.month for one in close_flow.closes(home) if one.policy == home.settings.policy}
    open_ = month is not None and ledger.first_month <= month <= whole and month_name(month) not in signed
    totals = answers.Source(home.policy()).ask(flow.to_sign, month) if month is not None and open_ else ()
    return room.shown(
        request, lens, "web/revenue/close.html", "revenue_known", month=month, name="" if month is None else month_name(month),
        is_signed=month is not None and month_name(month) in signed, is_over=month is not None and month <= whole, can=open_,
        totals=totals, months=[one for one in months if one[0] not in signed], policy=home.policy(), generation=answers.generation(),
    )  # fmt: skip


@require_POST
def sign(request: HttpRequest) -> HttpResponseBase:
    """Sign a month under the home's policy. Refused: it is signed, not over, or the numbers are not those that were shown."""
    name = request.POST.get("month", "")
    if answers.current() is None:
        return redirect("welcome")
    if request.POST.get("generation", "") != str(answers.generation()):
        messages.warning(
            request,
            "The numbers were booked anew since you opened this page. Look at the totals again before you sign.",
        )
        return _to(f"{reverse('revenue_close')}?month={name}")
    try:
        parse_month(name)
        signed = close_flow.close(answers.home(), name, request.user.email, answers.now())  # type: ignore[union-attr]
    except (HomeError, *show.ASKED_WRONG) as error:
        return errors.shown(request, 409, "Not signed", str(error).split("; see what changed")[0] + ".")
    AuditEntry.add(
        "closed", name, answers.now(), user=request.user, address=request.META.get("REMOTE_ADDR", ""),
        policy=signed.policy, closing=signed.closing, sha256=signed.sha256,
    )  # fmt: skip
    messages.success(request, f"{name} is signed under {signed.policy}. Later changes of it show as restatements.")
    return _to(reverse("revenue_known") + "#closes")


def _to(address: str) -> HttpResponse:
    response = HttpResponse(status=303)
    response["Location"] = address
    return response


def _close_of(month: str, policy: str) -> close_flow.Close:
    found = next((one for one in close_flow.closes(answers.home()) if (one.month, one.policy) == (month, policy)), None)
    if found is None:
        raise Http404(f"{month} is not signed under {policy}")
    return found


def restated(signed: close_flow.Close) -> list[close_flow.Restatement]:
    """What changed since. room.Working: it is being compared."""
    home = answers.home()
    key = (signed.month, signed.policy, signed.sha256, home.policy(signed.policy))
    return room.later("restatements", key, lambda step: close_flow.restatements(home, signed))


@show.with_lens
def restatements(request: HttpRequest, lens: Lens, month: str, policy: str) -> HttpResponseBase:
    """A signed month, and the accounts that it would be signed differently for today."""
    signed = _close_of(month, policy)
    number = room.page_no(request)

    def found() -> dict[str, object]:
        rows = restated(signed)
        pager = room.Pager(number, len(rows))
        here = rows[pager.offset : pager.offset + room.SIZE]
        by_currency: dict[str, int] = {}
        for one in rows:
            by_currency[one.currency] = by_currency.get(one.currency, 0) + (
                one.difference if one.kind != "opening" else 0
            )
        names = flow.names(lens.ledger(), tuple(dict.fromkeys(one.entity for one in here)))
        return {"rows": [(one, names.get(one.entity)) for one in here], "pager": pager, "sums": sorted(by_currency.items()),
                "accounts": len({one.entity for one in rows})}  # fmt: skip

    return room.part_or_page(
        request, lens, "web/revenue/restatements.html", "web/revenue/restatements_part.html", "revenue_known", found,
        signed=signed, month=parse_month(month), starts=month_start(parse_month(month)), lens_query=lens.query(), totals=_totals(signed),
    )  # fmt: skip


def _totals(signed: close_flow.Close) -> list[flow.ToSign]:
    return [
        flow.ToSign(code, signed.opening[code], signed.movements.get(code, {}), signed.closing.get(code, 0))
        for code in sorted(signed.opening)
    ]


@show.with_lens
def restatements_csv(request: HttpRequest, lens: Lens, month: str, policy: str) -> HttpResponseBase:
    """The restatements as a file."""
    signed = _close_of(month, policy)
    try:
        found = restated(signed)
    except room.Working:
        return _to(reverse("revenue_restatements", args=(month, policy)) + lens.query())
    rows = [
        [o.entity, o.kind, o.currency, *(room.major(a, o.currency) for a in (o.signed, o.now, o.difference))]
        for o in found
    ]
    return room.csv(
        request, f"restatements-{month}", ["entity", "kind", "currency", "signed", "now", "difference"], rows
    )


urls = [
    page("revenue/close/", confirm, "revenue_close", needs="close"),
    page("revenue/close/sign/", sign, "revenue_sign", needs="close"),
    page("revenue/closes/<str:month>/<str:policy>/", restatements, "revenue_restatements", needs="numbers"),
    page("revenue/closes/<str:month>/<str:policy>.csv", restatements_csv, "revenue_restatements_csv", needs="numbers"),
]
