"""Answers from what is published. A publication never changes, so an answer is worked out once and kept.

Ledgers and records are opened once per process and publication, and read by each thread through a fork; a new publication
shows itself by a new CURRENT file. What is read from small files is read again when the file's time or size changes.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from holdfast.desk.start import home_path
from holdfast.domain.policy import Policy
from holdfast.flows import watched as watching
from holdfast.flows.book import Published, ledger_file, open_ledger, open_records, published
from holdfast.flows.home import Home, HomeError, open_home
from holdfast.metrics import accounts
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

__all__ = [
    "NotReady", "Source", "ask_records", "current", "forget", "generation", "home", "kept", "looked", "one_look", "owner_in_facts", "records", "today",
    "watch",
]  # fmt: skip

K = TypeVar("K")
T = TypeVar("T")
#: answers kept per process
KEPT = 2_000
#: ledgers open per thread
OPEN = 4

_lock, _opening = threading.Lock(), threading.Lock()
_answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
#: what is being worked out, so that nobody works it out a second time beside
_working: dict[tuple[Any, ...], Any] = {}
_homes: dict[tuple[Any, ...], Home] = {}
_published: dict[tuple[Any, ...], Published | None] = {}
_watches: dict[tuple[Any, ...], watching.Current | None] = {}
_files: dict[tuple[Any, ...], Path] = {}
_records: dict[tuple[Any, ...], Records] = {}
_ledgers: OrderedDict[Path, Ledger] = OrderedDict()
_making: dict[Path, threading.Thread] = {}
_failed: dict[Path, str] = {}
_own = threading.local()


def home() -> Home:
    """The home that is served, as its files stand now. HomeError: there is none."""
    path = home_path()
    key = _state(path)
    found = _homes.get(key)
    if found is None:
        found = open_home(path)
        _homes.clear()
        _homes[key] = found
    return found


@contextmanager
def one_look() -> Iterator[None]:
    """Within the block this thread sees the home and the publication as they stood when it first looked: one page, one book."""
    _own.looked = {}
    try:
        yield
    finally:
        _own.__dict__.pop("looked", None)


def looked(look: Callable[[K], T], at: K) -> T:
    """What a look at something finds; within `one_look` what the first one found."""
    found: dict[Any, T] | None = _own.__dict__.get("looked")
    if found is None:
        return look(at)
    if (look, at) not in found:
        found[look, at] = look(at)
    return found[look, at]


def _state(path: Path) -> tuple[Any, ...]:
    """Of the files that a home is read from; the same until one of them changes."""
    return looked(_stamps, path)


def _stamps(path: Path) -> tuple[Any, ...]:
    return (path, _stamp(path / "holdfast.toml"), *sorted(map(_stamp, (path / "policies").glob("*.toml"))))


def _stamp(path: Path) -> tuple[str, int, int, int]:
    """Which file it is, when it was written and how large it is; zeros where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return (path.name, 0, 0, 0)
    return (path.name, found.st_mtime_ns, found.st_size, found.st_ino)


def current() -> Published | None:
    """What is published; None before the first booking, or where there is no home yet."""
    return looked(_current, home_path())


def _current(path: Path) -> Published | None:
    key = (path, _stamp(path / "holdfast.toml"), _stamp(path / "warehouse" / "CURRENT"))
    with suppress(KeyError):
        return _published[key]
    try:
        told = published(home())
    except HomeError:
        told = None
    _published.clear()
    _published[key] = told
    return told


def watch() -> watching.Current | None:
    """The watch that is published; None before the first, or where there is no home yet."""
    return looked(_watch, home_path())


def _watch(path: Path) -> watching.Current | None:
    key = (path, _stamp(path / "holdfast.toml"), _stamp(path / "watch" / "CURRENT"))
    with suppress(KeyError):
        return _watches[key]
    try:
        told = watching.current(home())
    except HomeError:
        told = None
    _watches.clear()
    _watches[key] = told
    return told


def _watch_file() -> Path | None:
    told = watch()
    found = watching.folder(home(), told.number) / watching.WATCH_FILE if told else None
    return found if found and found.exists() else None


def today() -> date:
    """The day that the numbers run up to. HomeError: nothing is booked yet."""
    told = current()
    if told is None:
        raise HomeError("nothing is booked yet")
    return date.fromisoformat(told.as_of)


@dataclass
class NotReady(Exception):  # noqa: N818 - a reason to wait, not a fault
    """The answer needs a ledger that is not booked yet; it is being made."""

    policy: str
    known_on: date | None
    #: why it cannot be made; empty while it is being made
    error: str = ""


