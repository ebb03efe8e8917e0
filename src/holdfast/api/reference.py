"""The API's document, and the page that people read it on: made of the document itself, without a script."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from holdfast.api.door import api
from holdfast.desk.roles import SCOPES

#: the order in which people read
GROUPS = (
    "Numbers", "Numbers opened", "Accounts", "Facts", "Notes", "Watch", "CTAs", "Owners", "Sources", "Webhooks", "About",
)  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document."""
    told: dict[str, Any] = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    return told


@cache
def _text() -> str:
    return json.dumps(document(), ensure_ascii=False)


def openapi_json(request: HttpRequest) -> HttpResponse:
    """The document, for programs."""
    return HttpResponse(_text(), content_type="application/json")


def page(request: HttpRequest) -> HttpResponse:
    """The document, for people."""
    groups: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for address, methods in document()["paths"].items():
        for method, told in methods.items():
            groups[told["tags"][0]].append(_operation(method, address, told))
    return render(
        request,
        "web/api/reference.html",
        {"groups": groups, "scopes": SCOPES, "about": _parts(document()["info"]["description"])},
    )


def _parts(text: str) -> list[list[tuple[str, bool]]]:
    """Paragraphs of a text in Markdown, each as (words, whether they are code)."""
    return [[(words, bool(place % 2)) for place, words in enumerate(part.split("`"))] for part in text.split("\n\n")]


def _operation(method: str, address: str, told: dict[str, Any]) -> dict[str, Any]:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    good = next(answer for status, answer in told["responses"].items() if status.startswith("2") and status != "202")
    answer = good.get("content", {}).get("application/json", {}).get("schema", {})
    return {
        "method": method.upper(), "address": address, "id": told["operationId"], "title": told["summary"],
        "scope": told["x-scope"],
        "tables": [
            ("Parameters", [_field(p["name"], p.get("schema", {}), p) for p in told.get("parameters", [])]),
            ("Body", _fields(body)),
            ("Answer", _fields(answer)),
        ],
    }  # fmt: skip


def _opened(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        return found
    return schema


def _fields(schema: dict[str, Any]) -> list[dict[str, Any]]:
    opened = _opened(schema)
    required = opened.get("required", [])
    return [_field(name, one, {"required": name in required}) for name, one in opened.get("properties", {}).items()]


def _field(name: str, schema: dict[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name, "kind": _kind(schema), "required": told.get("required", False), "in": told.get("in", ""),
        "text": _parts(told.get("description") or schema.get("description", ""))[0],
    }  # fmt: skip


def _kind(schema: dict[str, Any]) -> str:
    """What a field holds, in a few words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    return {"date": "day", "date-time": "moment"}.get(schema.get("format", ""), str(schema.get("type", "any")))
