"""Serve: the desk made ready for a home, with the demo company's people where it is the demo company."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime

from holdfast.desk import start
from holdfast.flows.home import Home, HomeError

#: the demo company's people: role, name, and whether they carry a book (the first owner of the facts is theirs)
DEMO_PEOPLE = (
    ("vp@tidewater.example", "admin", "Morgan Reyes", False),
    ("csm@tidewater.example", "csm", "", True),
    ("cfo@tidewater.example", "finance", "Sasha Lindqvist", False),
)


@dataclass(frozen=True)
class SignIn:
    """An address and a password that were made for somebody."""

    email: str
    password: str
    role: str


def prepare(home: Home) -> None:
    """Bring the desk of a home up to date. HomeError: its database cannot be used; the message says why."""
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError

    try:
        start.connect(home.path)
        start.migrate()
    except (ImproperlyConfigured, OperationalError) as error:
        raise HomeError(f"the desk's database cannot be used: {str(error).strip()}") from None


def has_desk(home: Home) -> bool:
    """Whether the home has a desk already: files and the demo company need none."""
    return bool(os.environ.get("HOLDFAST_DATABASE_URL")) or (home.path / "desk.sqlite3").exists()


def first_admin_link(home: Home) -> str | None:
    """The path by which the first admin comes in; None where somebody can sign in already."""
    return None if start.has_people() else f"/welcome/?token={start.first_link(home.path)}"


def demo_people(home: Home, owners: list[str]) -> list[SignIn]:
    """People for the demo company, made once; their password is kept in the home, which holds made-up data only."""
    path = home.path / "demo-sign-in.json"
    if path.exists():
        return [SignIn(**one) for one in json.loads(path.read_text())]
    password = "-".join(secrets.choice(WORDS) for _ in range(3))
    made = []
    for email, role, name, carries in DEMO_PEOPLE:
        owner = owners[0] if carries and owners else ""
        start.create_person(email, password, role, name=name or owner, owner_name=owner)
        made.append(SignIn(email, password, role))
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        json.dump([asdict(one) for one in made], out)
    return made


WORDS = (
    "anchor", "beacon", "bollard", "cleat", "compass", "current", "dinghy", "fathom", "galley", "halyard", "harbour", "island",
    "jetty", "keel", "lagoon", "lantern", "mainsail", "mooring", "northing", "oarlock", "pilot", "quay", "rigging", "rudder",
    "sextant", "shoal", "tiller", "tideline", "voyage", "wharf", "windward", "yardarm",
)  # fmt: skip


def create_person(home: Home, email: str, password: str, role: str, name: str, owner: str) -> None:
    """Somebody who can sign in. HomeError: the address is taken, or there is no such role."""
    prepare(home)
    try:
        start.create_person(email, password, role, name=name, owner_name=owner)
    except ValueError as error:
        raise HomeError(str(error)) from None


def create_key(home: Home, name: str, scopes: list[str], now: datetime) -> str:
    """A key for programs. HomeError: a scope there is not."""
    prepare(home)
    try:
        return start.create_key(name, scopes, now)
    except ValueError as error:
        raise HomeError(str(error)) from None


def is_demo(home: Home) -> bool:
    """Whether the home holds the demo company."""
    return (home.path / "demo-sign-in.json").exists() or home.settings.company.endswith("(demo)")
