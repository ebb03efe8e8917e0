"""The journal: what was answered is in it, whatever ended the writer; what was cut off was never answered."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from holdfast.events import journal
from holdfast.events.journal import HEADER, Journal


def payloads(folder: Path) -> list[bytes]:
    return [record.payload for path in journal.files(folder) for record in journal.records(path)]


def test_what_is_appended_can_be_read(tmp_path: Path) -> None:
    written = Journal(tmp_path / "j")
    for number in range(5):
        written.append(b"call %d" % number, 1_000_000 + number, number)
    records = list(journal.records(journal.files(tmp_path / "j")[0]))
    assert [(one.payload, one.received, one.events) for one in records] == [
        (b"call %d" % n, 1_000_000 + n, n) for n in range(5)
    ]
    again = list(journal.records(journal.files(tmp_path / "j")[0], records[2].end))
    assert again == records[3:]


@pytest.mark.parametrize("cut", range(1, HEADER.size + 6))
def test_a_record_that_was_cut_off_never_happened(tmp_path: Path, cut: int) -> None:
    written = Journal(tmp_path / "j")
    written.append(b"first", 1_000_000, 1)
    written.append(b"second", 2, 1)
    written.close()
    path = journal.files(tmp_path / "j")[0]
    os.truncate(path, path.stat().st_size - cut)
    assert payloads(tmp_path / "j") == [b"first"]


def test_a_record_whose_bytes_changed_ends_the_reading(tmp_path: Path) -> None:
    written = Journal(tmp_path / "j")
    written.append(b"first", 1, 1)
    written.append(b"second", 2, 1)
    written.close()
    path = journal.files(tmp_path / "j")[0]
    path.write_bytes(path.read_bytes().replace(b"second", b"sekond"))
    assert payloads(tmp_path / "j") == [b"first"]


def test_a_file_is_finished_when_nobody_writes_it(tmp_path: Path) -> None:
    written = Journal(tmp_path / "j")
    written.append(b"x", 1, 1)
    path = journal.files(tmp_path / "j")[0]
    assert not journal.is_finished(path)
    written.close()
    assert journal.is_finished(path)
    written.append(b"y", 2, 1)
    assert len(journal.files(tmp_path / "j")) == 2, "a finished file is never written again"
    written.close()


def test_a_full_file_and_an_old_one_are_finished(tmp_path: Path) -> None:
    full = Journal(tmp_path / "full", full=100)
    for _ in range(6):
        full.append(b"x" * 40, 1, 1)
    assert all(journal.is_finished(path) for path in journal.files(tmp_path / "full"))
    old = Journal(tmp_path / "old", old=0.1)
    old.append(b"x", 1, 1)
    until = time.monotonic() + 5
    while not journal.is_finished(journal.files(tmp_path / "old")[0]) and time.monotonic() < until:
        time.sleep(0.02)
    assert journal.is_finished(journal.files(tmp_path / "old")[0]), "without another call"


def test_threads_share_syncs_and_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = []
    real = os.fdatasync

    def slow(handle: int) -> None:
        syncs.append(handle)
        time.sleep(0.005)
        real(handle)

    monkeypatch.setattr(os, "fdatasync", slow)
    written = Journal(tmp_path / "j")

    def write(thread: int) -> None:
        for number in range(20):
            written.append(b"%d-%d" % (thread, number), 1, 1)
            assert any(one == b"%d-%d" % (thread, number) for one in payloads(tmp_path / "j")), "there on return"

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(payloads(tmp_path / "j")) == len(set(payloads(tmp_path / "j"))) == 160
    assert len(syncs) < 120, "calls that wait together are synced together"
    written.close()


def test_what_could_not_be_synced_is_not_acknowledged_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = Journal(tmp_path / "j")
    written.append(b"first", 1, 1)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fdatasync", full)
        with pytest.raises(OSError, match="No space left"):
            written.append(b"lost", 2_000_000, 1)
    written.append(b"second", 3_000_000, 1)
    assert payloads(tmp_path / "j") == [b"first", b"second"]
    written.close()
