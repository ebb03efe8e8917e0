"""The journal: calls that were answered with 200, each durable before its answer, in append-only files.

Every process writes a file of its own, which it holds locked for as long as it writes it: a file that nobody holds
is finished, however its writer ended. Threads that write at once share one sync of the disk.

    HOME/events/journal/<milliseconds since 1970>-<process>-<chance>.journal
    a record: HFE1 · length (4) · crc32 (4) · time of receipt in microseconds (8) · events (4) · payload
"""

from __future__ import annotations

import fcntl
import os
import secrets
import struct
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEADER = struct.Struct("<4sIIqI")
MAGIC = b"HFE1"
#: a file is finished at this size in bytes, or this age in seconds
FULL, OLD = 16 * 1024 * 1024, 120.0
ENDING = ".journal"


def folder_of(home: Path) -> Path:
    """Where the journal of a home lies."""
    return home / "events" / "journal"


@dataclass(frozen=True, slots=True)
class Record:
    """A call that was answered: when it came in (microseconds), how many events it holds, and where the next record begins."""

    received: int
    events: int
    payload: bytes
    end: int


@dataclass(slots=True)
class _Waiting:
    record: bytes
    is_done: bool = False
    error: OSError | None = None


@dataclass
class _File:
    handle: int
    path: Path
    size: int = 0
    timer: threading.Timer | None = field(default=None, repr=False)


class Journal:
    """The writing end, for all threads of one process."""

    def __init__(self, folder: Path, *, full: int = FULL, old: float = OLD) -> None:
        self.folder = folder
        self.full, self.old = full, old
        self._file: _File | None = None
        self._queue: list[_Waiting] = []
        self._queued = threading.Lock()
        self._writes = threading.Lock()

    def append(self, payload: bytes, received: int, events: int) -> None:
        """Write a record; it is durable on return. OSError: it is not, and may be sent again."""
        header = HEADER.pack(MAGIC, len(payload), zlib.crc32(payload), received, events)
        mine = _Waiting(header + payload)
        with self._queued:
            self._queue.append(mine)
        # whoever gets the lock first writes for all that queue up meanwhile
        with self._writes:
            if not mine.is_done:
                self._write_queue(received)
        if mine.error is not None:
            raise OSError(mine.error.errno, f"the journal cannot be written: {mine.error.strerror}")

    def close(self) -> None:
        """Finish the file that is being written."""
        with self._writes:
            self._finish()

    def _write_queue(self, received: int) -> None:
        with self._queued:
            together, self._queue = self._queue, []
        error: OSError | None = None
        try:
            self._write(b"".join(one.record for one in together), received)
        except OSError as failed:
            error = failed
        for one in together:
            one.is_done, one.error = True, error

    def _write(self, records: bytes, received: int) -> None:
        if self._file is None:
            self._file = self._begin(received)
        file = self._file
        try:
            _write_all(file.handle, records)
            os.fdatasync(file.handle)
        except OSError:
            # what a failed sync left on the disk is unknown: nothing is ever written behind it
            self._finish(cut_to=file.size)
            raise
        file.size += len(records)
        if file.size >= self.full:
            self._finish()

    def _begin(self, received: int) -> _File:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{received // 1000:015d}-{os.getpid()}-{secrets.token_hex(4)}{ENDING}"
        beside = path.with_suffix(".new")
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
        # locked before it has its name: nobody ever sees it unlocked while it is written
        fcntl.flock(handle, fcntl.LOCK_EX)
        beside.rename(path)
        sync_folder(self.folder)
        file = _File(handle, path)
        file.timer = threading.Timer(self.old, self._finish_old, [file])
        file.timer.daemon = True
        file.timer.start()
        return file

    def _finish_old(self, file: _File) -> None:
        with self._writes:
            if self._file is file:
                self._finish()

    def _finish(self, cut_to: int | None = None) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        if file.timer is not None:
            file.timer.cancel()
        try:
            if cut_to is not None:
                os.ftruncate(file.handle, cut_to)
        finally:
            os.close(file.handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def files(folder: Path) -> list[Path]:
    """The journal's files, the oldest first."""
    return sorted(folder.glob(f"*{ENDING}"))


def records(path: Path, start: int = 0) -> Iterator[Record]:
    """Whole records of a file from a place on. One that was cut off was never answered, and ends the reading."""
    with path.open("rb") as file:
        file.seek(start)
        place = start
        while len(header := file.read(HEADER.size)) == HEADER.size:
            magic, length, checksum, received, events = HEADER.unpack(header)
            payload = file.read(length) if magic == MAGIC else b""
            if magic != MAGIC or len(payload) != length or zlib.crc32(payload) != checksum:
                return
            place += HEADER.size + length
            yield Record(received, events, payload, place)


def is_finished(path: Path) -> bool:
    """Whether nobody writes the file any more."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def make_durable(path: Path) -> None:
    """What was written so far outlives a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
