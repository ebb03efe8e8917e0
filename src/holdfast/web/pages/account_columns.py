"""The columns of a list of accounts: what each is called, by what it sorts, and how a cell reads."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from holdfast.charts import numbers
from holdfast.metrics.accounts import AccountRow
from holdfast.web.pages import watch_words as words
from holdfast.web.pages.account_filters import Asked, attribute_title
from holdfast.web.pages.watch_words import SENTIMENTS, SEVERITIES, tones


@dataclass(frozen=True)
class Cell:
    """A cell's text, a smaller line below it, and its classes."""

    text: str
    sub: str = ""
    css: str = ""
    #: a name that has a face: an avatar goes before it
    who: bool = False
    #: the kind of a pill
    pill: str = ""


@dataclass(frozen=True)
class Setting:
    """What a cell needs to know besides its row: the records' currency and day."""

    currency: str
    as_of: date


@dataclass(frozen=True)
class Column:
    """A column: its name in the address, its title, the column of the records it sorts by, and its cells."""

    name: str
    title: str
    sort: str
    cell: Callable[[AccountRow, Setting], Cell]
    #: a number: to the right
    is_number: bool = True


EMPTY = Cell("—", css="empty")


def _money(minor: int | None, setting: Setting, sub: str = "") -> Cell:
    return Cell(numbers.money_whole(minor, setting.currency), sub, "num") if minor else Cell("—", sub, "num empty")


def _signed(minor: int, currency: str) -> str:
    return ("+" if minor > 0 else "") + numbers.money_whole(minor, currency)


def _change(now: int, before: int, setting: Setting) -> Cell:
    moved = now - before
    if not moved:
        return Cell("—", css="num empty")
    return Cell(_signed(moved, setting.currency), css=f"num {'pos' if moved > 0 else 'neg'}")


def _count(value: int | None, sub: str = "") -> Cell:
    return Cell(numbers.count(value), sub, "num") if value else Cell("—", sub, "num empty")


def _day(value: date | None, sub: str = "") -> Cell:
    return Cell(numbers.day(value), sub, "num") if value else Cell("—", css="num empty")


def ago(at: datetime | date | None, as_of: date) -> str:
    """today, yesterday, 12 days ago, 5 months ago; of a moment, its day in UTC."""
    if at is None:
        return "never"
    days = (as_of - (at.date() if isinstance(at, datetime) else at)).days
    if days <= 1:
        return "today" if days <= 0 else "yesterday"
    if days < 60:
        return f"{days} days ago"
    return f"{days // 30} months ago" if days < 730 else f"{days // 365} years ago"


def until(day: date, as_of: date) -> str:
    """today, tomorrow, in 34 days; overdue days as days ago."""
    days = (day - as_of).days
    if days < 0:
        return ago(day, as_of)
    return "today" if days == 0 else "tomorrow" if days == 1 else f"in {days:,} days"


def _owner(row: AccountRow, _: Setting) -> Cell:
    return Cell(row.owner, who=True) if row.owner else Cell("nobody", css="empty")


def _renewal(row: AccountRow, setting: Setting) -> Cell:
    return _day(row.renewal_on, until(row.renewal_on, setting.as_of)) if row.renewal_on else Cell("—", css="num empty")


def _movement(row: AccountRow, setting: Setting) -> Cell:
    if not row.last_movement_kind or not row.last_movement_month:
        return EMPTY
    month = row.last_movement_month.strftime("%Y-%m")
    amount = _signed(row.last_movement_minor, setting.currency) if row.last_movement_minor else ""
    return Cell(row.last_movement_kind, " ".join(filter(None, (month, amount))), pill=row.last_movement_kind)


def _active(row: AccountRow, setting: Setting) -> Cell:
    seats = row.seats_limit or row.seats
    return _count(row.active_users_28, f"of {numbers.count(seats)} seats" if seats else "")


def _usage_change(row: AccountRow, setting: Setting) -> Cell:
    moved = row.active_users_28 - row.active_users_28_before
    if not moved:
        return Cell("—", css="num empty")
    sign = "+" if moved > 0 else ""
    return Cell(f"{sign}{numbers.count(moved)}", css=f"num {'pos' if moved > 0 else 'neg'}")


