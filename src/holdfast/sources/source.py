"""What a connection is made of. One file in `sources/shelf` adds one: its `read`s meet the world, its `facts` decides and is pure.

    SOURCE = Source(name="acme", title="Acme Desk", kind="support", fields=(...), streams=(...), facts=facts, check=check)

A stream lists objects of one kind, as JSON. Every state of an object that was ever seen is kept as it came; `facts` is given all
that is known of one group of objects (mostly: of one customer) and says it in the columns of the fact tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from holdfast.domain.matching import PartyTold
from holdfast.sources.access import Access

#: an object as the other system writes it: JSON
Object = dict[str, Any]
#: a row of a fact table: column → value; money in minor units, days as date, moments as datetime (UTC)
Row = dict[str, Any]


class SourceError(Exception):
    """A source that cannot be read: what is wrong, and what to do about it. Neither has a secret in it."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.problem, self.remedy = problem, remedy


@dataclass(frozen=True)
class Field:
    """Something that has to be known to connect."""

    name: str
    title: str
    help: str = ""
    is_secret: bool = False
    is_required: bool = True
    default: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """What a stream is asked for: what changed from `since` on and before `until`, in the other system's time. None: without bound."""

    since: datetime | None = None
    until: datetime | None = None
    #: the moment of the run (UTC), for what is counted back from it; None: a stream that was asked by itself
    now: datetime | None = None

    @property
    def is_whole(self) -> bool:
        return self.since is None and self.until is None


@dataclass(frozen=True)
class Also:
    """A state of an object of another stream that an object tells along the way, as an event does."""

    stream: str
    obj: Object
    changed_at: datetime | None = None
    is_deleted: bool = False


def _id(obj: Object) -> str:
    return str(obj["id"])


def _none(obj: Object) -> None:
    return None


def _no(obj: Object) -> bool:
    return False


def _nothing(obj: Object) -> Iterable[Also]:
    return ()


@dataclass(frozen=True)
class Stream:
    """Objects of one kind, and how they are listed."""

    name: str
    #: pages of objects of a span, in any order; a page may be empty. A stream that is not incremental gets the whole span only
    read: Callable[[Access, Span], Iterator[Sequence[Object]]]
    key: Callable[[Object], str] = _id
    #: the group whose facts the object is part of; "" where it belongs to none
    group: Callable[[Object], str] = lambda obj: ""
    #: when the other system last changed it (UTC); None where it does not say
    changed: Callable[[Object], datetime | None] = _none
    #: whether the object itself says that it is deleted
    is_deleted: Callable[[Object], bool] = _no
    also: Callable[[Object], Iterable[Also]] = _nothing
    #: whether it can be asked for what changed since a moment
    is_incremental: bool = True
    #: so much is asked for again each time: clocks differ, and lists lag behind
    overlap: timedelta = timedelta(minutes=10)
    #: how often everything is listed, which shows what is deleted; None: only the first time
    whole_every: timedelta | None = timedelta(days=1)
    #: the first listing is done in pieces of this width, each kept when it is done; None: in one
    piece: timedelta | None = None
    #: small, and of use to every group: owners, prices, products
    is_shared: bool = False


@dataclass(frozen=True)
class State:
    """An object as it was at some time."""

    obj: Object
    #: when the other system changed it, if it says so, and when we saw it (UTC)
    changed_at: datetime | None
    seen_at: datetime
    is_deleted: bool = False


@dataclass(frozen=True)
class Told:
    """All that is known of one group: per stream and object its states, oldest first."""

    group: str
    objects: Mapping[str, Mapping[str, Sequence[State]]]
    #: the newest objects of the shared streams, by stream and id
    shared: Mapping[str, Mapping[str, Object]]
    #: the company's
    timezone: str
    currency: str
    settings: Mapping[str, str]
    now: datetime

    def newest(self, stream: str) -> list[Object]:
        """The newest state of each object that is not deleted, by id."""
        states = (told[-1] for _, told in sorted(self.objects.get(stream, {}).items()))
        return [state.obj for state in states if not state.is_deleted]

    def gone(self, stream: str) -> list[State]:
        """The last state of each object that is deleted, by id."""
        states = (told[-1] for _, told in sorted(self.objects.get(stream, {}).items()))
        return [state for state in states if state.is_deleted]

    def states(self, stream: str) -> Mapping[str, Sequence[State]]:
        """All states of each object, oldest first."""
        return self.objects.get(stream, {})


@dataclass(frozen=True)
class Bad:
    """Something in an object that cannot be said as a fact; the rest of the group is."""

    stream: str
    object_id: str
    field: str
    value: str
    reason: str
    remedy: str


@dataclass
class Facts:
    """What a group says. Ids are the other system's own; the flow puts its name before them where they could clash."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    parties: list[PartyTold] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    #: the first day from which the group's history is whole; None: all of it is
    complete_from: date | None = None

    def add(self, table: str, row: Row) -> None:
        self.rows.setdefault(table, []).append(row)


@dataclass(frozen=True)
class Checked:
    """What was seen when the key was tried: who it belongs to, and a page of it in numbers."""

    who: str
    #: stream → number of objects on the first page
    seen: Mapping[str, int]
    #: what the key may not do and what is missed by it; it is connected all the same
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Hook:
    """A webhook of the other system, verified: its id, by which a repeat is known, and the object that it tells (of `stream`)."""

    id: str
    stream: str
    obj: Object


@dataclass(frozen=True)
class Fetched:
    """Files that were copied to be loaded, in the order in which they are told; `done` is called when they are."""

    files: tuple[Path, ...]
    done: Callable[[], None]
    #: files that were not, and why; a sentence each
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A kind of connection."""

    name: str
    title: str
    #: one of domain.facts.SOURCE_KINDS
    kind: str
    fields: tuple[Field, ...]
    streams: tuple[Stream, ...]
    facts: Callable[[Told], Facts]
    #: tries the key, the scopes and the first page. SourceError: it cannot be connected, and why
    check: Callable[[Access], Checked]
    #: what the key must be allowed to do, and nothing more; a sentence for people
    scopes: str = ""
    #: ids are unique over all customers of the other system, so that they need no name before them
    has_unique_ids: bool = False
    #: (access, body, headers in lower case, now) → what it tells. SourceError: it is not theirs
    hook: Callable[[Access, bytes, Mapping[str, str], datetime], Hook | None] | None = None
    #: fields of ours that it can be told: writes (external id → field → value), returns external id → problem
    write: Callable[[Access, Mapping[str, Mapping[str, Any]]], dict[str, str]] | None = None
    #: another number has everything said anew: `facts` says it differently now
    version: int = 1
    #: a moment before everything, where pieces of a first listing begin
    begins: datetime | None = None
    #: a source of files: copies what is new or changed into a folder of ours, to be loaded as files are
    fetch: Callable[[Access, Path], Fetched] | None = None

    def stream(self, name: str) -> Stream:
        return next(stream for stream in self.streams if stream.name == name)
