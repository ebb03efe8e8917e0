"""A few small trees, each feature pushing only the way it is known to push."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from holdfast.learning.panel import Bools, Floats, Ints
from holdfast.learning.settings import Settings


@dataclass(frozen=True)
class Boosted:
    """One ensemble, read after different numbers of its trees."""

    ensemble: Any
    trees: tuple[int, ...]
    #: the columns that it was shown
    kept: Ints

    def log_odds(self, columns: Floats, only: int | None = None) -> Floats:
        """(numbers of trees, rows); or (rows,) for one of the numbers."""
        wanted = self.trees if only is None else (self.trees[only],)
        if not len(columns):
            return np.zeros((len(wanted), 0)) if only is None else np.zeros(0)
        told: list[Floats] = []
        with threadpool_limits(1, "openmp"):
            for number, raw in enumerate(self.ensemble.staged_decision_function(columns[:, self.kept]), 1):
                if number in wanted:
                    told.append(np.asarray(raw, dtype=np.float64).ravel())
                if number == wanted[-1]:
                    break
        return np.array(told) if only is None else told[0]

    def used(self, columns: int) -> Bools:
        """Which columns a tree asks for."""
        asked = np.zeros(columns, dtype=bool)
        for (tree,) in self.ensemble._predictors:
            asked[self.kept[tree.nodes["feature_idx"][tree.nodes["is_leaf"] == 0]]] = True
        return asked


def fit(
    columns: Floats, hit: Floats, directions: Ints, settings: Settings, trees: Sequence[int], kept: Ints
) -> Boosted:
    """Depth and leaves are kept small; a leaf needs many rows, for rows of one account are alike. `kept`: the columns that are looked at."""
    # read in only here: it takes seconds, and most commands do not learn
    from sklearn.ensemble import HistGradientBoostingClassifier

    ensemble = HistGradientBoostingClassifier(
        learning_rate=settings.learning_rate,
        max_iter=max(trees),
        max_depth=settings.depth,
        max_leaf_nodes=2**settings.depth,
        min_samples_leaf=max(20, min(60, len(columns) // 100)),
        l2_regularization=10.0,
        max_features=settings.columns,
        max_bins=63,
        monotonic_cst=directions[kept].astype(np.int8),
        early_stopping=False,
        random_state=settings.seed,
    )
    columns = columns[:, kept]
    nothing = np.isnan(columns).all(axis=0)
    if nothing.any():  # a column of which these rows know nothing cannot be binned, and says nothing
        columns = np.where(nothing, columns.dtype.type(0), columns)
    with threadpool_limits(settings.threads, "openmp"):
        ensemble.fit(columns, hit.astype(np.int8))
    return Boosted(ensemble, tuple(sorted(trees)), kept)
