"""The address of a database: which kinds there are, what each needs, and that it leads nowhere but where it may.

Nothing is opened here but connections that can only read.
"""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from holdfast.domain.hosts import AddressError, allowed_by_name, check
from holdfast.domain.paths import PathError, require_allowed
from holdfast.sources.source import SourceError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

#: seconds to connect
CONNECT = 20


@dataclass(frozen=True)
class Kind:
    """A kind of database: SQLAlchemy's name of it with the driver, the package to install, and what its address names."""

    driver: str
    package: str
    names: Literal["host", "file", "cloud"] = "host"


KINDS = {
    "sqlite": Kind("sqlite", "", "file"),
    "postgresql": Kind("postgresql+psycopg", "psycopg[binary]"),
    "mysql": Kind("mysql+pymysql", "pymysql"),
    "mariadb": Kind("mariadb+pymysql", "pymysql"),
    "mssql": Kind("mssql+pymssql", "pymssql"),
    "oracle": Kind("oracle+oracledb", "oracledb"),
    "redshift": Kind("redshift+redshift_connector", "sqlalchemy-redshift redshift_connector"),
    "databricks": Kind("databricks", "databricks-sqlalchemy"),
    "clickhouse": Kind("clickhouse+http", "clickhouse-sqlalchemy"),
    "trino": Kind("trino", "trino[sqlalchemy]"),
    "snowflake": Kind("snowflake", "snowflake-sqlalchemy", "cloud"),
    "bigquery": Kind("bigquery", "sqlalchemy-bigquery", "cloud"),
}
OTHER_NAMES = {"postgres": "postgresql"}

#: what may stand behind the ? of an address: others name files, sockets or other hosts
OPTIONS = frozenset(
    {
        "application_name", "catalog", "charset", "credentials_base64", "database", "encrypt", "http_path", "protocol", "role", "schema",
        "secure", "service_name", "sslmode", "tds_version", "warehouse",
    }
)  # fmt: skip


def address(text: str) -> tuple[URL, Kind]:
    """A database's address, and its kind. SourceError: it cannot be used, and why; a secret is not in it."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        raise SourceError(
            "the database's address cannot be read",
            "write it as postgresql://user:password@host:5432/database; in a password, write @ as %40 and / as %2F",
        ) from None
    name = url.get_backend_name().lower()
    name = OTHER_NAMES.get(name, name)
    kind = KINDS.get(name)
    if kind is None:
        raise SourceError(f"'{name}' is not a kind of database that is read", f"there are {', '.join(KINDS)}")
    unknown = sorted(set(url.query) - OPTIONS)
    if unknown:
        raise SourceError(
            f"the address has '{unknown[0]}', which may not be set here",
            f"leave it out; there are {', '.join(sorted(OPTIONS))}",
        )
    return url.set(drivername=kind.driver), kind


@contextmanager
def connected(text: str, seconds: int) -> Iterator[Connection]:
    """A connection in one transaction that can only read; a statement takes up to so many seconds. SourceError: why there is none."""
    from sqlalchemy.exc import SQLAlchemyError

    url, kind = address(text)
    engine = _engine(url, kind, seconds)
    try:
        with engine.connect() as connection:
            _only_reading(connection, seconds)
            yield connection
    except SQLAlchemyError as error:
        raise SourceError(
            f"the database says: {said(error, url)}", "check the address, the query and what the user may read"
        ) from None
    finally:
        engine.dispose()


def said(error: Exception, url: URL) -> str:
    """The first line of what a driver said, without the password."""
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines() or [type(original).__name__]
    return lines[0].replace(url.password, "…") if url.password else lines[0]


def _engine(url: URL, kind: Kind, seconds: int) -> Engine:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import NoSuchModuleError
    from sqlalchemy.pool import NullPool

    more: dict[str, Any] = {}
    if kind.names == "file":
        more["creator"] = _sqlite(url, seconds)
    elif kind.names == "host":
        inside = require_reachable(url.host or "")
        if kind.driver.startswith("postgresql"):
            more["connect_args"] = {"connect_timeout": CONNECT} | ({"hostaddr": inside} if inside else {})
    try:
        return create_engine(url, poolclass=NullPool, **more)
    except (ImportError, NoSuchModuleError):
        name = url.get_backend_name()
        raise SourceError(
            f"the driver for {name} is not installed", f"install it beside Holdfast: pip install {kind.package}"
        ) from None


def require_reachable(host: str) -> str:
    """The address that a host's name leads to, if that is a public one; "" where the host is allowed by name. SourceError: it is not."""
    if not host:
        raise SourceError("the address names no host", "write it as postgresql://user:password@host:5432/database")
    if host.lower() in allowed_by_name():
        return ""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        raise SourceError(f"there is no host {host}", "check the address") from None
    try:
        for one in found:
            check(one)
    except AddressError as error:
        raise SourceError(
            str(error), f"if the database is yours, add {host} to HOLDFAST_ALLOW_HOSTS and start Holdfast again"
        ) from None
    return found[0]


def _sqlite(url: URL, seconds: int) -> Any:
    """What opens a SQLite file, to be read only."""
    try:
        path = require_allowed(url.database or "")
    except PathError as error:
        raise SourceError(str(error), "the operator names folders that may be read in HOLDFAST_ALLOW_PATHS") from None
    if not path.is_file():
        raise SourceError(f"there is no file {path}", "check the path; a whole one begins with sqlite:////")

    def opened() -> sqlite3.Connection:
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=CONNECT)
        connection.execute("pragma query_only = on")
        until = time.monotonic() + seconds
        connection.set_progress_handler(lambda: int(time.monotonic() > until), 100_000)
        return connection

    return opened


def _only_reading(connection: Connection, seconds: int) -> None:
    """Nothing can be written, all statements see the same state, and none takes for ever: as far as the kind of database has it."""
    name = connection.dialect.name
    if name == "postgresql":
        connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.exec_driver_sql(f"set local statement_timeout = {seconds * 1000}")
    elif name in ("mysql", "mariadb"):
        limit = "max_statement_time" if name == "mariadb" else "max_execution_time"
        connection.exec_driver_sql(f"set session {limit} = {seconds if name == 'mariadb' else seconds * 1000}")
        connection.exec_driver_sql("set session transaction read only")
        connection.commit()
    elif name == "oracle":
        connection.exec_driver_sql("set transaction read only")
