"""The month-end matrix: for each entity and currency one row, for each month one column, in it the balance at its end.

It is worked out from the movements, so that opening + Σ movements = closing is what makes it; and it is held against
the balances found by summing up, for every entity, currency and month, before anything is published. With it any window
between two month ends is one pass over two columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from holdfast.warehouse.states import differs

Ints = npt.NDArray[np.int64]


class LedgerError(RuntimeError):
    """The ledger does not tie out; nothing is published. The message names entity, month and difference."""


@dataclass(frozen=True)
class Balances:
    """Month-end balances where they changed: rows in order of position, then month. Minor units."""

    position: Ints
    month: Ints
    opening: Ints
    closing: Ints


@dataclass(frozen=True)
class Movements:
    """Movements, any order."""

    position: Ints
    month: Ints
    amount: Ints


def month_end_matrix(balances: Balances, movements: Movements, first: int, last: int) -> tuple[Ints, Ints]:
    """The positions (sorted), and their balances: shape (last - first + 1, positions).

    LedgerError: where movements do not lead from one balance to the next.
    """
    opens = differs(balances.position)
    positions = balances.position[opens]
    row = np.cumsum(opens) - 1
    where = np.searchsorted(positions, movements.position)
    if len(movements.position) and not np.array_equal(positions[where % len(positions)], movements.position):
        raise LedgerError("a movement belongs to an entity that has no balance")
    matrix = np.zeros((last - first + 1, len(positions)), dtype=np.int64)
    np.add.at(matrix.reshape(-1), (movements.month - first) * len(positions) + where, movements.amount)
    # between changes a balance stands still: as many steps in the matrix as balances that changed
    steps = int(np.count_nonzero(matrix))
    np.cumsum(matrix, axis=0, out=matrix)
    _check(balances, matrix, row, first, steps)
    return positions, matrix


def _check(balances: Balances, matrix: Ints, row: Ints, first: int, steps: int) -> None:
    cells, width = matrix.reshape(-1), matrix.shape[1]
    place = (balances.month - first) * width + row
    closing = cells[place]
    opening = np.where(place >= width, cells[np.maximum(place - width, 0)], 0)
    wrong = np.flatnonzero((closing != balances.closing) | (opening != balances.opening))
    if len(wrong):
        at = wrong[0]
        raise LedgerError(
            f"opening + movements ≠ closing for entity number {balances.position[at] >> 8} in month number "
            f"{balances.month[at]}: {opening[at]} → {closing[at]} by movements, "
            f"{balances.opening[at]} → {balances.closing[at]} by balances ({len(wrong)} places)"
        )
    changed = int(np.count_nonzero(balances.opening != balances.closing))
    if steps != changed:
        raise LedgerError(f"the month-end matrix has {steps} steps, the balances {changed}")
    if len(matrix) and int(matrix.min(initial=0)) < 0:
        raise LedgerError("an entity's MRR is below 0 at a month's end")
