"""A window over the ledger: for each entity what it had at the start and has at the end, and in which segment it began.

Plain entities (one currency, standing alone) are one pass over two columns of the month-end matrix. The few others are put
together first: several currencies summed, linked accounts counted with the entity they belong to at the end (rule 22).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from holdfast.domain.period import Window, month_no, month_start
from holdfast.warehouse.ledger import Ledger, last_month_before, segment_column
from holdfast.warehouse.sql import literal


class WindowError(ValueError):
    """A window this policy cannot measure; the message says why and what to ask instead."""


@dataclass(frozen=True)
class View:
    """How amounts are shown: in one reporting currency, or only those of one currency."""

    reporting: str
    #: only balances in this currency, unconverted; None: all, converted
    only: str | None = None


def check_window(ledger: Ledger, window: Window) -> None:
    """Refuse what the policy has no figure for."""
    if ledger.policy.month_measure == "daily_mean" and not window.is_whole_months:
        raise WindowError(
            f"policy '{ledger.policy.name}' measures whole months; let the window begin and end on the first of a month"
        )


def create_window(ledger: Ledger, window: Window, view: View, by: Sequence[str], *, plain: bool = True) -> None:
    """Make the temp view entity_window; its columns are those of window_source."""
    source = window_source(ledger, window, view, by, plain=plain)
    ledger.connection.execute(f"create or replace temp view entity_window as {source}")


def window_source(
    ledger: Ledger, window: Window, view: View, by: Sequence[str], *, plain: bool = True, cohort: bool = False
) -> str:
    """SQL of a window's entities: entity_key, seg_1 … seg_n, opening, closing_fixed, closing, is_there, has_returned.

    opening and closing_fixed are at the rates of the window's start, closing at those of its end; minor units. Without
    `plain` only the entities that are put together from several rows; with `cohort` only those that had something at the
    start. The temp tables it reads are made, and hold until the next window is asked for.
    """
    check_window(ledger, window)
    c = ledger.connection
    _balance_at(ledger, window.start, "at_start")
    _balance_at(ledger, window.end, "at_end")
    c.execute(f"create or replace temp table survivor as {_survivors(ledger, window)}")
    combined = []
    if ledger.has_combined or not plain:
        combined.append(_entities(ledger, window, view, by, plain=False))
    if ledger.has_links and _has(ledger, "select 1 from survivor limit 1"):
        combined.append(_linked(ledger, window, view, by))
    if cohort:
        # the plain ones are chosen before anything is converted
        combined = [f"select * from ({part}) where opening > 0" for part in combined]
    parts = [_entities(ledger, window, view, by, plain=True, cohort=cohort), *combined] if plain else combined
    amounts = (
        f"{_converted(ledger, view, 'opening', window.start)} as opening, "
        f"{_converted(ledger, view, 'closing', window.start)} as closing_fixed, "
        f"{_converted(ledger, view, 'closing', window.end)} as closing"
    )
    body = " union all ".join(part.replace("$amounts", amounts) for part in parts)
    segments = "".join(f", seg_{n}" for n in range(1, len(by) + 1))
    returned, left_join = _marked(ledger, "returned", _returned(ledger, window))
    held, held_join = _marked(ledger, "held_at_end", _held(ledger, window.end))
    return (
        f"select entity_key{segments}, opening, closing_fixed, closing, "
        f"closing_fixed > 0 or {held} as is_there, coalesce(has_returned, {returned}) and closing_fixed > 0 as has_returned "
        f"from ({body}){left_join}{held_join}"
    )


def _marked(ledger: Ledger, name: str, query: str) -> tuple[str, str]:
    """A temp table of entities, and the SQL that marks them; nothing is joined where there are none."""
    ledger.connection.execute(f"create or replace temp table {name} as {query}")
    if not _has(ledger, f"select 1 from {name} limit 1"):
        return "false", ""
    return f"{name}.entity_key is not null", f" left join {name} using (entity_key)"


def _has(ledger: Ledger, query: str) -> bool:
    return bool(ledger.rows(query))


def _converted(ledger: Ledger, view: View, amount: str, day: date) -> str:
    return amount if view.only else ledger.converted(amount, day, view.reporting)


def _balance_at(ledger: Ledger, day: date, name: str) -> None:
    """The temp table of what changed in the month of a day before it, by entity; none on the first of a month."""
    if day.day == 1:
        return
    ledger.connection.execute(
        f"create or replace temp table {name} as "
        "select entity_key, currency, sum(delta_minor)::bigint as delta from change "
        f"where day >= date '{month_start(month_no(day))}' and day < date '{day}' and day <= date '{ledger.as_of}' "
        "group by all"
    )


def _amounts(ledger: Ledger, window: Window) -> tuple[str, str, str]:
    """SQL of opening and closing of the rows of position, and the joins they need."""
    sides, joins = [], ""
    for day, name in ((window.start, "at_start"), (window.end, "at_end")):
        column = ledger.month_column(last_month_before(day))
        if day.day == 1:
            sides.append(column)
            continue
        sides.append(f"{column} + coalesce({name}.delta, 0)")
        joins += f" left join {name} on {name}.entity_key = position.entity_key and {name}.currency = position.currency"
    return sides[0], sides[1], joins


def segments_on(ledger: Ledger, by: Sequence[str], day: date) -> tuple[str, str]:
    """SQL of the attributes' values on a day, and the joins they need. entity_key must be in scope."""
    columns, joins = [], ""
    for n, attribute in enumerate(by, 1):
        column = segment_column(attribute)
        if ledger.changes_dated(attribute):
            joins += (
                f" left join (select entity_key, arg_min(before, day) as value, 1 as changed from dated_attribute "
                f"where attribute = {literal(attribute)} and day > date '{day}' "
                f"group by entity_key) as later_{n} on later_{n}.entity_key = position.entity_key"
            )
            columns.append(f"case when later_{n}.changed = 1 then later_{n}.value else {column} end as seg_{n}")
        else:
            columns.append(f"{column} as seg_{n}")
    return "".join(f", {column}" for column in columns), joins


