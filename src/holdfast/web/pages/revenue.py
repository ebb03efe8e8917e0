"""Revenue: the bridge, and from any of its cells down to the accounts, their movements and the rows behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from holdfast.charts import numbers
from holdfast.charts.charted import Charted
from holdfast.domain.period import Window, month_name, month_start, parse_month
from holdfast.flows import revenue as flow
from holdfast.flows import revenue_rows as rows_flow
from holdfast.metrics import behind, bridge, evidence
from holdfast.metrics.retention import Segment
from holdfast.web import answers, show
from holdfast.web.charted import charted
from holdfast.web.lens import Lens, LensError
from holdfast.web.pages import revenue_room as room
from holdfast.web.rights import page

#: how many periods are shown
COUNTS = ("6", "12", "24", "36")
#: segments on a page of the bridge
BLOCKS = 8
DEFAULTS = {"month": "12", "quarter": "12", "year": "6"}
LINE_TITLES = {"": "What moved", **flow.LINES}


@dataclass(frozen=True)
class Cell:
    """One amount of the bridge, with the address of its accounts; no address where it is 0."""

    amount: int
    href: str


@dataclass(frozen=True)
class Block:
    """The bridge of the whole book, or of one segment."""

    title: str
    segment: Segment
    lines: list[tuple[str, str, list[Cell]]]


@dataclass(frozen=True)
class Asked:
    """Which periods the bridge shows."""

    every: str
    count: str
    by: str
    months: range

    @property
    def size(self) -> int:
        return flow.EVERY[self.every]


def asked(request: HttpRequest, lens: Lens) -> Asked:
    """Periods and segment of the address."""
    every = room.one_of(request, "every", flow.EVERY, "month")
    count = room.one_of(request, "count", COUNTS, DEFAULTS[every])
    months = flow.months_shown(lens.ledger().first_month, lens.last_month, every, int(count))
    return Asked(every, count, room.attribute_of(request, lens), months)


def rows_of(lens: Lens, told: Asked, by: str = "") -> tuple[bridge.Row, ...]:
    """The bridge's columns."""
    found: tuple[bridge.Row, ...] = lens.ask(flow.bridged, told.months, lens.view, (by,) if by else (), told.size)
    return found


