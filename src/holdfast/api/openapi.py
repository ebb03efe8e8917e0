"""The API's own document: what every operation has in common is added here, so that none can forget it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from holdfast.api.problems import MEDIA, TITLES, ProblemDocument
from holdfast.api.repeats import FORM, HEADER
from holdfast.desk.roles import SCOPES

DESCRIPTION = """Numbers, accounts, contacts, health, risk, signals, notes, CTAs, owners, sources and webhooks of one company.

Send `Authorization: Bearer hf_…` with every call; keys and their scopes are made under Setup → API keys. Amounts end in `_minor` and are
whole minor units (cents) of the currency beside them; ratios are numbers (1.05 is 105 %), null where there is nothing to divide by.
What is not as it should be is answered with `application/problem+json`."""

READ_PROBLEMS = (400, 401, 403, 404, 406, 409, 422, 429, 500)
WRITE_PROBLEMS = (*READ_PROBLEMS, 413, 415)

RATE_HEADERS = {
    "RateLimit-Limit": "Calls a minute that the key may make.",
    "RateLimit-Remaining": "Calls that it may make at once.",
    "RateLimit-Reset": "Seconds until it may make all of them again.",
}


@dataclass(frozen=True)
class Told:
    """What the document says of an operation besides its parameters and answer."""

    needs: str
    status: int
    is_write: bool
    waits: bool
    cached: bool


def plain(route: str) -> str:
    """A route without the converters of its parameters."""
    return re.sub(r"{[^}:]+:", "{", route)


def completed(document: Any, operations: Mapping[tuple[str, str], Told]) -> Any:
    """The document, with problems, headers and scopes of every operation."""
    for address, methods in document["paths"].items():
        for method, one in methods.items():
            route = "/" + address.split("/api/v1/", 1)[-1].lstrip("/")
            _complete(one, operations[method.upper(), route])
    components = document["components"]
    components["responses"] = {f"Problem{status}": _problem(title) for status, (_, title) in TITLES.items()} | {
        "Booking": {
            "description": "What was asked for is being booked; ask again after `Retry-After` seconds.",
            "headers": {"Retry-After": {"schema": {"type": "integer"}}},
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Booking"}}},
        }
    }
    schema = ProblemDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    components["schemas"] |= schema.pop("$defs") | {"ProblemDocument": schema, "Booking": _BOOKING}
    return document


_BOOKING = {
    "type": "object",
    "properties": {
        "state": {"const": "booking"}, "policy": {"type": "string"}, "known_on": {"type": ["string", "null"], "format": "date"},
    },
    "required": ["state", "policy", "known_on"],
}  # fmt: skip


def _problem(title: str) -> dict[str, Any]:
    return {"description": title, "content": {MEDIA: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}}


def _complete(one: dict[str, Any], told: Told) -> None:
    one["x-scope"] = told.needs
    scope = (
        f"Needs a key with the scope `{told.needs}`: {SCOPES[told.needs].lower()}."
        if told.needs in SCOPES
        else "Needs any key."
    )
    one["description"] = f"{one.get('description', '')}\n\n{scope}".strip()
    good = one["responses"][told.status]
    good["description"] = "As asked." if told.status == 200 else "Done."
    good["headers"] = {
        name: {"description": text, "schema": {"type": "integer"}} for name, text in RATE_HEADERS.items()
    }
    for status in WRITE_PROBLEMS if told.is_write else READ_PROBLEMS:
        one["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}
    if told.waits:
        one["responses"][202] = {"$ref": "#/components/responses/Booking"}
    if told.cached:
        one["responses"][304] = {"description": "What was asked for is still the answer that the asker has."}
        good["headers"]["ETag"] = {"schema": {"type": "string"}}
        one.setdefault("parameters", []).append(
            {"in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"}}
        )
    if told.is_write:
        good["headers"]["Idempotent-Replay"] = {
            "description": "`true`: this was done before.",
            "schema": {"type": "boolean"},
        }
        one.setdefault("parameters", []).append(
            {
                "in": "header",
                "name": HEADER,
                "required": False,
                "schema": {"type": "string", "pattern": FORM},
                "description": "The same call under the same key is done once, and answered again for 30 days.",
            }
        )
    one["responses"] = {
        str(status): answer for status, answer in sorted(one["responses"].items(), key=lambda pair: str(pair[0]))
    }
