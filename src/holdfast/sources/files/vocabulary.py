"""The words of other systems for our tables, fields and values (`vocabulary.toml`), and their look-up."""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from typing import Any

Words = dict[str, tuple[str, ...]]

_TOLD: dict[str, Any] = tomllib.loads(
    resources.files("holdfast.sources.files").joinpath("vocabulary.toml").read_text(encoding="utf-8")
)

#: Table -> field -> words, strongest first.
VOCABULARY: dict[str, Words] = {
    table: {field: tuple(words) for field, words in fields.items()} for table, fields in _TOLD["tables"].items()
}

#: What a price column's name says: (how the amount is meant, words). Looked up in this order.
AMOUNT_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = tuple(
    (each["meaning"], tuple(each["words"])) for each in _TOLD["amounts"]
)

#: Table -> words in a file's name that tell it.
FILE_WORDS: Words = {table: tuple(words) for table, words in _TOLD["files"].items()}

#: Columns that are segment attributes wherever they stand.
SEGMENT_WORDS = frozenset(_TOLD["segments"]["words"])

#: (table, field) -> what other systems call a value -> our value.
VALUE_WORDS: dict[tuple[str, str], dict[str, str]] = {
    (table, field): words for table, fields in _TOLD["values"].items() for field, words in fields.items()
}

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CURRENCY_TAIL = re.compile(r"_(usd|eur|gbp|chf|cad|aud|jpy|sek|nok|dkk|inr|brl)$")
_ZONE_TAIL = re.compile(r"_(utc|gmt)$")
_MINOR_TAIL = re.compile(r"_(cents|minor|minor_units|in_cents|pence)$")


def plain_name(header: str) -> str:
    """A header as the vocabulary writes it: lower case, `_` between words, camel case split."""
    return re.sub(r"[^0-9a-z]+", "_", _CAMEL.sub("_", header).lower()).strip("_")


def currency_in(header: str) -> str:
    """The currency that a header names at its end (refund_amount_usd: USD); "" where it names none."""
    match = _CURRENCY_TAIL.search(plain_name(header))
    return match[1].upper() if match else ""


def is_minor(header: str) -> bool:
    """Whether a header says that its amounts are minor units (amount_cents)."""
    return bool(_MINOR_TAIL.search(plain_name(header)))


def readings(header: str) -> list[tuple[str, str]]:
    """The names under which a header is looked up, strongest first, each with what was left off."""
    name = plain_name(header)
    names = [(name, "")]
    for pattern, what in (
        (_CURRENCY_TAIL, "the currency"),
        (_MINOR_TAIL, "the unit"),
        (_ZONE_TAIL, "the zone"),
    ):
        if pattern.search(name):
            names.append((pattern.sub("", name), f"without {what}"))
    if name.endswith("_flag"):
        names.append((name.removesuffix("_flag"), "without _flag"))
    for prefix in ("subscription_", "is_", "billing_"):
        if name.startswith(prefix):
            names.append((name.removeprefix(prefix), f"without {prefix}"))
    return names
