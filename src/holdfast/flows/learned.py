"""What was learned of this company's past: nine heads (three targets, three horizons), their records, and the sizes of what happens.

HOME/watch/models/CURRENT.json        which training is in force, and what came before it
HOME/watch/models/<version>.joblib    a training: models, records, and what is needed to compare the next one with it

A head whose record does not beat what is known without it is not used: the scorecard stands in, or the base rate. Accounts that
have asked for cancellation are left out of learning and of records: that they leave is known, not foretold.
"""

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import numpy.typing as npt

from holdfast.domain.panel import is_learned_from
from holdfast.domain.scorecard import Scorecard
from holdfast.flows import labels
from holdfast.flows.forecasts import SEGMENT, forecasts
from holdfast.flows.home import Home, write_whole
from holdfast.flows.labels import CHURN, CONTRACTION, EXPANSION, HORIZONS, TARGETS
from holdfast.flows.leading import leading
from holdfast.flows.past import Past, name_of, past_of
from holdfast.learning import champion
from holdfast.learning.book import PastError, Sizes, sizes
from holdfast.learning.model import Model
from holdfast.learning.panel import Panel
from holdfast.learning.rungs import Candidates
from holdfast.learning.scores import Scores, score
from holdfast.learning.settings import Settings
from holdfast.learning.spread import Spread, spread
from holdfast.learning.training import Head, Trained, train
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.ledger import Ledger

Floats = npt.NDArray[np.float64]

#: learned anew so often
EVERY = timedelta(days=28)
#: what is left of 1 after a contraction or an expansion where none was seen
USUAL = {CONTRACTION: 0.75, EXPANSION: 1.2}
#: rows of the past that today's features are compared with
COMPARED = 5_000


@dataclass(frozen=True)
class Trusted:
    """One of the nine heads: the model that is used, the one that was learned, and its record."""

    target: str
    horizon: int
    model: Model
    learned: Model
    scores: Scores
    spread: Spread
    is_used: bool
    trained_at: datetime
    replaced: bool
    why: str


@dataclass(frozen=True)
class Learned:
    """A training."""

    digest: str
    trained_at: datetime
    #: the last day whose rows were seen
    seen_until: date
    heads: Mapping[str, Trusted]
    #: features and attributes, as models know them
    features: tuple[str, ...]
    attributes: tuple[str, ...]
    #: by horizon the share of accounts that left of those that had asked for cancellation
    noticed: Mapping[int, float]
    #: by target and horizon what is left of 1
    sizes: Mapping[str, Sizes]
    #: by horizon how far forecasts of the book were off
    past: Mapping[int, PastError]
    #: forecasts of the book on past days, as the track record tells them
    book: tuple[dict[str, Any], ...]
    leading: tuple[dict[str, Any], ...]
    #: the part of the accounts that was learned from
    share: float = 1.0
    #: some rows of the past, for comparison
    then: Panel | None = field(repr=False, default=None)

    @property
    def version(self) -> str:
        told = "".join(f"{name}{head.model.version}" for name, head in sorted(self.heads.items()))
        return hashlib.sha256(told.encode()).hexdigest()[:10]


def learn(
    home: Home, ledger: Ledger, cards: Sequence[Scorecard], days: Sequence[date], now: datetime, *,
    retrain: bool = False, settings: Settings | None = None,
) -> Learned:  # fmt: skip
    """The training in force, made anew where it is due or asked for."""
    before = _load(home)
    digest = _digest(ledger, cards)
    if before is not None and before.digest == digest and not retrain and now - before.trained_at < EVERY:
        return before
    past = past_of(home, ledger, cards, [day for day in days if is_learned_from(day)])
    made = fit(past, digest, now, settings or Settings(), before if before and before.digest == digest else None)
    _save(home, made)
    return made


def fit(past: Past, digest: str, now: datetime, settings: Settings, before: Learned | None = None) -> Learned:
    """Learn all nine heads and look at what they would have said."""
    shrinking = {name_of(t, h): Head(past.hit(t, h), h) for t in TARGETS if t != EXPANSION for h in HORIZONS}
    growing = {name_of(EXPANSION, h): Head(past.hit(EXPANSION, h), h) for h in HORIZONS}
    grown = labels.growing(past.panel)
    trained = train(past.panel, shrinking, settings) | train(grown, growing, settings)
    heads = {
        name_of(target, horizon): _head(
            past, grown if target == EXPANSION else past.panel, target, horizon,
            trained[name_of(target, horizon)], settings, now, before,
        )
        for target in TARGETS
        for horizon in HORIZONS
    }  # fmt: skip
    how_much = {name_of(t, h): _sizes(past, t, h) for t in (CONTRACTION, EXPANSION) for h in HORIZONS}
    said = {name: one.backtest for name, one in trained.items()}
    gone = {horizon: _left_after_notice(past, horizon) for horizon in HORIZONS}
    book, errors = forecasts(past, said, how_much, gone)
    return Learned(
        digest, now, date.fromordinal(int(past.panel.days.max())), heads, past.panel.names, tuple(past.panel.categories),
        gone, how_much, errors, book, leading(past), past.share, _some(past.panel),
    )  # fmt: skip


