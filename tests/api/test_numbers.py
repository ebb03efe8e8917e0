"""The API tells the numbers that the command line tells, under the same keys."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from holdfast.cli.main import app

from .conftest import NOW, Caller

pytestmark = pytest.mark.slow


def told_by_the_command_line(home: Path, command: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["--home", str(home), *command.split(), "--format", "json"])
    assert done.exit_code == 0, done.output
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("/metrics/nrr", "nrr"),
        ("/metrics/nrr?by=industry", "nrr --by industry"),
        (
            "/metrics/nrr?start=2025-01-01&end=2025-07-01&currency=EUR",
            "nrr --start 2025-01-01 --end 2025-07-01 --currency EUR",
        ),
        ("/metrics/nrr?currency=only:EUR", "nrr --currency only:EUR"),
        ("/metrics/nrr?to=2025-06&months=6", "nrr --start 2025-01-01 --end 2025-07-01"),
        ("/metrics/nrr?start=2026-05-01&end=2026-09-01&series=month", "nrr --series month --from 2026-05 --to 2026-08"),
        (
            "/metrics/nrr?start=2025-11-01&end=2026-09-01&series=quarter",
            "nrr --series quarter --from 2025-11 --to 2026-08",
        ),
        ("/bridge", "bridge"),
        (
            "/bridge?every=quarter&by=industry&from=2026-01&to=2026-06",
            "bridge --every quarter --by industry --from 2026-01 --to 2026-06",
        ),
        ("/cohorts", "cohorts"),
        ("/cohorts?every=month", "cohorts --every month"),
        ("/metrics/mrr?on=2026-03-31&by=country", "mrr --on 2026-03-31 --by country"),
        ("/metrics/concentration", "concentration"),
        ("/metrics/renewals", "renewals"),
        ("/explain?limit=7", "explain --limit 7"),
        (
            "/explain?limit=7&segment=industry%3DRetail&everyone=true",
            "explain --limit 7 --segment industry=Retail --all",
        ),
    ],
)
def test_it_is_what_the_command_line_tells(call: Caller, own_home: Path, path: str, command: str) -> None:
    answer = call("GET", path)
    assert answer.status_code == 200, answer.content
    ours, theirs = answer.json(), told_by_the_command_line(own_home, command)
    theirs["metric"] = ours["metric"]
    for row in ours["rows"]:
        if "nrr" in row and "series" not in path:
            del row["start"], row["end"]
        if "entering_minor" in row and "by" not in path:
            del row["entering_minor"], row["leaving_minor"], row["segment"]
    if "series" in path:
        del ours["start"], ours["end"], theirs["start"], theirs["end"]
    assert ours == theirs


def test_an_account_is_opened_down_to_its_rows(call: Caller, own_home: Path) -> None:
    account = call("GET", "/explain?limit=1").json()["rows"][0]["account"]
    ours = call("GET", f"/explain/{account}").json()
    theirs = told_by_the_command_line(own_home, f"explain {account}")
    assert ours["movements"] == theirs["movements"]
    assert len(ours["changes"]) == len(theirs["changes"]) > 0
    assert ours["changes"][0]["row"]["account_id"] == theirs["changes"][0]["row"]["account_id"]


def test_a_number_as_known_on_a_past_day(call: Caller, own_home: Path) -> None:
    import time

    path = "/metrics/nrr?known_on=2026-03-31"
    until = time.monotonic() + 60
    while (answer := call("GET", path)).status_code == 202 and time.monotonic() < until:
        time.sleep(0.2)
    ours = answer.json()
    assert ours["known_on"] == "2026-03-31" and ours["end"] == "2026-04-01"
    assert ours["rows"][0]["nrr"] == told_by_the_command_line(own_home, "nrr --known-on 2026-03-31")["rows"][0]["nrr"]


def test_a_signed_month_and_what_changed_since(call: Caller, own_home: Path) -> None:
    from holdfast.flows import close
    from holdfast.flows.home import open_home

    close.close(open_home(own_home), "2026-01", "Alice", NOW)
    assert [one["month"] for one in call("GET", "/closes").json()["rows"]] == ["2026-01"]
    assert call("GET", "/closes").json()["rows"] == told_by_the_command_line(own_home, "close")["rows"]
    assert call("GET", "/closes/2026-01/restatements").json() == told_by_the_command_line(
        own_home, "close 2026-01 --restatements"
    )


def test_policies_with_their_settings(call: Caller) -> None:
    told = call("GET", "/policies").json()["policies"]
    own = [one for one in told if one["is_own"]]
    assert [one["name"] for one in own] == ["holdfast-1"] and own[0]["settings"]["grr"] == "capped" and len(told) > 4


@pytest.mark.slow
def test_policies_side_by_side(call: Caller, own_home: Path) -> None:
    import time

    until = time.monotonic() + 120
    while (answer := call("GET", "/policies/compare")).status_code == 202 and time.monotonic() < until:
        time.sleep(0.2)
    ours = {row["policy"]: row for row in answer.json()["rows"]}
    for row in told_by_the_command_line(own_home, "policies")["rows"]:
        assert {name: value for name, value in ours[row["policy"]].items() if value is not None} == {
            name: value for name, value in row.items() if value is not None
        }


def test_an_answer_that_the_asker_has_is_not_sent_again(call: Caller, own_home: Path) -> None:
    first = call("GET", "/metrics/nrr")
    same = call("GET", "/metrics/nrr", If_None_Match=first["ETag"])
    assert same.status_code == 304 and same.content == b"" and same["ETag"] == first["ETag"]
    assert call("GET", "/metrics/nrr?by=industry", If_None_Match=first["ETag"]).status_code == 200
    from holdfast.flows.book import book
    from holdfast.flows.home import open_home

    book(open_home(own_home), datetime(2026, 11, 21, tzinfo=NOW.tzinfo))
    assert call("GET", "/metrics/nrr", If_None_Match=first["ETag"]).status_code == 200


def test_a_hand_over_makes_lists_of_accounts_new(call: Caller) -> None:
    first = call("GET", "/owners")
    call("POST", "/owners/handovers", {"account_ids": ["ac0000001"], "owner": "Alice"})
    again = call("GET", "/owners", If_None_Match=first["ETag"])
    assert again.status_code == 200
    assert {"owner": "Alice", "accounts": 1} in again.json()["owners"]
    assert call("GET", "/accounts/ac0000001").json()["owner"] == "Alice"


def test_status_is_what_the_command_says(call: Caller) -> None:
    told = call("GET", "/status").json()
    assert set(told) == {
        "sources", "events", "coverage", "booked", "booking_problem", "loads_not_booked", "complete_from", "incomplete_accounts"
    }  # fmt: skip
    demo = next(one for one in told["sources"] if one["name"] == "demo")
    assert demo["rows"]["subscription_item"] > 0 and demo["lag_seconds"] >= 0 and demo["errors"] == []
    assert 0 < told["coverage"]["usage"]["accounts"] <= told["coverage"]["usage"]["of"]


def test_sources_say_what_is_not_booked(call: Caller) -> None:
    assert call("GET", "/sources").json()["loads_not_booked"] == 0
    call("PUT", "/accounts/a1", {"name": "Acme"})
    told = call("GET", "/sources").json()
    assert told["loads_not_booked"] == 1
    assert [one["source"] for one in told["sources"] if one["loads_not_booked"]] == ["api"]
