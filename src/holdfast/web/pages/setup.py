"""Setup: its rooms, and the small ones among them: settings, segments, roles, and how far the work in the background is."""

from __future__ import annotations

from typing import Any
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse

from holdfast.desk import roles
from holdfast.desk.models import BookSettings
from holdfast.flows import settings as flow
from holdfast.flows import setup, setup_jobs, setup_work
from holdfast.flows.home import HomeError
from holdfast.metrics.accounts import UnknownColumnError
from holdfast.web import answers, doing
from holdfast.web.rights import page

#: address name, title and icon of each room, by group; a room whose address is not there is left out
ROOMS = (
    ("Data", (
        ("setup_connections", "Connections", "plug-zap"), ("setup_sources", "Sources", "database"),
        ("setup_matches", "Matches", "git-merge"), ("setup_policies", "Policies", "book-open"),
        ("setup_segments", "Segments", "layers"), ("setup_settings", "Settings", "sliders-horizontal"),
    )),
    ("People", (("setup_people", "People", "users"), ("setup_owners", "Owners and books", "user"), ("setup_roles", "Roles", "shield-check"))),
    ("Programs", (("setup_keys", "API keys", "key-round"), ("webhooks", "Webhooks", "webhook"), ("schedules", "Schedules", "calendar"))),
    ("Record", (("outbox", "Outbox", "mail"), ("setup_audit", "Audit log", "history"),)),
)  # fmt: skip
#: lines on a page of a list
LINES = 50


def shown(request: HttpRequest, template: str, room: str, status: int = 200, **context: Any) -> HttpResponse:
    """A page of setup, with its rooms beside it."""
    return render(request, template, context | {"section": "setup", "room": room, "rooms": _rooms()}, status=status)


def _rooms() -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    found = []
    for group, rooms in ROOMS:
        there = []
        for name, title, icon in rooms:
            try:
                there.append((name, reverse(name), title, icon))
            except NoReverseMatch:
                continue
        found.append((group, there))
    return found


def page_of(request: HttpRequest) -> int:
    """The page of a list that is asked for, from 1 on."""
    given = request.GET.get("page", "")
    return max(1, int(given)) if given.isdecimal() and len(given) < 8 else 1


def book_again(request: HttpRequest, why: str) -> None:
    """Book in the background after a change; where something is being done, it is said instead."""
    home = answers.home()
    if not home.landing.last_load_no():
        return
    try:
        setup_work.begin(home.path, why, setup_jobs.booking(home.path, answers.now), answers.now)
    except setup_work.BusyError as busy:
        doing.say(request, "warn", f"{busy} Then book again under Setup → Sources.")


# -- settings ------------------------------------------------------------------------------------------------


def settings(request: HttpRequest) -> HttpResponseBase:
    """Company, currency, time zone, and the day the numbers run up to."""
    home, error, values = answers.home(), "", {}
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip() for name in ("company", "currency", "timezone", "as_of")}
        values["currency"] = values["currency"].upper()
        try:
            changed = flow.change(home, **values)
        except HomeError as refused:
            error = str(refused)
        else:
            _settled(request, changed, values)
            return doing.see("setup_settings")
    told = values or {name: getattr(home.settings, name) for name in ("company", "currency", "timezone", "as_of")}
    return shown(
        request, "web/setup/settings.html", "setup_settings", status=400 if error else 200, values=told, error=error,
        zones=sorted(available_timezones()), currencies=sorted(list_currencies()), working=setup_work.working(home.path),
    )  # fmt: skip


def _settled(request: HttpRequest, changed: list[str], values: dict[str, str]) -> None:
    if not changed:
        doing.say(request, "info", "Nothing was changed.")
        return
    doing.log(request, "changed settings", ", ".join(changed), **{name: values[name] for name in changed})
    if set(changed) & set(flow.BOOKED):
        book_again(request, "Booking under the new settings")
        doing.say(request, "good", "Settings saved. The numbers are booked anew; until then the ones before are shown.")
    else:
        doing.say(request, "good", "Settings saved.")


