"""A home: the folder that holds one company's landing, warehouse, mappings, policies and settings."""

from __future__ import annotations

import json
import os
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomlkit

from holdfast.domain.policy import Policy, load_policies
from holdfast.warehouse.landing import Landing, utc_naive

CONFIG = "holdfast.toml"
#: which histories are not whole: part of landing, since what is landed says so
INCOMPLETE = "landing/incomplete.json"


class HomeError(ValueError):
    """A home that cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What holdfast.toml says."""

    company: str = "My company"
    currency: str = "USD"
    timezone: str = "UTC"
    policy: str = "holdfast-1"
    #: the day the numbers run up to; empty: today
    as_of: str = ""


EXPLANATIONS = {
    "company": "shown on every page",
    "currency": "the reporting currency (ISO 4217); other currencies are converted at dated rates",
    "timezone": "days and months begin at midnight here",
    "policy": "the definition of the headline numbers; see `holdfast policies`",
    "as_of": "the day the numbers run up to, as 2025-03-31; empty: today",
}


@dataclass(frozen=True)
class Home:
    """One company's folder."""

    path: Path
    settings: Settings

    @property
    def landing(self) -> Landing:
        return Landing(self.path)

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse"

    @property
    def closes(self) -> Path:
        return self.path / "closes"

    @property
    def incomplete(self) -> dict[str, dict[str, date]]:
        """By connection the accounts whose history is not whole, and the first day from which it is."""
        path = self.path / INCOMPLETE
        told = json.loads(path.read_text()) if path.exists() else {}
        return {
            name: {key: date.fromisoformat(day) for key, day in days.items()} for name, days in told.items() if days
        }

    @property
    def complete_from(self) -> date | None:
        """The first day from which all history is whole; None: all of it is."""
        return max((day for days in self.incomplete.values() for day in days.values()), default=None)

    def policies(self) -> dict[str, Policy]:
        """Shipped policies and those in the folder `policies`."""
        folder = self.path / "policies"
        files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
        return dict(_policies(folder, tuple((file.name, file.stat().st_mtime_ns) for file in files)))

    def policy(self, name: str | None = None) -> Policy:
        """A policy by name; the home's own where none is given."""
        policies = self.policies()
        wanted = name or self.settings.policy
        if wanted not in policies:
            raise HomeError(f"there is no policy '{wanted}'; there are: {', '.join(policies)}")
        return policies[wanted]

    def today(self, now: datetime) -> date:
        """The company's day at a moment, or the day that the settings hold fast."""
        if self.settings.as_of:
            return date.fromisoformat(self.settings.as_of)
        return now.astimezone(ZoneInfo(self.settings.timezone)).date()

    def end_of_day(self, day: date) -> datetime:
        """The first moment after a day of the company, in UTC without a zone."""
        midnight = datetime.combine(day + timedelta(days=1), time(), ZoneInfo(self.settings.timezone))
        return utc_naive(midnight)


@lru_cache(maxsize=64)
def _policies(folder: Path, files: tuple[tuple[str, int], ...]) -> dict[str, Policy]:
    """Read once for as long as no file of the folder changes; `files` tells the states apart."""
    return load_policies(folder)


def create(path: Path, settings: Settings) -> Home:
    """Make a home; one that exists keeps its settings."""
    _check(settings, "the settings given")
    path.mkdir(parents=True, exist_ok=True)
    for folder in ("landing", "mappings", "policies", "rejected"):
        (path / folder).mkdir(exist_ok=True)
    config = path / CONFIG
    if not config.exists():
        document = tomlkit.document()
        document.add(tomlkit.comment("Settings of this Holdfast home."))
        for name, text in EXPLANATIONS.items():
            document.add(tomlkit.nl())
            document.add(tomlkit.comment(text))
            document.add(name, getattr(settings, name))
        config.write_text(tomlkit.dumps(document))
    return open_home(path)


def open_home(path: Path) -> Home:
    """An existing home. HomeError: there is none, or its settings cannot be read."""
    config = path / CONFIG
    if not config.exists():
        raise HomeError(f"there is no Holdfast home in {path}; make one with: holdfast --home {path} init")
    try:
        values = tomllib.loads(config.read_text())
    except tomllib.TOMLDecodeError as error:
        raise HomeError(f"{config}: not valid TOML: {error}") from None
    unknown = sorted(set(values) - set(EXPLANATIONS))
    if unknown:
        raise HomeError(f"{config}: unknown setting '{unknown[0]}'; the settings are {', '.join(EXPLANATIONS)}")
    settings = Settings(**{name: str(value) for name, value in values.items()})
    _check(settings, str(config))
    return Home(path, settings)


def _check(settings: Settings, where: str) -> None:
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        raise HomeError(
            f"{where}: timezone = '{settings.timezone}' is not a time zone; write it as Europe/Berlin"
        ) from None
    if len(settings.currency) != 3 or not settings.currency.isupper():
        raise HomeError(f"{where}: currency = '{settings.currency}'; write an ISO code such as USD")
    if settings.as_of:
        try:
            date.fromisoformat(settings.as_of)
        except ValueError:
            raise HomeError(f"{where}: as_of = '{settings.as_of}' is not a day; write it as 2025-03-31") from None


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for writing against other processes."""
    import fcntl

    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def only_one(lock_file: Path) -> Iterator[bool]:
    """Whether this process is the one that holds a lock; it goes with the process, however that ends."""
    import fcntl

    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def write_whole(path: Path, text: str) -> None:
    """Replace a small file in one step: readers see the old text or the new one, and a crash of the machine leaves one of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # two at once must not write into one another's file
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    with beside.open("w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
