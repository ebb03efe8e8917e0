"""Rows of a table or query, as JSON: exact, in pages, with the key, group and time that tell them apart.

How the columns are read is a mapping as files have one: given, or guessed from the first rows.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Map
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from holdfast.sources.access import Access
from holdfast.sources.files.guess import Unrecognised, guess
from holdfast.sources.files.mapping import NEEDED, Mapping, MappingError, from_toml
from holdfast.sources.files.profile import profiles
from holdfast.sources.source import Object, SourceError
from holdfast.sources.sql_address import connected

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: rows of a page, and rows by which a mapping is guessed
PAGE, SAMPLE = 2_000, 2_000
#: seconds that a statement may take
TIMEOUT = 300
#: the currency a guess assumes where none is set: its rows are read in the company's
ANY_CURRENCY = "EUR"
#: columns that alone tell the rows of a table apart
OWN_ID = {
    "account": "account_id", "invoice": "invoice_id", "invoice_line": "line_id", "contact": "contact_id", "ticket": "ticket_id",
    "survey": "response_id", "touch": "touch_id",
}  # fmt: skip
CALMLY_QUOTED = frozenset({"sqlite", "mysql", "mariadb", "mssql"})
#: the group of rows that belong to no account, and of those that name none
EVERYBODY, NOBODY = "*", "?"


@dataclass(frozen=True)
class Plan:
    """How a connection's rows are read."""

    sql: str
    mapping: Mapping
    #: columns that tell rows apart; none: their whole content does
    key: tuple[str, ...]
    cursor: str
    #: whether the currency is told by the mapping, and not the company's
    has_currency: bool

    @property
    def group(self) -> str:
        """The column that names the account; "" where the table has none."""
        return self.mapping.columns.get("account_id", "")


def opened(access: Access) -> Any:
    """A connection to the database of a source; see `connected`."""
    return connected(access.value("url"), TIMEOUT)


def plan(access: Access, connection: Connection) -> Plan:
    """How the rows are read. SourceError: they cannot be, and why."""
    sql = query_of(access, connection)
    sample = _first(connection, sql)
    if not sample:
        raise SourceError("the query gives no rows", "check its conditions; with rows, their columns can be understood")
    mapping, has_currency = _mapping(access, sample, connection.dialect.name)
    columns = list(sample[0])
    key = tuple(part.strip() for part in access.value("key").split(",") if part.strip())
    cursor = access.value("cursor").strip()
    for name in (*key, *([cursor] if cursor else [])):
        if name not in columns:
            raise SourceError(f"there is no column '{name}'", f"there are {', '.join(columns)}")
    own = mapping.columns.get(OWN_ID.get(mapping.table, ""), "")
    key = key or ((own,) if own else ())
    if cursor and not key:
        raise SourceError(
            "a cursor needs key columns", "name the columns that tell rows apart, or leave the cursor out"
        )
    if cursor:
        for row in sample:
            moment_of(row[cursor])
    return Plan(sql, mapping, key, cursor, has_currency)


def query_of(access: Access, connection: Connection) -> str:
    """The SELECT that is read. SourceError: there is none, or it does more than reading."""
    table, query = access.value("table").strip(), access.value("query").strip()
    if bool(table) == bool(query):
        raise SourceError("a table or a query is needed", "give one of the two, and not both")
    if query:
        return _only_select(query, connection.dialect.name)
    parts = table.split(".")
    if len(parts) > 3 or not all(parts):
        raise SourceError(
            f"'{table}' is not the name of a table", "write it as table, schema.table or database.schema.table"
        )
    preparer = connection.dialect.identifier_preparer
    # where names in quotation marks are as good as plain ones, a table may be called as a word of the language is
    quote = preparer.quote_identifier if connection.dialect.name in CALMLY_QUOTED else preparer.quote
    return f"select * from {'.'.join(quote(part) for part in parts)}"