def _head(
    past: Past, seen: Panel, target: str, horizon: int, trained: Trained, settings: Settings, now: datetime,
    before: Learned | None,
) -> Trusted:  # fmt: skip
    hit = past.hit(target, horizon)
    after = past.after[horizon]
    with np.errstate(invalid="ignore"):
        money = np.abs(after.before - np.nan_to_num(after.after))
    scores = score(seen, hit, trained.backtest, horizon, money, settings.least_events, len(TARGETS) * len(HORIZONS))
    firm = spread(seen, hit, trained.backtest, horizon, money)
    replaced, why, model, at = True, "the first training", trained.model, now
    old = before.heads.get(name_of(target, horizon)) if before else None
    if old is not None and before is not None:
        newer = seen.days + horizon > before.seen_until.toordinal()
        champion_says = np.full(len(seen), np.nan)
        champion_says[newer] = old.learned.predict(seen.take(newer))
        contest = champion.challenge(champion_says, trained.backtest.probability, hit)
        replaced, why = contest.replaces, contest.sentence
        if not replaced:
            model, at = old.learned, old.trained_at
    is_used = scores.verdict == "better"
    used = model if is_used else _fallen_back(model, scores)
    return Trusted(target, horizon, used, model, scores, firm, is_used, at, replaced, why)


def _fallen_back(model: Model, scores: Scores) -> Model:
    """What is said without anything learned: by the scorecard where it told something or nothing is known of it, else the base rate."""
    says_nothing = not np.isnan(scores.auc_scorecard) and scores.auc_scorecard < 0.55
    alone = Candidates(model.candidates.rate, None, None)
    return replace(
        model, candidates=alone, evidence=replace(model.evidence, kind="scorecard"),
        mean_score=0.0 if says_nothing else model.mean_score,
    )  # fmt: skip


def _left_after_notice(past: Past, horizon: int) -> float:
    """Of the accounts that had asked for cancellation the share that was gone; drawn to nine in ten where there are few."""
    gone = past.after[horizon].hit(CHURN)[past.noticed]
    known = gone[~np.isnan(gone)]
    return float((known.sum() + 9) / (len(known) + 10))


def _sizes(past: Past, target: str, horizon: int) -> Sizes:
    after = past.after[horizon]
    rows = np.nan_to_num(after.hit(target)) > 0
    segments = past.panel.categories.get(SEGMENT, np.full(len(past.panel), ""))
    return sizes(after.before, after.after, segments, rows, USUAL[target])


def _some(made: Panel) -> Panel:
    """Rows of the newest year, to compare today with."""
    rows = np.flatnonzero(made.days > made.days.max() - 365)
    if len(rows) > COMPARED:
        rows = np.sort(np.random.default_rng(0).choice(rows, COMPARED, replace=False))
    return made.take(rows)


def _digest(ledger: Ledger, cards: Sequence[Scorecard]) -> str:
    names = [one.name for one in dictionary() if one.name not in labels.UNEVEN]
    said = f"{names} {ledger.policy!r} {cards!r} {HORIZONS}"
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _folder(home: Home) -> Path:
    return home.path / "watch" / "models"


def _load(home: Home) -> Learned | None:
    """The training in force; None where there is none, or one that this version cannot read."""
    current = _folder(home) / "CURRENT.json"
    if not current.exists():
        return None
    path = _folder(home) / f"{json.loads(current.read_text())['version']}.joblib"
    try:
        found = joblib.load(path)
    except (ValueError, TypeError, KeyError, EOFError, ImportError, AttributeError, OSError, pickle.UnpicklingError):
        # of another version of Holdfast or of scikit-learn: it is learned anew
        return None
    return found if isinstance(found, Learned) else None


def _save(home: Home, made: Learned) -> None:
    place = _folder(home)
    place.mkdir(parents=True, exist_ok=True)
    joblib.dump(made, place / f"{made.version}.joblib", compress=3)
    current = place / "CURRENT.json"
    past = json.loads(current.read_text())["trainings"] if current.exists() else []
    line = {"version": made.version, "trained_at": made.trained_at.isoformat(), "seen_until": str(made.seen_until)}
    write_whole(current, json.dumps({"version": made.version, "trainings": [*past, line][-100:]}, indent=1))
    # the one before is kept: whoever looks for it may be reading
    known = {one["version"] for one in [*past, line][-2:]}
    for path in place.glob("*.joblib"):
        if path.stem not in known:
            path.unlink(missing_ok=True)
