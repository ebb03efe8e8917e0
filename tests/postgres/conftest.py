"""A PostgreSQL of its own, as a company runs it: started for these tests in a temporary folder, reached with a password over the loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ..browser.conftest import free_port

#: with signs that mean something in an address
PASSWORD = "p@ss/w:rd"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Cluster:
    """A PostgreSQL that runs."""

    port: int

    def connect(self, database: str = "postgres") -> Any:
        """A connection of the driver, each statement a transaction."""
        import psycopg

        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="holdfast", password=PASSWORD, dbname=database, autocommit=True
        )

    def database(self, name: str) -> str:
        """A new database; its address for HOLDFAST_DATABASE_URL."""
        with self.connect() as connection:
            connection.execute(f'create database "{name}"')
        return f"postgresql://holdfast:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{name}"


@dataclass(frozen=True)
class Desk:
    """A home whose desk lies in PostgreSQL; what is done with it is done in processes of their own."""

    home: Path
    url: str
    cluster: Cluster
    database: str

    def environment(self, **more: str) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HOLDFAST_", "DJANGO_"))}
        return clean | {"HOLDFAST_DATABASE_URL": self.url} | more

    def start(self, code: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """A process with the desk connected; `code` finds the home in sys.argv[1]."""
        begin = (
            "import sys; from pathlib import Path; from holdfast.desk import start; start.connect(Path(sys.argv[1]))\n"
        )
        return subprocess.Popen(
            [sys.executable, "-c", begin + code, str(self.home), *arguments],
            env=self.environment(**environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, code: str, *arguments: str, **environment: str) -> str:
        """What it printed."""
        return finished(self.start(code, *arguments, **environment))

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Straight from the database."""
        with self.cluster.connect(self.database) as connection:
            return [tuple(row) for row in connection.execute(sql).fetchall()]


def finished(process: subprocess.Popen[str]) -> str:
    """What a process printed, once it has ended well."""
    said, broke = process.communicate(timeout=120)
    assert process.returncode == 0, broke
    return said.strip()


def programs() -> Path | None:
    """The folder of PostgreSQL's programs, the newest version first."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    return Path(on_path).parent if on_path else (found[0].parent if found else None)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="the PostgreSQL driver is not installed")
    folder = programs()
    if folder is None:
        pytest.skip("no PostgreSQL on this machine: install the package postgresql to run these tests")
    other = _somebody_else()
    # not pytest's own temporary folder: another user could not enter that one
    place = Path(tempfile.mkdtemp(prefix="holdfast-postgres-"))
    if other:
        shutil.chown(place, other["user"], other["group"])
    secret, port = place / "password", free_port()
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    subprocess.run(
        [folder / "initdb", "-D", place / "data", "-U", "holdfast", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, cwd=place, **other,
    )  # fmt: skip
    with (place / "log").open("wb") as log:
        server = subprocess.Popen(
            [folder / "postgres", "-D", place / "data", "-h", "127.0.0.1", "-p", str(port), "-k", place, "-c", "fsync=off"],
            stdout=log, stderr=log, cwd=place, **other,
        )  # fmt: skip
    running = Cluster(port)
    try:
        _answers(running, server, place / "log")
        yield running
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(place, ignore_errors=True)


def _somebody_else() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: who runs it instead."""
    if os.geteuid() != 0:
        return {}
    try:
        person = pwd.getpwnam("postgres")
    except KeyError:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    return {"user": person.pw_uid, "group": person.pw_gid, "extra_groups": []}


def _answers(cluster: Cluster, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    for _ in range(120):
        if server.poll() is not None:
            break
        try:
            cluster.connect().close()
            return
        except psycopg.OperationalError:
            time.sleep(0.25)
    raise RuntimeError(log.read_text())


@pytest.fixture(scope="session")
def make_desk(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Desk]:
    """make_desk("races"): an empty home with a desk in a database of its own, brought up to date."""
    from holdfast.flows.home import Settings, create

    def made(name: str) -> Desk:
        home = create(tmp_path_factory.mktemp(name) / "home", Settings(company="Acme")).path
        desk = Desk(home, cluster.database(name), cluster, name)
        desk.run("start.migrate()")
        return desk

    return made
