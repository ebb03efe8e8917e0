"""Asks what nearly everybody asks first, before anybody does: at a process's start, and when something new is published.

Every process keeps answers of its own. One thread in each opens the pages as the first admin sees them; readers go on meanwhile.
"""

from __future__ import annotations

import io
import logging
import threading
import time

from django.core.handlers.wsgi import WSGIRequest
from django.db import connections
from django.urls import resolve, reverse

from holdfast.desk.models import User
from holdfast.flows import answers

log = logging.getLogger("holdfast.web")

#: seconds between two looks for a publication, and of rest between two pages
LOOK, REST = 0.5, 0.05
#: pages of the default lens, the most read first: name, and what stands in the address
PAGES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("overview", ()), ("accounts", ()), ("today", ()), ("revenue", ()), ("explain", ("nrr",)), ("board", ()),
    ("revenue_segments", ()), ("revenue_cohorts", ()), ("revenue_retention", ()), ("revenue_concentration", ()),
)  # fmt: skip


def beside() -> None:
    """Keep the answers of this process warm for as long as it runs; it waits for a page that is being opened when it ends."""
    threading.Thread(target=_keep, name="warm").start()


def _runs() -> bool:
    """Whether the process still goes on; a thread that is cut off inside the database would take it down with noise."""
    return threading.main_thread().is_alive()


def _keep() -> None:
    warmed: object = None
    while _runs():
        found = answers.current()
        if found is not None and found != warmed:
            pages()
            warmed = found
        time.sleep(LOOK)


def pages() -> int:
    """Open the pages once; how many answered. One that cannot be shown is left for its readers to be told of."""
    begun, shown = time.perf_counter(), 0
    try:
        admin = User.objects.filter(role="admin", is_active=True).order_by("pk").first()
        for name, values in PAGES:
            if admin is not None and _runs():
                shown += _shows(reverse(name, args=values), admin)
                time.sleep(REST)
    except Exception:
        log.warning("the pages could not be opened ahead of their readers", exc_info=True)
    finally:
        connections.close_all()
    log.info("%s pages were opened ahead of their readers in %.1f s", shown, time.perf_counter() - begun)
    return shown


def _shows(path: str, reader: User) -> bool:
    """Whether a page answers, asked from inside; the reader is one who may see it."""
    request = WSGIRequest(
        {"REQUEST_METHOD": "GET", "PATH_INFO": path, "SERVER_NAME": "localhost", "SERVER_PORT": "80",
         "HTTP_HOST": "localhost", "wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http"}
    )  # fmt: skip
    request.user = reader
    request.resolver_match = match = resolve(path)
    try:
        return bool(match.func(request, *match.args, **match.kwargs).status_code == 200)
    except Exception:
        log.debug("%s could not be opened ahead of its readers", path, exc_info=True)
        return False
