"""The past that is learned from: measured days, and what became of their accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from holdfast.domain.scorecard import Scorecard
from holdfast.flows import labels, panel, scored
from holdfast.flows.home import Home
from holdfast.flows.labels import After
from holdfast.learning.panel import Panel
from holdfast.warehouse.ledger import Ledger

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

#: the share of an account's value for which a cancellation was asked for
NOTICE = "cancel_requested"
#: rows that are learned from at most; 10,000 accounts with four years have as many
MOST_ROWS = 600_000
#: from so much on the account as a whole has given notice
WHOLE = 0.99


def name_of(target: str, horizon: int) -> str:
    """What a head is called."""
    return f"{target}-{horizon}"


@dataclass(frozen=True)
class Past:
    """The panel that is learned from, and what became of its rows."""

    table: pa.Table
    panel: Panel
    scores: list[float | None]
    after: Mapping[int, After]
    #: rows of accounts that had asked for cancellation
    noticed: Bools
    #: the part of the accounts whose past it is
    share: float = 1.0

    def hit(self, target: str, horizon: int) -> Floats:
        """Whether it came so; nan where it is not known yet, or was known beforehand."""
        return np.where(self.noticed, np.nan, self.after[horizon].hit(target))


def past_of(
    home: Home, ledger: Ledger, cards: Sequence[Scorecard], days: Sequence[date], known_until: date | None = None
) -> Past:
    """The measured days with what became of their accounts, as far as it was known on a day; of very many accounts, of a part of them."""
    looked_at = [day for day in days if known_until is None or day <= known_until]
    share = panel.share(home, looked_at, MOST_ROWS)
    table = panel.read(home, looked_at, share=share)
    told = scored.scores(cards, table)[1]
    made = labels.panel_of(table, told)
    after = labels.after(ledger, table, home.settings.currency)
    if known_until is not None:
        after = {horizon: _known(made, one, horizon, known_until) for horizon, one in after.items()}
    return Past(table, made, told, after, noticed(made), share)


def _known(made: Panel, after: After, horizon: int, until: date) -> After:
    return After(after.before, np.where(made.days + horizon <= until.toordinal(), after.after, np.nan))


def noticed(made: Panel) -> Bools:
    """Rows of accounts that have asked for cancellation."""
    if NOTICE not in made.names:
        return np.zeros(len(made), bool)
    given: Bools = np.nan_to_num(made.values[:, made.names.index(NOTICE)]) >= WHOLE
    return given
