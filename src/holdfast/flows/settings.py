"""Settings of a home, changed from the web: checked as a whole, then written in one step with their comments kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import tomlkit
from babel.numbers import list_currencies

from holdfast.flows.home import CONFIG, EXPLANATIONS, Home, HomeError, Settings, locked, open_home, write_whole

#: settings that numbers depend on: a change of them books anew
BOOKED = ("currency", "timezone", "policy", "as_of")


def change(home: Home, **changes: str) -> list[str]:
    """Write changed settings to holdfast.toml; the names of those that were changed. HomeError: a value that cannot be."""
    unknown = sorted(set(changes) - set(EXPLANATIONS))
    if unknown:
        raise HomeError(f"there is no setting '{unknown[0]}'; the settings are {', '.join(EXPLANATIONS)}")
    wanted = replace(home.settings, **changes)
    check(home, wanted)
    changed = [name for name in EXPLANATIONS if getattr(wanted, name) != getattr(home.settings, name)]
    if changed:
        _write(home.path, {name: getattr(wanted, name) for name in changed})
    return changed


def check(home: Home, settings: Settings) -> None:
    """Refuse settings that cannot be, with what to write instead. HomeError."""
    if not settings.company.strip() or len(settings.company) > 120:
        raise HomeError("write the company's name, with 120 characters at most")
    if settings.currency not in list_currencies():
        raise HomeError(f"'{settings.currency}' is not a currency; write an ISO code such as EUR")
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise HomeError(f"'{settings.timezone}' is not a time zone; write it as Europe/Berlin") from None
    if settings.as_of:
        try:
            datetime.fromisoformat(settings.as_of)
        except ValueError:
            raise HomeError(f"'{settings.as_of}' is not a day; write it as 2026-03-31") from None
    home.policy(settings.policy)


def _write(path: Path, values: dict[str, Any]) -> None:
    with locked(path):
        config = path / CONFIG
        document = tomlkit.parse(config.read_text())
        for name, value in values.items():
            document[name] = value
        write_whole(config, tomlkit.dumps(document))
    open_home(path)
