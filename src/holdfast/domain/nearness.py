"""Names that are near each other: the pairs of signs that they share. Only names that have something rare in common are compared."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

Words = tuple[str, ...]

#: shared by more accounts than this, something is not rare
RARE = 40
#: from here on two names are near (0 to 1)
NEAR = 0.72
#: where one name has all words of the other, and a rare one among them
WITHIN = 0.6
_VOWELS = re.compile(r"[aeiouy]")
_REPEATED = re.compile(r"(.)\1+")


class Names:
    """The names of accounts, to be found by nearness."""

    def __init__(self, words: Mapping[str, Words]) -> None:
        self._words = words
        self._blocks: dict[str, list[str]] = defaultdict(list)
        self._pairs: dict[str, frozenset[str]] = {}
        for account_id, told in words.items():
            for block in _blocks(told):
                self._blocks[block].append(account_id)

    def near(self, words: Words, most: int) -> list[tuple[str, float]]:
        """The nearest accounts, nearest first, with how near they are (0 to 1)."""
        told = {
            account_id
            for block in _blocks(words)
            if len(found := self._blocks.get(block, ())) <= RARE
            for account_id in found
        }
        pairs = _pairs(words)
        compared = ((account_id, self._nearness(words, pairs, account_id)) for account_id in told)
        near = [(account_id, nearness) for account_id, nearness in compared if nearness >= WITHIN]
        return sorted(near, key=lambda one: (-one[1], one[0]))[:most]

    def nearness(self, words: Words, account_id: str) -> float:
        """How near an account's name is: 1 the same, 0 nothing in common."""
        return self._nearness(words, _pairs(words), account_id)

    def _nearness(self, words: Words, pairs: frozenset[str], account_id: str) -> float:
        theirs = self._pairs.get(account_id)
        if theirs is None:
            theirs = self._pairs[account_id] = _pairs(self._words[account_id])
        if not pairs or not theirs:
            return 0.0
        dice = 2 * len(pairs & theirs) / (len(pairs) + len(theirs))
        if dice >= NEAR:
            return dice
        return WITHIN if self._is_within(set(words), set(self._words[account_id])) else 0.0

    def _is_within(self, words: set[str], others: set[str]) -> bool:
        """Whether one name has all words of the other, at least one of them rare and long enough."""
        fewer = words & others
        if fewer not in (words, others):
            return False
        return any(len(word) > 3 and 0 < len(self._blocks.get(f"w{word}", ())) <= RARE for word in fewer)


def _pairs(words: Words) -> frozenset[str]:
    """Neighbouring signs of each word, with its beginning and end."""
    return frozenset(f"{a}{b}" for word in words for a, b in zip(f"^{word}", f"{word}$", strict=True))


def _blocks(words: Words) -> set[str]:
    """What names must share to be compared: a word, a beginning, an end, or the consonants in their order."""
    closed = "".join(words)
    bones = _REPEATED.sub(r"\1", _VOWELS.sub("", closed))
    found = {f"w{word}" for word in words if len(word) > 2}
    if len(closed) > 4:
        found |= {f"b{closed[:5]}", f"e{closed[-5:]}"}
    if len(bones) > 2:
        found.add(f"c{bones}")
    return found
