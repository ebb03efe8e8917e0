"""Every operation names the scope that it needs, and a key without it is refused: over all operations there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import holdfast.api.urls  # noqa: F401 - writes the operations down
from holdfast.api.door import ANY_KEY, OPERATIONS, Gate, api
from holdfast.desk.roles import SCOPES

from .conftest import ALL, Caller

ADDRESSES = sorted(OPERATIONS)


def filled(route: str) -> str:
    """An address with something for each parameter."""
    for name, value in {
        "{account_id}": "ac0000001",
        "{month}": "2026-01",
        "{contact_id}": "c1",
        "{external_id}": "e1",
        "{table}": "outcome",
    }.items():
        route = route.replace(name, value)
    return route.replace("{note_id}", "1").replace("{endpoint_id}", "1").replace("{delivery_id}", "1")


def test_every_operation_of_the_library_stands_behind_a_gate_with_a_scope() -> None:
    found = 0
    for bound in api._get_bound_routers():
        for view in bound.path_operations.values():
            for operation in view.operations:
                found += 1
                gates = [gate for gate in operation.auth_callbacks if isinstance(gate, Gate)]
                assert len(gates) == 1, operation.path
                assert gates[0].needs in SCOPES or gates[0].needs == ANY_KEY, operation.path
    assert found == len(OPERATIONS) > 30


def test_only_what_every_program_may_know_needs_no_scope() -> None:
    assert {route for (_, route), told in OPERATIONS.items() if told.needs == ANY_KEY} == {"/keys/self", "/events"}


#: opens the door for events, which is none of the API's
EVENTS = "events:write"


def test_every_scope_opens_something() -> None:
    assert {told.needs for told in OPERATIONS.values()} - {ANY_KEY} == set(SCOPES) - {EVENTS}


def test_a_write_key_opens_nothing_here(as_key: Callable[..., Caller]) -> None:
    write = as_key([EVENTS])
    for method, route in ADDRESSES:
        if OPERATIONS[method, route].needs != ANY_KEY:
            answer = write(method, filled(route), {} if method in ("PUT", "POST") else None)
            assert answer.status_code == 403, route


def test_reading_scopes_change_nothing() -> None:
    for (method, route), told in OPERATIONS.items():
        assert told.needs.endswith(":write") or method == "GET", route


def test_an_operation_without_a_scope_cannot_be_written_down() -> None:
    from holdfast.api.door import get

    with pytest.raises(AssertionError, match="no scope"):
        get("/secrets", needs="everything:read", answers=None, tag="x")


def test_without_a_key_nothing_is_answered(as_key: Callable[..., Caller]) -> None:
    nobody = as_key(None)
    for method, route in ADDRESSES:
        answer = nobody(method, filled(route), {} if method in ("PUT", "POST") else None)
        assert answer.status_code == 401, route
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer["Content-Type"] == "application/problem+json"


def test_a_key_without_the_scope_is_refused(as_key: Callable[..., Caller]) -> None:
    callers = {scope: as_key([one for one in ALL if one != scope]) for scope in SCOPES}
    for method, route in ADDRESSES:
        scope = OPERATIONS[method, route].needs
        if scope == ANY_KEY:
            continue
        answer = callers[scope](method, filled(route), {} if method in ("PUT", "POST") else None)
        assert answer.status_code == 403, route
        assert scope in answer.json()["detail"]


def test_a_key_with_only_the_scope_is_let_in(as_key: Callable[..., Caller]) -> None:
    callers = {scope: as_key([scope]) for scope in SCOPES} | {ANY_KEY: as_key([])}
    for method, route in ADDRESSES:
        answer = callers[OPERATIONS[method, route].needs](
            method, filled(route), {} if method in ("PUT", "POST") else None
        )
        assert answer.status_code not in (401, 403), (route, answer.content)


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer hf_nobody", "Bearer hf_né", "hf_x"])
def test_what_is_no_key_is_none(as_key: Callable[..., Caller], given: str) -> None:
    answer = as_key(None)("GET", "/keys/self", Authorization=given)
    assert answer.status_code == 401


def test_a_revoked_key_is_refused_at_once(call: Caller) -> None:
    from holdfast.desk.models import ApiKey

    assert call("GET", "/keys/self").status_code == 200
    ApiKey.objects.update(revoked_at="2026-11-20T09:00:00Z")
    assert call("GET", "/keys/self").status_code == 401


def test_the_use_of_a_key_is_noted(call: Caller) -> None:
    told: dict[str, Any] = call("GET", "/keys/self").json()
    from holdfast.desk.models import ApiKey

    assert ApiKey.objects.get().last_used_at is not None
    assert told["name"] == "a program" and told["scopes"] == ALL and "secret" not in str(told)


def test_a_signed_in_person_is_no_key(own_home: Any, db: None) -> None:
    from django.test import Client

    from holdfast.desk.models import User

    browser = Client()
    browser.force_login(User.objects.create_user("alice@holdfast.example", "correct-horse-battery", role="admin"))
    assert browser.get("/api/v1/accounts").status_code == 401
