"""First steps: the first admin, the company, the data, and the first NRR. Open to nobody once they are done.

Until somebody can sign in, the first page asks for the secret of the link that the server prints at its start.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

from babel.numbers import list_currencies
from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from holdfast.desk import start
from holdfast.domain.money import FxError
from holdfast.flows import overview, people, setup_files, setup_jobs, setup_work
from holdfast.flows import settings as settings_flow
from holdfast.flows.home import HomeError
from holdfast.sources.files.read import SUFFIXES
from holdfast.web import answers, doing, errors, lens, rights
from holdfast.web.pages.people import Joining, sign_in
from holdfast.web.pages.setup_sources import found_or_404, start_loading, take
from holdfast.web.rights import PUBLIC, page

STEPS = ("You", "Company", "Data", "Booking", "First NRR")


def _shown(request: HttpRequest, template: str, step: int, status: int = 200, **context: Any) -> HttpResponse:
    return render(request, f"web/welcome/{template}.html", context | {"steps": STEPS, "step": step}, status=status)


class FirstAdmin(Joining):
    """Who sets Holdfast up."""

    email = forms.EmailField(
        label="E-mail", widget=forms.EmailInput(attrs={"class": "input w-full", "autocomplete": "username"})
    )
    field_order = ("name", "email", "password")

    def clean_email(self) -> str:
        self.address = str(self.cleaned_data["email"]).lower()
        return self.address


@sensitive_post_parameters("password", "token")
def welcome(request: HttpRequest) -> HttpResponseBase:
    """The first page: makes the first admin, or leads to the step that comes next."""
    if request.user.is_authenticated:
        return _next(request)
    if start.has_people():
        return redirect("account_login")
    token = request.POST.get("token") or request.GET.get("token", "")
    if not hmac.compare_digest(token.encode(), start.first_link(_home()).encode()):
        return _shown(request, "closed", 0, status=403)
    form = FirstAdmin(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            user = people.first_admin(doing.actor(request), told["email"], told["name"], told["password"])
        except people.PeopleError as error:
            form.add_error(None, f"{error}")
        else:
            (_home() / "first-admin.token").unlink(missing_ok=True)
            sign_in(request, user)
            return doing.see("welcome_company")
    return _shown(
        request,
        "admin",
        0,
        status=400 if form.errors else 200,
        form=form,
        token=token,
        rules=password_validators_help_texts(),
    )


def _home() -> Path:
    return Path(settings.HOME)


def _next(request: HttpRequest) -> HttpResponseBase:
    """Where somebody goes who is signed in."""
    if answers.current() is not None:
        return redirect("home")
    if not rights.may(request.user, "setup"):
        return _shown(request, "wait", 2)
    working = setup_work.working(_home())
    if working.is_on or working.state == "failed":
        return redirect("welcome_booking")
    return redirect("welcome_data" if answers.home().settings.company != "My company" else "welcome_company")


def company(request: HttpRequest) -> HttpResponseBase:
    """Name, currency and time zone."""
    home, error = answers.home(), ""
    values = {name: getattr(home.settings, name) for name in ("company", "currency", "timezone")}
    if answers.current() is not None:
        return redirect("home")
    if request.method == "POST":
        values = {name: request.POST.get(name, "").strip() for name in values}
        values["currency"] = values["currency"].upper()
        try:
            changed = settings_flow.change(home, **values)
        except HomeError as refusal:
            error = str(refusal)
        else:
            doing.log(request, "changed settings", ", ".join(changed), **values)
            return doing.see("welcome_data")
    if values["company"] == "My company":
        values["company"] = ""
    return _shown(
        request, "company", 1, status=400 if error else 200, values=values, error=error, zones=sorted(available_timezones()),
        currencies=sorted(list_currencies()),
    )  # fmt: skip


def data(request: HttpRequest) -> HttpResponseBase:
    """Demo data, files, or a connection."""
    if answers.current() is not None:
        return redirect("home")
    home = answers.home()
    return _shown(
        request, "data", 2, has_data=bool(home.landing.last_load_no()), limit=settings.UPLOAD_BYTES // 1024**2,
        accept=",".join(SUFFIXES), working=setup_work.working(home.path),
    )  # fmt: skip


@require_POST
def demo(request: HttpRequest) -> HttpResponseBase:
    """Make the demo company and book it."""
    home = answers.home()
    if home.landing.last_load_no():
        doing.say(request, "bad", "There is data in this home already, and demo data never mixes with real data.")
        return doing.see("welcome_data")
    return _begin(
        request, "Making the demo company", setup_jobs.demo_company(home.path, answers.now), "chose demo data"
    )


def _begin(request: HttpRequest, title: str, job: setup_work.Job, action: str) -> HttpResponseBase:
    try:
        setup_work.begin(_home(), title, job, answers.now)
        doing.log(request, action, answers.home().settings.company)
    except setup_work.BusyError as busy:
        doing.say(request, "warn", str(busy))
    return doing.see("welcome_booking")


@require_POST
def files(request: HttpRequest) -> HttpResponseBase:
    """Take files in; they are looked through next."""
    batch, error = take(request)
    if error:
        doing.say(request, "bad", error)
        return doing.see("welcome_data")
    return doing.see("welcome_review", batch)


@found_or_404
def review(request: HttpRequest, batch: str) -> HttpResponseBase:
    """What was guessed of the files, before anything is loaded."""
    home = answers.home()
    looked = setup_files.look(home, setup_files.batch(home, batch))
    tables = {one.mapping.table for one in looked if one.mapping}
    return _shown(
        request, "review", 2, looked=looked, batch=batch, usable=bool(tables), lacks=not tables & {"subscription_item", "invoice_line"},
    )  # fmt: skip


@require_POST
@found_or_404
def load(request: HttpRequest, batch: str) -> HttpResponseBase:
    """Load the files and book."""
    busy = start_loading(request, batch)
    if busy:
        doing.say(request, "warn", busy)
    return doing.see("welcome_booking")


@require_POST
def book(request: HttpRequest) -> HttpResponseBase:
    """Book what is loaded, once more."""
    return _begin(request, "Booking", setup_jobs.booking(_home(), answers.now), "booked")


def booking(request: HttpRequest) -> HttpResponseBase:
    """How far it is; with the first NRR when it is done."""
    working = setup_work.working(_home())
    fragment = bool(request.headers.get("HX-Request"))
    if not working.is_on and answers.current() is not None:
        if fragment:
            return HttpResponse(status=204, headers={"HX-Redirect": doing.see("welcome_done")["Location"]})
        return redirect("welcome_done")
    if fragment and working.is_on:
        return render(request, "web/setup/parts/working.html", {"working": working, "to": "welcome_booking"})
    if fragment:
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return _shown(request, "booking", 3, working=working)


def done(request: HttpRequest) -> HttpResponseBase:
    """The first NRR."""
    if answers.current() is None:
        return redirect("welcome")
    try:
        seen = lens.lens_of(request)
        told = seen.ask(overview.figures, seen.window, seen.view)
    except answers.NotReady:
        return redirect("overview")
    except (FxError, ValueError) as error:
        return errors.shown(request, 409, "The numbers need attention", str(error))
    return _shown(request, "done", 4, told=told, lens=seen, working=setup_work.working(_home()))


urls = [
    page("welcome/", welcome, "welcome", needs=PUBLIC),
    page("welcome/company/", company, "welcome_company", needs="setup"),
    page("welcome/data/", data, "welcome_data", needs="setup"),
    page("welcome/demo/", demo, "welcome_demo", needs="setup"),
    page("welcome/files/", files, "welcome_files", needs="setup"),
    page("welcome/files/<str:batch>/", review, "welcome_review", needs="setup"),
    page("welcome/files/<str:batch>/load/", load, "welcome_load", needs="setup"),
    page("welcome/book/", book, "welcome_book", needs="setup"),
    page("welcome/booking/", booking, "welcome_booking", needs="setup"),
    page("welcome/done/", done, "welcome_done", needs="setup"),
]
