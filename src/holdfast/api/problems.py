"""What went wrong, as RFC 9457 writes it: every answer of the API that is not the one asked for is application/problem+json."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase, UnreadablePostError
from pydantic import BaseModel, Field

from holdfast.domain.money import FxError
from holdfast.domain.period import PeriodError
from holdfast.domain.policy import PolicyError
from holdfast.flows.answers import NotReady
from holdfast.flows.home import HomeError
from holdfast.warehouse.ledger import OutdatedLedgerError, UnknownAttributeError
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.window import WindowError

log = logging.getLogger("holdfast.api")

MEDIA = "application/problem+json"

#: status: the word in its type, and its title
TITLES = {
    400: ("malformed", "The request cannot be read"),
    401: ("no-key", "A key is needed"),
    403: ("not-allowed", "The key may not do this"),
    404: ("not-found", "There is nothing at this address"),
    405: ("no-such-method", "The address does not take this method"),
    406: ("no-such-form", "The API answers in JSON only"),
    409: ("conflict", "It cannot be done as things stand"),
    413: ("too-large", "The request is too large"),
    415: ("no-such-media", "The body must be JSON"),
    422: ("refused", "It was understood, and cannot be answered"),
    429: ("too-many", "Too many requests"),
    500: ("fault", "Something broke on our side"),
}

#: what can be put right by asking otherwise
ASKED_WRONG = (PeriodError, FxError, WindowError, UnknownAttributeError, PolicyError)
#: what has to be put right in the home first
NEEDS_ATTENTION = (HomeError, LedgerError, OutdatedLedgerError)


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str = Field(description="Where: `query.months`, `path.account_id`, `header.Idempotency-Key`, `body.email`.")
    message: str = Field(description="What is wrong with it.")


class ProblemDocument(BaseModel):
    """A problem, as RFC 9457 describes it."""

    type: str = Field(description="A URN for the kind of problem.")
    title: str
    status: int
    detail: str = Field(description="What was wrong this time, and what to do.")
    errors: list[FieldProblem] = Field(description="The fields that are wrong, if any are.")


class Problem(Exception):  # noqa: N818 - named as the standard names it
    """An answer other than the one asked for. `errors`: (field, message)."""

    def __init__(
        self, status: int, detail: str, errors: Sequence[tuple[str, str]] = (), headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, headers or {}

    def answer(self) -> HttpResponse:
        word, title = TITLES[self.status]
        told = {
            "type": f"urn:holdfast:problem:{word}", "title": title, "status": self.status, "detail": clean(self.detail),
            "errors": [{"field": clean(field), "message": clean(message)} for field, message in self.errors],
        }  # fmt: skip
        response = HttpResponse(json.dumps(told), status=self.status, content_type=MEDIA)
        for name, value in self.headers.items():
            response[name] = value
        return response


def clean(text: str) -> str:
    """A text that any receiver can read: half signs that a request smuggled in are replaced."""
    return text.encode("utf-8", "replace").decode()[:1000]


def waiting(wait: NotReady) -> HttpResponse:
    """What was asked for is being booked: come again."""
    if wait.error:
        return Problem(409, f"this could not be booked: {wait.error}").answer()
    told = {"state": "booking", "policy": wait.policy, "known_on": str(wait.known_on) if wait.known_on else None}
    return HttpResponse(json.dumps(told), status=202, content_type="application/json", headers={"Retry-After": "1"})


def answer_to(error: Exception) -> HttpResponse:
    """The answer to anything that was raised."""
    if isinstance(error, Problem):
        return error.answer()
    if isinstance(error, NotReady):
        return waiting(error)
    if isinstance(error, ASKED_WRONG):
        # a LookupError's text has quotation marks around it
        return Problem(422, str(error.args[0] if error.args else error)).answer()
    if isinstance(error, NEEDS_ATTENTION):
        return Problem(409, str(error)).answer()
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "a body has up to 1 MB").answer()
    if isinstance(error, (SuspiciousOperation, UnreadablePostError)):
        return Problem(400, "the request cannot be read").answer()
    log.exception("a call of the API broke", exc_info=error)
    return Problem(500, "this is a fault of ours; the server's log has the details").answer()


def careful(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A view all of whose answers are JSON, also those to wrong methods and to what breaks; it answers HEAD as GET without a body."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        is_head = request.method == "HEAD"
        if is_head:
            request.method = "GET"
        try:
            response = view(request, *args, **kwargs)
        except Exception as error:
            response = answer_to(error)
        if response.status_code == 405 and response.headers.get("Content-Type") != MEDIA:
            allowed = sorted(
                method for method in response.headers.get("Allow", "").replace(" ", "").split(",") if method
            )
            allow = ", ".join([*allowed, *(["HEAD"] if "GET" in allowed else [])])
            response = Problem(405, f"this address takes {allow}", headers={"Allow": allow}).answer()
        if is_head and isinstance(response, HttpResponse):
            response["Content-Length"] = str(len(response.content))
            response.content = b""
        return response

    answered.csrf_exempt = True  # type: ignore[attr-defined]
    return answered


def nothing_here(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
    """No operation has this address."""
    return Problem(404, "no operation has this address; /api/v1/docs lists them").answer()
