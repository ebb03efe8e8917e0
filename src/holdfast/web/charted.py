"""Charts by name: each has an address as a picture, as a CSV file and as a card of its own.

@charted("waterfall")
def waterfall(request, lens) -> Charted | None: …
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from holdfast.charts import draw, numbers
from holdfast.charts.charted import Charted
from holdfast.desk.models import AuditEntry
from holdfast.web import answers, show
from holdfast.web.lens import Lens

#: a chart of the company's numbers, of the accounts that the reader may see, and of one account
OfNumbers = Callable[[HttpRequest, Lens], Charted | None]
OfBook = Callable[[HttpRequest], Charted | None]
OfAccount = Callable[[HttpRequest, Lens, str], Charted | None]

of_numbers: dict[str, OfNumbers] = {}
of_books: dict[str, OfBook] = {}
of_account: dict[str, OfAccount] = {}

#: size of pictures in pixels, before doubling for sharp screens
WIDTH, HEIGHT = 960, 420
#: pictures that are kept, each of about 50 kB
DRAWN = 200


def charted(name: str) -> Callable[[OfNumbers], OfNumbers]:
    """Give a chart of the company's numbers its name."""

    def named(function: OfNumbers) -> OfNumbers:
        assert name not in of_numbers, f"two charts are called {name}"
        of_numbers[name] = function
        return function

    return named


def book_charted(name: str) -> Callable[[OfBook], OfBook]:
    """Give a chart of the accounts that the reader may see its name."""

    def named(function: OfBook) -> OfBook:
        assert name not in of_books, f"two charts are called {name}"
        of_books[name] = function
        return function

    return named


def account_charted(name: str) -> Callable[[OfAccount], OfAccount]:
    """Give a chart of one account its name."""

    def named(function: OfAccount) -> OfAccount:
        assert name not in of_account, f"two charts are called {name}"
        of_account[name] = function
        return function

    return named


def answer(request: HttpRequest, made: Charted | None, form: str, of: str = "chart") -> HttpResponseBase:
    """A chart as `csv`, `png`, `svg` or `card`; `of`: the addresses that its files have. Http404: there is nothing to draw."""
    if made is None:
        raise Http404("there is nothing to draw here yet")
    if form == "csv":
        AuditEntry.add(
            "exported",
            f"chart {made.name}",
            answers.now(),
            user=request.user,
            address=request.META.get("REMOTE_ADDR", ""),
            query=request.GET.urlencode(),
        )
        return show.as_csv(
            made.name,
            [column.title for column in made.columns],
            [[_plain(v, c.kind, made.currency) for v, c in zip(row, made.columns, strict=True)] for row in made.rows],
        )
    if form in ("png", "svg"):
        told = json.dumps(made.option)
        content = _drawn(told, made.title, form, dark=request.COOKIES.get("theme") == "dark")
        response = HttpResponse(content, content_type="image/svg+xml" if form == "svg" else "image/png")
        response["Content-Disposition"] = f'attachment; filename="{made.name}.{form}"'
        return response
    return show.page(request, "web/parts/chart_page.html", chart=made, of=of)


@lru_cache(DRAWN)
def _drawn(option: str, title: str, form: str, *, dark: bool) -> bytes:
    """A picture of a chart; drawing one takes as long as twenty pages."""
    drawn = draw.svg(json.loads(option), WIDTH, HEIGHT, dark=dark, title=title)
    return drawn.encode() if form == "svg" else draw.png(drawn)


def _plain(value: object, kind: str, currency: str) -> object:
    """Money in major units, rates as decimal numbers: what a spreadsheet counts with."""
    if value is None:
        return ""
    if kind == "money":
        return numbers.major(int(value), currency)  # type: ignore[call-overload]
    if kind == "percent":
        return round(float(value), 6)  # type: ignore[arg-type]
    return value
