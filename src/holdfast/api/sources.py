"""Sources: what was loaded from where, how fresh it is, and whether it is booked."""

from __future__ import annotations

from datetime import UTC, date, datetime

from django.http import HttpRequest
from pydantic import BaseModel

from holdfast.api import moment
from holdfast.api.door import get
from holdfast.flows import answers
from holdfast.flows import status as standing


class SourceTable(BaseModel):
    table: str
    loads: int
    rows: int
    last_load_no: int
    last_loaded_at: datetime


class SourceState(BaseModel):
    source: str
    kind: str
    loads_not_booked: int
    tables: list[SourceTable]


class Published(BaseModel):
    generation: int
    as_of: date
    last_load_no: int
    booked_at: datetime


class Sources(BaseModel):
    booked: Published | None
    loads_not_booked: int
    sources: list[SourceState]


class SourceError(BaseModel):
    problem: str
    remedy: str


class Standing(BaseModel):
    """One source; `state` is empty for what is loaded by hand."""

    name: str
    kind: str
    state: str
    last_success: datetime | None
    lag_seconds: int | None
    late: bool
    rows: dict[str, int]
    errors: list[SourceError]
    bad_rows: int
    next_run_at: datetime | None
    complete_from: date | None
    incomplete_accounts: int


class Covered(BaseModel):
    accounts: int
    of: int


class Status(BaseModel):
    """How fresh and how complete everything is."""

    sources: list[Standing]
    events: dict[str, int]
    coverage: dict[str, Covered]
    booked: Published | None
    booking_problem: str
    loads_not_booked: int
    complete_from: date | None
    incomplete_accounts: int


@get("/status", needs="sources:read", answers=Status, tag="Sources")
def status_(request: HttpRequest) -> Status:
    """How fresh and how complete everything is.

    The same as `holdfast status --format json`: by source the last success, its lag, rows and errors with their remedies; events; and how
    many of the paying accounts have usage, CRM and support data.
    """
    return Status.model_validate(standing.status(answers.home(), moment.now()).document())


@get("/sources", needs="sources:read", answers=Sources, tag="Sources")
def sources(request: HttpRequest) -> Sources:
    """The sources and their state."""
    told = answers.current()
    booked = told.last_load_no if told else 0
    loads = answers.home().landing.loads()
    found: dict[tuple[str, str], dict[str, SourceTable]] = {}
    waiting: dict[tuple[str, str], int] = {}
    for load in loads:
        name = load.source, load.source_kind
        tables = found.setdefault(name, {})
        before = tables.get(load.table)
        tables[load.table] = SourceTable(
            table=load.table, loads=(before.loads if before else 0) + 1, rows=(before.rows if before else 0) + load.rows,
            last_load_no=load.load_no, last_loaded_at=load.loaded_at.replace(tzinfo=UTC),
        )  # fmt: skip
        waiting[name] = waiting.get(name, 0) + (load.load_no > booked)
    return Sources(
        booked=Published(**{name: getattr(told, name) for name in Published.model_fields}) if told else None,
        loads_not_booked=sum(waiting.values()),
        sources=[
            SourceState(source=source, kind=kind, loads_not_booked=waiting[source, kind], tables=list(tables.values()))
            for (source, kind), tables in sorted(found.items())
        ],
    )
