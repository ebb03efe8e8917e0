"""Charts by their address: card, table as CSV, picture."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponseBase

from holdfast.web import charted, show
from holdfast.web.lens import Lens
from holdfast.web.pages.account_reach import with_records
from holdfast.web.rights import page


@show.with_lens
def chart(request: HttpRequest, lens: Lens, name: str, form: str = "card") -> HttpResponseBase:
    """A chart of the company's numbers."""
    if name not in charted.of_numbers:
        raise Http404(f"there is no chart '{name}'")
    return charted.answer(request, charted.of_numbers[name](request, lens), form)


@with_records
def book_chart(request: HttpRequest, name: str, form: str = "card") -> HttpResponseBase:
    """A chart of the accounts that the reader may see."""
    if name not in charted.of_books:
        raise Http404(f"there is no chart '{name}' of accounts")
    return charted.answer(request, charted.of_books[name](request), form, "book_chart")


@show.with_lens
def account_chart(request: HttpRequest, lens: Lens, account_id: str, name: str, form: str = "card") -> HttpResponseBase:
    """A chart of one account."""
    if name not in charted.of_account:
        raise Http404(f"there is no chart '{name}' of an account")
    return charted.answer(request, charted.of_account[name](request, lens, account_id), form)


urls = [
    page("charts/<slug:name>/", chart, "chart", needs="numbers"),
    page("charts/<slug:name>.csv", chart, "chart_csv", needs="numbers", form="csv"),
    page("charts/<slug:name>.png", chart, "chart_png", needs="numbers", form="png"),
    page("charts/<slug:name>.svg", chart, "chart_svg", needs="numbers", form="svg"),
    page("books/charts/<slug:name>/", book_chart, "book_chart", needs="accounts"),
    page("books/charts/<slug:name>.csv", book_chart, "book_chart_csv", needs="accounts", form="csv"),
    page("books/charts/<slug:name>.png", book_chart, "book_chart_png", needs="accounts", form="png"),
    page("accounts/<account:account_id>/charts/<slug:name>/", account_chart, "account_chart", needs="account"),
    page(
        "accounts/<account:account_id>/charts/<slug:name>.csv",
        account_chart,
        "account_chart_csv",
        needs="account",
        form="csv",
    ),
    page(
        "accounts/<account:account_id>/charts/<slug:name>.png",
        account_chart,
        "account_chart_png",
        needs="account",
        form="png",
    ),
]
