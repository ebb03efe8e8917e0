"""The API's door: every operation is written down with the scope that it needs, and passes one gate before it is answered.

@get("/accounts/{external:account_id}", needs="accounts:read", answers=AccountAnswer, tag="Accounts")
def account(request, account_id): …
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, get_type_hints

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.operation import Operation
from ninja.parser import Parser
from pydantic import BaseModel

from holdfast.api import limits, moment, openapi, repeats
from holdfast.api.problems import Problem, answer_to
from holdfast.desk import roles
from holdfast.desk.models import ApiKey
from holdfast.flows import answers, owners

View = Callable[..., Any]

#: needs a key, whatever it may do
ANY_KEY = "any key"
#: bytes of a body
LARGEST = 1024 * 1024
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class Made:
    """An answer with a status of its own, and where the thing that was made is."""

    answer: BaseModel | None
    status: int = 201
    location: str = ""


@dataclass
class Gate:
    """What a call passes before its parameters are read: key, rate, scope, and the form of the request."""

    needs: str
    #: parameters that the address takes; of those in `lists` several
    names: frozenset[str] = frozenset()
    lists: frozenset[str] = field(default_factory=frozenset)
    #: how the document names it
    openapi_security_schema: dict[str, str] = field(
        default_factory=lambda: {
            "type": "http",
            "scheme": "bearer",
            "description": "A key, made under Setup → API keys: `hf_…`",
        }
    )

    def __call__(self, request: HttpRequest) -> ApiKey:
        key = _key_of(request)
        standing = limits.take(key.pk, moment.now())
        request.holdfast_rate = standing  # type: ignore[attr-defined]
        if standing.is_over:
            raise Problem(
                429,
                f"a key may make {standing.limit} calls a minute; wait {standing.again_in} s",
                headers=standing.headers(),
            )
        if self.needs != ANY_KEY and self.needs not in key.scopes:
            raise Problem(403, f"this needs a key with the scope '{self.needs}': {roles.SCOPES[self.needs]}")
        key.used(moment.now())
        self._check_form(request)
        return key

    def _check_form(self, request: HttpRequest) -> None:
        if not request.accepts("application/json"):
            raise Problem(406, "the answer is application/json; let Accept allow it")
        for name, values in request.GET.lists():
            if name not in self.names:
                raise Problem(400, "there is no such parameter", [(f"query.{name}", "not a parameter of this address")])
            if len(values) > 1 and name not in self.lists:
                raise Problem(400, "a parameter is given twice", [(f"query.{name}", "may be given once")])
        if request.method in WRITES and _length(request):
            if _length(request) > LARGEST:
                raise Problem(413, "a body has up to 1 MB")
            if request.content_type != "application/json":
                raise Problem(415, "send the body as application/json")


def _length(request: HttpRequest) -> int:
    told = request.META.get("CONTENT_LENGTH") or "0"
    if not told.isdigit():
        raise Problem(400, "the length of the body cannot be read", [("header.Content-Length", "a number of bytes")])
    return int(told)


def _key_of(request: HttpRequest) -> ApiKey:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    key = ApiKey.known(given.strip()) if scheme.lower() == "bearer" and given.isascii() else None
    if key is None:
        raise Problem(
            401,
            "send a key that is good: Authorization: Bearer hf_…",
            headers={"WWW-Authenticate": 'Bearer realm="holdfast"'},
        )
    return key


class StrictJson(Parser):
    """JSON as its standard has it: without NaN."""

    def parse_body(self, request: HttpRequest) -> Any:
        return json.loads(request.body, parse_constant=_no_constant)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class Api(NinjaAPI):
    """The API; its document is completed with what every operation has in common."""

    def get_openapi_schema(self, *, path_prefix: str | None = None, path_params: Any = None) -> Any:
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        return openapi.completed(document, OPERATIONS)


#: every operation, by method and route: what it needs
OPERATIONS: dict[tuple[str, str], openapi.Told] = {}

api = Api(
    title="Holdfast API", version="1", urls_namespace="api", docs_url=None, openapi_url=None, parser=StrictJson(),
    description=openapi.DESCRIPTION,
)  # fmt: skip


@api.exception_handler(Exception)
def _anything(request: HttpRequest, error: Exception) -> HttpResponse:
    response = answer_to(error)
    _with_rate(request, response)
    return response


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    return _anything(
        request,
        Problem(
            error.status_code, f"{error.message}: the body is not JSON" if error.status_code == 400 else error.message
        ),
    )


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [(_place(one["loc"]), str(one["msg"])) for one in error.errors[:50]]
    return _anything(request, Problem(400, "some fields are not as they should be", errors))


def _place(loc: tuple[Any, ...]) -> str:
    """body.email, query.months: without the name that our own code has for the body."""
    parts = [str(part) for part in loc]
    skipped = parts[:1] + parts[2:] if parts[0] == "body" else parts[:1] + parts[-1:]
    return ".".join(skipped)


def operation(
    method: str, route: str, *, needs: str, answers: type[BaseModel] | None, tag: str, status: int = 200, waits: bool = False,
    cached: bool = False,
) -> Callable[[View], View]:  # fmt: skip
    """Write an operation down. `needs`: a scope, or ANY_KEY. `waits`: its ledger may have to be booked first. `cached`: it has an
    ETag, which holds until the next publication, watch or hand-over."""
    assert needs == ANY_KEY or needs in roles.SCOPES, f"{route}: there is no scope '{needs}'"

    def written(view: View) -> View:
        gate = Gate(needs)
        answered = _answered(view, status, cached)
        answered._ninja_contribute_to_operation = [lambda one: _learn(gate, one)]  # type: ignore[attr-defined]
        title, _, rest = inspect.cleandoc(view.__doc__ or "").partition("\n")
        api.api_operation(
            [method], route, auth=gate, response={status: answers}, summary=title.rstrip("."), description=rest.strip() or title,
            tags=[tag], operation_id=view.__name__.rstrip("_"), url_name=view.__name__.rstrip("_"),
        )(answered)  # fmt: skip
        OPERATIONS[method, openapi.plain(route)] = openapi.Told(needs, status, method in WRITES, waits, cached)
        return view

    return written


def get(route: str, **told: Any) -> Callable[[View], View]:
    """An operation that reads."""
    return operation("GET", route, **told)


def _learn(gate: Gate, one: Operation) -> None:
    """The parameters that an operation takes, for its gate."""
    for model in one.models:
        if model.__ninja_param_source__ == "query":
            gate.names = frozenset(model.__ninja_flatten_map__)
            gate.lists = frozenset(model.__ninja_collection_fields__)


def _answered(view: View, status: int, cached: bool) -> View:
    """A view whose answer is written out, kept where it is a write, and left out where the asker has it already."""

    @wraps(view)
    def answered(request: HttpRequest, **values: Any) -> HttpResponse:
        if request.method in WRITES:
            response = repeats.once(request, request.auth, lambda: _written(view(request, **values), status))  # type: ignore[attr-defined]
        elif cached and _matches(request, tag := _tag(request)):
            response = HttpResponse(status=304)
            response["ETag"] = tag
        else:
            response = _written(view(request, **values), status)
            if cached:
                response["ETag"] = tag
        _with_rate(request, response)
        return response

    # ninja reads the parameters: their types are looked up where the view is written, not here
    hints = get_type_hints(view, include_extras=True)
    signature = inspect.signature(view)
    answered.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            one.replace(annotation=hints.get(one.name, one.annotation)) for one in signature.parameters.values()
        ]
    )
    return answered


def _written(told: BaseModel | Made | None, status: int) -> HttpResponse:
    made = told if isinstance(told, Made) else Made(told, status)
    body = made.answer.model_dump_json() if made.answer is not None else ""
    response = HttpResponse(body, status=made.status, content_type="application/json" if body else None)
    if not body:
        del response["Content-Type"]
    if made.location:
        response["Location"] = made.location
    return response


def _with_rate(request: HttpRequest, response: HttpResponse) -> None:
    standing: limits.Standing | None = getattr(request, "holdfast_rate", None)
    for name, value in (standing.headers() if standing else {}).items():
        response[name] = value


def _tag(request: HttpRequest) -> str:
    """Changes with the publication, the watch, the settings, and the hand-overs."""
    told = answers.current()
    home = answers.home() if told else None
    parts = (
        told,
        answers.watch(),
        home.settings if home else None,
        home.policies() if home else None,
        owners.version(),
        request.get_full_path(),
    )
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def _matches(request: HttpRequest, tag: str) -> bool:
    given = request.headers.get("If-None-Match", "")
    return tag in [one.strip() for one in given.split(",")]