def _only_select(query: str, dialect: str) -> str:
    """The query, if it is one SELECT and nothing else."""
    from sqlglot import ParseError, TokenError, exp

    try:
        statements = _parsed(query, dialect)
    except (ParseError, TokenError, ValueError) as error:
        raise SourceError(f"the query cannot be understood: {str(error).splitlines()[0]}", "give one SELECT") from None
    changing = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Create, exp.Drop, exp.Command, exp.Into, exp.Lock)
    is_select = len(statements) == 1 and isinstance(statements[0], exp.Query)
    if not is_select or any(True for _ in statements[0].find_all(*changing)):
        raise SourceError("the query is not one SELECT", "give one SELECT that only reads; WITH may stand before it")
    return query.rstrip().rstrip(";")


def _parsed(query: str, dialect: str) -> list[Any]:
    import sqlglot

    names = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
    return [one for one in sqlglot.parse(query, read=names.get(dialect, dialect)) if one is not None]


def _first_table(query: str, dialect: str) -> str:
    """The name of the first table that a query reads, which may tell what its rows are."""
    from sqlglot import exp

    parsed = _parsed(query, dialect)[0]
    own = {one.alias for one in parsed.find_all(exp.CTE)}
    return next((one.name for one in parsed.find_all(exp.Table) if one.name not in own), "rows")


def _first(connection: Connection, sql: str) -> list[dict[str, Any]]:
    with connection.execution_options(stream_results=True).execute(_text(sql)) as result:
        names = _names(result.keys())
        return [dict(zip(names, row, strict=True)) for row in result.fetchmany(SAMPLE)]


def _names(names: Any) -> list[str]:
    """The columns' names. SourceError: two are the same."""
    found = list(names)
    twice = sorted({name for name in found if found.count(name) > 1})
    if twice:
        raise SourceError(f"the query gives two columns '{twice[0]}'", "name one of them otherwise, with AS")
    return found


def _text(sql: str) -> Any:
    """SQL as it stands: a colon in it begins no parameter."""
    from sqlalchemy import text

    return text(sql.replace(":", "\\:"))


# -- the mapping -----------------------------------------------------------------------------------------------


def _mapping(access: Access, rows: Sequence[Map[str, Any]], dialect: str) -> tuple[Mapping, bool]:
    """The mapping of the rows, and whether it tells the currency. SourceError: there is none."""
    told, currency, wanted = (
        access.value("mapping").strip(),
        access.value("currency").strip().upper(),
        access.value("as_table").strip(),
    )
    header = list(rows[0])
    if told:
        try:
            given = from_toml(told, "mapping", currency or ANY_CURRENCY)
            has_currency = bool(currency) or "currency" in tomllib.loads(told)
        except MappingError as error:
            raise SourceError(str(error), "correct the mapping, or leave it empty to have it guessed") from None
        if given.missing(header):
            raise SourceError(
                f"the mapping names {', '.join(given.missing(header))}", f"the columns are {', '.join(header)}"
            )
        return given, has_currency
    if wanted and wanted not in NEEDED:
        raise SourceError(f"there is no fact table '{wanted}'", f"there are {', '.join(NEEDED)}")
    name = wanted or access.value("table").rpartition(".")[2] or _first_table(access.value("query"), dialect)
    found = guess(name, profiles(as_texts(rows, header)), currency or ANY_CURRENCY, "UTC", only=wanted)
    if isinstance(found, Unrecognised):
        raise SourceError(
            f"not recognised: {found.reason}",
            "name the columns plainly with AS, say as which table they are read, or give a mapping",
        )
    # words of our lists are known without being told: the mapping stays the same when another one is used
    return replace(found, values={}), bool(currency) or "named" in found.reasons.get("currency", "")


def as_texts(rows: Sequence[Map[str, Any]], header: Sequence[str]) -> pa.Table:
    """Rows as a file of them would be read: every cell a text, or missing."""
    return pa.table({name: pa.array([_cell(safe(row.get(name))) for row in rows], pa.string()) for name in header})