def _tickets(row: AccountRow, _: Setting) -> Cell:
    return _count(row.open_tickets, f"{row.urgent_tickets} urgent" if row.urgent_tickets else "")


def _touch(row: AccountRow, setting: Setting) -> Cell:
    return Cell(ago(row.last_touch_at, setting.as_of), css="num" if row.last_touch_at else "num empty")


def _overdue(row: AccountRow, setting: Setting) -> Cell:
    if not row.overdue_invoices:
        return Cell("—", css="num empty")
    many = f"{row.overdue_invoices} invoice{'' if row.overdue_invoices == 1 else 's'}"
    return Cell(numbers.money_whole(row.overdue_minor, setting.currency), many, "num neg")


def _nps(row: AccountRow, _: Setting) -> Cell:
    return EMPTY if row.nps is None else Cell(str(row.nps), numbers.day(row.nps_on) if row.nps_on else "", "num")


def _health(row: AccountRow, _: Setting) -> Cell:
    stands = row.standing
    if stands is None or stands.health is None:
        return Cell("—", css="num empty")
    moved = f"{words.points(stands.health_change)} in 4 weeks" if stands.health_change else ""
    return Cell(numbers.count(round(stands.health)), moved, "num", pill=tones().get(stands.band or "", "") or "plain")


def _moved(row: AccountRow, _: Setting) -> Cell:
    moved = row.standing.health_change if row.standing else None
    if not moved:
        return Cell("—", css="num empty")
    return Cell(words.points(moved), css=f"num {'pos' if moved > 0 else 'neg'}")


def _chance(name: str) -> Callable[[AccountRow, Setting], Cell]:
    def cell(row: AccountRow, _: Setting) -> Cell:
        value = getattr(row.standing, name) if row.standing else None
        return Cell("—", css="num empty") if value is None else Cell(words.chance(value), css="num")

    return cell


def _watched_money(name: str) -> Callable[[AccountRow, Setting], Cell]:
    return lambda row, setting: _money(getattr(row.standing, name) if row.standing else None, setting)


def _signals(row: AccountRow, _: Setting) -> Cell:
    if row.standing is None or not row.standing.signals:
        return Cell("—", css="num empty")
    title, tone = SEVERITIES.get(row.standing.severity or 1, SEVERITIES[1])
    return Cell(numbers.count(row.standing.signals), title, f"num {'neg' if tone == 'bad' else ''}".strip())


def _sentiment(row: AccountRow, _: Setting) -> Cell:
    value = row.standing.sentiment if row.standing else None
    return Cell(f"{value} of 5", SENTIMENTS[value], "num") if value in SENTIMENTS else Cell("—", css="num empty")


