"""Health: one number from 0 (bad) to 100 (good) by a scorecard, with its parts, what is missing, and why it moved.

What is not known is left out and said, never scored. All figures have one decimal, and what is shown adds up: parts to the
score, moves to the difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from holdfast.domain.judgement import number
from holdfast.domain.scorecard import BANDS, GOOD, Band, Scorecard, band, chosen, is_known
from holdfast.domain.sentiment import VALUES

#: the figures are kept in tenths, so that they add up
_TENTH = 10
#: the chance of leaving within 90 days at the worst and at the best score, before anything is learned
_PRIOR_WORST, _PRIOR_BEST = 0.80, 0.03
#: the score that most accounts have: most are well
_USUAL = 80.0


@dataclass(frozen=True)
class Part:
    """What one measure gives to the score: `points` of it, its level (0 to 100) and its share of the weights."""

    feature: str
    label: str
    group: str
    unit: str
    value: float
    level: float
    weight: float
    group_weight: float
    share: float
    points: float


@dataclass(frozen=True)
class Health:
    """A score with its parts. None: not enough is known."""

    scorecard: str
    score: float | None
    parts: tuple[Part, ...]
    #: labels of the measures that are not known
    missing: tuple[str, ...]
    #: share of the scorecard's weights that is known
    known_share: float

    @property
    def sentence(self) -> str:
        """What the score rests on, in words."""
        # cut off, so that a share below what is needed never reads as enough
        known = f"{number(math.floor(self.known_share * 100 + 1e-9) / 100, '%')} of the scorecard's weight is known"
        if self.score is None:
            return f"Not enough is known for a score: {known}; missing: {', '.join(self.missing)}."
        missing = f"; missing, and not scored: {', '.join(self.missing)}" if self.missing else ""
        return f"Health is {number(self.score)} (0 bad, 100 good); {known}{missing}."


@dataclass(frozen=True)
class Move:
    """What one measure did to the score between two days."""

    feature: str
    label: str
    before: float | None
    after: float | None
    points: float
    sentence: str


@dataclass(frozen=True)
class Disagreement:
    """The score and the CSM's own sentiment lie two bands apart, or more."""

    score: float
    sentiment: int
    sentence: str
    #: whether the CSM thinks better of the account than its score
    is_hopeful: bool


def score(scorecard: Scorecard, values: Mapping[str, float | None]) -> Health:
    """An account's health from the values of its features."""
    known = _known(scorecard, values)
    missing = tuple(one.label for one in scorecard.measures if not is_known(values.get(one.feature)))
    share = _known_share(scorecard, {part.feature for part in known})
    if not known or share < scorecard.known_share - 1e-9:
        return Health(scorecard.name, None, (), missing, share)
    parts, total = _weighed(known)
    return Health(scorecard.name, total, parts, missing, share)


def score_columns(
    scorecards: Sequence[Scorecard],
    attributes: Mapping[str, Sequence[str | None]],
    columns: Mapping[str, Sequence[float | None]],
    rows: int,
) -> tuple[list[str], list[float | None]]:
    """By row the name of the scorecard that is for it, and the score; the same as `score`, for many rows at once."""
    names = [""] * rows
    scores: list[float | None] = [None] * rows
    for card, index in _by_card(scorecards, attributes, rows):
        for row, one in zip(index, _card_scores(card, columns, index), strict=True):
            names[row], scores[row] = card.name, one
    return names, scores


def moves(before: Health, after: Health) -> tuple[Move, ...]:
    """Why a score moved, largest first: points by measure, which sum to the difference. () where one has no score.

    What became known is put in first, then the values change, then what is not known any more is taken out. So each measure
    answers for its own part, and none for another one's weight.
    """
    if before.score is None or after.score is None:
        return ()
    if before.scorecard != after.scorecard or not _is_same_card(before, after):
        return (_card_move(before, after, after.score - before.score),)
    old, new = ({part.feature: part for part in one.parts} for one in (before, after))
    effects = _effects(old, new)
    features = sorted(effects, key=lambda name: (-abs(effects[name]), name))
    difference = _tenths(after.score) - _tenths(before.score)
    shares = _apportioned([effects[name] for name in features], difference)
    found = [
        _move(name, old.get(name), new.get(name), points / _TENTH)
        for name, points in zip(features, shares, strict=True)
    ]
    return tuple(sorted((one for one in found if one.points), key=lambda one: -abs(one.points)))


