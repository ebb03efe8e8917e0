"""The watch through the API: health, risk, signals, features and the track records, by pages, filters and scopes; and what stands there before."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from holdfast.api.reference import document
from holdfast.warehouse.features import dictionary
from tests.api.conftest import Caller
from tests.watch.pages.conftest import JUDGED, STANDS, desk_home, django_db_modify_db_settings, watched_home
from tests.watch.pages.made_up import publish_made_up
from tests.web import books

pytestmark = pytest.mark.slow

__all__ = ["desk_home", "django_db_modify_db_settings"]

NOW = datetime(2026, 1, 6, 9, 0, tzinfo=UTC)
#: those that pay, in the order of ids
PAYING = ["acme", "bolt", "cora"]
READS = ["accounts:read", "numbers:read"]
#: the answer's name in the document, by address
ADDRESSES = {
    "/health": "Health", "/accounts/acme/health": "AccountHealth", "/risk": "Risk", "/accounts/acme/risk": "AccountRisk",
    "/signals": "Signals", "/signals/record": "SignalRecords", "/trackrecord": "TrackRecord", "/features": "Features",
    "/accounts/acme/features": "AccountFeatures",
}  # fmt: skip


def caller(settings: Any, home: Path, *scopes: str) -> Caller:
    from holdfast.desk.models import ApiKey
    from holdfast.flows import answers

    settings.HOME = home
    answers.forget()
    return Caller(ApiKey.make("a program", list(scopes or READS), None, NOW)[1])


@pytest.fixture
def clean() -> Iterator[None]:
    from holdfast.flows import answers

    yield
    answers.forget()


@pytest.fixture
def call(db: None, settings: Any, clean: None) -> Caller:
    return caller(settings, watched_home())


def told(call: Caller, path: str) -> Any:
    answer = call("GET", path)
    assert answer.status_code == 200, (path, answer.content)
    return answer.json()


def paged(call: Caller, path: str, name: str, limit: int) -> list[Any]:
    """All entries of a list, a few at a time."""
    seen: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = told(call, f"{path}{'&' if '?' in path else '?'}limit={limit}{f'&cursor={cursor}' if cursor else ''}")
        assert len(page[name]) <= limit
        seen, cursor = seen + page[name], page["next"]
    return seen


# -- health --------------------------------------------------------------------------------------------------


def test_health_is_told_of_every_account_that_pays(call: Caller) -> None:
    found = told(call, "/health")
    assert [one["account_id"] for one in found["accounts"]] == PAYING
    assert (found["as_of"], found["currency"], found["next"]) == ("2025-12-31", "USD", None)
    acme, _, cora = found["accounts"]
    assert acme | {"known_share": 0, "scorecard": ""} == {
        "account_id": "acme", "name": "Acme Zürich", "owner": "Alice", "score": 31.0, "before": 52.0, "band": "red", "sentiment": 5,
        "known_share": 0, "scorecard": "",
    }  # fmt: skip
    assert (cora["score"], cora["band"], cora["owner"]) == (None, None, None)


def test_health_is_filtered_by_band_and_owner(call: Caller) -> None:
    for query, accounts in {
        "?band=red": ["acme"], "?band=green": ["bolt"], "?band=red&owner=Bob": [], "?owner=Bob": ["bolt"], "?band=no such": [],
    }.items():  # fmt: skip
        assert [one["account_id"] for one in told(call, f"/health{query}")["accounts"]] == accounts, query


def test_a_hand_over_moves_an_account_to_another_book(call: Caller) -> None:
    from holdfast.flows import handover

    handover.hand_over(["bolt"], handover.Order("Alice", date(2025, 12, 1), ""), NOW)
    for address in ("/health", "/risk"):
        assert sorted(one["account_id"] for one in told(call, f"{address}?owner=Alice")["accounts"]) == ["acme", "bolt"]
        assert told(call, f"{address}?owner=Bob")["accounts"] == []


def test_one_accounts_health_has_its_parts_moves_and_history(call: Caller) -> None:
    one = told(call, "/accounts/acme/health")
    assert (one["account_id"], one["score"], one["before"]) == ("acme", 31.0, 52.0)
    # what is not known is told as missing: it has no score, and no points
    parts = [part for each in PAYING for part in told(call, f"/accounts/{each}/health")["parts"]]
    assert {part["score"] is None for part in parts} == {True, False}
    assert all((part["points"] is None) == (part["score"] is None) for part in parts)
    assert len(one["moves"]) == 2 and all(move["sentence"] and move["since"] for move in one["moves"])
    days = [day["day"] for day in one["history"]]
    assert days == sorted(days) and len(days) > 50


# -- risk ----------------------------------------------------------------------------------------------------


def test_risk_has_chances_and_expected_mrr_by_horizon(call: Caller) -> None:
    acme = told(call, "/risk")["accounts"][0]
    assert (acme["account_id"], acme["owner"], acme["at_risk_minor"]) == (
        "acme",
        "Alice",
        STANDS["acme"]["at_risk_minor"],
    )
    assert list(acme["probabilities"]) == ["churn", "contraction", "expansion"]
    for chances in [*acme["probabilities"].values(), acme["expected"]]:
        assert list(chances) == ["30", "90", "180"]
    expected = acme["expected"]["90"]
    assert expected["low_minor"] <= expected["expected_minor"] <= expected["high_minor"]


def test_money_and_chance_rank_differently(call: Caller) -> None:
    for order, accounts in {"": ["acme", "bolt", "cora"], "?order=churn_90": ["bolt", "acme", "cora"]}.items():
        assert [one["account_id"] for one in told(call, f"/risk{order}")["accounts"]] == accounts


def test_one_accounts_risk_is_that_of_the_list_with_its_reasons(call: Caller) -> None:
    one = told(call, "/accounts/acme/risk")
    listed = told(call, "/risk?owner=Alice")["accounts"][0]
    assert {name: one[name] for name in listed} == listed
    assert {reason["target"] for reason in one["reasons"]} == {"churn", "expansion"}
    assert all(reason["raises"] == (reason["log_odds"] >= 0) and reason["sentence"] for reason in one["reasons"])


# -- pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "name"),
    [("/health", "accounts"), ("/risk", "accounts"), ("/risk?order=churn_90", "accounts"), ("/signals", "judgements")],
)
@pytest.mark.parametrize("limit", [1, 2])
def test_pages_tell_each_entry_once_and_in_order(call: Caller, address: str, name: str, limit: int) -> None:
    assert paged(call, address, name, limit) == told(call, address)[name] != []


def test_accounts_with_the_same_value_are_each_told_once(db: None, settings: Any, clean: None, tmp_path: Path) -> None:
    same = {one: {"at_risk_minor": None if one == "cora" else 500, "churn_90": 0.1} for one in PAYING}
    call = caller(settings, made_up(tmp_path, stands=same))
    for order in ("at_risk_minor", "churn_90"):
        assert [one["account_id"] for one in paged(call, f"/risk?order={order}", "accounts", 1)] == PAYING


@pytest.mark.parametrize("address", ["/health", "/risk", "/signals"])
def test_a_cursor_of_another_list_is_refused(call: Caller, address: str) -> None:
    for other in {"/health", "/risk", "/risk?order=churn_90", "/signals"} - {address}:
        cursor = told(call, f"{other}{'&' if '?' in other else '?'}limit=1")["next"]
        assert call("GET", f"{address}?cursor={cursor}").status_code == 422, other


@pytest.mark.parametrize("address", ["/health", "/risk"])
def test_a_cursor_that_somebody_made_up_is_refused(call: Caller, address: str) -> None:
    kind = json.loads(base64.urlsafe_b64decode(told(call, f"{address}?limit=1")["next"] + "=="))[0]
    for after in ("\ud800", 7, None):
        made_up = base64.urlsafe_b64encode(json.dumps([kind, after]).encode()).decode().rstrip("=")
        assert call("GET", f"{address}?cursor={made_up}").status_code == 422, after


def test_the_next_watch_does_not_go_on_with_the_pages_of_the_last(
    db: None, settings: Any, clean: None, tmp_path: Path
) -> None:
    from holdfast.flows.home import open_home

    home = made_up(tmp_path)
    call = caller(settings, home)
    cursors = {address: told(call, f"{address}?limit=1")["next"] for address in ("/risk", "/signals")}
    publish_made_up(open_home(home), 2, stands={"acme": {"at_risk_minor": 1}}, judged=JUDGED)
    assert told(call, "/risk")["accounts"][-1]["at_risk_minor"] == 1, "the next watch shows at once"
    for address, cursor in cursors.items():
        assert call("GET", f"{address}?cursor={cursor}").status_code == 422


# -- signals, features and records ---------------------------------------------------------------------------


def test_signals_come_with_their_facts_the_gravest_first(call: Caller) -> None:
    judged = told(call, "/signals")["judgements"]
    assert [(one["severity"], one["account_id"]) for one in judged] == [(3, None), (3, "acme"), (2, "bolt")]
    assert judged[1] == {
        "account_id": "acme", "signal": "urgent_ticket_open", "kind": "risk", "severity": 3,
        "sentence": "An urgent ticket is open for 3 days.", "since": "2025-12-28", "about": "",
        "evidence": [{"label": "ticket", "value": "Down", "table": "ticket", "row_id": "t2"},
                     {"label": "open for", "value": "3 days", "table": "", "row_id": ""}],
    }  # fmt: skip


def test_signals_are_filtered(call: Caller) -> None:
    for query, accounts in {
        "signal=champion_left": ["bolt"], "kind=portfolio": [None], "severity=2": ["bolt"], "account_id=acme": ["acme"],
        "kind=risk": ["acme", "bolt"], "kind=risk&severity=3": ["acme"], "signal=no such": [], "account_id=dune": [],
    }.items():  # fmt: skip
        assert [one["account_id"] for one in told(call, f"/signals?{query}")["judgements"]] == accounts, query


@pytest.mark.parametrize(
    "address",
    ["/signals?kind=bad", "/signals?severity=4", "/signals?severity=1e0", "/risk?order=mrr", "/health?limit=0"],
)
def test_what_cannot_be_asked_is_named(call: Caller, address: str) -> None:
    answer = call("GET", address)
    assert answer.status_code == 400 and answer.json()["errors"]


def test_the_track_records_are_told_as_they_were_published(call: Caller) -> None:
    folder = next((watched_home() / "watch").glob("0*"))
    for address, name in {"/trackrecord": "trackrecord.json", "/signals/record": "signals.json"}.items():
        assert includes(told(call, address), json.loads((folder / name).read_text())), address


def includes(answer: Any, published: Any) -> bool:
    """Whether an answer says all that was published; moments may be written otherwise."""
    if isinstance(published, dict):
        return all(includes(answer[key], value) for key, value in published.items() if key != "watched_at")
    if isinstance(published, list):
        return len(answer) == len(published) and all(map(includes, answer, published))
    return bool(answer == published)


def test_features_are_those_of_the_dictionary_and_an_account_has_each(call: Caller) -> None:
    named = [one["name"] for one in told(call, "/features")["features"]]
    assert named == [one.name for one in dictionary()]
    values = told(call, "/accounts/acme/features")["values"]
    assert set(values) == set(named) and None in values.values()
    assert values["mrr"] == told(call, "/accounts/acme/risk")["mrr_minor"]


# -- what is not there, and who may ask ----------------------------------------------------------------------


@pytest.mark.parametrize("part", ["health", "risk", "features"])
@pytest.mark.parametrize(
    ("account_id", "why"), [("nowhere", "there is no account"), ("echo", "paid nothing"), ("~00", "")]
)
def test_an_account_that_is_not_watched_is_not_found(call: Caller, part: str, account_id: str, why: str) -> None:
    answer = call("GET", f"/accounts/{account_id}/{part}")
    assert answer.status_code == (404 if why else 400) and why in answer.json()["detail"]


@pytest.mark.parametrize("address", sorted(set(ADDRESSES) - {"/features"}))
def test_before_the_first_watch_it_says_what_to_do(db: None, settings: Any, clean: None, address: str) -> None:
    answer = caller(settings, books.home())("GET", address)
    assert answer.status_code == 409 and "holdfast watch" in answer.json()["detail"]


def test_the_dictionary_needs_no_watch(db: None, settings: Any, clean: None) -> None:
    assert told(caller(settings, books.home()), "/features")["features"]


def test_accounts_and_records_have_scopes_of_their_own(db: None, settings: Any, clean: None) -> None:
    numbers = {"/signals/record", "/trackrecord"}
    for scope, opened in {"numbers:read": numbers, "accounts:read": set(ADDRESSES) - numbers}.items():
        call = caller(settings, watched_home(), scope)
        assert {address for address in ADDRESSES if call("GET", address).status_code == 200} == opened
        assert {call("GET", address).status_code for address in set(ADDRESSES) - opened} == {403}


@pytest.mark.parametrize(("address", "name"), ADDRESSES.items())
def test_the_document_describes_what_is_answered_with_an_example(call: Caller, address: str, name: str) -> None:
    components = document()["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    for answer in (told(call, address), *components["schemas"][name]["examples"]):
        jsonschema_rs.validate(schema, answer)


@pytest.mark.parametrize("path", [path for path in ADDRESSES if path != "/features"])
def test_an_answer_holds_until_the_next_watch(settings: Any, db: None, clean: None, tmp_path: Path, path: str) -> None:
    from holdfast.flows.home import open_home

    home = made_up(tmp_path)
    call = caller(settings, home)
    tag = call("GET", path)["ETag"]
    assert call("GET", path, If_None_Match=tag).status_code == 304
    publish_made_up(open_home(home), 2)
    assert call("GET", path, If_None_Match=tag).status_code == 200


def made_up(tmp_path: Path, **more: Callable[..., Any] | Any) -> Path:
    """A home of the test's own, with its own watch."""
    from holdfast.flows.home import open_home

    home = Path(shutil.copytree(books.home(), tmp_path / "home"))
    publish_made_up(open_home(home), **{"stands": STANDS, "judged": JUDGED} | more)
    return home
