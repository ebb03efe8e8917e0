"""Files in a folder or bucket: what is new or changed is fetched, once, and loaded as files are; nothing else can be read."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.load import LoadReport, load
from holdfast.sources.access import Access
from holdfast.sources.bucket_places import place
from holdfast.sources.shelf.files import SOURCE, check
from holdfast.sources.source import Fetched, SourceError
from holdfast.warehouse.landing import Landing

from .harness import Reader

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
TICKETS = "ticket_id,account_id,opened_at\nt1,acme,2026-01-05\n"
USAGE = "account_id,day,events\nacme,2026-01-05,3\n"


class Place:
    """A folder that may be read, and a home into which it is loaded."""

    def __init__(self, folder: Path, settings: dict[str, str], secrets: dict[str, str] | None = None) -> None:
        self.files, self.home = folder / "data", folder / "home"
        self.files.mkdir(exist_ok=True)
        self.copies = self.home / "connections" / "it" / "files"
        self.access = Access({"url": str(self.files)} | settings, secrets or {})

    def put(self, name: str, text: str, day: int = 1) -> Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        moment = (NOW + timedelta(days=day)).timestamp()
        os.utime(path, (moment, moment))
        return path

    def fetch(self) -> Fetched:
        assert SOURCE.fetch is not None
        return SOURCE.fetch(self.access, self.copies)

    def names(self, fetched: Fetched) -> list[str]:
        return [path.relative_to(self.copies).as_posix() for path in fetched.files]

    def load(self, fetched: Fetched, now: datetime = NOW) -> LoadReport:
        return load(
            self.home, fetched.files, mapping=None, now=now, currency="EUR", timezone="UTC", reporter=lambda _: None
        )

    def landed(self, table: str) -> int:
        return sum(one.rows for one in Landing(self.home).loads(table))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("HOLDFAST_ALLOW_PATHS", str(tmp_path / "data"))
    return Place(tmp_path, {})


# -- what is fetched -----------------------------------------------------------------------------------------------


def test_new_files_are_fetched_and_loaded_once(folder: Place) -> None:
    folder.put("tickets.csv", TICKETS)
    folder.put("2026/usage.csv", USAGE)
    first = folder.fetch()
    assert folder.names(first) == ["2026/usage.csv", "tickets.csv"]
    report = folder.load(first)
    assert report.exit_code == 0 and report.rows_loaded == 2
    first.done()
    assert folder.fetch().files == ()
    assert not list(folder.copies.rglob("*.csv")), "copies do not stay"


def test_a_changed_file_is_fetched_again_and_only_its_news_lands(folder: Place) -> None:
    folder.put("tickets.csv", TICKETS)
    first = folder.fetch()
    folder.load(first)
    first.done()
    folder.put("tickets.csv", TICKETS + "t2,acme,2026-01-06\n", day=2)
    folder.put("other.csv", USAGE, day=2)
    again = folder.fetch()
    assert folder.names(again) == ["other.csv", "tickets.csv"]
    assert folder.load(again, NOW + timedelta(days=2)).rows_loaded == 2
    assert folder.landed("ticket") == 2


def test_what_was_not_loaded_is_fetched_again(folder: Place) -> None:
    folder.put("tickets.csv", TICKETS)
    folder.fetch()
    cut_off = folder.fetch()
    assert folder.names(cut_off) == ["tickets.csv"]
    folder.load(cut_off)  # and killed before it was remembered
    again = folder.fetch()
    folder.load(again)
    again.done()
    assert folder.landed("ticket") == 1 and folder.fetch().files == ()


def test_files_are_told_oldest_first_so_that_the_newest_holds(folder: Place) -> None:
    folder.put("b.csv", TICKETS.replace("acme", "old"), day=1)
    folder.put("a.csv", TICKETS.replace("acme", "new"), day=2)
    fetched = folder.fetch()
    assert folder.names(fetched) == ["b.csv", "a.csv"]


def test_only_names_that_were_asked_for_and_kinds_that_are_read(tmp_path: Path, folder: Place) -> None:
    for name in (
        "usage/a.csv",
        "usage/b.parquet.tmp",
        "usage/c.jsonl",
        ".hidden/d.csv",
        "usage/.e.csv",
        "~$f.csv",
        "_logs/x.json",
        "g.pdf",
        "h.csv",
    ):
        folder.put(name, TICKETS)
    assert folder.names(folder.fetch()) == ["h.csv", "usage/a.csv", "usage/c.jsonl"]
    some = Place(tmp_path, {"pattern": "usage/*.csv"})
    assert some.names(some.fetch()) == ["usage/a.csv"]


def test_a_file_that_is_too_large_is_left_out_and_told(folder: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.sources.bucket_fetching.LARGEST", 60)
    folder.put("tickets.csv", TICKETS)
    folder.put("large.csv", TICKETS + "t2,acme,2026-01-06\n")
    for _ in range(2):
        fetched = folder.fetch()
        assert "large.csv has" in fetched.left_out[0]
        fetched.done()
    assert fetched.files == ()


def test_the_files_that_are_there_are_listed_with_their_states(folder: Place, tmp_path: Path) -> None:
    folder.put("tickets.csv", TICKETS)
    reader = Reader(SOURCE, tmp_path / "reader", folder.access.settings, {})
    assert reader.pull(NOW).new == {"file": 1}
    assert reader.pull(NOW + timedelta(hours=1)).new == {}
    folder.put("tickets.csv", TICKETS + "t2,acme,2026-01-06\n", day=2)
    folder.put("usage.csv", USAGE)
    assert reader.pull(NOW + timedelta(hours=2)).new == {"file": 2}
    (folder.files / "usage.csv").unlink()
    reader.pull(NOW + timedelta(days=2))
    assert reader.raw.rows("file") == 1 and reader.facts(NOW).rows == {}


def test_it_is_checked_by_listing(folder: Place) -> None:
    assert "no file yet" in check(folder.access).warnings[0]
    folder.put("tickets.csv", TICKETS)
    assert check(folder.access).seen == {"file": 1} and not check(folder.access).warnings


# -- only where it is allowed --------------------------------------------------------------------------------------


def test_links_that_lead_out_of_the_folder_are_not_followed(folder: Place, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(TICKETS)
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "more.csv").write_text(TICKETS)
    (folder.files / "link.csv").symlink_to(tmp_path / "secret.csv")
    (folder.files / "sub").symlink_to(tmp_path / "private")
    (folder.files / "inside.csv").symlink_to(folder.put("tickets.csv", TICKETS))
    assert sorted(folder.names(folder.fetch())) == ["inside.csv", "tickets.csv"]


def test_folders_that_were_not_named_are_refused(
    folder: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data-not").mkdir()
    for path in (
        "/etc",
        str(tmp_path),
        str(tmp_path / "data-not"),
        str(tmp_path / "data" / ".."),
        "data",
        "",
        "file:///etc",
    ):
        with pytest.raises(SourceError):
            check(Access({"url": path}, {}))
    monkeypatch.delenv("HOLDFAST_ALLOW_PATHS")
    with pytest.raises(SourceError, match="HOLDFAST_ALLOW_PATHS"):
        check(folder.access)


@pytest.mark.parametrize(
    ("settings", "secret", "problem"),
    [
        ({"url": "ftp://host/x"}, "", "'ftp://' is not read"), ({"url": "s3://"}, "", "not the address of a bucket"),
        ({"url": "s3://bucket/../other"}, "", "not the address of a bucket"),
        ({"url": "s3://bucket", "endpoint": "http://10.0.0.1"}, "", "must begin with https"),
        ({"url": "s3://bucket", "endpoint": "https://169.254.169.254"}, "", "private address"),
        ({"url": "gs://bucket"}, "{}", "not the key of a service account"),
        ({"url": "gs://bucket"}, json.dumps({"type": "service_account", "token_uri": "https://evil.example/t"}), "not the key of"),
        ({"url": "gs://bucket"}, json.dumps({"type": "external_account", "token_uri": "https://oauth2.googleapis.com"}), "not the key"),
        ({"url": "az://box", "key": "evil.example/x"}, "", "storage account is not named"),
    ],
)  # fmt: skip
def test_addresses_and_credentials_that_lead_elsewhere_are_refused(
    settings: dict[str, str], secret: str, problem: str
) -> None:
    with pytest.raises(SourceError, match=problem):
        check(Access(settings, {"secret": secret}))


@pytest.mark.parametrize(("scheme", "package"), [("gs", "gcsfs"), ("az", "adlfs")])
def test_what_reads_a_bucket_is_named_where_it_is_missing(
    scheme: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SourceError) as missing:
        place(Access({"url": f"{scheme}://bucket/x", "key": "account"}, {}))
    assert missing.value.remedy.endswith(f"pip install {package}")


# -- a bucket ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """A server that speaks S3, in a process of its own."""
    pytest.importorskip("moto.server", reason="moto[server], a server that speaks S3, is not installed")
    pytest.importorskip("s3fs", reason="s3fs, which reads S3, is not installed")
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = int(one.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(240):
            with socket.socket() as one:
                if one.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.25)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


@pytest.mark.slow
def test_a_bucket_is_read_as_a_folder_is(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import s3fs

    monkeypatch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
    keys: dict[str, Any] = {"key": "AKIAEXAMPLE", "secret": "s3cret-of-the-key"}
    writer = s3fs.S3FileSystem(
        **keys, client_kwargs={"endpoint_url": s3, "region_name": "eu-central-1"}, skip_instance_cache=True
    )
    writer.mkdir("exports")
    writer.pipe("exports/daily/tickets.csv", TICKETS.encode())
    writer.pipe("exports/daily/sub/usage.csv", USAGE.encode())
    writer.pipe("exports/elsewhere.csv", USAGE.encode())
    settings = {"url": "s3://exports/daily", "endpoint": s3, "key": keys["key"], "region": "eu-central-1"}
    bucket = Place(tmp_path, settings, {"secret": keys["secret"]})
    assert check(bucket.access).seen == {"file": 2}
    first = bucket.fetch()
    assert sorted(bucket.names(first)) == ["sub/usage.csv", "tickets.csv"]
    assert bucket.load(first).rows_loaded == 2
    first.done()
    assert bucket.fetch().files == ()
    writer.pipe("exports/daily/tickets.csv", (TICKETS + "t2,acme,2026-01-06\n").encode())
    again = bucket.fetch()
    assert bucket.names(again) == ["tickets.csv"]
    assert bucket.load(again, NOW + timedelta(days=1)).rows_loaded == 1
    with pytest.raises(SourceError, match="cannot be read") as missing:
        check(Access(settings | {"url": "s3://nothing-here"}, {"secret": keys["secret"]}))
    assert keys["secret"] not in missing.value.problem