def disagreement(score: float | None, sentiment: int | None, bands: tuple[Band, ...] = BANDS) -> Disagreement | None:
    """Whether the score and the CSM's sentiment (1 to 5) are two bands apart."""
    if score is None or sentiment is None:
        return None
    if sentiment not in VALUES:
        raise ValueError(f"a sentiment is 1 to 5, not {sentiment}")
    last = len(bands) - 1
    felt, seen = bands[(last, last, last // 2, 0, 0)[sentiment - 1]], band(score, bands)
    if abs(bands.index(felt) - bands.index(seen)) < 2:
        return None
    sentence = (
        f"Health is {number(score)} ({seen.name}), and the CSM's own sentiment is {sentiment} of 5 ({felt.name})."
    )
    return Disagreement(score, sentiment, sentence, bands.index(felt) < bands.index(seen))


def prior(score: float | None) -> float:
    """A chance of leaving within 90 days as the score suggests it, 0 to 1: nothing learned, a place to start from.

    Without a score it is that of a usual account.
    """
    worst, best = (math.log(p / (1 - p)) for p in (_PRIOR_WORST, _PRIOR_BEST))
    at = _USUAL if score is None else score
    return 1 / (1 + math.exp(-(worst + (best - worst) * at / GOOD)))


# ---- how a score is made ----


def _known(scorecard: Scorecard, values: Mapping[str, float | None]) -> list[Part]:
    found = []
    for group in scorecard.groups:
        for one in group.measures:
            value = values.get(one.feature)
            if value is not None and is_known(value):
                level = one.level(value)
                found.append(
                    Part(one.feature, one.label, group.name, one.unit, value, level, one.weight, group.weight, 0.0, 0.0)
                )
    return found


def _known_share(scorecard: Scorecard, features: set[str]) -> float:
    total = sum(group.weight for group in scorecard.groups)
    known = 0.0
    for group in scorecard.groups:
        weights = sum(one.weight for one in group.measures)
        known += group.weight * sum(one.weight for one in group.measures if one.feature in features) / weights
    return known / total


def _shares(parts: Sequence[Part]) -> list[float]:
    """Each measure's share of the score: weights go to what is known, first in its group, then between groups."""
    inside: dict[str, float] = {}
    for part in parts:
        inside[part.group] = inside.get(part.group, 0.0) + part.weight
    total = sum({part.group: part.group_weight for part in parts}.values())
    return [part.group_weight / total * part.weight / inside[part.group] for part in parts]


def _weighed(parts: Sequence[Part]) -> tuple[tuple[Part, ...], float]:
    shares = _shares(parts)
    exact = [share * part.level for share, part in zip(shares, parts, strict=True)]
    total = _tenths(sum(exact))
    points = _apportioned(exact, total)
    fields = zip(parts, shares, points, strict=True)
    return tuple(_with(part, share, tenths / _TENTH) for part, share, tenths in fields), total / _TENTH


def _with(part: Part, share: float, points: float) -> Part:
    return Part(
        part.feature, part.label, part.group, part.unit, part.value, part.level, part.weight, part.group_weight, share, points
    )  # fmt: skip


def _tenths(value: float) -> int:
    return round(value * _TENTH)


def _apportioned(exact: Sequence[float], tenths: int) -> list[int]:
    """The numbers in tenths, so that they sum to `tenths`: what is cut off goes where most of it was (largest remainder)."""
    whole = [math.floor(value * _TENTH) for value in exact]
    over = tenths - sum(whole)
    order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i] * _TENTH)
    for i in range(over):
        whole[order[i % len(order)]] += 1
    return whole


# ---- many rows ----


def _by_card(
    scorecards: Sequence[Scorecard], attributes: Mapping[str, Sequence[str | None]], rows: int
) -> list[tuple[Scorecard, list[int]]]:
    names = sorted({name for card in scorecards for name in card.when})
    told = [attributes.get(name) or [None] * rows for name in names]
    cards: dict[tuple[str | None, ...], Scorecard] = {}
    index: dict[str, list[int]] = {card.name: [] for card in scorecards}
    keys: list[tuple[str | None, ...]] = list(zip(*told, strict=True)) if names else [()] * rows
    for row, key in enumerate(keys):
        if key not in cards:
            cards[key] = chosen(scorecards, dict(zip(names, key, strict=True)))
        index[cards[key].name].append(row)
    return [(card, index[card.name]) for card in scorecards]


