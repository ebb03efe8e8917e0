"""The OpenAPI document: whole, valid, and the same as what is served; and the page that people read it on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import holdfast.api.urls  # noqa: F401 - writes the operations down
from holdfast.api.door import ANY_KEY, OPERATIONS
from holdfast.api.reference import document

from .conftest import Caller

METHODS = [
    (address, method, told) for address, methods in document()["paths"].items() for method, told in methods.items()
]
DOCS = Path(__file__).parents[2] / "docs"


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        return [v for k, v in part.items() if k == "$ref"] + [
            one for value in part.values() for one in references(value)
        ]
    return [one for value in part for one in references(value)] if isinstance(part, list) else []


def test_every_reference_leads_somewhere() -> None:
    for reference in set(references(document())):
        found: Any = document()
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def test_every_schema_is_one() -> None:
    for name, schema in document()["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema})
        assert schema.get("type") == "object", name


def test_every_operation_is_in_it_with_its_scope_and_problems() -> None:
    assert {(method.upper(), address.removeprefix("/api/v1")) for address, method, _ in METHODS} == set(OPERATIONS)
    for address, method, told in METHODS:
        needs = OPERATIONS[method.upper(), address.removeprefix("/api/v1")].needs
        assert told["x-scope"] == needs and (needs == ANY_KEY or needs in told["description"])
        assert told["security"] and told["summary"] and {"400", "401", "403", "404", "429"} <= set(told["responses"])
    assert len({told["operationId"] for _, _, told in METHODS}) == len(METHODS)


def test_every_write_takes_an_idempotency_key() -> None:
    for address, method, told in METHODS:
        names = [one["name"] for one in told.get("parameters", [])]
        assert ("Idempotency-Key" in names) == (method != "get"), address


@pytest.mark.parametrize(("address", "told"), [(a, t) for a, _, t in METHODS], ids=[f"{m} {a}" for a, m, _ in METHODS])
def test_every_text_list_and_number_has_a_bound(address: str, told: dict[str, Any]) -> None:
    for one in told.get("parameters", []):
        if one["name"] != "If-None-Match":
            is_bounded(one["schema"], f"{address} {one['name']}")
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        is_bounded(body, address)


def is_bounded(schema: dict[str, Any], where: str) -> None:
    if "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    for one in schema.get("anyOf", []):
        is_bounded(one, where)
    kind = schema.get("type")
    if kind == "string":
        endless = re.search(r"[*+]", schema.get("pattern", "*"))
        assert {"maxLength", "format", "enum", "const"} & set(schema) or not endless, where
    if kind == "integer":
        assert {"minimum", "maximum"} <= set(schema), where
    if kind == "array":
        assert "maxItems" in schema, where
        is_bounded(schema["items"], where)
    if kind == "object":
        extra = schema.get("additionalProperties")
        assert extra is False or "maxProperties" in schema, f"{where}: takes anything"
        for name, inner in schema.get("properties", {}).items():
            is_bounded(inner, f"{where} {name}")


def test_it_is_served_without_a_key_and_tells_nothing_of_the_company(call: Caller) -> None:
    call.secret = None
    answer = call("GET", "/openapi.json")
    assert answer.status_code == 200 and answer.json() == document()
    assert "Tidewater" not in answer.content.decode()


def test_the_page_needs_no_script_and_nothing_from_elsewhere(call: Caller) -> None:
    call.secret = None
    answer = call("GET", "/docs")
    text = answer.content.decode()
    assert answer.status_code == 200
    for address, method, told in METHODS:
        assert address in text and told["summary"].replace("'", "&#x27;") in text, (method, address)
    assert not re.search(r'(src|href)="(https?:)?//', text) and "<style" not in text and 'style="' not in text
    assert "script-src 'self'" in answer["Content-Security-Policy"]


def test_the_page_in_the_documentation_lists_every_operation() -> None:
    text = (DOCS / "api.md").read_text()
    for address, method, told in METHODS:
        assert (
            f"| `{method.upper()} {address.removeprefix('/api/v1')}` | {told['summary']} | `{told['x-scope']}` |"
            in text
        )
