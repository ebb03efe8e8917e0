"""What happened to a subscription while nobody looked, from what was invoiced: items, quantities, prices, discounts, payment, pauses.

A change that was prorated is dated by its proration; one that was not is seen at the next invoice only. Such a moment is noted as
`unsure`: the history is exact from there on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from holdfast.sources.source import Object
from holdfast.sources.stripe_discounts import KINDS, Discounts
from holdfast.sources.stripe_shape import Item, Line, begins, count, ident, issued, lines_of, part, seconds

DAY = 86_400
HOUR = 3_600

#: id of the price and quantity
Value = tuple[str, int]


@dataclass(frozen=True)
class Window:
    """A time in which nothing was seen: the items before and after, and when the subscription began."""

    start: int
    end: int
    begin: int
    before: Mapping[str, Value]
    after: Mapping[str, Item]
    is_first: bool


@dataclass
class Found:
    """What a window is filled with."""

    #: item → (moment, price and quantity; None: it is gone)
    items: dict[str, list[tuple[int, Value | None]]] = field(default_factory=dict)
    status: list[tuple[int, str]] = field(default_factory=list)
    #: (moment, discount, whether it begins)
    discounts: list[tuple[int, str, bool]] = field(default_factory=list)
    #: moments of changes that may have happened earlier
    unsure: list[int] = field(default_factory=list)

    def put(self, item: str, at: int, value: Value | None, unsure: int | None) -> None:
        self.items.setdefault(item, []).append((at, value))
        if unsure is not None:
            self.unsure.append(unsure)


def value_of(item: Item) -> Value:
    return ident(item.price), item.quantity


# -- items ---------------------------------------------------------------------------------------------------


def fill_items(window: Window, lines: Sequence[Line], metered: frozenset[str], found: Found) -> None:
    """Date the changes of items in a window by the lines of invoices."""
    within = [
        line for line in lines
        if line.price_id not in metered and (line.start > window.start or window.is_first) and line.start <= window.end
    ]  # fmt: skip
    by_item: dict[str, list[Line]] = {}
    for line in within:
        name = line.item or _guess(line, window, within)
        if name:
            by_item.setdefault(name, []).append(line)
    for name in sorted({*by_item, *window.before, *window.after}):
        paid_to = [line.end for line in lines if line.item == name and line.start <= window.start and line.amount > 0]
        _fill_item(name, window, by_item.get(name, []), paid_to, metered, found)


def _guess(line: Line, window: Window, lines: Sequence[Line]) -> str:
    """The item of a line that names none: the only one there is, or the one with its price; "" where it cannot be known."""
    names = {*window.before, *window.after, *(other.item for other in lines if other.item)}
    if len(names) == 1:
        return next(iter(names))
    told = {n for n, v in window.before.items() if v[0] == line.price_id}
    told |= {n for n, item in window.after.items() if ident(item.price) == line.price_id}
    told |= {other.item for other in lines if other.item and other.price_id == line.price_id}
    return next(iter(told)) if len(told) == 1 else ""


def _fill_item(
    name: str, window: Window, lines: Sequence[Line], paid_to: Sequence[int], metered: frozenset[str], found: Found
) -> None:
    now, last = window.before.get(name), window.after.get(name)
    covered, is_new = max([window.start, *paid_to]), now is None
    for at in sorted({line.start for line in lines}):
        here = [line for line in lines if line.start == at]
        ends = any(line.amount < 0 for line in here)
        # a credit of nothing names what was there before
        news = [line for line in here if line.amount > 0 or (line.amount == 0 and (_value(line) != now or not ends))]
        if news:
            # what is credited in the same moment was given up in it: the full period, or what came after it
            credited = {_value(line) for line in here if line.amount < 0}
            left = [line for line in news if _value(line) not in credited] or news
            best = max(left, key=lambda line: (line.is_recurring, line.amount, _value(line) != now))
            covered = max(covered, best.end)
            if _value(best) != now:
                created = last.created if last and is_new else None
                moment, unsure = _dated(at, best, now, ends, window, created, is_new)
                found.put(name, moment, _value(best), unsure)
                now, is_new = _value(best), False
        elif ends and now is not None:
            found.put(name, at, None, None)
            now = None
    _end_item(name, now, last, covered, window, metered, found)


def _value(line: Line) -> Value:
    return line.price_id, 1 if line.quantity is None else line.quantity


def _dated(
    at: int, line: Line, now: Value | None, ends: bool, window: Window, created: int | None, is_new: bool
) -> tuple[int, int | None]:
    """When a change seen at a line happened; and the moment from which on it is sure, where it is not."""
    if line.is_proration or (ends and now is not None):
        return at, None
    if now is not None:
        return at, at
    if window.is_first and at <= window.begin + DAY:
        return window.begin, None
    if created is not None and window.begin + DAY < created <= at:
        return max(created, window.start), None
    if window.is_first and is_new and not window.before:
        # it was there from the beginning, and what it was then is not told
        return window.begin, at
    return at, at


def _end_item(
    name: str, now: Value | None, last: Item | None, covered: int, window: Window, metered: frozenset[str], found: Found
) -> None:
    """Bring an item to what was seen at the end of the window."""
    wanted = value_of(last) if last else None
    if now == wanted:
        return
    if last is None:
        gone = min([covered, window.end, *_swapped(window)])
        found.put(name, gone, None, gone)
    elif now is None:
        begin = window.begin if window.is_first else window.start
        created = last.created if last.created is not None and last.created > begin + HOUR else begin
        # where it began is told; what it was before anything was invoiced is not, and does not matter where it is metered
        is_sure = wanted is not None and wanted[0] in metered
        found.put(name, min(max(created, begin), window.end), wanted, None if is_sure else window.end)
    else:
        found.put(name, window.end, wanted, window.end)


def _swapped(window: Window) -> list[int]:
    """When items began that were not there before: what is gone without a word may have been exchanged for them."""
    return [
        item.created
        for name, item in window.after.items()
        if name not in window.before and item.created is not None and window.start < item.created <= window.end
    ]


# -- status --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Billed:
    """An invoice of a subscription, as far as its status can be told from it."""

    at: int
    start: int
    end: int
    #: owed from, and until when
    late_from: int | None
    late_to: int | None
    is_set_aside: bool
    is_first: bool


def billed(invoices: Iterable[Object], sub_id: str) -> list[Billed]:
    """The invoices of a subscription's periods, in order; drafts are none yet."""
    found = []
    for invoice in invoices:
        lines = [line for line in lines_of(invoice) if line.subscription == sub_id and line.is_recurring]
        at = issued(invoice)
        if not lines or at is None or invoice.get("status") in ("draft", None):
            continue
        late = late_of(invoice, at)
        found.append(
            Billed(
                at, min(line.start for line in lines), max(line.end for line in lines), *late, is_set_aside(invoice),
                invoice.get("billing_reason") == "subscription_create",
            )
        )  # fmt: skip
    return sorted(found, key=lambda one: (one.start, one.at))


