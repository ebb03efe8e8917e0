"""A home with a desk, and Acme Billing on the shelf."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.home import Home, Settings, create

from . import acme

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulators are on this machine, and nothing waits between two attempts."""
    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    monkeypatch.setenv("HOLDFAST_RETRY_PAUSE", "0")


@pytest.fixture
def home(tmp_path: Path, settings: Any, db: None) -> Home:
    """An empty home that the desk belongs to."""
    from holdfast.flows import answers

    made = create(tmp_path / "home", Settings(company="Acme's customer", as_of="2026-11-20"))
    settings.HOME = made.path
    answers.forget()
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[acme.Acme]:
    from holdfast.sources import shelf

    monkeypatch.setitem(shelf.sources(), "acme", acme.SOURCE)
    with acme.Acme() as served:
        yield served


def fill(server: acme.Acme, customers: int, at: datetime = NOW - timedelta(days=2)) -> None:
    """Customers c000…, each with one subscription of $10 to $19 since January."""
    for number in range(customers):
        key = f"c{number:03d}"
        server.put("customers", key, at, name=f"Customer {number}", tier="gold" if number % 3 == 0 else "plain")
        began = str(date(2026, 1, 1) + timedelta(days=number % 200))
        server.put(
            "subscriptions",
            f"s{number:03d}",
            at,
            customer=key,
            amount=1000 + number % 10 * 100,
            plan="p1",
            **{"from": began},
        )
