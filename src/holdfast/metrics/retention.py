"""Retention of a window: NRR, GRR and logo retention of the entities that were there at its start, by segment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from holdfast.domain import retention
from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.domain.retention import Counts, Sums
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View, WindowError, window_source

TITLE = "Retention"

Segment = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True)
class Row:
    """One segment's retention. segment is empty for the whole book; a missing attribute is None."""

    segment: Segment
    counts: Counts
    nrr: Fraction | None
    grr: Fraction | None
    logo_retention: Fraction | None

    @property
    def logo_churn(self) -> Fraction | None:
        return None if self.logo_retention is None else 1 - self.logo_retention

    @property
    def gap(self) -> Fraction | None:
        """NRR − GRR: how much of the rate is expansion."""
        return None if self.nrr is None or self.grr is None else self.nrr - self.grr


def count(ledger: Ledger, window: Window, view: View, by: Sequence[str] = ()) -> list[tuple[Segment, Counts]]:
    """Amounts and entities of a window, in minor units of the view's currency."""
    by = [ledger.attribute(name) for name in by]
    is_summed = _is_summed(ledger.policy)
    source = window_source(ledger, window, view, by, cohort=not is_summed)
    names = [f"seg_{n}" for n in range(1, len(by) + 1)]
    group = ", ".join(names)
    lost = "has_returned" if ledger.policy.left_and_returned == "lost" else "false"
    # a sum over each class is quicker than one with a condition for each amount
    rows = ledger.rows(
        f"with entity_window as ({source}), judged as (select *, {lost} as is_lost, case when {lost} then 0 else closing_fixed end as kept_closing, "
        f"case when {lost} then 0 else closing end as end_closing from entity_window{' where opening > 0' if is_summed else ''}), "
        f"classed as (select {group + ', ' if group else ''}"
        "case when kept_closing is null then 'unrated' when has_returned then 'returned' when kept_closing = 0 then 'gone' else 'stayed' end as class, "
        "count(*) as accounts, sum(opening)::bigint as opening, sum(kept_closing)::bigint as kept_closing, sum(end_closing)::bigint as closing, "
        "sum(least(opening, kept_closing))::bigint as kept, sum((is_there and not is_lost)::tinyint)::bigint as retained "
        "from judged group by all) "
        f"select {group + ', ' if group else ''}sum(accounts)::bigint, sum(opening)::bigint, "
        "sum(kept_closing - kept) filter (where class = 'stayed'), sum(kept - opening) filter (where class = 'stayed'), "
        "sum(-opening) filter (where class in ('gone', 'returned')), sum(kept_closing) filter (where class = 'returned'), "
        "sum(closing - kept_closing), sum(closing), sum(kept), sum(retained), count(*) filter (where class = 'unrated') "
        f"from classed {'group by ' + group + ' order by ' + group if group else ''}"
    )
    sums = _sums(ledger, window, view, names, source) if is_summed else {}
    width = len(names)
    found = []
    for row in rows:
        if row[-1]:
            _require_rates(ledger, window, view)
        values, numbers = row[:width], [int(value or 0) for value in row[width:-1]]
        cohort, everyone = sums.get(values, (Sums(), Sums()))
        counts = _counts(numbers, cohort, everyone)
        found.append((tuple(zip(by, values, strict=True)), counts))
    return found


def _require_rates(ledger: Ledger, window: Window, view: View) -> None:
    """FxError: the cohort has something in a currency that has no rate on the window's first day."""
    for code in ledger.currencies:
        ledger.rates.minor_rate(code, view.reporting, window.start)


def _counts(numbers: list[int], cohort: Sums, everyone: Sums) -> Counts:
    """In the order of the query's columns."""
    names = (
        "accounts",
        "opening",
        "expansion",
        "contraction",
        "churn",
        "reactivation",
        "fx",
        "closing",
        "kept",
        "retained",
    )
    return Counts(**dict(zip(names, numbers, strict=True)), cohort_sums=cohort, all_sums=everyone)


def ratio(counts: Counts, policy: Policy) -> tuple[Fraction | None, Fraction | None, Fraction | None]:
    """NRR, GRR and logo retention."""
    return retention.nrr(counts, policy), retention.grr(counts, policy), retention.logo_retention(counts)


def measure(ledger: Ledger, window: Window, view: View, by: Sequence[str] = ()) -> list[Row]:
    """Retention by segment; one row for the whole book where no attribute is given."""
    return [Row(segment, counts, *ratio(counts, ledger.policy)) for segment, counts in count(ledger, window, view, by)]


def _is_summed(policy: Policy) -> bool:
    """Whether the policy's rates are made of monthly movements (rule 26)."""
    return policy.grr != "capped" or policy.nrr != "point_to_point"


def _sums(
    ledger: Ledger, window: Window, view: View, names: list[str], source: str
) -> dict[tuple[str | None, ...], tuple[Sums, Sums]]:
    """Monthly movements summed up by segment."""
    if not window.is_whole_months:
        raise WindowError(
            f"policy '{ledger.policy.name}' sums up months; let the window begin and end on the first of a month"
        )
    amount = "amount_minor" if view.only else ledger.converted("amount_minor", window.start, view.reporting)
    only = f" and currency = '{view.only}'" if view.only else ""
    kinds = ("expansion", "contraction", "churn", "reactivation")
    columns = ", ".join(
        f"coalesce(sum(amount) filter (where kind = '{kind}'{cohort}), 0)::bigint"
        for cohort in (" and opening > 0", "")
        for kind in kinds
    )
    group = ", ".join(names)
    rows = ledger.rows(
        f"with entity_window as ({source}), moved as (select coalesce(survivor_key, entity_key) as entity_key, kind, {amount} as amount "
        "from movement left join survivor using (entity_key) "
        f"where month_no between {window.months[0]} and {window.months[-1]}{only}) "
        f"select {group + ', ' if group else ''}{columns} from moved left join entity_window using (entity_key)"
        f"{' group by ' + group if group else ''}"
    )
    width = len(names)
    return {
        row[:width]: (
            Sums(*(int(value) for value in row[width : width + 4])),
            Sums(*(int(value) for value in row[width + 4 :])),
        )
        for row in rows
    }
