"""CTAs: the lists by kind and state, one CTA with its evidence and history, and a person's own."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from holdfast.charts import numbers
from holdfast.desk.models import Cta
from holdfast.domain.ctas import KINDS, OUTCOMES, Budget, in_words
from holdfast.domain.judgement import SEVERITIES
from holdfast.domain.period import PeriodError, parse_day
from holdfast.flows import ctas, ctas_evidence, ctas_work
from holdfast.flows import ctas_listed as listed
from holdfast.metrics import accounts
from holdfast.web import answers, doing, rights, show
from holdfast.web.pages import cta_parts as parts
from holdfast.web.pages.account_reach import with_records
from holdfast.web.pages.setup import page_of, pager
from holdfast.web.rights import page

#: lines on a page of a list
LINES = 100


@require_safe
@with_records
def table(request: HttpRequest) -> HttpResponseBase:
    """The CTAs of a tab."""
    template = "web/ctas/found.html" if show.is_fragment(request) else "web/ctas/list.html"
    return show.page(request, template, **told_of(request, request.GET))


def told_of(request: HttpRequest, asked: QueryDict) -> dict[str, Any]:
    """What a list shows, by the query of its address."""
    today, eyes = answers.today(), parts.eyes_of(request)
    tab = asked.get("tab", "risk")
    tab = tab if tab in listed.TABS else "risk"
    gone = bool(asked.get("gone"))
    owner = asked.get("owner") or None
    number, named = page_of(request), "" if owner == parts.NOBODY else owner
    wanted = listed.Asked(tab, named, today if gone else None)
    found = listed.listed(wanted, eyes, today, LINES, (number - 1) * LINES)
    lines = [parts.line(request, row, name, today) for row, name in found.rows]
    sums = [(name, title, found.sums[name]) for name, title in listed.TABS.items()]
    return {
        "section": "ctas", "tab": tab, "tab_title": listed.TABS[tab], "sums": sums, "owner": owner, "owners": found.owners, "as_of": today,
        "groups": parts.grouped(lines, "closed" if gone else tab, today), "count": found.here.count, "minor": found.here.minor, "gone": found.gone,
        "is_gone": gone, "currency": answers.records().currency, "pager": pager(number, found.here.count, LINES), "back": _query(tab, owner, gone=gone),
        "outcomes": OUTCOMES, "names": parts.known_names(), "may_work": rights.may(request.user, "cta.work"),
        "may_plan": rights.may(request.user, "owners"), "budget": ctas.budget(), "nobody": parts.NOBODY,
        "chooses_owner": eyes.owner_in is None,
    }  # fmt: skip


def _query(tab: str, owner: str | None, *, gone: bool) -> str:
    told = QueryDict(mutable=True)
    told["tab"] = tab
    if owner:
        told["owner"] = owner
    if gone:
        told["gone"] = "1"
    return told.urlencode()


def account_name(account_id: str) -> str:
    """What an account is called; its id where it is not in what is booked. The gate has let the reader through."""
    return accounts.names(answers.records(), [account_id]).get(account_id, account_id)


def found(request: HttpRequest, account_id: str, cta_id: str) -> Cta:
    """The CTA of an address. Http404: there is none, or it is not among those that were passed to the reader."""
    try:
        row = ctas_work.find(account_id, cta_id)
    except Cta.DoesNotExist:
        raise Http404("there is no such CTA") from None
    user = rights.person(request)
    if not rights.may(user, "account", account_id) and row.owner_name != user.owner_name:
        raise Http404("there is no such CTA")
    return row


@require_safe
@with_records
def one(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """One CTA: why it is there, what to do, and what has happened to it."""
    row = found(request, account_id, cta_id)
    line = parts.line(request, row, account_name(account_id), answers.today())
    reads_account = rights.may(request.user, "account", account_id)
    facts = [
        (fact, number if reads_account and fact.get("table") and fact.get("row_id") else None)
        for number, fact in enumerate(row.evidence if line.is_theirs or not row.is_own else [])
    ]
    return show.page(
        request, "web/ctas/one.html", section="ctas", line=line, cta=row, account_id=account_id, facts=facts,
        history=parts.history(row, theirs=line.is_theirs),
        signals=" · ".join(in_words(name) for name in row.signals), reads_account=reads_account, severity=SEVERITIES[row.severity],
        outcomes=OUTCOMES, names=parts.known_names() if line.is_theirs else [], as_of=answers.today(),
        today=answers.now().date(), outcome_note=row.outcome_note if line.is_theirs else "",
    )  # fmt: skip


@require_safe
@with_records
def evidence(request: HttpRequest, account_id: str, cta_id: str, number: int) -> HttpResponseBase:
    """To the landed row that a piece of evidence names."""
    row = found(request, account_id, cta_id)
    fact = row.evidence[number] if number < len(row.evidence) else {}
    table, row_id = str(fact.get("table", "")), str(fact.get("row_id", ""))
    place = ctas_evidence.place(answers.home(), [account_id], table, row_id)
    if place is None:
        raise Http404("the row is not in what is landed any more")
    query = QueryDict(mutable=True)
    query.update({"table": table, "key": row_id, "load": str(place[0]), "row": str(place[1])})
    return HttpResponseRedirect(f"{reverse('account_source', args=[account_id])}?{query.urlencode()}")


@with_records
def new(request: HttpRequest, account_id: str) -> HttpResponseBase:
    """The form for a CTA of one's own, and what it does."""
    given, error = request.POST, ""
    if request.method == "POST":
        try:
            row = ctas_work.write(account_id, _written(request), by(request))
        except (ctas_work.CtaError, PeriodError) as said:
            error = str(said)
        else:
            doing.say(request, "good", "CTA opened.")
            return doing.see("cta", account_id, row.public_id)
    owner = given.get("owner") or rights.person(request).owner_name
    told: dict[str, Any] = {
        "kinds": KINDS, "severities": SEVERITIES, "names": parts.known_names(), "given": given, "error": error, "owner": owner,
        "account_id": account_id, "account": account_name(account_id), "currency": answers.records().currency,
    }  # fmt: skip
    return show.page(request, "web/ctas/new.html", section="ctas", **told)