def _card_scores(
    card: Scorecard, columns: Mapping[str, Sequence[float | None]], index: Sequence[int]
) -> list[float | None]:
    total = sum(group.weight for group in card.groups)
    summed, weighed, known = ([0.0] * len(index) for _ in range(3))
    for group in card.groups:
        inside, levels = ([0.0] * len(index) for _ in range(2))
        for one in group.measures:
            if one.feature not in columns:
                continue
            column, weight, bad, width = columns[one.feature], one.weight, one.bad, one.good - one.bad
            for at, row in enumerate(index):
                value = column[row]
                # a value that is not a number is not equal to itself
                if value is not None and value == value:
                    inside[at] += weight
                    levels[at] += weight * min(max((value - bad) / width, 0.0), 1.0)
        whole = sum(one.weight for one in group.measures)
        for at, weight in enumerate(inside):
            if weight:
                summed[at] += group.weight * levels[at] / weight
                weighed[at] += group.weight
                known[at] += group.weight * weight / whole
    needed = card.known_share * total - 1e-9 * total
    return [
        _tenths(GOOD * summed[at] / weighed[at]) / _TENTH if weighed[at] and known[at] >= needed else None
        for at in range(len(index))
    ]


# ---- why a score moved ----


def _is_same_card(before: Health, after: Health) -> bool:
    weights = {part.feature: (part.group, part.weight, part.group_weight) for part in before.parts}
    return all(
        weights.get(part.feature, (part.group, part.weight, part.group_weight))
        == (part.group, part.weight, part.group_weight)
        for part in after.parts
    )


def _card_move(before: Health, after: Health, points: float) -> Move:
    points = round(points, 1)
    changed = f"as {after.scorecard} now, not as {before.scorecard}"
    how = changed if before.scorecard != after.scorecard else "by a scorecard with other weights"
    return Move("", "Scorecard", before.score, after.score, points, f"The account is scored {how}: {_signed(points)}")


def _effects(old: Mapping[str, Part], new: Mapping[str, Part]) -> dict[str, float]:
    levels = {name: part.level for name, part in old.items()}
    parts = dict(old)
    effects: dict[str, float] = dict.fromkeys([*old, *new], 0.0)
    for name in sorted(set(new) - set(old)):
        was = _mean(parts, levels)
        parts[name], levels[name] = new[name], new[name].level
        effects[name] += _mean(parts, levels) - was
    names = list(parts)
    for name, share in zip(names, _shares([parts[name] for name in names]), strict=True):
        if name in old and name in new:
            effects[name] += share * (new[name].level - old[name].level)
            levels[name] = new[name].level
    for name in sorted(set(old) - set(new)):
        was = _mean(parts, levels)
        del parts[name], levels[name]
        effects[name] += _mean(parts, levels) - was
    return effects


def _mean(parts: Mapping[str, Part], levels: Mapping[str, float]) -> float:
    names = list(parts)
    shares = _shares([parts[name] for name in names])
    return sum(share * levels[name] for name, share in zip(names, shares, strict=True))


def _move(name: str, old: Part | None, new: Part | None, points: float) -> Move:
    part = new or old
    assert part is not None
    before, after = old.value if old else None, new.value if new else None
    return Move(name, part.label, before, after, points, f"{_what(part, before, after)}: {_signed(points)}")


def _what(part: Part, before: float | None, after: float | None) -> str:
    if before is None:
        return f"{part.label} is known now ({number(after or 0.0, part.unit)})"
    if after is None:
        return f"{part.label} is not known any more (it was {number(before, part.unit)})"
    if before == after:
        return f"{part.label} stayed at {number(after, part.unit)}, rounded"
    verb = "fell" if after < before else "rose"
    was, now = number(before, part.unit), number(after, part.unit)
    # a change that the rounding hides is shown with its digits
    was, now = (was, now) if was != now else (f"{before:.3g}", f"{after:.3g}")
    return f"{part.label} {verb} from {was} to {now}"


def _signed(points: float) -> str:
    sign = "−" if points < 0 else "+"
    amount = f"{abs(points):.1f}".removesuffix(".0")
    return f"{sign}{amount} {'point' if amount == '1' else 'points'}"
