"""What became of accounts after the days they were measured on, and the panel that is learned from.

Churn: nothing is left at the end of the horizon. Contraction: less than before, but something. Expansion: more than before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from holdfast.domain.feature import Feature
from holdfast.domain.health import prior
from holdfast.learning.panel import Panel
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.outcomes import outcomes

Floats = npt.NDArray[np.float64]

CHURN, CONTRACTION, EXPANSION = "churn", "contraction", "expansion"
TARGETS = (CHURN, CONTRACTION, EXPANSION)
HORIZONS = (30, 90, 180)
ATTRIBUTE = "attribute."
#: features that reach as far back as usage is kept, which is further for past days than for today: nothing is learned from them
UNEVEN = frozenset({"days_to_first_use", "days_since_first_use", "used_ever"})
#: an attribute with more values than this tells accounts from one another, not kinds of them
MOST_LEVELS = 50


@dataclass(frozen=True)
class After:
    """By row of measured days MRR then and after a horizon, in minor units; nan: not over yet."""

    before: Floats
    after: Floats

    def hit(self, target: str) -> Floats:
        """1 where it came so, 0 where not, nan where it is not known yet."""
        came = {
            CHURN: self.after <= 0,
            CONTRACTION: (self.after > 0) & (self.after < self.before),
            EXPANSION: self.after > self.before,
        }[target]
        return np.where(np.isnan(self.after), np.nan, came.astype(float))


def after(ledger: Ledger, table: pa.Table, currency: str, horizons: Sequence[int] = HORIZONS) -> dict[int, After]:
    """By horizon what became of the rows of measured days; amounts in `currency`."""
    days = sorted(set(table["as_of"].to_pylist()))
    told = outcomes(ledger, days, list(horizons), currency)
    rows = pa.table(
        {"account_id": table["account_id"], "as_of": table["as_of"], "row": pa.array(range(table.num_rows))}
    )
    found = {}
    for horizon in horizons:
        some = told.filter(pc.equal(told["horizon_days"], horizon)).select(
            ["account_id", "as_of", "mrr_minor", "after_minor"]
        )
        joined = rows.join(some, ["account_id", "as_of"], join_type="left outer").sort_by("row")
        found[horizon] = After(numbers(table["mrr_minor"]), numbers(joined["after_minor"]))
    return found


def panel_of(table: pa.Table, scores: Sequence[float | None], features: Sequence[Feature] | None = None) -> Panel:
    """Measured days as a panel for what should not happen; see `growing` for what should. `scores`: health by row."""
    features = [one for one in features or dictionary() if one.name in table.column_names and one.name not in UNEVEN]
    names = [name for name in table.column_names if name.startswith(ATTRIBUTE)]
    values = np.column_stack([numbers(table[one.name]) for one in features]) if features else np.empty((0, 0))
    tenure = "tenure_days"
    return Panel(
        days=np.array([day.toordinal() for day in table["as_of"].to_pylist()], np.int64),
        who=np.unique(np.array(table["account_id"].to_pylist(), dtype=object), return_inverse=True)[1].astype(np.int64),
        values=values.astype(np.float32),
        names=tuple(one.name for one in features),
        directions=np.array([one.risk for one in features], np.int8),
        categories={
            name.removeprefix(ATTRIBUTE): levels for name in names if (levels := _levels(table[name])) is not None
        },
        worth=numbers(table["mrr_minor"]),
        prior=np.array([np.nan if score is None else prior(score) for score in scores], float),
        tenure=numbers(table[tenure]) if tenure in table.column_names else np.full(table.num_rows, np.nan),
    )


def growing(panel: Panel, features: Sequence[Feature] | None = None) -> Panel:
    """The same panel for expansion: no scorecard speaks of it, and features point where growth is."""
    growth = {one.name: one.growth for one in features or dictionary()}
    return replace(
        panel,
        directions=np.array([growth[name] for name in panel.names], np.int8),
        prior=np.full(len(panel), np.nan),
    )


def _levels(column: pa.ChunkedArray) -> npt.NDArray[np.object_] | None:
    """The values of an attribute; None where there are too many or only one."""
    different = pc.count_distinct(column).as_py()
    return np.array(column.to_pylist(), dtype=object) if 1 < different <= MOST_LEVELS else None


def numbers(column: pa.ChunkedArray) -> Floats:
    """A column of measured days; nan where it is not known."""
    filled = pc.fill_null(column.cast(pa.float64()), float("nan"))
    found: Floats = filled.combine_chunks().to_numpy(zero_copy_only=False)
    return found
