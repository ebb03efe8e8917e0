"""Whether the server is well, for a watchman: no secrets, no sign-in."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from holdfast import __version__
from holdfast.web import answers
from holdfast.web.rights import PUBLIC, page


def healthz(request: HttpRequest) -> HttpResponseBase:
    """The desk answers, and which publication is shown."""
    with connection.cursor() as cursor:
        cursor.execute("select 1")
        cursor.fetchone()
    told = answers.current()
    published = {"generation": told.generation, "as_of": told.as_of, "booked_at": told.booked_at} if told else None
    return JsonResponse({"status": "ok", "version": __version__, "published": published})


urls = [page("healthz", healthz, "healthz", needs=PUBLIC)]
