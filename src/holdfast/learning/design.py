"""The columns that models see: learned from training rows only, then the same for any row.

Two forms of the same facts: smooth ones for the logistic, plain ones for boosting. Each column belongs to one named feature or attribute, so that
putting that one to its typical value is well defined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from holdfast.learning.panel import Floats, Ints, Panel, Texts

#: names of what is not a feature of the panel
SCORECARD = "scorecard"
SEASON = "season"
POOLED = "(rare)"
UNKNOWN = "(unknown)"

#: an attribute's level with fewer accounts is pooled with the other rare ones
LEAST_ACCOUNTS = 10
MOST_LEVELS = 30
#: rows from which typical values and spreads are learned
SAMPLE = 20_000


@dataclass(frozen=True)
class Numbers:
    """Numeric columns: which vary, where their middle is and how far they spread."""

    kept: Ints
    middle: Floats
    spread: Floats
    mean: Floats
    scale: Floats
    #: places among the kept whose being unknown is a column of its own (one for those always unknown together)
    gaps: Ints
    gap_share: Floats
    #: the usual value: the median, or nan where most are unknown
    typical: Floats
    #: (kept, bends): where a smooth column may change its slope
    bends: Floats
    bend_mean: Floats


@dataclass(frozen=True)
class Levels:
    """An attribute: its levels with enough accounts, their shares, and the most common one."""

    name: str
    levels: tuple[str, ...]
    share: Floats
    typical: int


@dataclass(frozen=True)
class Design:
    """How rows of a panel become columns."""

    names: tuple[str, ...]
    directions: Ints
    numbers: Numbers
    attributes: tuple[Levels, ...]
    #: whether a year was seen, so that the season can be told from the passing of time
    seasonal: bool
    #: the middle of the scorecard's log-odds; None where there is no scorecard
    scorecard: float | None

    @property
    def sources(self) -> tuple[str, ...]:
        """What the smooth columns are of, column by column."""
        kept = [self.names[j] for j in self.numbers.kept]
        gaps = [kept[j] for j in self.numbers.gaps]
        levels = [one.name for one in self.attributes for _ in one.levels]
        bends = kept * self.numbers.bends.shape[1]
        return (*kept, *bends, *gaps, *levels, *([SEASON] * 2 * self.seasonal))

    @property
    def plain_sources(self) -> tuple[str, ...]:
        """What the plain columns are of, column by column."""
        kept = [self.names[j] for j in self.numbers.kept]
        levels = [one.name for one in self.attributes for _ in one.levels]
        scorecard = [SCORECARD] * (self.scorecard is not None)
        return (*kept, *levels, *([SEASON] * 2 * self.seasonal), *scorecard)

    def smooth(self, panel: Panel) -> Floats:
        """Centred columns of about unit spread, long tails drawn in, unknown at the middle with a column that says so."""
        numbers = self.numbers
        values = panel.values[:, numbers.kept]
        drawn = _drawn_in(values, numbers)
        blocks = [drawn]
        for bend, mean in zip(numbers.bends.T, numbers.bend_mean.T, strict=True):
            blocks.append(np.maximum(drawn - bend, 0) - mean)
        blocks.append(np.isnan(values[:, numbers.gaps]) - numbers.gap_share)
        for one in self.attributes:
            blocks.append((_codes(panel, one)[:, None] == np.arange(len(one.levels))) - one.share)
        if self.seasonal:
            blocks.append(_season(panel.days))
        return np.hstack([block.astype(np.float32) for block in blocks])

    def plain(self, panel: Panel) -> Floats:
        """Values as they are, unknown as nan."""
        blocks = [panel.values[:, self.numbers.kept]]
        blocks += [_codes(panel, one)[:, None] == np.arange(len(one.levels)) for one in self.attributes]
        if self.seasonal:
            blocks.append(_season(panel.days))
        if self.scorecard is not None:
            blocks.append(self.offset(panel)[:, None])
        return np.hstack([block.astype(np.float32) for block in blocks])

    def plain_directions(self) -> Ints:
        known = self.directions[self.numbers.kept]
        other = len(self.plain_sources) - len(known)
        signs = np.concatenate([known, np.zeros(other, dtype=known.dtype)])
        if self.scorecard is not None:
            signs[-1] = 1
        return signs

    def offset(self, panel: Panel) -> Floats:
        """The scorecard's log-odds against their middle; 0 where it says nothing."""
        if self.scorecard is None:
            return np.zeros(len(panel))
        away: Floats = np.nan_to_num(log_odds(panel.prior) - self.scorecard, nan=0.0)
        return away

    def typical(self, panel: Panel, source: str) -> Panel:
        """The same rows, with one feature or attribute at its typical value."""
        if source == SCORECARD:
            middle = 1 / (1 + np.exp(-(self.scorecard or 0.0)))
            return _replaced(panel, prior=np.full(len(panel), middle))
        for one in self.attributes:
            if one.name == source:
                level = np.full(len(panel), one.levels[one.typical], dtype=object)
                return _replaced(panel, categories={**panel.categories, source: level})
        values = panel.values.copy()
        place = self.names.index(source)
        values[:, place] = self.numbers.typical[self.numbers.kept.tolist().index(place)]
        return _replaced(panel, values=values)


