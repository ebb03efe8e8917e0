"""NRR and GRR without the largest accounts of the cohort: how much of a rate hangs on few."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from holdfast.domain.period import Window
from holdfast.domain.retention import ratio
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, create_window

TITLE = "Without the largest"

TOPS = (1, 5, 10)


@dataclass(frozen=True)
class Without:
    """The rates without the `count` accounts that were largest at the window's start; minor units."""

    count: int
    entity: str
    name: str | None
    opening: int
    closing: int
    kept: int

    @property
    def nrr(self) -> Fraction | None:
        return ratio(self.closing, self.opening)

    @property
    def grr(self) -> Fraction | None:
        return ratio(self.kept, self.opening)


def measure(ledger: Ledger, window: Window, view: View) -> tuple[Without, ...]:
    """The rates without the largest 1, 5 and 10; none where the policy makes its rates of movements.

    entity and name are those of the last account that was left out.
    """
    policy = ledger.policy
    if (policy.nrr, policy.grr) != ("point_to_point", "capped"):
        return ()
    create_window(ledger, window, view, ())
    lost = (
        "case when has_returned then 0 else closing_fixed end"
        if policy.left_and_returned == "lost"
        else "closing_fixed"
    )
    accounts, opening, closing, kept = ledger.rows(
        f"select count(*), coalesce(sum(opening), 0)::bigint, coalesce(sum({lost}), 0)::bigint, "
        f"coalesce(sum(least(opening, {lost})), 0)::bigint from entity_window where opening > 0"
    )[0]
    largest = ledger.rows(
        f"select entity_id, account.name, opening, {lost}, least(opening, {lost}) from entity_window join entity using (entity_key) "
        f"left join account using (account_id) where opening > 0 order by opening desc, entity_id limit {max(TOPS)}"
    )
    found = []
    for count in TOPS:
        if count >= accounts:
            break
        out = largest[:count]
        less = [sum(row[n] for row in out) for n in (2, 3, 4)]
        found.append(Without(count, out[-1][0], out[-1][1], opening - less[0], closing - less[1], kept - less[2]))
    return tuple(found)