def _cell(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def safe(value: Any) -> Any:
    """A value of a database as JSON has it, with nothing lost: decimals, days and moments as texts."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Decimal):
        return format(value, "f") if value.is_finite() else None
    if isinstance(value, datetime):
        return (value.astimezone(UTC) if value.tzinfo else value).isoformat(sep=" ")
    if isinstance(value, (date, clock)):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex()
    if isinstance(value, Map):
        return {str(name): safe(one) for name, one in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [safe(one) for one in value]
    return str(value)


# -- reading rows ----------------------------------------------------------------------------------------------


def objects(connection: Connection, how: Plan, since: datetime | None) -> Iterator[list[Object]]:
    """Pages of rows, those that changed since a moment (UTC) or all of them."""
    sql, values = how.sql, {}
    if since is not None and how.cursor:
        bound = _bound(connection, how, since)
        if bound is None:
            return
        column = connection.dialect.identifier_preparer.quote(how.cursor)
        sql, values = f"select * from (\n{how.sql}\n) holdfast_rows where {column} >= ", {"since": bound}
    statement = _text(sql) if not values else _with_since(sql, values["since"])
    seen: dict[str, int] = {}
    with connection.execution_options(stream_results=True, max_row_buffer=PAGE).execute(statement) as result:
        names = _names(result.keys())
        while page := result.fetchmany(PAGE):
            yield [_object(how, dict(zip(names, row, strict=True)), seen) for row in page]


def _with_since(sql: str, since: Any) -> Any:
    from sqlalchemy import text

    return text(sql.replace(":", "\\:") + ":since").bindparams(since=since)


def _object(how: Plan, row: dict[str, Any], seen: dict[str, int]) -> Object:
    told = {name: safe(value) for name, value in row.items()}
    parts = [told[name] for name in how.key] if how.key else [told]
    key = json.dumps(parts, ensure_ascii=False, sort_keys=True)
    if not how.key or len(key) > 200:
        key = hashlib.sha256(key.encode()).hexdigest()[:32]
    seen[key] = seen.get(key, 0) + 1
    if seen[key] > 1:
        if how.key:
            values = ", ".join(f"{name} {told[name]}" for name in how.key)
            raise SourceError(f"two rows have {values}", "name key columns that tell all rows apart")
        key = f"{key}-{seen[key]}"
    account = told.get(how.group) if how.group else EVERYBODY
    changed = moment_of(row[how.cursor]) if how.cursor else None
    return {
        "key": key, "group": NOBODY if account in (None, "") else str(account).strip(),
        "changed": changed.isoformat() if changed else None, "row": told,
    }  # fmt: skip


def moment_of(value: Any) -> datetime | None:
    """When a cursor column says that its row changed (UTC). SourceError: it holds no time."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            return found if found.tzinfo else found.replace(tzinfo=UTC)
        if isinstance(value, (int, float, Decimal)) and value > 10**8:
            return datetime.fromtimestamp(float(value) / (1000 if value > 10**11 else 1), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise SourceError(
        f"the cursor column holds '{value}', which is no time", "name a column with the time of the last change"
    )


def _bound(connection: Connection, how: Plan, since: datetime) -> Any:
    """`since` as the cursor column writes its values; None: the column has none, so nothing is new."""
    column = connection.dialect.identifier_preparer.quote(how.cursor)
    sql = f"select max({column}) from (\n{how.sql}\n) holdfast_rows"
    newest = connection.execute(_text(sql)).scalar()
    if newest is None:
        return None
    if isinstance(newest, datetime):
        return since if newest.tzinfo else since.astimezone(UTC).replace(tzinfo=None)
    if isinstance(newest, date):
        return since.date()
    if isinstance(newest, str):
        # of every way to write a moment the day comes first; zones move it by a day at most
        return (since - timedelta(days=1)).date().isoformat()
    return int(since.timestamp() * (1000 if newest > 10**11 else 1))
