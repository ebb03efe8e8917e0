"""What one does with CTAs by forms: take up, snooze, pass on, note, close, one or many; and the CSM's word on an account.

A part of a list is answered with the list anew; a whole page goes back to where it was asked from.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.views.decorators.http import require_POST

from holdfast.desk.models import Cta
from holdfast.domain.ctas import OUTCOMES
from holdfast.domain.period import PeriodError, parse_day
from holdfast.flows import ctas_listed as listed
from holdfast.flows import ctas_sentiment, ctas_work
from holdfast.flows.ctas_work import By, CtaError
from holdfast.web import answers, doing, rights, show
from holdfast.web.pages import cta_parts as parts
from holdfast.web.pages.account_reach import with_records
from holdfast.web.pages.ctas import account_name, by, found, told_of
from holdfast.web.rights import page

Work = Callable[[Cta], object]
#: CTAs of one bulk action, and days of a plain snooze
MOST, SNOOZE = 500, 7


@require_POST
@with_records
def start(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """Take it up."""
    who = by(request)
    return _done(request, account_id, cta_id, lambda row: ctas_work.start(row, who), "Taken up.")


@require_POST
@with_records
def snooze(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """Put it off: until a day, or for a week."""
    who = by(request)

    def work(row: Cta) -> None:
        ctas_work.snooze(row, _until(request, who), who)

    return _done(request, account_id, cta_id, work, "Snoozed.")


@require_POST
@with_records
def assign(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """Pass it to another owner."""
    who = by(request)

    def work(row: Cta) -> None:
        ctas_work.reassign(row, _name(request), who)

    return _done(request, account_id, cta_id, work, f"Passed to {request.POST.get('owner', '')}.")


@require_POST
@with_records
def note(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """Add a word to its history."""
    who, text = by(request), request.POST.get("text", "")
    return _done(request, account_id, cta_id, lambda row: ctas_work.note(row, text, who), "Note saved.")


@with_records
def close(request: HttpRequest, account_id: str, cta_id: str) -> HttpResponseBase:
    """The form that closes it with what came of it, for the drawer or as a page; and what it does."""
    row = found(request, account_id, cta_id)
    if request.method == "POST":
        who, given = by(request), request.POST
        outcome, text = given.get("outcome", ""), given.get("text", "")
        return _done(
            request, account_id, cta_id, lambda row: ctas_work.close(row, outcome, who, text), "Closed.", to_list=True
        )
    line = parts.line(request, row, account_name(account_id), answers.today())
    template = "web/ctas/close.html" if show.is_fragment(request) else "web/ctas/close_page.html"
    return show.page(
        request, template, section="ctas", cta=row, line=line, account_id=account_id, outcomes=OUTCOMES,
        back=request.GET.get("back", ""),
    )  # fmt: skip


@require_POST
@with_records
def many(request: HttpRequest) -> HttpResponseBase:
    """The same with all that are ticked; those that are not the reader's to work on stay as they are."""
    who, given = by(request), request.POST
    rows = Cta.objects.unclosed().filter(public_id__in=given.getlist("id")[:MOST])
    mine = [row for row in listed.seen(rows, parts.eyes_of(request)) if _may_work(request, row)]
    works: dict[str, tuple[Work, str]] = {
        "start": (lambda row: ctas_work.start(row, who), "taken up"),
        "snooze": (lambda row: ctas_work.snooze(row, _until(request, who), who), "snoozed"),
        "assign": (lambda row: ctas_work.reassign(row, _name(request), who), f"passed to {given.get('owner', '')}"),
        "close": (lambda row: ctas_work.close(row, given.get("outcome", ""), who, given.get("text", "")), "closed"),
    }
    work, word = works.get(given.get("do", ""), (None, ""))
    if work is None or not mine:
        return _back(request, "warn", "Tick the CTAs first.")
    count, error = 0, ""
    for row in mine:
        try:
            work(row)
            count += 1
        except (CtaError, PeriodError) as said:
            error = str(said)
    if not count:
        return _back(request, "bad", f"Nothing was done: {error}.")
    return _back(request, "good", f"{count} CTA{'' if count == 1 else 's'} {word}." + (f" {error}." if error else ""))


@require_POST
@with_records
def say(request: HttpRequest, account_id: str) -> HttpResponseBase:
    """The CSM's own word on the account."""
    given = request.POST
    value = int(given["value"]) if given.get("value") in ("1", "2", "3", "4", "5") else 0
    try:
        ctas_sentiment.say(account_id, value, by(request), given.get("note", ""))
    except CtaError as error:
        doing.say(request, "bad", f"Not saved: {error}.")
    else:
        doing.say(request, "good", "Sentiment saved.")
    if rights.may(request.user, "account", account_id):
        return doing.see("account", account_id)
    return doing.see("ctas")


def _may_work(request: HttpRequest, row: Cta) -> bool:
    return rights.may(request.user, "cta.work", row.account_id)


def _until(request: HttpRequest, who: By) -> date:
    given = request.POST.get("until", "")
    return parse_day(given) if given else who.now.date() + timedelta(days=SNOOZE)


def _name(request: HttpRequest) -> str:
    name = request.POST.get("owner", "").strip()
    if name not in parts.known_names():
        raise CtaError(f"nobody is called “{name}” here" if name else "say to whom")
    return name


def _done(
    request: HttpRequest, account_id: str, cta_id: str, work: Work, text: str, *, to_list: bool = False
) -> HttpResponseBase:
    """Do it, and go back to the list where it was asked from there, else to the CTA."""
    row = found(request, account_id, cta_id)
    try:
        work(row)
    except (CtaError, PeriodError) as error:
        kind, text = "bad", f"That was not done: {error}."
    else:
        kind = "good"
    row.refresh_from_db()
    if request.POST.get("back") or (to_list and kind == "good"):
        return _back(request, kind, text)
    doing.say(request, kind, text)
    if not rights.may(request.user, "cta", account_id):
        # it was passed on, and with it went the right to see it
        return doing.see("ctas")
    return doing.see("cta", account_id, cta_id)


def _back(request: HttpRequest, kind: str, text: str) -> HttpResponse:
    """To the list as it was; a part of it is drawn anew in its place."""
    asked = QueryDict(request.POST.get("back", ""))
    if show.is_fragment(request):
        answer = show.page(request, "web/ctas/found.html", **told_of(request, asked))
        answer["HX-Trigger"] = json.dumps({"toast": {"text": text, "kind": "bad" if kind == "warn" else kind}})
        return answer
    doing.say(request, kind, text)
    query = asked.urlencode()
    return HttpResponseRedirect(reverse("ctas") + (f"?{query}" if query else ""), status=303)


urls = [
    page("ctas/many", many, "ctas_many", needs="today"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/start/", start, "cta_start", needs="cta.work"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/snooze/", snooze, "cta_snooze", needs="cta.work"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/assign/", assign, "cta_assign", needs="cta.work"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/note/", note, "cta_note", needs="cta.work"),
    page("accounts/<account:account_id>/ctas/<slug:cta_id>/close/", close, "cta_close", needs="cta.work"),
    page("accounts/<account:account_id>/sentiment/", say, "sentiment_say", needs="cta.work"),
]