def late_of(invoice: Object, at: int) -> tuple[int | None, int | None]:
    """From when an invoice was owed too long, and when it was paid; (None, None) where it was paid in time."""
    moves = part(invoice, "status_transitions")
    paid = seconds(moves.get("paid_at"))
    if not invoice.get("total"):
        return None, None
    if invoice.get("collection_method") == "send_invoice":
        due = seconds(invoice.get("due_date"))
        is_late = due is not None and (paid is None or paid > due) and invoice.get("status") != "void"
        return (due, paid) if is_late else (None, None)
    tries = count(invoice.get("attempt_count"))
    if paid is not None:
        return (at, paid) if tries >= 2 else (None, None)
    return (at, None) if tries >= 1 and invoice.get("status") != "paid" and not is_set_aside(invoice) else (None, None)


def is_set_aside(invoice: Object) -> bool:
    """Whether an invoice was given up as it was issued, as Stripe does while collection is paused."""
    moves = part(invoice, "status_transitions")
    begun = seconds(moves.get("finalized_at")) or seconds(invoice.get("created"))
    for name, status in (("voided_at", "void"), ("marked_uncollectible_at", "uncollectible")):
        given_up = seconds(moves.get(name))
        if invoice.get("status") == status and begun is not None and given_up is not None:
            return given_up - begun <= HOUR
    return False


