"""Which segments lose accounts more often than chance explains, looked at one attribute and two attributes at a time.

Each is held against like accounts by an exact test; the limit is divided by the number of segments looked at (Holm), so that in a
book without differences something is reported once in twenty times at most.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from holdfast.signals.book import Member, retention
from holdfast.signals.chance import as_many_or_more

#: the chance of reporting anything where nothing is
LIMIT = 0.05
#: a segment, and what it is compared with, has so many accounts at least
LEAST_ACCOUNTS = 20
#: values of an attribute above which it names accounts rather than kinds of them
MOST_VALUES = 25
#: who looks after an account, and whose it is, are no kinds of accounts
NOT_SEGMENTS = frozenset({"owner", "parent"})
#: what is reported at most
MOST = 8

Mask = NDArray[np.bool_]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Decay:
    """A segment that loses more accounts than like ones; `chance` is that of one test, before the division."""

    parts: tuple[Pair, ...]
    accounts: int
    left: int
    #: departures if it were like the accounts it is held against
    expected: float
    retention: float
    chance: float

    @property
    def name(self) -> str:
        return ", ".join(f"{name}={value}" for name, value in self.parts)


class _Table:
    """Members with an opening, as masks."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = [one for one in members if one.opening > 0]
        self.left: Mask = np.array([one.has_left for one in self.members], dtype=bool)
        values: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for row, one in enumerate(self.members):
            for name, value in one.attributes.items():
                if name not in NOT_SEGMENTS:
                    values[name][value].append(row)
        self.has: dict[Pair, Mask] = {}
        for name in sorted(values):
            if 1 < len(values[name]) <= MOST_VALUES:
                for value, rows in sorted(values[name].items()):
                    mask = np.zeros(len(self.members), dtype=bool)
                    mask[rows] = True
                    self.has[name, value] = mask

    @cached_property
    def everybody(self) -> Mask:
        return np.ones(len(self.members), dtype=bool)

    def mask(self, parts: Iterable[Pair]) -> Mask:
        found = self.everybody
        for part in parts:
            found = found & self.has[part]
        return found

    def candidates(self) -> list[tuple[Pair, ...]]:
        """Single segments, and pairs which are not just one of the two, each with enough accounts in it and beside it."""
        single = [(part,) for part, mask in self.has.items() if mask.sum() >= LEAST_ACCOUNTS]
        found: list[tuple[Pair, ...]] = [
            parts for parts in single if len(self.members) - self.mask(parts).sum() >= LEAST_ACCOUNTS
        ]
        for (one,), (other,) in combinations(single, 2):
            if one[0] != other[0]:
                both = int((self.has[one] & self.has[other]).sum())
                beside = min(int(self.has[one].sum()), int(self.has[other].sum())) - both
                if both >= LEAST_ACCOUNTS and beside >= LEAST_ACCOUNTS:
                    found.append((one, other))
        return found


def decaying(members: Sequence[Member]) -> list[Decay]:
    """Segments in decay: more accounts left than chance explains, and less MRR than a year ago. The surest first."""
    table = _Table(members)
    candidates = table.candidates()
    tests = len(candidates)
    accepted: list[tuple[tuple[Pair, ...], float]] = []
    while candidates and len(accepted) < MOST:
        chances = {parts: _chance(table, parts, [one for one, _ in accepted]) for parts in candidates}
        best = min(candidates, key=lambda parts: (chances[parts], len(parts), parts))
        if chances[best] * (tests - len(accepted)) > LIMIT:
            break
        accepted.append((best, chances[best]))
        # what is far from being news now does not become it by knowing more
        candidates = [parts for parts in candidates if parts != best and chances[parts] < 0.5]
    kept = [(parts, chance) for parts, chance in accepted if not _is_explained(table, parts, accepted)]
    told = [_told(table, parts, chance) for parts, chance in kept]
    return [one for one in told if one.retention < 1]


def _chance(table: _Table, parts: tuple[Pair, ...], accepted: Sequence[tuple[Pair, ...]]) -> float:
    """The chance of as many departures. A pair has to stand out on both sides: against the rest of the one, and of the other.

    It is looked at within what was found before, so that a segment is not found again under another name.
    """
    inside = table.mask(parts)
    strata = _strata(table, parts, accepted)
    if len(parts) == 1:
        return _test(table, inside, table.everybody, strata)
    return max(_test(table, inside, table.has[part], strata) for part in parts)


def _strata(table: _Table, parts: tuple[Pair, ...], accepted: Sequence[tuple[Pair, ...]]) -> NDArray[np.int64]:
    found = np.zeros(len(table.members), dtype=np.int64)
    for number, one in enumerate(accepted):
        # a pair is held against the rest of its own two segments already
        if not set(one) <= set(parts):
            found += table.mask(one).astype(np.int64) << number
    return found


def _test(table: _Table, inside: Mask, among: Mask, strata: NDArray[np.int64]) -> float:
    counted = []
    for stratum in np.unique(strata):
        here = among & (strata == stratum)
        chosen = here & inside
        counted.append(
            (int(here.sum()), int((here & table.left).sum()), int(chosen.sum()), int((chosen & table.left).sum()))
        )
    return as_many_or_more(counted)


def _is_explained(table: _Table, parts: tuple[Pair, ...], accepted: Sequence[tuple[tuple[Pair, ...], float]]) -> bool:
    """Whether a single segment is worse only because of a corner of it that is reported by itself."""
    corners = [one for one, _ in accepted if len(one) > len(parts) and set(parts) < set(one)]
    if not corners:
        return False
    outside = table.everybody.copy()
    for one in corners:
        outside &= ~table.mask(one)
    return _test(table, table.mask(parts), outside, np.zeros(len(table.members), dtype=np.int64)) > LIMIT


def _told(table: _Table, parts: tuple[Pair, ...], chance: float) -> Decay:
    inside = table.mask(parts)
    accounts, left = int(inside.sum()), int((inside & table.left).sum())
    besides = [table.everybody & ~inside] if len(parts) == 1 else [table.has[part] & ~inside for part in parts]
    # of the two sides of a corner the one that loses more: it is the fairer comparison
    expected = max(float(table.left[mask].mean()) for mask in besides) * accounts
    rate = retention([one for one, has in zip(table.members, inside, strict=True) if has])
    return Decay(parts, accounts, left, expected, rate if rate is not None else 1.0, chance)
