"""Connections: tried before they are kept, their secrets sealed, paused and revoked by one word."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from holdfast.domain.hosts import AddressError
from holdfast.flows.home import Home, HomeError, only_one
from holdfast.sources import shelf
from holdfast.sources.access import Access
from holdfast.sources.problems import explained
from holdfast.sources.reading import Place
from holdfast.sources.source import Checked, Source, SourceError

NAME = re.compile(r"[a-z][a-z0-9_]{0,38}[a-z0-9]")
#: minutes between two runs: as often as most systems' limits bear
EVERY_MINUTES = 15
#: names that are taken: what lands by itself
TAKEN = frozenset({"api", "files", "events", "ecb"})


class ConnectError(HomeError):
    """A connection that cannot be made or used: the problem, and in `remedy` what to do about it."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem}. {remedy}".strip() if remedy else problem)
        self.problem, self.remedy = problem, remedy


def source_named(name: str) -> Source:
    """HomeError: there is no such source."""
    try:
        return shelf.source(name)
    except shelf.ShelfError as error:
        raise HomeError(str(error)) from None


def split(source: Source, values: Mapping[str, str]) -> Access:
    """What was typed in, as settings and secrets with defaults. ConnectError: something is missing, or not of the choices."""
    known = {one.name: one for one in source.fields}
    for name in values:
        if name not in known:
            raise ConnectError(f"{source.title} has no setting '{name}'", f"It has: {', '.join(known)}")
    told = {name: (values.get(name) or one.default).strip() for name, one in known.items()}
    for name, one in known.items():
        if one.is_required and not told[name]:
            raise ConnectError(f"{one.title} is missing", one.help)
        if one.choices and told[name] and told[name] not in one.choices:
            raise ConnectError(f"{one.title} is '{told[name]}'", f"It is one of {', '.join(one.choices)}")
    return Access(
        {name: value for name, value in told.items() if value and not known[name].is_secret},
        {name: value for name, value in told.items() if value and known[name].is_secret},
    )


def check(source: Source, access: Access) -> Checked:
    """Try the key, the scopes and the first page. ConnectError: it cannot be connected, why, and what to do."""
    try:
        return source.check(access)
    except AddressError as error:
        raise ConnectError(str(error)) from None
    except Exception as error:
        problem = error if isinstance(error, SourceError) else explained(error, source)
        raise ConnectError(problem.problem, problem.remedy) from None


def connect(
    home: Home,
    source: Source,
    name: str,
    access: Access,
    now: datetime,
    *,
    every_minutes: int = EVERY_MINUTES,
    by: int | None = None,
) -> int:
    """Keep a connection that was checked; under the name of one that was revoked, or with `name` taken, new secrets replace the old.

    The row's id. ConnectError: the name cannot be used.
    """
    from holdfast.desk.models import Connection

    if not NAME.fullmatch(name) or name in TAKEN or "__" in name:
        raise ConnectError(
            f"'{name}' cannot be a connection's name",
            "Write two or more small letters, digits and single _, such as stripe_eu",
        )
    row = Connection.objects.filter(name=name).first()
    if row is not None and row.source != source.name:
        raise ConnectError(f"there is a connection '{name}' to {row.source} already", "Give this one another --name")
    row = row or Connection(name=name, source=source.name, created_at=now, created_by_id=by)
    row.settings, row.every_minutes = dict(access.settings), every_minutes
    row.seal(access.secrets)
    row.revoked_at, row.is_paused, row.next_run_at = None, False, now
    row.failures, row.problem, row.remedy = 0, "", ""
    row.save()
    return int(row.pk)


def access_of(name: str) -> tuple[Source, Access]:
    """The way in of a connection. HomeError: there is none of this name, it was revoked, or its secrets cannot be opened."""
    from holdfast.desk.models import Connection
    from holdfast.desk.sealing import SealError

    row = Connection.objects.filter(name=name).first()
    if row is None:
        names = ", ".join(Connection.objects.live().values_list("name", flat=True)) or "none"
        raise HomeError(f"there is no connection '{name}'; there are: {names}")
    if row.revoked_at is not None:
        raise HomeError(
            f"the connection '{name}' was revoked; connect it again with: holdfast connect {row.source} --name {name}"
        )
    try:
        return source_named(row.source), Access(row.settings, row.secrets)
    except SealError as error:
        raise HomeError(str(error)) from None


def revoke(home: Home, name: str, now: datetime) -> None:
    """Forget a connection's secrets; what was learned stays. HomeError: there is none."""
    from holdfast.desk.models import Connection

    row = Connection.objects.live().filter(name=name).first()
    if row is None:
        raise HomeError(f"there is no connection '{name}'")
    row.revoke(now)


def run_soon(name: str, now: datetime, *, whole: bool = False) -> None:
    """Have a connection run at the ticker's next look. HomeError: there is none."""
    from holdfast.desk.models import Connection

    told: dict[str, object] = {"next_run_at": now, "failures": 0, "is_paused": False}
    if whole:
        told["is_whole_next"] = True
    if not Connection.objects.live().filter(name=name).update(**told):
        raise HomeError(f"there is no connection '{name}'")


def pause(name: str, is_paused: bool) -> None:
    """Have a connection rest, or go on. HomeError: there is none."""
    from holdfast.desk.models import Connection

    if not Connection.objects.live().filter(name=name).update(is_paused=is_paused):
        raise HomeError(f"there is no connection '{name}'")


def free_name(source: Source) -> str:
    """A name for one more connection to a source."""
    from holdfast.desk.models import Connection

    taken = set(Connection.objects.live().values_list("name", flat=True))
    numbers = (f"{source.name}_{number}" for number in range(2, 1000))
    return next(name for name in (usual_name(source), *numbers) if name not in taken)


def usual_name(source: Source) -> str:
    """What the first connection to a source is called."""
    return f"{source.name}_1" if source.name in TAKEN else source.name


def place_of(home: Home, name: str) -> Place:
    """Where a connection's raw rows are, and dlt's own files."""
    return Place(home.path / "landing" / "raw" / name, folder_of(home, name) / "dlt")


def folder_of(home: Home, name: str) -> Path:
    """What is kept for a connection beside its raw rows."""
    return home.path / "connections" / name


def alone(home: Home, name: str) -> AbstractContextManager[bool]:
    """Whether this process is the one that runs the connection."""
    return only_one(folder_of(home, name) / "lock")
