"""Tags and filters of the pages: numbers in the reader's locale, icons, charts, addresses that keep the lens."""

from __future__ import annotations

import json
from datetime import date, datetime
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from holdfast.charts import numbers
from holdfast.charts.charted import Charted
from holdfast.charts.spark import sparkline as draw_sparkline

register = template.Library()

for written in (
    numbers.money, numbers.money_whole, numbers.money_short, numbers.percent, numbers.points, numbers.count,
    numbers.day, numbers.moment, numbers.month, numbers.month_short,
):  # fmt: skip
    register.filter(written.__name__, written)


@register.simple_tag
@cache
def icon(name: str, size: str = "") -> SafeString:
    """An icon of the sprite, hidden from screen readers: the text beside it speaks."""
    kind = f"icon icon-{size}" if size else "icon"
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#{}"></use></svg>', kind, static("holdfast/icons.svg"), name
    )


@register.simple_tag
def chart(option: dict[str, Any], label: str, size: str = "md") -> SafeString:
    """A chart; the same numbers stand in a table beside it."""
    # inside a script element only </ could end it; written as \\u003c it is the same text to a JSON reader
    told = json.dumps(option, separators=(",", ":")).replace("<", "\\u003c")
    return format_html(
        '<figure class="chart chart-{}" data-chart role="img" aria-label="{}"><script type="application/json">{}</script></figure>',
        size, label, mark_safe(told),
    )  # fmt: skip


@register.filter
def sparkline(values: Any) -> SafeString:
    """A small line without axes."""
    return mark_safe(draw_sparkline([None if v is None else float(v) for v in values]))


@register.filter
def signed_money(minor: int | None, currency: str) -> str:
    """With its sign: +$1,200"""
    text = numbers.money_whole(minor, currency)
    return f"+{text}" if minor and minor > 0 else text


@register.filter
def delta_class(value: int | Fraction | None) -> str:
    """The class of a change: up, down or flat."""
    return "delta-flat" if not value else "delta-up" if value > 0 else "delta-down"


@register.filter
def sign_class(value: int | Fraction | None) -> str:
    return "" if not value else "pos" if value > 0 else "neg"


@register.filter
def avatar_no(text: str) -> int:
    """Which of eight colours a name has; the same one on every page."""
    return sum(map(ord, text or "")) % 8 + 1


@register.filter
def initials(text: str) -> str:
    words = (text or "?").split()
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words[:1])).upper()


@register.filter
def iso(value: date | datetime | None) -> str:
    return value.isoformat() if value else ""


@register.filter
def lookup(mapping: Any, key: Any) -> Any:
    """mapping[key]; nothing where there is none."""
    return mapping.get(key) if mapping else None


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: Any) -> str:
    """This page's query with some values changed; None or '' takes one out. Paging begins anew."""
    values = context["request"].GET.copy()
    values.pop("page", None)
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = str(value)
    told = values.urlencode()
    return f"?{told}" if told else "?"


@register.simple_tag(takes_context=True)
def with_lens(context: template.Context, address: str, **more: Any) -> str:
    """An address that keeps the lens of this page."""
    lens = context.get("lens")
    told = lens.query(**more) if lens else "?" + "&".join(f"{k}={v}" for k, v in more.items()) if more else ""
    return f"{address}{told}"


@register.inclusion_tag("web/parts/chart_card.html", takes_context=True)
def chart_card(
    context: template.Context, made: Any, level: int = 2, account_id: str = "", of: str = "chart"
) -> dict[str, Any]:
    """A card with a chart, its table, and its CSV and PNG files; `of`: the addresses that those have."""
    told = context["request"].GET.urlencode()
    return {
        "of_csv": f"{of or 'chart'}_csv",
        "of_png": f"{of or 'chart'}_png",
        "chart": made,
        "level": level,
        "query": f"?{told}" if told else "",
        "account_id": account_id,
        "lens": context.get("lens"),
    }


@register.simple_tag
def chart_rows(made: Charted) -> SafeString:
    """The rows of the table behind a chart; written here because they are hundreds of cells on pages that open often."""
    kinds = [column.kind for column in made.columns]
    starts = ["<td>" if kind == "text" else '<td class="num">' for kind in kinds]
    rows = []
    for row in made.rows:
        first, *others = (escape(_cell(value, kind, made.currency)) for value, kind in zip(row, kinds, strict=True))
        told = "".join(f"{start}{text}</td>" for start, text in zip(starts[1:], others, strict=True))
        rows.append(f'<th scope="row">{first}</th>{told}</tr>')
    begin = ["<tr>"] * len(rows)
    if made.totalled and rows:
        begin[-1] = '<tr class="total">'
    return mark_safe("".join(map("".join, zip(begin, rows, strict=True))))


@register.simple_tag
def cells_of(cells: Any) -> SafeString:
    """The cells of one line of the accounts; written here because a page has five hundred of them."""
    return mark_safe("".join(_account_cell(one.text, one.sub, one.css, one.pill, who=one.who) for one in cells))


@lru_cache(20_000)
def _account_cell(text: str, sub: str, css: str, pill: str, *, who: bool) -> str:
    told, of = escape(text), f' class="{escape(css)}"' if css else ""
    if who:
        face = f'<span class="avatar avatar-sm avatar-{avatar_no(text)}" aria-hidden="true">{escape(initials(text))}</span>'
        inner = (
            f'<span class="who-cell">{face}<span class="block max-w-[10rem] truncate" dir="auto">{told}</span></span>'
        )
    elif pill:
        inner = f'<span class="pill pill-{escape(pill)}">{told}</span>'
    else:
        inner = f'<span class="block max-w-[14rem] truncate" dir="auto">{told}</span>'
    below = f'<span class="cell-sub">{escape(sub)}</span>' if sub else ""
    return f"<td{of}>{inner}{below}</td>"


def _cell(value: Any, kind: str, currency: str) -> str:
    """A value as its kind is written."""
    if value is None:
        return "—"
    if kind == "money":
        return numbers.money(value, currency)
    if kind == "percent":
        return numbers.percent(value)
    return numbers.count(value) if kind == "count" else str(value)


@register.filter
def nth(values: Any, n: int) -> Any:
    """values[n]"""
    return values[n]


@register.filter
def kind_token(kind: str) -> str:
    """The colour that a kind of movement has, however it is told."""
    return {"new or back": "new", "left and returned": "reactivation", "same": "opening"}.get(kind, kind)
