"""A real server under real connections: calls at the same time, and the example client that the documentation shows."""

from __future__ import annotations

import importlib.util
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from .conftest import Server

EXAMPLE = Path(__file__).parents[2] / "examples" / "python_client.py"

pytestmark = pytest.mark.slow


@pytest.fixture
def client(live: Server) -> httpx.Client:
    return httpx.Client(base_url=f"{live.address}/api/v1", headers={"Authorization": f"Bearer {live.key}"}, timeout=30)


def test_of_many_at_the_same_time_one_is_done(client: httpx.Client) -> None:
    note = {"account_id": "ac0000001", "text": "Written once."}

    def one(_: int) -> httpx.Response:
        return client.post("/notes", json=note, headers={"Idempotency-Key": "at-once"})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(24)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["note_id"] for answer in answers if answer.status_code == 201}) == 1
    notes = client.get("/notes", params={"account_id": "ac0000001"}).json()["notes"]
    assert [one["text"] for one in notes].count("Written once.") == 1


def test_upserts_at_the_same_time_all_land(client: httpx.Client) -> None:
    def one(number: int) -> int:
        return client.put(f"/accounts/at-once-{number}", json={"name": f"Company {number}"}).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(one, range(24))) == {200}
    again = [
        client.put(f"/accounts/at-once-{number}", json={"name": f"Company {number}"}).json() for number in range(24)
    ]
    assert {told["changed"] for told in again} == {0}


def test_reading_at_the_same_time_is_answered_alike(client: httpx.Client) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get("/metrics/nrr?by=industry"), range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("python_client", EXAMPLE)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["python_client"] = module
    spec.loader.exec_module(module)
    return module


def test_the_example_client_does_what_it_shows(live: Server, capsys: pytest.CaptureFixture[str]) -> None:
    example = _example()
    example.main(live.address, live.key)
    told = capsys.readouterr().out
    assert "NRR 1" in told or "NRR 9" in told or "NRR 8" in told
    assert "accounts in pages: " in told and "note: " in told


def test_the_example_client_tells_problems(live: Server) -> None:
    example = _example()
    holdfast = example.Holdfast(live.address, live.key)
    with pytest.raises(example.HoldfastError) as refused:
        holdfast.get("/metrics/nrr", policy="nobody")
    assert refused.value.status == 422 and "nobody" in str(refused.value)
    with pytest.raises(example.HoldfastError) as stranger:
        example.Holdfast(live.address, "hf_nobody").get("/accounts")
    assert stranger.value.status == 401
