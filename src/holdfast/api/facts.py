"""Facts told by programs: rows of the fact tables, upserted by their keys."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path
from pydantic import BaseModel, Field, StrictBool, StrictFloat, StringConstraints

from holdfast.api import moment
from holdfast.api.door import operation
from holdfast.api.fields import Given
from holdfast.api.problems import Problem
from holdfast.desk.models import AuditEntry
from holdfast.flows import answers, upsert_facts

Table = Literal["outcome", "launch", "spend", "target", "ticket", "survey", "limit", "touch", "opportunity", "contact"]
FIELD = r"^[a-z][a-z_]{0,39}$"
FieldName = Annotated[str, StringConstraints(pattern=FIELD)]
Text = Annotated[str, StringConstraints(strict=True, max_length=upsert_facts.TEXT)]
Whole = Annotated[int, Field(strict=True, ge=-upsert_facts.MOST_INT, le=upsert_facts.MOST_INT)]
Value = Text | StrictBool | Whole | StrictFloat | None


class FactsGiven(Given):
    """Rows of one table. What a row leaves out stays as it was; null takes a value away."""

    rows: Annotated[
        list[
            Annotated[
                dict[FieldName, Value],
                Field(min_length=1, max_length=40, json_schema_extra={"propertyNames": {"pattern": FIELD}}),
            ]
        ],
        Field(
            min_length=1,
            max_length=upsert_facts.MOST_ROWS,
            description="Fields as docs/facts.md names them; days as 2026-03-31, moments as 2026-03-31T09:30:00Z, amounts in minor units.",
        ),
    ]


class RowRejected(BaseModel):
    """A row that did not land."""

    row: int = Field(description="Its place in `rows`, from 0.")
    field: str
    reason: str


class FactsLanded(BaseModel):
    """What became of the rows."""

    changed: int = Field(description="How many said something new.")
    unchanged: int = Field(description="How many said what is known.")
    rejected: list[RowRejected] = Field(description="The bad ones; all others landed.")
    load_no: int | None = Field(description="The load in which they landed; null where nothing was new.")
    shows: Literal["after the next booking", "nothing new"]


@operation("PUT", "/facts/{table}", needs="accounts:write", answers=FactsLanded, tag="Facts")
def put_facts(request: HttpRequest, table: Annotated[Table, Path()], given: FactsGiven) -> FactsLanded:
    """Tell up to 1,000 rows of a fact table: good rows land, bad ones are listed. They show after the next booking.

    Where every row is bad the answer is 422, with the reasons under `errors`.
    """
    now = moment.now()
    done = upsert_facts.upsert_facts(answers.home(), table, given.rows, now)
    if done.changed:
        told: dict[str, Any] = {"key": request.auth, "load_no": done.load_no}  # type: ignore[attr-defined]
        AuditEntry.add(f"upserted {table}", f"{done.changed} rows", now, **told)
    if not done.changed and not done.unchanged:
        errors = [(f"body.rows.{one.row}.{one.field}", one.reason) for one in done.rejected[:50]]
        raise Problem(422, "no row could be read", errors)
    return FactsLanded(
        changed=done.changed, unchanged=done.unchanged, load_no=done.load_no,
        rejected=[RowRejected(row=one.row, field=one.field, reason=one.reason) for one in done.rejected],
        shows="after the next booking" if done.changed else "nothing new",
    )  # fmt: skip
