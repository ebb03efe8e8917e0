"""A model that was trained again takes over only where it says no worse what has come since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.learning.blend import loss
from holdfast.learning.design import log_odds
from holdfast.learning.panel import Floats


@dataclass(frozen=True)
class Contest:
    """Log-loss of both on the newest closed window; lower is better."""

    rows: int
    champion: float
    challenger: float
    replaces: bool
    sentence: str


def challenge(champion: Floats, challenger: Floats, hit: Floats) -> Contest:
    """Both must not have been trained on these rows. Where there is nothing to compare by, the newer one takes over: it has seen more."""
    closed = ~(np.isnan(hit) | np.isnan(champion) | np.isnan(challenger))
    rows = int(closed.sum())
    if not rows or not 0 < hit[closed].sum() < rows:
        nothing = float("nan")
        return Contest(rows, nothing, nothing, True, "replaced: no closed window to compare by")
    each = np.ones(rows)
    old = loss(log_odds(champion[closed]), hit[closed], each)
    new = loss(log_odds(challenger[closed]), hit[closed], each)
    better = new <= old
    verdict = "replaced" if better else "kept"
    return Contest(rows, old, new, better, f"{verdict}: log-loss {new:.4f} against {old:.4f} on {rows:,} rows")
