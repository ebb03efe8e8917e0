"""Renewal rate: of the MRR whose contract term ended in a window, how much went on. Its denominator is what was due, not the book."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from holdfast.domain import retention
from holdfast.domain.period import Window
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import Ledger, segment_column
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View

TITLE = "Renewal rate"


@dataclass(frozen=True)
class Row:
    """One segment's renewals; minor units of the view's currency."""

    segment: Segment
    #: terms that ended, and those after which the entity had MRR again
    due_count: int
    renewed_count: int
    due: int
    #: of what was due, what went on: min(due, MRR after − MRR that was not due), per entity and day, never below 0
    renewed: int

    @property
    def renewal_rate(self) -> Fraction | None:
        return retention.ratio(self.renewed, self.due)

    @property
    def logo_renewal_rate(self) -> Fraction | None:
        return retention.ratio(self.renewed_count, self.due_count)


def measure(ledger: Ledger, window: Window, view: View, by: Sequence[str] = ()) -> list[Row]:
    """Renewals due in the window (and not after the as-of day), by segment.

    What an entity has after a due day is read `gap days` later, so that a late signature counts as renewed.
    """
    by = [ledger.attribute(name) for name in by]
    columns = [segment_column(attribute) for attribute in by]
    group = ", ".join(columns)
    rows = ledger.rows(
        f"select {group + ', ' if group else ''}count(*), count(*) filter (where renewed > 0), "
        "coalesce(sum(due), 0)::bigint, coalesce(sum(renewed), 0)::bigint "
        f"from ({due_source(ledger, window, view)}) as due left join entity using (entity_key) left join account using (account_id)"
        f"{' group by ' + group + ' order by ' + group if group else ''}"
    )
    return [Row(tuple(zip(by, row[: len(by)], strict=True)), *(int(v) for v in row[len(by) :])) for row in rows]


def due_source(ledger: Ledger, window: Window, view: View) -> str:
    """SQL of what was due, by entity, currency and day: entity_key, day, due, renewed, in the view's currency."""
    grace = max(ledger.policy.gap_days_contract, ledger.policy.gap_days_file, ledger.policy.gap_days_billing)
    amounts = {
        name: name if view.only else ledger.converted(name, window.start, view.reporting, "due.currency")
        for name in ("due", "renewed")
    }
    only = f" and term.currency = {literal(view.only)}" if view.only else ""
    return (
        "with due_term as (select entity_key, currency, day, sum(amount_minor)::bigint as due from term "
        f"where day >= date '{window.start}' and day < date '{window.end}' and day <= date '{ledger.as_of}'{only} group by all), "
        "balance as (select due_term.entity_key, due_term.currency, due_term.day, due, "
        "coalesce(sum(delta_minor) filter (where change.day < due_term.day), 0) as before, "
        f"coalesce(sum(delta_minor) filter (where change.day <= least(due_term.day + {grace}, date '{ledger.as_of}')), 0) as after "
        "from due_term left join change on change.entity_key = due_term.entity_key and change.currency = due_term.currency "
        "group by all), "
        "due as (select *, greatest(0, least(due, after - (before - due)))::bigint as renewed from balance) "
        f"select entity_key, day, {amounts['due']} as due, {amounts['renewed']} as renewed from due"
    )
