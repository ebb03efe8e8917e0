"""Kinds of fields: what may stand in a parameter or a body. Everything has a bound."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

#: a line of text: no control characters
LINE = r"^[^\x00-\x1f\x7f]+$"
#: an id in an address, as the document describes it; a slash in it is written ~2F
STEP = r"^[^/\x00-\x1f\x7f]+$"
MONTH = r"^(19[7-9][0-9]|20[0-9][0-9])-(0[1-9]|1[0-2])$"
CURRENCY = r"^(only:)?[A-Z]{3}$"

_DIGITS = re.compile(r"-?(0|[1-9][0-9]{0,14})")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Given(BaseModel):
    """A body, or a part of one: what it does not know is refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)


def _whole(value: Any) -> Any:
    """A whole number of a query: digits alone."""
    if isinstance(value, str):
        if not _DIGITS.fullmatch(value):
            raise ValueError("a whole number")
        return int(value)
    return value


def _day(value: Any) -> Any:
    if isinstance(value, date) or value is None:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("a day, as 2024-03-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("a day that the calendar has, as 2024-03-31") from None


def _yes(value: Any) -> Any:
    """true or false of a query."""
    if isinstance(value, bool):
        return value
    if value not in ("true", "false"):
        raise ValueError("true or false")
    return value == "true"


#: after the bounds of a whole number in a query: digits alone
DIGITS = BeforeValidator(_whole)
Yes = Annotated[bool, BeforeValidator(_yes), WithJsonSchema({"type": "boolean"})]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Month = Annotated[str, Field(pattern=MONTH, examples=["2026-10"])]
Line = Annotated[str, Field(min_length=1, max_length=255, pattern=LINE)]
Id = Annotated[
    str,
    Field(min_length=1, max_length=255, pattern=LINE),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 255, "pattern": STEP}),
]
Flag = Annotated[bool, Field(strict=True)]
Number = Annotated[int, Field(strict=True)]