# -- segments ------------------------------------------------------------------------------------------------


def segments(request: HttpRequest) -> HttpResponseBase:
    """Attributes, their values, how many accounts have one, and when they changed."""
    if answers.current() is None:
        return shown(request, "web/setup/segments.html", "setup_segments", segments=[])
    ledger = answers.Source(answers.home().policy()).ledger
    number, attribute = page_of(request), request.GET.get("attribute", "")
    try:
        told = answers.kept(
            (answers.generation(), "setup.segments", answers.home().settings.policy),
            lambda: setup.segments(answers.records(), ledger()),
        )
        changes, total = setup.changes(ledger(), attribute, LINES, (number - 1) * LINES)
    except answers.NotReady as wait:
        from holdfast.web import show

        return show.waiting(request, wait)
    except UnknownColumnError as error:
        raise HomeError(str(error)) from None
    return shown(
        request, "web/setup/segments.html", "setup_segments", segments=told, changes=changes, attribute=attribute,
        pager=pager(number, total, LINES),
    )  # fmt: skip


def pager(number: int, total: int, lines: int = LINES) -> dict[str, int]:
    """What the foot of a list says."""
    last = max(1, -(-total // lines))
    return {
        "page": number, "first": min(total, (number - 1) * lines + 1), "last": min(total, number * lines), "total": total,
        "before": number - 1, "after": number + 1 if number < last else 0,
    }  # fmt: skip


# -- roles ---------------------------------------------------------------------------------------------------


def role_table(request: HttpRequest) -> HttpResponseBase:
    """Who may do what, as it is enforced; and whether CSMs may read everything."""
    desk = BookSettings.now()
    if request.method == "POST":
        desk.csm_reads_all = request.POST.get("csm_reads_all") == "on"
        desk.save(update_fields=["csm_reads_all"])
        doing.log(request, "changed settings", "CSMs may read all accounts", to=desk.csm_reads_all)
        doing.say(
            request, "good", "CSMs may read all accounts." if desk.csm_reads_all else "CSMs read their own book only."
        )
        return doing.see("setup_roles")
    rows = [
        (text, [_degree(role, right, desk.csm_reads_all) for role in roles.ROLES])
        for right, (text, _) in roles.RIGHTS.items()
    ]
    return shown(
        request, "web/setup/roles.html", "setup_roles", roles=roles.ROLES, rows=rows, csm_reads_all=desk.csm_reads_all
    )


def _degree(role: str, right: str, csm_reads_all: bool) -> str:
    """yes, no, or over which accounts."""
    if not roles.may(role, right, csm_reads_all=csm_reads_all):
        return "no"
    if right not in roles.OVER_ONE_ACCOUNT:
        return "yes"
    return "yes" if roles.may_over(role, right, own=False, csm_reads_all=csm_reads_all) else "own book"


def working(request: HttpRequest) -> HttpResponseBase:
    """How far the work in the background is: a fragment that asks again by itself."""
    told = setup_work.working(answers.home().path)
    if not request.headers.get("HX-Request"):
        return redirect("setup_sources")
    response = render(request, "web/setup/parts/working.html", {"working": told, "to": "setup_sources"})
    if not told.is_on:
        response["HX-Refresh"] = "true"
    return response


def first_room(request: HttpRequest) -> HttpResponseBase:
    """Setup begins with the sources."""
    return redirect("setup_sources")


urls = [
    page("setup/", first_room, "setup", needs="setup"),
    page("setup/settings/", settings, "setup_settings", needs="setup"),
    page("setup/segments/", segments, "setup_segments", needs="setup"),
    page("setup/roles/", role_table, "setup_roles", needs="setup"),
    page("setup/working/", working, "setup_working", needs="setup"),
]