def _written(request: HttpRequest) -> ctas_work.Written:
    given, currency = request.POST, answers.records().currency
    amount, severity = given.get("at_stake", "").strip(), given.get("severity", "2")
    return ctas_work.Written(
        given.get("kind", ""), given.get("title", "").strip(), given.get("sentence", "").strip(), given.get("next_step", "").strip(),
        given.get("owner", "").strip(), parse_day(given["due_on"]) if given.get("due_on") else None,
        parts.amount(amount, currency) if amount else 0, currency, int(severity) if severity in ("1", "2", "3") else 0,
    )  # fmt: skip


def by(request: HttpRequest) -> ctas_work.By:
    """Who does it, now."""
    return ctas_work.By(answers.now(), request.user, address=doing.ip(request))


@with_records
def plan(request: HttpRequest) -> HttpResponseBase:
    """How many CTAs a CSM is given a week, and which accounts are pooled."""
    error, now = "", ctas.budget()
    currency = answers.records().currency
    if request.method == "POST":
        try:
            wanted = _budget(request.POST, currency)
        except ValueError as said:
            error = str(said)
        else:
            ctas.set_budget(wanted, answers.now())
            doing.log(request, "changed settings", "CTAs", per_week=wanted.per_week, quiet_days=wanted.quiet_days,
                pool_under_minor=wanted.pool_under_minor, large_minor=wanted.large_minor)  # fmt: skip
            doing.say(request, "good", "Saved. The lists follow it from now on.")
            return doing.see("ctas")
    values = {
        "per_week": now.per_week, "quiet_days": now.quiet_days, "pool_under": numbers.major(now.pool_under_minor, currency),
        "large": numbers.major(now.large_minor, currency),
    }  # fmt: skip
    return render(
        request, "web/ctas/budget.html",
        {"section": "ctas", "error": error, "currency": currency, "values": values | dict(request.POST.items())},
        status=400 if error else 200,
    )  # fmt: skip


def _budget(given: QueryDict, currency: str) -> Budget:
    """ValueError: a number that is none, or out of reach."""
    whole = {}
    for name, most in (("per_week", 1000), ("quiet_days", 3650)):
        told = given.get(name, "").strip()
        if not (told.isascii() and told.isdigit() and len(told) < 6 and int(told) <= most):
            raise ValueError(f"write a whole number from 0 to {most}")
        whole[name] = int(told)
    money = {name: parts.amount(given.get(name, "") or "0", currency) for name in ("pool_under", "large")}
    return Budget(whole["per_week"], money["pool_under"], money["large"], whole["quiet_days"])


urls = [
    page("ctas/", table, "ctas", needs="ctas"),
    page("ctas/budget", plan, "ctas_budget", needs="owners"),
    page("accounts/<account:account_id>/ctas/new/", new, "cta_new", needs="cta.work"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/", one, "cta", needs="cta"),
    page(
        "accounts/<account:account_id>/ctas/<slug:cta_id>/evidence/<int:number>/",
        evidence,
        "cta_evidence",
        needs="account",
    ),
]