@show.with_lens
def index(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The bridge under its chart."""
    told = asked(request, lens)
    columns = [flow.period_name(row.months, told.every) for row in rows_of(lens, told)]
    found = blocks(lens, told)
    pager = room.Pager(room.page_no(request), len(found), BLOCKS)
    here = found[pager.offset : pager.offset + BLOCKS]
    return room.shown(
        request, lens, "web/revenue/bridge.html", "revenue", told=told, columns=columns, blocks=here, pager=pager,
        counts=COUNTS, everies=list(flow.EVERY), attributes=room.attributes(lens), chart=chart(request, lens),
        partial=lens.last_month + 1 < flow.period_of(lens.last_month, told.every, 10_000).stop,
    )  # fmt: skip


def blocks(lens: Lens, told: Asked) -> list[Block]:
    """The whole book, then each segment."""
    found = [_block(lens, told, "All accounts" if told.by else "", (), rows_of(lens, told))]
    if told.by:
        by_segment: dict[Segment, list[bridge.Row]] = {}
        for row in rows_of(lens, told, told.by):
            by_segment.setdefault(row.segment, []).append(row)
        found += [
            _block(lens, told, segment[0][1] or f"no {told.by}", segment, rows) for segment, rows in by_segment.items()
        ]
    return found


def _block(lens: Lens, told: Asked, title: str, segment: Segment, rows: Any) -> Block:
    lines = []
    for name in flow.lines_with_figures(rows):
        cells = [
            Cell(flow.amount_of(row, name), cell_address(lens, told.every, row.months, name, segment)) for row in rows
        ]
        lines.append((name, flow.LINES[name], cells))
    return Block(title, segment, lines)


def cell_address(lens: Lens, every: str, months: range, kind: str, segment: Segment) -> str:
    """The address of a cell's accounts."""
    month = month_name(months.start)
    return (
        reverse("revenue_movements")
        + lens.query(month=month, every=None if every == "month" else every, kind=kind, **room.in_segment(segment))
        + _empty(segment)
    )


def _empty(segment: Segment) -> str:
    """Accounts without a value: the lens leaves empty values out of an address."""
    return "&value=" if segment and segment[0][1] is None else ""


@charted("bridge")
def chart(request: HttpRequest, lens: Lens) -> Charted | None:
    """Movements by month, quarter or year."""
    told = asked(request, lens)
    return flow.bridge_chart(rows_of(lens, told), told.every, lens.currency, numbers.locale())


@show.with_lens
def bridge_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The bridge as a file: a line for each period and segment."""
    told = asked(request, lens)
    rows = rows_of(lens, told, told.by)
    columns = ["period", *([told.by] if told.by else []), "currency", *flow.LINES]
    lines = [
        [flow.period_name(row.months, told.every), *(value for _, value in row.segment), lens.currency]
        + [room.major(flow.amount_of(row, name), lens.currency) for name in flow.LINES]
        for row in rows
    ]
    return room.csv(request, "bridge", columns, lines)


@dataclass(frozen=True)
class Drill:
    """Which cell of the bridge is opened."""

    months: range
    every: str
    kind: str
    segment: Segment

    @property
    def title(self) -> str:
        return LINE_TITLES[self.kind]

    @property
    def window(self) -> Window:
        return Window(month_start(self.months.start), month_start(self.months.stop))


def drill_of(request: HttpRequest, lens: Lens) -> Drill:
    """A cell from the address: ?month=2026-09&every=quarter&kind=churn&by=plan&value=Team."""
    every = room.one_of(request, "every", flow.EVERY, "month")
    kind = room.one_of(request, "kind", ("", *behind.KINDS), "")
    month = parse_month(request.GET["month"]) if request.GET.get("month") else lens.last_month
    months = flow.period_of(month, every, lens.last_month)
    if request.GET.get("from"):
        months = range(parse_month(request.GET["from"]), month + 1)
    if not 0 < len(months) <= 600:
        raise LensError("the period ends before it begins")
    return Drill(months, every, kind, room.segment_of(request, lens))


def cell_amount(lens: Lens, drill: Drill) -> int:
    """What the bridge says in the cell."""
    by = tuple(name for name, _ in drill.segment)
    rows = lens.ask(flow.bridged, drill.months, lens.view, by, len(drill.months))
    return sum(flow.amount_of(row, drill.kind) for row in rows if row.segment == drill.segment)


@show.with_lens
def movements(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The accounts of a cell; their parts sum to it."""
    drill, number, sort = drill_of(request, lens), room.page_no(request), room.sort_of(request)
    found = lens.ask(
        behind.movements, drill.months, lens.view, drill.kind, drill.segment, sort, room.SIZE, (number - 1) * room.SIZE
    )
    amount = cell_amount(lens, drill)
    window = lens.query(**{"from": month_name(drill.months.start), "month": month_name(drill.months.stop - 1)})
    return room.shown(
        request, lens, "web/revenue/movements.html", "revenue", drill=drill, found=found, sort=sort, cell=amount,
        difference=amount - found.amount, pager=room.Pager(number, found.count), kinds=LINE_TITLES, window_query=window,
        heads=("Opening", "Part", "Closing"),
        period=_period(drill),
    )  # fmt: skip


def _period(drill: Drill) -> str:
    first, last = numbers.month(drill.months.start), numbers.month(drill.months.stop - 1)
    return first if first == last else f"{first} to {last}"


@show.with_lens
def movements_csv(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """All accounts of a cell as a file."""
    drill = drill_of(request, lens)
    found = behind.movements(
        lens.ledger(), drill.months, lens.view, drill.kind, drill.segment, room.sort_of(request), None
    )
    columns = ["entity", "account", "name", "kind", "currency", "opening", "amount", "closing"]
    return room.csv(request, "movements", columns, [_csv_line(line, lens.currency) for line in found.lines])


def _csv_line(line: behind.Line, currency: str) -> list[Any]:
    amounts = (line.opening, line.amount, line.closing)
    return [
        line.entity,
        line.account_id,
        line.name or "",
        line.kind,
        currency,
        *(room.major(a, currency) for a in amounts),
    ]


@show.with_lens
def account_movements(request: HttpRequest, lens: Lens, entity: str) -> HttpResponseBase:
    """One account's movements over a period, in its own currencies, beside what they are in the bridge."""
    whose = _entity(lens, entity)
    drill = _span(request, lens)
    lines = evidence.movements(lens.ledger(), entity, drill.window)
    parts = lens.ask(behind.movements, drill.months, lens.view, "", (), "size", None, 0, entity)
    return room.shown(
        request, lens, "web/revenue/account_movements.html", "revenue", whose=whose, lines=lines, parts=parts,
        period=_period(drill), drill=drill, totals=rows_flow.by_currency(lines), lens_query=lens.query(), titles=LINE_TITLES,
    )  # fmt: skip


def _span(request: HttpRequest, lens: Lens) -> Drill:
    """From where to where; the lens's window where the address does not say."""
    if request.GET.get("month"):
        return drill_of(request, lens)
    first = max(lens.window.months[0], lens.ledger().first_month)
    return Drill(range(min(first, lens.last_month), lens.last_month + 1), "month", "", ())


def _entity(lens: Lens, entity: str) -> rows_flow.Whose:
    found: rows_flow.Whose | None = lens.ask(rows_flow.whose, entity)
    if found is None:
        raise Http404(f"there is no {lens.policy.grain} '{entity}' in the ledger")
    return found


@show.with_lens
def account_movements_csv(request: HttpRequest, lens: Lens, entity: str) -> HttpResponseBase:
    """One account's movements as a file."""
    _entity(lens, entity)
    lines = evidence.movements(lens.ledger(), entity, _span(request, lens).window)
    columns = ["month", "kind", "currency", "opening", "amount", "closing", "causes"]
    rows = [
        [
            m.month,
            m.kind,
            m.currency,
            *(room.major(a, m.currency) for a in (m.opening, m.amount, m.closing)),
            " ".join(m.causes),
        ]
        for m in lines
    ]
    return room.csv(request, "account-movements", columns, rows)


@show.with_lens
def source_rows(request: HttpRequest, lens: Lens, entity: str) -> HttpResponseBase:
    """The changes of a month, and the landed rows that say so; a page, or a part of one."""
    whose = _entity(lens, entity)
    month = parse_month(request.GET["month"]) if request.GET.get("month") else lens.last_month
    told = rows_flow.rows_behind(answers.home(), lens.ledger(), entity, Window.month(month))
    context = {"whose": whose, "told": told, "month": month, "lens_query": lens.query()}
    if show.is_fragment(request):
        return render(request, "web/revenue/source_rows_part.html", context | {"lens": lens})
    return room.shown(request, lens, "web/revenue/source_rows.html", "revenue", **context)


@show.with_lens
def source_rows_csv(request: HttpRequest, lens: Lens, entity: str) -> HttpResponseBase:
    """The changes of a month with load and row as a file."""
    _entity(lens, entity)
    month = parse_month(request.GET["month"]) if request.GET.get("month") else lens.last_month
    told = rows_flow.rows_behind(answers.home(), lens.ledger(), entity, Window.month(month))
    columns = ["day", "cause", "currency", "change", "on_hold", "load", "row", "file", "source", "learned_at"]
    rows = [
        [
            c.day,
            c.cause,
            c.currency,
            room.major(c.delta, c.currency),
            room.major(c.held_delta, c.currency),
            c.load_no or "",
            c.source_row or "",
            c.file,
            c.source,
            c.learned_at or "",
        ]
        for c in told.changes
    ]
    return room.csv(request, "source-rows", columns, rows)


urls = [
    page("revenue/", index, "revenue", needs="numbers"),
    page("revenue/bridge.csv", bridge_csv, "revenue_csv", needs="numbers"),
    page("revenue/movements/", movements, "revenue_movements", needs="numbers"),
    page("revenue/movements.csv", movements_csv, "revenue_movements_csv", needs="numbers"),
    page(
        "revenue/account-movements/<account:entity>/", account_movements, "revenue_account_movements", needs="numbers"
    ),
    page(
        "revenue/account-movements/<account:entity>.csv",
        account_movements_csv,
        "revenue_account_movements_csv",
        needs="numbers",
    ),
    page("revenue/source-rows/<account:entity>/", source_rows, "revenue_source_rows", needs="numbers"),
    page("revenue/source-rows/<account:entity>.csv", source_rows_csv, "revenue_source_rows_csv", needs="numbers"),
]
