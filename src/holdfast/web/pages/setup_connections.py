"""Connections: what can be connected, how each one stands, what its runs did, and the webhooks that its system sends."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from holdfast.desk.models import Connection, SyncRun
from holdfast.flows import connections, hooks_in, serve, status
from holdfast.flows.home import HomeError
from holdfast.sources import shelf
from holdfast.sources.source import Source, SourceError
from holdfast.web import answers, doing
from holdfast.web.pages.setup import shown
from holdfast.web.pages.setup_sources import found_or_404
from holdfast.web.rights import PUBLIC, page

#: runs shown of a connection, and objects that could not be said
RUNS, BAD = 20, 100
#: what the kinds of sources are called, in the order in which they are connected
KINDS = (
    ("billing", "Billing", "what the numbers are made of"), ("crm", "CRM", "owners, contacts, deals"),
    ("usage", "Product usage", "who uses what"), ("support", "Support", "tickets and conversations"),
    ("file", "Anything else", "databases, folders and buckets"), ("contract", "Contracts", "terms and renewals"),
)  # fmt: skip


def overview(request: HttpRequest) -> HttpResponseBase:
    """All connections, how far they cover the paying accounts, and what else can be connected."""
    home, now = answers.home(), answers.now()
    told = status.status(home, now)
    rows = [one for one in told.sources if one.state]
    by_kind = [
        (title, text, [one for one in shelf.sources().values() if one.kind == kind]) for kind, title, text in KINDS
    ]
    context: dict[str, Any] = {
        "told": told, "connected": [one for one in rows if one.state != "revoked"], "revoked": [one for one in rows if one.state == "revoked"],
        "shelf": [kind for kind in by_kind if kind[2]], "is_demo": serve.is_demo(home), "events": told.events,
    }  # fmt: skip
    if request.headers.get("HX-Request"):
        return render(request, "web/setup/parts/connected.html", context)
    return shown(request, "web/setup/connections.html", "setup_connections", **context)


def _source(name: str) -> Source:
    try:
        return shelf.source(name)
    except shelf.ShelfError as error:
        raise Http404(str(error)) from None


@sensitive_post_parameters()
def connect(request: HttpRequest, source: str) -> HttpResponseBase:
    """What has to be known to connect; it is tried before it is kept."""
    wanted = _source(source)
    first_steps = request.GET.get("from") == "welcome" and answers.current() is None
    old = Connection.objects.filter(name=request.GET.get("name", ""), source=source).first()
    values = {one.name: one.default for one in wanted.fields} | (dict(old.settings) if old else {})
    name, error = old.name if old else connections.free_name(wanted), ("", "")
    if request.method == "POST":
        values = {one.name: request.POST.get(one.name, "") for one in wanted.fields}
        name = request.POST.get("name", name).strip()
        try:
            checked = _kept(request, wanted, name, values)
        except connections.ConnectError as refused:
            error = refused.problem, refused.remedy
        else:
            for warning in checked:
                doing.say(request, "warn", warning)
            return doing.see("welcome_connected" if first_steps else "setup_connection", name)
    fields = [(one, "" if one.is_secret else values.get(one.name, "")) for one in wanted.fields]
    return shown(
        request, "web/setup/connect.html", "setup_connections", status=400 if error[0] else 200, source=wanted, fields=fields, name=name,
        problem=error[0], remedy=error[1], old=old,
    )  # fmt: skip


def _kept(request: HttpRequest, source: Source, name: str, values: dict[str, str]) -> tuple[str, ...]:
    """Try what was typed in and keep it; warnings. ConnectError: it cannot be connected."""
    if Connection.objects.live().filter(name=name).exclude(source=source.name).exists():
        raise connections.ConnectError(f"there is a connection '{name}' already", "Give this one another name")
    access = connections.split(source, values)
    checked = connections.check(source, access)
    connections.connect(answers.home(), source, name, access, answers.now(), by=request.user.pk)
    doing.log(request, "connected", name, source=source.name, who=checked.who)
    doing.say(request, "good", f"Connected to {source.title}: {checked.who}. Everything is being read now.")
    return checked.warnings


@found_or_404
def connection(request: HttpRequest, name: str) -> HttpResponseBase:
    """One connection: how it stands, and what its runs did."""
    row = _row(name)
    source = _source(row.source)
    told = next(one for one in status.status(answers.home(), answers.now()).sources if one.name == name)
    runs = list(SyncRun.objects.filter(connection=row).order_by("-id")[:RUNS])
    hook = request.build_absolute_uri(reverse("hook", args=[name])) if source.hook else ""
    gaps = sorted(answers.home().incomplete.get(name, {}).items())[:10]
    context: dict[str, Any] = {
        "row": row,
        "source": source,
        "told": told,
        "runs": runs,
        "hook": hook,
        "gaps": gaps,
        "bad": runs[0].bad[:BAD] if runs else [],
    }
    if request.headers.get("HX-Request"):
        return render(request, "web/setup/parts/connection.html", context)
    return shown(request, "web/setup/connection.html", "setup_connections", **context)


def _row(name: str) -> Connection:
    row = Connection.objects.filter(name=name).first()
    if row is None:
        raise Http404(f"there is no connection '{name}'")
    return row


@require_POST
@found_or_404
def run(request: HttpRequest, name: str) -> HttpResponseBase:
    """Run it at once; `whole`: list everything anew."""
    whole = request.POST.get("whole") == "on"
    connections.run_soon(name, answers.now(), whole=whole)
    doing.log(request, "asked for a run", name, whole=whole)
    return doing.see("setup_connection", name)


@require_POST
@found_or_404
def pause(request: HttpRequest, name: str) -> HttpResponseBase:
    """Have it rest, or go on."""
    is_paused = request.POST.get("paused") == "on"
    connections.pause(name, is_paused)
    doing.log(request, "paused" if is_paused else "resumed", name)
    return doing.see("setup_connection", name)


@require_POST
@found_or_404
def revoke(request: HttpRequest, name: str) -> HttpResponseBase:
    """Forget its secrets."""
    connections.revoke(answers.home(), name, answers.now())
    doing.log(request, "disconnected", name)
    doing.say(
        request,
        "good",
        f"'{name}' is disconnected and its secrets are gone. What it told stays. Revoke the key in the other system, too.",
    )
    return doing.see("setup_connections")


@csrf_exempt
def hook(request: HttpRequest, name: str) -> HttpResponseBase:
    """A webhook of a connected system: kept before it is answered, whatever order they come in, however often."""
    if request.method != "POST":
        return HttpResponse(status=405, headers={"Allow": "POST"})
    if int(request.headers.get("Content-Length") or 0) > hooks_in.LARGEST:
        return HttpResponse("too large", status=413, content_type="text/plain")
    headers = {key.lower(): value for key, value in request.headers.items()}
    try:
        hooks_in.take(answers.home(), name, request.body, headers, answers.now())
    except HomeError:
        return HttpResponse("nothing takes webhooks here", status=404, content_type="text/plain")
    except (SourceError, ValueError, KeyError, TypeError):
        return HttpResponse("the signature is not good", status=400, content_type="text/plain")
    return HttpResponse("kept", content_type="text/plain")


# -- first steps ---------------------------------------------------------------------------------------------


def first(request: HttpRequest) -> HttpResponseBase:
    """What can be connected, in the first steps."""
    if answers.current() is not None:
        return redirect("home")
    by_kind = [
        (title, text, [one for one in shelf.sources().values() if one.kind == kind]) for kind, title, text in KINDS
    ]
    return _welcome(request, "connect", 2, shelf=[kind for kind in by_kind if kind[2]])


def first_connected(request: HttpRequest, name: str) -> HttpResponseBase:
    """How far the first reading is; the first NRR when it is booked."""
    fragment = bool(request.headers.get("HX-Request"))
    if answers.current() is not None:
        if fragment:
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("welcome_done")})
        return redirect("welcome_done")
    row = _row(name)
    last = SyncRun.objects.filter(connection=row).order_by("-id").first()
    context = {
        "row": row, "last": last, "is_over": last is not None and last.outcome == SyncRun.DONE, "problem": status.booking_problem(answers.home()),
        "has_billing": any(load.table in ("subscription_item", "invoice_line") for load in answers.home().landing.loads()),
    }  # fmt: skip
    if fragment:
        return render(request, "web/welcome/parts/connected.html", context)
    return _welcome(request, "connected", 3, **context)


def _welcome(request: HttpRequest, template: str, step: int, **context: Any) -> HttpResponse:
    from holdfast.web.pages.welcome import STEPS

    return render(request, f"web/welcome/{template}.html", context | {"steps": STEPS, "step": step})


urls = [
    page("setup/connections/", overview, "setup_connections", needs="setup"),
    page("setup/connections/new/<slug:source>/", connect, "setup_connect", needs="setup"),
    page("setup/connections/<slug:name>/", connection, "setup_connection", needs="setup"),
    page("setup/connections/<slug:name>/run/", run, "setup_connection_run", needs="setup"),
    page("setup/connections/<slug:name>/pause/", pause, "setup_connection_pause", needs="setup"),
    page("setup/connections/<slug:name>/revoke/", revoke, "setup_connection_revoke", needs="setup"),
    page("hooks/<slug:name>/", hook, "hook", needs=PUBLIC),
    page("welcome/connect/", first, "welcome_connect", needs="setup"),
    page("welcome/connected/<slug:name>/", first_connected, "welcome_connected", needs="setup"),
]