C = Column
OWN = (
    C("mrr_minor", "MRR", "mrr_minor", lambda row, s: _money(row.mrr_minor, s)),
    C("mrr_change", "In a month", "", lambda row, s: _change(row.mrr_minor, row.mrr_month_ago_minor, s)),
    C("owner", "Owner", "owner", _owner, is_number=False),
    C("status", "Status", "status", lambda row, _: Cell(row.status, pill=row.status), is_number=False),
    C("domain", "Domain", "domain", lambda row, _: Cell(row.domain) if row.domain else EMPTY, is_number=False),
    C("arr", "ARR", "mrr_minor", lambda row, s: _money(12 * row.mrr_minor, s)),
    C("quarter_change", "In a quarter", "", lambda row, s: _change(row.mrr_minor, row.mrr_quarter_ago_minor, s)),
    C("year_change", "In a year", "", lambda row, s: _change(row.mrr_minor, row.mrr_year_ago_minor, s)),
    C("renewal_on", "Renewal", "renewal_on", _renewal),
    C("renewal_minor", "Renewal MRR", "renewal_minor", lambda row, s: _money(row.renewal_minor, s)),
    C("leaving_minor", "Leaving", "leaving_minor", lambda row, s: _money(row.leaving_minor, s)),
    C("last_movement_month", "Last movement", "last_movement_month", _movement, is_number=False),
    C("customer_since", "Customer since", "customer_since", lambda row, _: _day(row.customer_since)),
    C("created_on", "Created", "created_on", lambda row, _: _day(row.created_on)),
    C("active_users_28", "Active people", "active_users_28", _active),
    C("usage_change", "Usage change", "", _usage_change),
    C("events_28", "Events", "events_28", lambda row, _: _count(row.events_28)),
    C("seats", "Seats", "seats", lambda row, _: _count(row.seats)),
    C("open_tickets", "Open tickets", "open_tickets", _tickets),
    C("last_touch_at", "Last touch", "last_touch_at", _touch),
    C("champions", "Champions", "champions", lambda row, _: _count(row.champions)),
    C("contacts", "Contacts", "contacts", lambda row, _: _count(row.contacts)),
    C("overdue_minor", "Overdue", "overdue_minor", _overdue),
    C("past_due_minor", "Past due MRR", "past_due_minor", lambda row, s: _money(row.past_due_minor, s)),
    C("nps", "NPS", "nps", _nps),
)
#: by the watch: health goes from 0 bad to 100 good, chances are of the next 90 days
WATCHED = (
    C("health", "Health", "health", _health),
    C("health_change", "Health in 4 weeks", "health_change", _moved),
    C("churn_90", "Risk of leaving", "churn_90", _chance("churn_90")),
    C("at_risk_minor", "MRR at risk", "at_risk_minor", _watched_money("at_risk_minor")),
    C("signals", "Signals", "signals", _signals),
    C("expected_90_minor", "Expected MRR", "expected_90_minor", _watched_money("expected_90_minor")),
    C("expansion_90", "Chance of growing", "expansion_90", _chance("expansion_90")),
    C("contraction_90", "Risk of shrinking", "contraction_90", _chance("contraction_90")),
    C("sentiment", "CSM says", "sentiment", _sentiment),
)
#: what is shown where nothing was chosen
USUAL = (
    "mrr_minor", "mrr_change", "owner", "renewal_on", "last_movement_month", "active_users_28", "open_tickets", "last_touch_at",
)  # fmt: skip
#: and where there is a watch
USUAL_WATCHED = (
    "mrr_minor", "mrr_change", "health", "churn_90", "at_risk_minor", "signals", "owner", "renewal_on",
)  # fmt: skip


def columns(segments: Iterable[str]) -> dict[str, Column]:
    """All columns by name; the company's own attributes last."""
    return {column.name: column for column in (*OWN, *WATCHED, *map(_attribute, segments))}


def _attribute(name: str) -> Column:
    def cell(row: AccountRow, _: Setting) -> Cell:
        value = row.segments.get(name)
        return Cell(value) if value else EMPTY

    return Column(f"seg_{name}", attribute_title(name), f"seg_{name}", cell, is_number=False)


@dataclass(frozen=True)
class Head:
    """A heading: where it leads, and how the list stands sorted by it (`aria-sort`, or nothing)."""

    column: Column
    href: str
    sorted: str


def heads(chosen: list[Column], asked: Asked) -> list[Head]:
    """A first click sorts numbers and days from the highest, words from A; a second one turns it round."""
    return [_head(column, asked) for column in chosen]


def _head(column: Column, asked: Asked) -> Head:
    if not column.sort:
        return Head(column, "", "")
    is_now = asked.query.sort == column.sort
    down = not asked.query.descending if is_now else column.is_number
    told = ("descending" if asked.query.descending else "ascending") if is_now else ""
    return Head(column, asked.address(sort=f"{'-' if down else ''}{column.sort}"), told)


NAME = Column("name", "Account", "name", lambda row, _: Cell(row.name), is_number=False)


def chosen(asked: Asked, segments: Iterable[str], *, is_watched: bool = False) -> list[Column]:
    """The columns asked for, or the usual ones. Names that are not there any more are passed over."""
    known = columns(segments)
    names: Iterable[Any] = asked.columns or (USUAL_WATCHED if is_watched else USUAL)
    return [known[name] for name in names if name in known]


def table(rows: list[AccountRow], shown: list[Column], setting: Setting) -> list[tuple[AccountRow, list[Cell]]]:
    """Each row with its cells."""
    return [(row, [column.cell(row, setting) for column in shown]) for row in rows]
