"""What can be said of a file's columns by looking at their values: the evidence that a guess is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from holdfast.domain.facts import TABLES
from holdfast.sources.files.amounts import looks_numeric, read_currency
from holdfast.sources.files.parse import (
    NO_TEXT,
    NOTHING,
    BadValueError,
    DateFormat,
    choose_date_format,
    read_day,
    read_flag,
    read_interval,
)
from holdfast.sources.files.vocabulary import VALUE_WORDS, plain_name

#: Different values looked at to tell what a column holds.
_SAMPLE = 2_000

#: What a field that is no column of its table holds.
_FIELD_KINDS = {
    "month": "date",
    "trial": "flag",
    "discount_percent": "int",
    "interval": "interval",
    "first_response_minutes": "int",
    "subscription_id": "text",
}


@dataclass(frozen=True)
class Profile:
    """One column of a file."""

    header: str
    values: pa.ChunkedArray

    @cached_property
    def counts(self) -> dict[str, int]:
        """The different texts of the column and in how many rows they are, without those that say nothing."""
        counted = pc.value_counts(self.values)
        told = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
        return {text: rows for text, rows in told if text is not None and text.strip().lower() not in NO_TEXT}

    @property
    def distinct(self) -> list[str]:
        return list(self.counts)

    @cached_property
    def sample(self) -> list[str]:
        """Some of them, without those that mean "nothing" in dates and numbers."""
        return [text for text in self.distinct[:_SAMPLE] if text.strip().lower() not in NOTHING]

    @cached_property
    def is_unique(self) -> bool:
        """Whether no filled value occurs twice."""
        return 0 < sum(self.counts.values()) == len(self.counts)

    @cached_property
    def is_date(self) -> bool:
        return choose_date_format(self.sample) is not None

    @cached_property
    def is_numeric(self) -> bool:
        return self._mostly(looks_numeric)

    @cached_property
    def is_flag(self) -> bool:
        return len(self.sample) <= 10 and self._mostly(_reads(read_flag))

    def holds(self, table: str, field: str, word: str) -> bool:
        """Whether the values can be what the field of the table holds. An empty column can be anything."""
        if not self.sample:
            return True
        kind = field_kind(table, field)
        if kind in ("date", "time"):
            return self.is_date
        if kind in ("int", "money", "ppm", "rate"):
            return self.is_numeric
        if kind == "flag":
            return self.is_flag
        if kind == "interval":
            return self._mostly(_reads(read_interval))
        if field == "currency" or (table, field) == ("fx_rate", "quote"):
            return self._mostly(_reads(read_currency))
        if field == "product_id" and word in ("units", "unit"):
            return not self.is_numeric
        choices = choices_of(table, field)
        return not choices or self._mostly(lambda text: choice(table, field, text) is not None)

    def _mostly(self, test: Callable[[str], bool]) -> bool:
        """Whether half of the different values pass, or those of half of the rows: the rest are bad rows."""
        passed = [text for text in self.sample if test(text)]
        rows = sum(self.counts[text] for text in self.sample)
        return bool(passed) and (
            len(passed) * 2 >= len(self.sample) or sum(self.counts[text] for text in passed) * 2 >= rows
        )


def profiles(table: pa.Table) -> list[Profile]:
    """A profile of every column."""
    return [Profile(name, table[name]) for name in table.column_names]


def field_kind(table: str, field: str) -> str:
    """What a field holds: a kind of `facts.Kind`, or "interval"."""
    names = TABLES[table].names
    if field in names and field != "interval":
        return TABLES[table].column(field).kind
    return _FIELD_KINDS.get(field, "text")


def choices_of(table: str, field: str) -> tuple[str, ...]:
    """The fixed list of values of a field; empty where there is none."""
    return TABLES[table].column(field).choices if field in TABLES[table].names and field != "interval" else ()


def choice(table: str, field: str, text: str) -> str | None:
    """Our value for a text of a field with a fixed list; None where we have none."""
    plain = plain_name(text)
    plain = VALUE_WORDS.get((table, field), {}).get(plain, plain)
    return plain if plain in choices_of(table, field) else None


def _reads(read: Callable[[str], object]) -> Callable[[str], bool]:
    def test(text: str) -> bool:
        try:
            read(text)
        except BadValueError:
            return False
        return True

    return test


_MONTH_HEADER = re.compile(r"(?:^|[a-z_ ])(\d{4})[-_/ .]?[mM]?(0[1-9]|1[0-2])(?:[-_/ .]?01)?$")


def month_of(header: str) -> str | None:
    """The first day of the month that a column's name is, as YYYY-MM-DD; None where it is no month."""
    name = header.strip()
    if match := _MONTH_HEADER.search(name.lower()):
        return f"{match[1]}-{match[2]}-01"
    if not re.search(r"\d", name) or not re.match(r"^(\d{1,2}[-/.]\d{4}|[A-Za-z]{3,9}\.?[-' ]+\d{2,4})$", name):
        return None
    try:
        return read_day(name, "text", ZoneInfo("UTC")).replace(day=1).isoformat()
    except BadValueError:
        return None


def month_columns(columns: Sequence[Profile]) -> dict[str, str]:
    """Columns whose names are months, with the first day of each; they must hold numbers or nothing."""
    return {
        profile.header: month
        for profile in columns
        if (month := month_of(profile.header)) and (profile.is_numeric or not profile.sample)
    }


def days_of(texts: Iterable[str], form: DateFormat, zone: ZoneInfo) -> list[date]:
    """The days of those texts that are dates, without 9999-12-31 and the like."""
    found = []
    for text in texts:
        try:
            day = read_day(text, form, zone)
        except BadValueError:
            continue
        if day.year < 2900:
            found.append(day)
    return found
