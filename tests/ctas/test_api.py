"""CTAs and sentiment through the API: listed by pages and filters, opened, worked on and closed, each write once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdfast.desk.models import ApiKey, Cta
from holdfast.flows import ctas

from ..api.conftest import Caller
from .conftest import NOW, TODAY
from .wanted import PLENTY, rising, wanted

Call = Callable[..., Any]
GIVEN = {"account_id": "acme", "kind": "opportunity", "title": "Offer the add-on"}


@pytest.fixture
def call(desk: None) -> Call:
    return Caller(ApiKey.make("a program", ["ctas:read", "ctas:write"], None, NOW)[1])


@pytest.fixture
def cta(desk: None) -> Cta:
    ctas.open_from([wanted()], NOW, TODAY, PLENTY)
    return Cta.objects.get()


def test_one_cta_is_told_whole(call: Call, cta: Cta) -> None:
    told = call("GET", f"/ctas/{cta.public_id}").json()
    assert told | {"opened_at": "", "history": []} == {
        "cta_id": cta.public_id, "account_id": "acme", "kind": "risk", "cause": "declining_use", "title": "Declining use",
        "sentence": "Use fell by half in four weeks.", "signals": ["fewer_people"],
        "evidence": [
            {"label": "Active people", "value": "3, before 8", "table": "", "row_id": ""},
            {"label": "Champion", "value": "Ben left", "table": "contact", "row_id": "c2"},
        ],
        "next_step": "Call the sponsor.", "owner": "Alice", "at_stake_minor": 8000, "currency": "USD", "severity": 2,
        "priority": "medium", "state": "open", "pooled": False, "opened_at": "", "due_on": "2026-01-09", "snoozed_until": None,
        "seen_on": "2025-12-31", "outcome": None, "outcome_note": "", "closed_at": None, "history": [],
    }  # fmt: skip
    assert [one["kind"] for one in told["history"]] == ["opened"]


def test_lists_go_on_with_a_cursor(call: Call) -> None:
    ctas.open_from(rising(*range(1, 8)), NOW, TODAY, PLENTY)
    seen, cursor = [], ""
    while cursor is not None:
        told = call("GET", f"/ctas?limit=3{f'&cursor={cursor}' if cursor else ''}").json()
        seen += [one["cta_id"] for one in told["ctas"]]
        cursor = told["next"]
    assert seen == list(Cta.objects.order_by("-pk").values_list("public_id", flat=True)) and len(seen) == 7


def test_filters_leave_what_fits(call: Call, cta: Cta) -> None:
    ctas.open_from(
        [wanted(mrr_minor=20_000), wanted("bolt", owner="Bob", kind="lifecycle", mrr_minor=1)],
        NOW,
        TODAY,
        ctas.Budget(per_week=1),
    )
    call("POST", f"/ctas/{cta.public_id}/close", {"outcome": "lost"})
    for query, accounts in {
        "": ["bolt", "acme"], "?state=open": ["bolt"], "?state=done": ["acme"], "?kind=lifecycle": ["bolt"], "?owner=Bob": ["bolt"],
        "?account_id=acme": ["acme"], "?pooled=true": ["bolt"], "?closed=true": ["acme"], "?closed=false": ["bolt"],
        "?owner=Charlie": [],
    }.items():  # fmt: skip
        assert [one["account_id"] for one in call("GET", f"/ctas{query}").json()["ctas"]] == accounts, query
    assert call("GET", "/ctas?state=asleep").status_code == 400
    assert call("GET", "/ctas?cursor=bm90").status_code == 422


def test_ones_own_is_opened_once_however_often_it_is_sent(call: Call) -> None:
    answers = [call("POST", "/ctas", GIVEN, Idempotency_Key="k1") for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201] and answers[0].json() == answers[1].json()
    told = answers[0].json()
    assert answers[0]["Location"] == f"/api/v1/ctas/{told['cta_id']}"
    # who carries the account owns it, and the amount is in the home's currency
    assert (told["owner"], told["currency"], told["state"], told["history"][0]["by"]) == (
        "Alice",
        "USD",
        "open",
        "a program",
    )
    assert Cta.objects.count() == 1


def test_what_cannot_be_is_refused_with_its_field(call: Call) -> None:
    for given, status, field in (
        (GIVEN | {"account_id": "nowhere"}, 422, "body.account_id"), (GIVEN | {"kind": "portfolio"}, 400, "body.kind"),
        (GIVEN | {"title": ""}, 400, "body.title"), (GIVEN | {"severity": 4}, 400, "body.severity"),
        (GIVEN | {"at_stake_minor": -1}, 400, "body.at_stake_minor"), (GIVEN | {"state": "open"}, 400, "body.state"),
    ):  # fmt: skip
        answer = call("POST", "/ctas", given)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (status, field), given
    assert not Cta.objects.exists()


def test_a_program_takes_up_snoozes_passes_on_notes_and_closes(call: Call, cta: Cta) -> None:
    from holdfast.api import moment

    at = f"/ctas/{cta.public_id}"
    soon = (moment.now().date() + timedelta(days=3)).isoformat()
    for step, given, state, owner in (
        ("start", None, "in_progress", "Alice"), ("snooze", {"until": soon}, "snoozed", "Alice"),
        ("reassign", {"owner": "Bob"}, "snoozed", "Bob"), ("notes", {"text": "Spoke."}, "snoozed", "Bob"),
        ("close", {"outcome": "retained", "note": "Stays."}, "done", "Bob"),
    ):  # fmt: skip
        answer = call("POST", f"{at}/{step}", given)
        assert answer.status_code in (200, 201), (step, answer.content)
        assert (answer.json()["state"], answer.json()["owner"]) == (state, owner), step
    told = call("GET", at).json()
    assert (told["outcome"], told["outcome_note"]) == ("retained", "Stays.")
    assert [(one["kind"], one["text"]) for one in told["history"]] == [
        ("closed", "Stays."), ("note", "Spoke."), ("reassigned", ""), ("snoozed", ""), ("started", ""), ("opened", ""),
    ]  # fmt: skip
    assert call("POST", f"{at}/start").status_code == 409


def test_a_snooze_in_the_past_is_refused(call: Call, cta: Cta) -> None:
    answer = call("POST", f"/ctas/{cta.public_id}/snooze", {"until": "2020-01-01"})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "body.until"


@pytest.mark.parametrize("cta_id", ["cta_0123456789abcdef", "cta_x", "CTA_0123456789abcdef", "cta_0123456789ABCDEF"])
def test_a_cta_that_there_is_not(call: Call, cta_id: str) -> None:
    assert call("GET", f"/ctas/{cta_id}").status_code in (400, 404)


def test_the_sentiment_is_said_and_read(call: Call) -> None:
    at = "/accounts/acme/sentiment"
    assert call("GET", at).json() == {"account_id": "acme", "sentiment": None, "before": []}
    call("PUT", at, {"value": 4})
    said = call("PUT", at, {"value": 2, "note": "Ben left."}).json()
    assert (said["value"], said["note"], said["by"]) == (2, "Ben left.", "a program")
    told = call("GET", at).json()
    assert told["sentiment"] == said and [one["value"] for one in told["before"]] == [4]
    assert call("PUT", at, {"value": 6}).status_code == 400
    assert call("PUT", at, {"value": "2"}).status_code == 400
    assert call("GET", "/accounts/nowhere/sentiment").status_code == 404
    assert call("PUT", "/accounts/nowhere/sentiment", {"value": 2}).status_code == 404


def test_the_document_describes_what_is_answered(call: Call, cta: Cta) -> None:
    import jsonschema_rs

    from holdfast.api.reference import document

    schemas = document()["components"]
    call("PUT", "/accounts/acme/sentiment", {"value": 3})
    for name, path in (
        ("Ctas", "/ctas"),
        ("CtaWithHistory", f"/ctas/{cta.public_id}"),
        ("Sentiments", "/accounts/acme/sentiment"),
    ):
        schema = {"$ref": f"#/components/schemas/{name}", "components": schemas}
        jsonschema_rs.validate(schema, call("GET", path).json())
