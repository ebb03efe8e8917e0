"""Answers from what is published. A publication never changes, so an answer is worked out once and kept.

Ledgers are opened once per thread and publication; a new publication shows itself by a new CURRENT file.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from holdfast.desk.start import home_path
from holdfast.domain.policy import Policy
from holdfast.flows.book import Published, ledger_file, open_ledger, open_records, published
from holdfast.flows.home import Home, HomeError, open_home
from holdfast.metrics import accounts
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

__all__ = [
    "NotReady", "Source", "ask_records", "current", "forget", "generation", "home", "kept", "owner_in_facts", "records", "today",
]  # fmt: skip

T = TypeVar("T")
#: answers kept per process
KEPT = 2_000
#: ledgers open per thread
OPEN = 4

_lock = threading.Lock()
_answers: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_homes: dict[tuple[Any, ...], Home] = {}
_making: dict[Path, threading.Thread] = {}
_failed: dict[Path, str] = {}
_own = threading.local()


def home() -> Home:
    """The home that is served, as its files stand now. HomeError: there is none."""
    path = home_path()
    key = (path, _stamp(path / "holdfast.toml"), *sorted(map(_stamp, (path / "policies").glob("*.toml"))))
    found = _homes.get(key)
    if found is None:
        found = open_home(path)
        _homes.clear()
        _homes[key] = found
    return found


def _stamp(path: Path) -> tuple[str, int]:
    try:
        return (path.name, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return (path.name, 0)


def current() -> Published | None:
    """What is published; None before the first booking, or where there is no home yet."""
    try:
        return published(home())
    except HomeError:
        return None


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
        return ledger_file(home(), self.policy, self.known_on)

    def ledger(self) -> Ledger:
        """The ledger, open for this thread. NotReady: it is being booked."""
        path = self.path
        if not path.exists():
            self._make(path)
        held: OrderedDict[Path, Ledger] = _own.__dict__.setdefault("ledgers", OrderedDict())
        if path not in held:
            held[path] = open_ledger(home(), policy=self.policy, known_on=self.known_on)
            while len(held) > OPEN:
                held.popitem(last=False)[1].connection.close()
        held.move_to_end(path)
        return held[path]

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
    """An answer by its key; the oldest are forgotten."""
    with _lock:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]  # type: ignore[no-any-return]
    answer = work()
    with _lock:
        _answers[key] = answer
        while len(_answers) > KEPT:
            _answers.popitem(last=False)
    return answer


def generation() -> int:
    """The publication's number; 0 before the first."""
    told = current()
    return told.generation if told else 0


def records() -> Records:
    """The records of the publication, open for this thread. HomeError: nothing is booked yet."""
    told = current()
    if told is None:
        raise HomeError("nothing is booked yet")
    if getattr(_own, "records_of", None) != (told.generation, told.booked_at):
        if getattr(_own, "records", None) is not None:
            with suppress(Exception):
                _own.records.connection.close()
        _own.records = open_records(home())
        _own.records_of = (told.generation, told.booked_at)
    return _own.records  # type: ignore[no-any-return]


def ask_records(question: Callable[..., T], *arguments: Any) -> T:
    """question(records, *arguments), worked out once for a publication. Arguments are hashable."""
    key = (generation(), "records", question.__module__, question.__qualname__, *arguments)
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
        _answers.clear()
        _homes.clear()
        _failed.clear()
    for ledger in _own.__dict__.pop("ledgers", {}).values():
        ledger.connection.close()
    _own.__dict__.clear()