def learn(panel: Panel, bends: int = 0) -> Design:
    """What the columns look like, from training rows. With bends, a smooth column may change its slope so many times."""
    sample = panel.take(_sample(len(panel)))
    year = bool(len(panel)) and int(panel.days.max() - panel.days.min()) >= 365
    known = log_odds(panel.prior[~np.isnan(panel.prior)])
    attributes = tuple(_levels(name, panel.categories[name], panel.who) for name in sorted(panel.categories))
    return Design(
        panel.names,
        np.asarray(panel.directions, dtype=np.int8),
        _numbers(sample.values, bends),
        tuple(one for one in attributes if len(one.levels) > 1),
        year,
        float(np.median(known)) if len(known) and np.ptp(known) > 0 else None,
    )


def log_odds(probability: Floats) -> Floats:
    """Never infinite: a probability is taken to lie within 0.001 and 0.999."""
    inside = np.clip(np.asarray(probability, dtype=np.float64), 0.001, 0.999)
    return np.log(inside / (1 - inside))


def _sample(rows: int) -> Ints:
    """Evenly spread places: the same for the same number of rows."""
    return np.arange(rows) if rows <= SAMPLE else np.linspace(0, rows - 1, SAMPLE).astype(np.int64)


def _numbers(values: Floats, bends: int) -> Numbers:
    kept, gap = _varying(values)
    columns = values[:, kept]
    middle = np.nanmedian(columns, axis=0) if columns.size else np.zeros(len(kept))
    gaps = _gaps(columns)
    bare = Numbers(
        kept=kept, middle=middle, spread=_spread(columns, middle), mean=np.zeros(len(kept)), scale=np.ones(len(kept)),
        gaps=gaps, gap_share=gap[kept][gaps], typical=np.where(gap[kept] > 0.5, np.nan, middle),
        bends=np.zeros((len(kept), 0)), bend_mean=np.zeros((len(kept), 0)),
    )  # fmt: skip
    if not columns.size:
        return bare
    drawn = _drawn_in(columns, bare, limit=np.inf)
    scaled = replace(bare, mean=drawn.mean(axis=0), scale=np.maximum(drawn.std(axis=0), 1e-6))
    drawn = _drawn_in(columns, scaled)
    knots = np.quantile(drawn, np.linspace(0, 1, bends + 2)[1:-1], axis=0).T if bends else bare.bends
    means = [np.maximum(drawn - bend, 0).mean(axis=0) for bend in knots.T]
    return replace(scaled, bends=knots, bend_mean=np.array(means).T if means else bare.bend_mean)