def fill_status(window: Window, sub: Object, bills: Sequence[Billed], now: str, found: Found) -> None:
    """Date what happened to a subscription's status in a window. `sub`: as it was seen at the end; `now`: its status before."""
    first, trial_end = begins(sub) or window.begin, seconds(sub.get("trial_end"))
    trial_start = seconds(sub.get("trial_start"))
    if window.is_first:
        on_trial = trial_start is not None and trial_start <= first + DAY
        now = "trialing" if on_trial else "active"
        found.status.append((window.begin, now))
        if trial_start is not None and not on_trial and trial_start <= window.end:
            found.status.append((trial_start, "trialing"))
            now = "trialing"
    if trial_end is not None and now == "trialing" and trial_end <= window.end:
        found.status.append((trial_end, "active"))
        now = "active"
    covered: int | None = None
    for bill in bills:
        if not window.start < bill.start <= window.end and not (window.is_first and bill.start <= window.start):
            covered = bill.end if covered is None else max(covered, bill.end)
            continue
        now = _fill_bill(bill, covered, now, window, found)
        covered = bill.end if covered is None else max(covered, bill.end)


def _fill_bill(bill: Billed, covered: int | None, now: str, window: Window, found: Found) -> str:
    """Go on by one invoice; the status after it."""
    if covered is not None and bill.start > covered + DAY and now == "active":
        # nobody invoices nothing: it was paused in between
        found.status += [(covered, "paused"), (bill.start, "active")]
        found.unsure.append(bill.start)
    if bill.is_set_aside:
        if now != "paused":
            found.status.append((bill.start, "paused"))
            found.unsure.append(bill.start)
        return "paused"
    if now == "paused":
        found.status.append((bill.start, "active"))
        found.unsure.append(bill.start)
        now = "active"
    if bill.late_from is not None and not bill.is_first and window.start < bill.late_from <= window.end:
        if now != "past_due":
            found.status.append((bill.late_from, "past_due"))
        if bill.late_to is not None and bill.late_to <= window.end:
            found.status.append((bill.late_to, "active"))
            return "active"
        return "past_due"
    if now == "past_due" and bill.late_from is None:
        found.status.append((bill.at, "active"))
        return "active"
    return now


# -- discounts -----------------------------------------------------------------------------------------------


def fill_discounts(
    window: Window, lines: Sequence[Line], before: Iterable[str], after: Iterable[str], known: Discounts, found: Found
) -> None:
    """Date the discounts of a window: each begins when it says, and ends where an invoice is without it."""
    bills: dict[int, set[str]] = {}
    for line in lines:
        if line.is_recurring and line.amount > 0 and window.start < line.start <= window.end:
            bills.setdefault(line.start, set()).update(known.named(name for name, off in line.discounts.items() if off))
    here, kept = set(before), set(after)
    for name in sorted({*here, *kept, *(one for names in bills.values() for one in names)}):
        discount = known.known.get(name)
        if discount is None or discount.duration not in KINDS or name in known.of_customer:
            continue
        seen = [at for at, names in bills.items() if name in names]
        if name not in here:
            found.discounts.append((max(discount.start, window.begin, window.start), name, True))
        if name in kept:
            continue
        without = [
            at for at in bills if at > max(seen, default=max(window.start, discount.start)) and name not in bills[at]
        ]
        gone = min(without, default=window.end)
        found.discounts.append((gone, name, False))
        if discount.holds(gone):
            found.unsure.append(gone)
