"""The CSM's own word on an account, from 1 (bad) to 5 (good), and when it is due before a renewal.

It is kept apart from the health and never averaged with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from holdfast.domain.period import add_months

#: 1 bad … 5 good, and what each is called
VALUES = {1: "bad", 2: "worrying", 3: "mixed", 4: "good", 5: "very good"}
#: months before a renewal at which the CSM says how the account stands
CHECKPOINTS = (6, 3)


@dataclass(frozen=True)
class Spoken:
    """What was said of an account last."""

    value: int
    on: date

    def __post_init__(self) -> None:
        if self.value not in VALUES:
            raise ValueError(f"a sentiment is from {min(VALUES)} to {max(VALUES)}")


@dataclass(frozen=True)
class Checkpoint:
    """A word that is due: so many months before a renewal nothing was said since `due_from`."""

    account_id: str
    renewal_on: date
    months: int
    due_from: date
    said: Spoken | None


def checkpoints_due(
    renewals: Mapping[str, date], sentiments: Mapping[str, Spoken], today: date
) -> tuple[Checkpoint, ...]:
    """The accounts whose CSM has to say how they stand, the next renewal first. Of several checkpoints the latest counts."""
    found = []
    for account_id, renewal_on in renewals.items():
        if renewal_on < today:
            continue
        reached = [(add_months(renewal_on, -months), months) for months in CHECKPOINTS]
        reached = [one for one in reached if one[0] <= today]
        said = sentiments.get(account_id)
        if reached and (said is None or said.on < max(reached)[0]):
            due_from, months = max(reached)
            found.append(Checkpoint(account_id, renewal_on, months, due_from, said))
    return tuple(sorted(found, key=lambda one: (one.renewal_on, one.account_id)))