def _varying(values: Floats) -> tuple[Ints, Floats]:
    """The columns that tell rows apart, by value or by being unknown; and each column's share of unknown ones."""
    known = ~np.isnan(values)
    low = np.min(values, axis=0, where=known, initial=np.inf)
    high = np.max(values, axis=0, where=known, initial=-np.inf)
    gap = 1 - known.mean(axis=0) if len(values) else np.zeros(values.shape[1])
    varies = (high > low) | ((gap > 0.01) & (gap < 0.99))
    return np.flatnonzero(varies & np.isfinite(low)), gap


def _spread(columns: Floats, middle: Floats) -> Floats:
    """How far values usually lie from the middle; where most lie on it, how far the others do."""
    away = np.abs(columns - middle)
    away[away == 0] = np.nan
    some = ~np.isnan(away).all(axis=0)
    spread = np.ones(columns.shape[1])
    if some.any():
        spread[some] = np.nanmedian(away[:, some], axis=0)
    return spread


def _drawn_in(values: Floats, numbers: Numbers, limit: float = 3.0) -> Floats:
    """Signed logarithm of the distance from the middle, in units of spread; unknown is the middle."""
    away = (values - numbers.middle) / numbers.spread
    drawn = (np.arcsinh(np.nan_to_num(away, nan=0.0, posinf=1e6, neginf=-1e6)) - numbers.mean) / numbers.scale
    clipped: Floats = np.clip(drawn, -limit, limit)
    return clipped


def _gaps(columns: Floats) -> Ints:
    """One column of those that are always unknown together, where it is neither nearly always nor nearly never."""
    unknown = np.isnan(columns)
    share = unknown.mean(axis=0) if len(columns) else np.zeros(columns.shape[1])
    found: dict[bytes, int] = {}
    for place in np.flatnonzero((share > 0.01) & (share < 0.99)).tolist():
        found.setdefault(np.packbits(unknown[:, place]).tobytes(), place)
    return np.array(sorted(found.values()), dtype=np.int64)


def _levels(name: str, column: Texts, who: Ints) -> Levels:
    texts = _texts(column)
    levels, codes = np.unique(texts, return_inverse=True)
    pairs = np.unique(np.stack([codes, np.unique(who, return_inverse=True)[1]]), axis=1)
    accounts = np.bincount(pairs[0], minlength=len(levels))
    common = [
        str(levels[j]) for j in np.argsort(-accounts, kind="stable")[:MOST_LEVELS] if accounts[j] >= LEAST_ACCOUNTS
    ]
    kept = sorted(common)
    if len(kept) < len(levels):
        kept.append(POOLED)
    coded = _coded(texts, tuple(kept))
    share = np.bincount(coded, minlength=len(kept)) / max(len(coded), 1)
    return Levels(name, tuple(kept), share, int(np.argmax(share)) if len(kept) else 0)


def _texts(column: Texts) -> Texts:
    return np.array(
        [UNKNOWN if one is None or one == "" or one != one else str(one) for one in column.tolist()], dtype=str
    )


def _coded(texts: Texts, levels: tuple[str, ...]) -> Ints:
    """A level's place; one never seen belongs to the rare ones, or to none."""
    place = {level: number for number, level in enumerate(levels)}
    rare = place.get(POOLED, -1)
    distinct, inverse = np.unique(texts, return_inverse=True)
    codes: Ints = np.array([place.get(str(one), rare) for one in distinct], dtype=np.int64)[inverse]
    return codes


def _codes(panel: Panel, levels: Levels) -> Ints:
    return _coded(_texts(panel.categories[levels.name]), levels.levels)


def _season(days: Ints) -> Floats:
    """The place of a day in the year, as a circle."""
    angle = 2 * np.pi * (np.asarray(days, dtype=np.float64) % 365.2425) / 365.2425
    circle: Floats = np.stack([np.sin(angle), np.cos(angle)], axis=1) * np.sqrt(2)
    return circle


def _replaced(panel: Panel, **changed: object) -> Panel:
    return replace(panel, **changed)  # type: ignore[arg-type]
