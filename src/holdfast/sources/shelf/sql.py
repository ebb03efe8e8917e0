"""Any SQL database or warehouse: the rows of a table or query, read as a file of them would be.

Reading is in one transaction that can write nothing, of one SELECT, with a limit on its time. The mapping is given, or guessed from
the first rows; it is an object of its own, kept beside the rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from holdfast.sources.access import Access
from holdfast.sources.files.mapping import NEEDED
from holdfast.sources.source import Checked, Field, Object, Source, SourceError, Span, Stream
from holdfast.sources.sql_reading import Plan, objects, opened, plan
from holdfast.sources.sql_rows import LAYOUT, ROWS, facts, layout

FIELDS = (
    Field("url", "Address", "postgresql://user:password@host:5432/database", is_secret=True),
    Field("table", "Table", "table or schema.table; or give a query", is_required=False),
    Field("query", "Query", "one SELECT; or give a table", is_required=False),
    Field("as_table", "Read as", "a fact table; empty: guessed from the columns", is_required=False, choices=("", *NEEDED)),
    Field("key", "Key columns", "columns that tell rows apart, with commas; empty: the id, or the whole row", is_required=False),
    Field("cursor", "Cursor column", "a column with the time of the last change; empty: all rows are read each time", is_required=False),
    Field("gone", "Rows that are gone", "what is no longer listed; empty: deleted for a table, kept for a query", is_required=False,
          choices=("", "deleted", "kept")),
    Field("currency", "Currency", "where no column names one; empty: the company's", is_required=False),
    Field("mapping", "Mapping", "a mapping as holdfast load keeps them (TOML); empty: guessed", is_required=False),
)  # fmt: skip


def read_rows(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """Pages of rows that changed, or all of them."""
    with opened(access) as connection:
        how = plan(access, connection)
        # without a cursor nothing says what changed: everything is listed, and what is known lands nothing
        yield from objects(connection, how, span.since if how.cursor else None)


def read_layout(access: Access, span: Span) -> Iterator[Sequence[Object]]:
    """How the rows are read."""
    with opened(access) as connection:
        yield [layout(plan(access, connection))]


def changed(obj: Object) -> datetime | None:
    return datetime.fromisoformat(obj["changed"]) if obj.get("changed") else None


def check(access: Access) -> Checked:
    """Tries the address, the query and the mapping. SourceError: they cannot be used, and why."""
    with opened(access) as connection:
        how = plan(access, connection)
        seen = len(next(objects(connection, how, None), []))
        name = connection.dialect.name
    return Checked(f"{name}: {_described(how)}", {ROWS: seen}, tuple(_warnings(how)))


def _described(how: Plan) -> str:
    columns = ", ".join(f"{field} = {header}" for field, header in how.mapping.columns.items())
    return f"rows are read as {how.mapping.table} ({columns})"


def _warnings(how: Plan) -> Iterator[str]:
    for name, reason in how.mapping.reasons.items():
        if reason.startswith("PLEASE CHECK"):
            yield f"{name.partition('.')[2]}: {reason}"
    if how.mapping.table == "usage_day" and not how.group:
        raise SourceError("the rows name subscriptions and no accounts", "join the account's id into the query")
    if how.mapping.unused:
        yield f"not used: {', '.join(how.mapping.unused)}"


SOURCE = Source(
    name="sql",
    title="SQL database or warehouse",
    kind="file",
    fields=FIELDS,
    streams=(
        Stream(LAYOUT, read_layout, is_incremental=False, is_shared=True),
        Stream(
            ROWS, read_rows, key=lambda obj: str(obj["key"]), group=lambda obj: str(obj["group"]), changed=changed,
            overlap=timedelta(hours=1),
        ),
    ),
    facts=facts,
    check=check,
    scopes="A user of the database that may SELECT from the tables that are read, and nothing else.",
    has_unique_ids=True,
)  # fmt: skip