@dataclass(frozen=True)
class Source:
    """Where answers come from: one home under one policy, as known on one day."""

    policy: Policy
    known_on: date | None = None
    generation: int = field(default_factory=lambda: generation())

    @property
    def path(self) -> Path:
        key = (_state(home_path()), current(), self.policy, self.known_on)
        found = _files.get(key)
        if found is None or not found.exists():
            found = ledger_file(home(), self.policy, self.known_on)
            if len(_files) >= KEPT:
                _files.clear()
            _files[key] = found
        return found

    def ledger(self) -> Ledger:
        """The ledger, open for this thread. NotReady: it is being booked."""
        path = self.path
        if not path.exists():
            self._make(path)
        held: OrderedDict[Path, Ledger] = _own.__dict__.setdefault("ledgers", OrderedDict())
        if path not in held:
            held[path] = self._opened(path)
            while len(held) > OPEN:
                held.popitem(last=False)[1].connection.close()
        held.move_to_end(path)
        return held[path]

    def _opened(self, path: Path) -> Ledger:
        """Another reader of the ledger that this process has open; the process opens it where it is not."""
        with _opening:
            if path not in _ledgers:
                _ledgers[path] = open_ledger(home(), policy=self.policy, known_on=self.known_on)
                while len(_ledgers) > OPEN:
                    _ledgers.popitem(last=False)
            _ledgers.move_to_end(path)
            return _ledgers[path].fork()

    def _make(self, path: Path) -> None:
        """Book beside, in a thread of its own; the page asks again until it is there."""
        with _lock:
            if path in _failed:
                raise NotReady(self.policy.name, self.known_on, _failed.pop(path))
            if path not in _making or not _making[path].is_alive():
                maker = threading.Thread(target=self._book, args=(path,), daemon=True)
                _making[path] = maker
                maker.start()
        # most books are small: the answer is often there at once
        _making[path].join(timeout=0.1)
        if not path.exists():
            raise NotReady(self.policy.name, self.known_on)

    def _book(self, path: Path) -> None:
        try:
            open_ledger(home(), policy=self.policy, known_on=self.known_on).connection.close()
        except Exception as error:
            _failed[path] = str(error)

    def ask(self, question: Callable[..., T], *arguments: Any) -> T:
        """question(ledger, *arguments), worked out once for a publication. Arguments are hashable."""
        key = (self.generation, self.path.name, question.__module__, question.__qualname__, *map(_key, arguments))
        return kept(key, lambda: question(self.ledger(), *arguments))


def _key(argument: Any) -> Any:
    return (argument.start, argument.stop) if isinstance(argument, range) else argument


def kept(key: tuple[Any, ...], work: Callable[[], T]) -> T:
    """An answer by its key; the oldest are forgotten. Whoever asks while it is worked out waits for it."""
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]  # type: ignore[no-any-return]
        turn = _working.setdefault(key, threading.RLock())
    with turn:
        with _lock:
            if key in _answers:
                return _answers[key]  # type: ignore[no-any-return]
        try:
            answer = work()
            with _lock:
                _answers[key] = answer
                while len(_answers) > KEPT:
                    _answers.popitem(last=False)
        finally:
            with _lock:
                _working.pop(key, None)
    return answer


def generation() -> int:
    """The publication's number; 0 before the first."""
    told = current()
    return told.generation if told else 0


def records() -> Records:
    """The records of the publication, with what the watch says beside them, open for this thread. HomeError: nothing is booked yet."""
    told = current()
    if told is None:
        raise HomeError("nothing is booked yet")
    key = (_state(home_path()), told)
    if getattr(_own, "records_of", None) != key:
        with _opening:
            if key not in _records:
                # those of before close when their last reader lets go
                _records.clear()
                _records[key] = open_records(home())
            _own.records = _records[key].fork()
        _own.records_of = key
    found: Records = _own.records
    found.see(_watch_file())
    return found


def ask_records(question: Callable[..., T], *arguments: Any) -> T:
    """question(records, *arguments), worked out once for a publication and a watch. Arguments are hashable."""
    told = watch()
    key = (
        generation(),
        "records",
        told and (told.number, told.watched_at),
        question.__module__,
        question.__qualname__,
        *arguments,
    )
    return kept(key, lambda: question(records(), *arguments))


def owner_in_facts(account_id: str) -> str | None:
    """The owner that the facts name for an account."""
    if current() is None:
        return None
    row = ask_records(accounts.row, account_id)
    return row.owner if row else None


def forget() -> None:
    """Forget everything; for tests."""
    with _lock:
        for kept_here in (_answers, _working, _homes, _published, _watches, _files, _records, _ledgers):
            kept_here.clear()
        _failed.clear()
    for ledger in _own.__dict__.pop("ledgers", {}).values():
        ledger.connection.close()
    _own.__dict__.clear()
