"""The web app over a small booked demo company, with the desk on a database of its own for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import DESK_HOME

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def demo_home() -> Iterator[Path]:
    """A booked demo home of 120 accounts; do not write to its landing."""
    from holdfast.flows.book import book
    from holdfast.flows.demo import demo
    from holdfast.sources.demo import World

    if DESK_HOME.exists():
        shutil.rmtree(DESK_HOME)
    home = demo(DESK_HOME, World(accounts=120), NOW)
    book(home, NOW)
    yield DESK_HOME
    shutil.rmtree(DESK_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(demo_home: Path) -> None:
    """The home stands before the database is made in it."""


@pytest.fixture
def owner_name(demo_home: Path) -> str:
    """The owner with the largest book."""
    from holdfast.web import answers

    found: str = (
        answers.Source(answers.home().policy())
        .ledger()
        .rows("select seg_owner from account where seg_owner is not null group by 1 order by count(*) desc, 1 limit 1")[
            0
        ][0]
    )
    return found


@pytest.fixture
def person(db: None, demo_home: Path) -> Callable[..., Any]:
    """person("csm", email=…, owner_name=…): somebody who can sign in."""

    def made(role: str, email: str = "", **fields: Any) -> Any:
        from holdfast.desk.models import User

        address = email or f"{role}@holdfast.example"
        found = User.objects.filter(email=address).first()
        return found or User.objects.create_user(
            address, "correct-horse-battery", role=role, name=role.title(), **fields
        )

    return made


@pytest.fixture
def site(person: Callable[..., Any], owner_name: str) -> Callable[..., Any]:
    """site("admin"): a client signed in with a role; site(None): nobody. A CSM carries the largest book."""

    def client(role: str | None, **fields: Any) -> Any:
        from django.test import Client

        browser = Client()
        if role:
            browser.force_login(person(role, **({"owner_name": owner_name} if role == "csm" else {}) | fields))
        return browser

    return client
