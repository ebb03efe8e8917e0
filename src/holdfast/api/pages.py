"""Lists go on with a cursor: an opaque text that says where the last page ended."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from pydantic import BaseModel, Field

from holdfast.api.fields import DIGITS
from holdfast.api.problems import Problem

#: entries of a page
DEFAULT, MOST = 50, 200


class Paged(BaseModel):
    """Which page of a list."""

    limit: Annotated[int, Field(ge=1, le=MOST), DIGITS] = Field(DEFAULT, description="Entries of a page.")
    cursor: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,600}$")] | None = Field(
        None, description="`next` of the page before."
    )


def cursor(kind: str, after: str | int) -> str:
    """The cursor behind an entry of a list."""
    return base64.urlsafe_b64encode(json.dumps([kind, after], separators=(",", ":")).encode()).decode().rstrip("=")


def after(kind: str, asked: Paged, first: Any) -> Any:
    """The entry behind which a page begins. Problem: the cursor is not one of this list."""
    if asked.cursor is None:
        return first
    try:
        told = json.loads(base64.urlsafe_b64decode(asked.cursor + "=" * (-len(asked.cursor) % 4)))
        # half a sign is no text that could be looked up: UnicodeEncodeError, a ValueError
        json.dumps(told, ensure_ascii=False).encode()
    except (binascii.Error, ValueError, RecursionError):
        told = None
    if not isinstance(told, list) or len(told) != 2 or told[0] != kind or type(told[1]) is not type(first):
        raise Problem(
            422,
            "this cursor does not belong to this list; begin without one",
            [("query.cursor", "not a cursor of this list")],
        )
    if isinstance(told[1], int) and not 0 <= told[1] < 2**63:
        raise Problem(
            422, "this cursor does not belong to this list; begin without one", [("query.cursor", "out of reach")]
        )
    return told[1]
