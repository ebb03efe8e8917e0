"""Showing a page: the lens is read, what is not booked yet is waited for, and what cannot be answered is said."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse

from holdfast.domain.money import FxError
from holdfast.domain.period import PeriodError
from holdfast.domain.policy import PolicyError
from holdfast.flows.home import HomeError
from holdfast.warehouse.ledger import OutdatedLedgerError, UnknownAttributeError
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.window import WindowError
from holdfast.web import answers, errors
from holdfast.web.lens import Lens, LensError, lens_of, months_with_figures

View = Callable[..., HttpResponseBase]

#: what a reader can put right by asking otherwise
ASKED_WRONG = (LensError, PeriodError, FxError, WindowError, UnknownAttributeError, PolicyError)


def with_lens(view: View) -> View:
    """A view(request, lens, …) over published numbers. Without a publication one is led to the first steps."""

    @wraps(view)
    def shown(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if answers.current() is None:
            return redirect("welcome")
        try:
            return view(request, lens_of(request), *args, **kwargs)
        except answers.NotReady as wait:
            return waiting(request, wait)
        except ASKED_WRONG as error:
            return errors.shown(request, 400, "That cannot be answered", str(error))
        except (HomeError, LedgerError, OutdatedLedgerError) as error:
            return errors.shown(request, 409, "The numbers need attention", str(error))

    return shown


def waiting(request: HttpRequest, wait: answers.NotReady) -> HttpResponse:
    """A page that asks again by itself until the ledger is booked; with the reason where it cannot be."""
    if wait.error:
        return errors.shown(request, 409, "This could not be booked", wait.error)
    response = render(request, "web/waiting.html", {"wait": wait, "again": request.get_full_path()}, status=202)
    response["Retry-After"] = "1"
    return response


def page(request: HttpRequest, template: str, lens: Lens | None = None, **context: Any) -> HttpResponse:
    """A whole page, with the controls of the lens where it has one."""
    if lens is not None:
        context |= {"lens": lens, "controls": controls(lens)}
    return render(request, template, context)


def controls(lens: Lens) -> dict[str, Any]:
    """What the lens can be set to."""
    home, ledger = answers.home(), lens.ledger()
    codes = dict.fromkeys([home.settings.currency, lens.view.reporting, *ledger.currencies])
    return {
        "policies": list(home.policies()),
        "months": months_with_figures(ledger),
        "currencies": list(codes),
        "only": list(ledger.currencies) if len(ledger.currencies) > 1 else [],
        "segments": ledger.segments,
    }


def is_fragment(request: HttpRequest) -> bool:
    """Whether a part of a page is asked for, to be put into one that is open."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def as_csv(name: str, columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """A CSV file. Texts that a spreadsheet would take for a formula are made harmless."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(list(columns))
    writer.writerows([safe(value) for value in row] for row in rows)
    response = HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def safe(value: Any) -> Any:
    """A cell that no spreadsheet runs: an apostrophe goes before =, +, -, @, tab and carriage return in texts."""
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value


def address(name: str, lens: Lens | None = None, *args: Any, **changes: Any) -> str:
    """The address of a page by name, with the lens."""
    return reverse(name, args=args) + (lens.query(**changes) if lens else "")