def _entities(ledger: Ledger, window: Window, view: View, by: Sequence[str], plain: bool, cohort: bool = False) -> str:
    """Entities that stand alone; those with several currencies are summed after conversion."""
    opening, closing, joins = _amounts(ledger, window)
    segments, segment_joins = segments_on(ledger, by, window.start)
    names = "".join(f", seg_{n}" for n in range(1, len(by) + 1))
    where = "is_plain" if plain else "not is_plain and position.entity_key not in (select entity_key from belonging)"
    where += f" and position.currency = {literal(view.only)}" if view.only else ""
    inner = (
        f"select position.entity_key{segments}, position.currency, ({opening})::bigint as opening, ({closing})::bigint as closing "
        f"from position{joins}{segment_joins} where {where}"
    )
    flag = "null::boolean as has_returned"
    if plain:
        # the sums of everybody's months need the segment of those who came and went inside the window
        told = "" if by and ledger.policy.nrr == "net_movements" else " where opening <> 0 or closing <> 0"
        if cohort:
            told = f" where opening > {'0' if view.only else ledger.vanishing(window.start, view.reporting)}"
        return f"select entity_key{names}, $amounts, {flag} from ({inner}){told}"
    return _summed(f"select entity_key{names}, $amounts from ({inner})", names, flag)


def _summed(inner: str, names: str, flag: str) -> str:
    return (
        f"select entity_key{names}, sum(opening)::bigint as opening, sum(closing_fixed)::bigint as closing_fixed, "
        f"sum(closing)::bigint as closing, {flag} "
        f"from ({inner}) group by entity_key{names}"
    )


def _linked(ledger: Ledger, window: Window, view: View, by: Sequence[str]) -> str:
    """Linked entities, counted from the start with the entity they were merged into by the end."""
    opening, closing, joins = _amounts(ledger, window)
    inside = list(window.month_ends_inside)
    names = "".join(f", seg_{n}" for n in range(1, len(by) + 1))
    segments, segment_joins = segments_on(ledger, by, window.start)
    where = f" where position.currency = {literal(view.only)}" if view.only else ""
    ends = "".join(f", sum({ledger.month_column(month)})::bigint as inside_{n}" for n, month in enumerate(inside))
    touched = " or ".join(
        f"(sum(inside_{n}) = 0 and entity_key not in ({_held_then(month_start(month + 1))}))"
        for n, month in enumerate(inside)
    )
    # what they have together in a currency is converted, and rounded once
    inner = (
        f"select survivor_key as entity_key, position.currency, sum({opening})::bigint as opening, sum({closing})::bigint as closing{ends} "
        f"from position join survivor on survivor.entity_key = position.entity_key{joins}{where} group by all"
    )
    summed = (
        f"select entity_key, sum(opening)::bigint as opening, sum(closing_fixed)::bigint as closing_fixed, "
        f"sum(closing)::bigint as closing, ({touched or 'false'}) as has_returned "
        f"from (select entity_key, $amounts{''.join(f', inside_{n}' for n in range(len(inside)))} from ({inner})) group by entity_key"
    )
    if not by:
        return f"select entity_key, opening, closing_fixed, closing, has_returned from ({summed})"
    account = "(select entity.entity_key, account.* from entity left join account using (account_id)) as position"
    return (
        f"select entity_key{names}, opening, closing_fixed, closing, has_returned from ({summed}) join "
        f"(select position.entity_key{segments} from {account}{segment_joins}) using (entity_key)"
    )


def _held_then(day: date) -> str:
    """SQL: the surviving entities with something on hold just before a day."""
    return (
        "select survivor_key from aside join survivor using (entity_key) "
        f"where lane = 'held' and from_day < date '{day}' and to_day >= date '{day}'"
    )


def _survivors(ledger: Ledger, window: Window) -> str:
    """Linked entities and who stands for them at the window's end (rule 22)."""
    end = min(window.end, ledger.as_of + timedelta(days=1))
    if not ledger.has_links:
        return "select 0 as entity_key, 0 as survivor_key where false"
    return (
        "select entity.entity_key, belonging.entity_key as survivor_key from entity join belonging "
        f"on belonging.account_id = entity.entity_id and belonging.from_day < date '{end}' and belonging.to_day >= date '{end}'"
    )


def _returned(ledger: Ledger, window: Window) -> str:
    """Entities that were gone at a month's end inside the window (rule 25); linked ones are judged together."""
    inside = window.month_ends_inside
    if not len(inside):
        return "select 0 as entity_key where false"
    gone = f"select distinct entity_key from left_month where month_no between {inside[0]} and {inside[-1]}"
    if window.start.day == 1:
        return gone
    # begun and ended inside the month in which the window begins: that is no movement
    first_end = month_start(inside[0] + 1)
    return (
        f"{gone} union (select entity_key from position where entity_key in (select entity_key from at_start) "
        f"group by entity_key having sum({ledger.month_column(inside[0])}) = 0 except {_held(ledger, first_end)})"
    )


def _held(ledger: Ledger, day: date) -> str:
    """Entities with something on hold just before a day (rule 24), as far as the ledger sees."""
    day = min(day, ledger.as_of + timedelta(days=1))
    return (
        "select distinct coalesce(survivor_key, entity_key) as entity_key from aside left join survivor using (entity_key) "
        f"where lane = 'held' and from_day < date '{day}' and to_day >= date '{day}'"
    )
