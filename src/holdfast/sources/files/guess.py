"""Which fact table a file is, and which column means what: a guess with its reasons and its confidence.

Names are looked up in the vocabulary and must be borne out by the values. A file that fits no table is said
to be unrecognised, with what is missing; nothing is forced into a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from holdfast.sources.files.mapping import NEEDED, Mapping
from holdfast.sources.files.parse import choose_date_format
from holdfast.sources.files.profile import Profile, days_of, month_columns
from holdfast.sources.files.settle import settle
from holdfast.sources.files.vocabulary import (
    AMOUNT_WORDS,
    FILE_WORDS,
    VOCABULARY,
    plain_name,
    readings,
)

#: Words that name a month beyond doubt; the others do only where all dates are a month's first or last day.
_SURE_MONTHS = VOCABULARY["subscription_item"]["month"][:4]


@dataclass(frozen=True)
class Match:
    """A field found in a column."""

    header: str
    quality: float
    reason: str


@dataclass(frozen=True)
class Unrecognised:
    """A file that fits no table, and what each of the nearest lacked."""

    reason: str


Matches = dict[str, Match]


def guess(
    file: str, columns: Sequence[Profile], currency: str, timezone: str, only: str = ""
) -> Mapping | Unrecognised:
    """The mapping of a file, or why it is none of ours. `currency` and `timezone` are the home's; `only`: the one table it can be."""
    rated = [
        (_score(table, file, found), table, found)
        for table in ([only] if only else NEEDED)
        if (found := _match_table(table, file, columns)) is not None
    ]
    if not rated:
        return Unrecognised(_what_is_missing(file, columns))
    rated.sort(key=lambda each: -each[0])
    score, table, found = rated[0]
    confidence = sum(found[f].quality for f in NEEDED[table] if f in found) / len(NEEDED[table])
    if len(rated) > 1 and rated[1][0] > score - 1:
        confidence *= 0.8
    hint = f'; "{_hint(table, file)}" is in its name' if _hint(table, file) else ""
    reasons = {field: match.reason for field, match in found.items() if match.reason}
    reasons["table"] = f"it has {', '.join(found[f].header for f in NEEDED[table] if f in found)}{hint}"
    mapping = Mapping(
        table,
        {field: match.header for field, match in found.items()},
        currency=currency,
        timezone=timezone,
        reasons=reasons,
        confidence=min(confidence, 1.0),
    )
    return settle(mapping, columns)


def _hint(table: str, file: str) -> str:
    """The word in a file's name that tells the table; "" where there is none."""
    words = plain_name(Path(file).stem).split("_")
    return next((word for word in FILE_WORDS[table] if word in words), "")


def _score(table: str, file: str, found: Matches) -> float:
    needed = NEEDED[table]
    fields = sum((2 if field in needed else 1) * match.quality for field, match in found.items())
    return fields + (3 if _hint(table, file) else 0)


# -- finding fields ------------------------------------------------------------------------------------------


def _match_table(table: str, file: str, columns: Sequence[Profile]) -> Matches | None:
    """The table's fields found among the columns; None where it is not that table."""
    found = _match_fields(table, file, columns)
    by_name = {profile.header: profile for profile in columns}
    if table == "subscription_item":
        _add_amount(found, columns)
        if not _has_time(found, by_name, columns):
            return None
    if table == "contact" and "email" in plain_name(found["contact_id"].header if "contact_id" in found else ""):
        found.setdefault("email", found["contact_id"])
    if table == "usage_day" and not ({"account_id", "subscription_id"} & set(found)):
        return None
    months_hold_amount = table == "subscription_item" and len(month_columns(columns)) >= 2
    if any(field not in found for field in NEEDED[table] if not (months_hold_amount and field.endswith("_minor"))):
        return None
    if table == "account" and not _is_one_per_account(found, by_name, file, columns):
        return None
    return found


def _match_fields(table: str, file: str, columns: Sequence[Profile]) -> Matches:
    """Each field's strongest column, by name and values. A column serves one field."""
    found: Matches = {}
    taken: set[str] = set()
    for field, words in VOCABULARY[table].items():
        best: tuple[tuple[int, int], Match] | None = None
        for profile in columns:
            if profile.header in taken:
                continue
            for rank, (name, left_off) in enumerate(readings(profile.header)):
                if name not in words or (name == "id" and not _hint(table, file)):
                    continue
                place = (rank, words.index(name))
                if (best is None or place < best[0]) and profile.holds(table, field, name):
                    quality = 1.0 if name == field else 0.9 - 0.1 * min(rank, 1)
                    best = (place, Match(profile.header, quality, left_off))
        if best is not None:
            found[field] = best[1]
            taken.add(best[1].header)
    return found


def _add_amount(found: Matches, columns: Sequence[Profile]) -> None:
    """The price column and how its name says it is meant."""
    taken = {match.header for match in found.values()}
    for meaning, words in AMOUNT_WORDS:
        for word in words:
            for profile in columns:
                names = [name for name, _ in readings(profile.header)]
                if word in names and profile.header not in taken and profile.is_numeric:
                    found["unit_amount_minor"] = Match(profile.header, 0.95, meaning)
                    return


def _has_time(found: Matches, by_name: dict[str, Profile], columns: Sequence[Profile]) -> bool:
    """Whether the rows say when they hold; settles between a start and a month."""
    if "month" in found:
        profile = by_name[found["month"].header]
        named = plain_name(profile.header) in _SURE_MONTHS
        if named or ("valid_from" not in found and _only_month_edges(profile)):
            found.pop("valid_from", None)
            found.pop("valid_to", None)
            return True
        del found["month"]
    return "valid_from" in found or len(month_columns(columns)) >= 2


def _only_month_edges(profile: Profile) -> bool:
    """Whether every date is the first, or every date the last, of a month."""
    choice_made = choose_date_format(profile.sample)
    if choice_made is None:
        return False
    days = days_of(profile.sample, choice_made.form, ZoneInfo("UTC"))
    lasts = all((day + timedelta(days=1)).day == 1 for day in days)
    return bool(days) and (lasts or all(day.day == 1 for day in days))


def _is_one_per_account(found: Matches, by_name: dict[str, Profile], file: str, columns: Sequence[Profile]) -> bool:
    """A file of accounts has a row per account, or says since when a state holds; its rows are no events."""
    if "valid_from" in found:
        return True
    ids = by_name[found["account_id"].header]
    rows = len(ids.values) - ids.values.null_count
    if rows == 0 or len(ids.distinct) < 0.95 * rows:
        return False
    own = {match.header for match in found.values()}
    event_ids = [p for p in columns if plain_name(p.header).endswith("_id") and p.header not in own and p.is_unique]
    return bool(_hint("account", file)) or not event_ids


def _what_is_missing(file: str, columns: Sequence[Profile]) -> str:
    """Of the tables that the file comes nearest to, what they lack."""
    lacks = []
    for table in NEEDED:
        found = _match_fields(table, file, columns)
        if table == "subscription_item":
            _add_amount(found, columns)
        missing = [field for field in NEEDED[table] if field not in found]
        if table == "subscription_item" and not {"valid_from", "month"} & set(found):
            missing.append("valid_from")
        if table != "account":
            lacks.append((len(missing) - len(found) / 100, table, missing))
    nearest = sorted(lacks)[:2]
    told = "; ".join(f"{table} would need {', '.join(missing) or 'other values'}" for _, table, missing in nearest)
    return f"its columns fit no table ({told})"
