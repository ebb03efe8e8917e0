"""Tags and filters of the watch: the gauge of a score, chances, moves of a score, and the cards of Overview and Today."""

from __future__ import annotations

import math
from datetime import date
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from holdfast.charts import numbers
from holdfast.web.pages import watch_words as words

register = template.Library()

#: the gauge's radius, in units of its view box
RADIUS = 52


@register.filter
def chance(value: float | None) -> str:
    """A probability: 7.4%; below a tenth of a percent as what it is."""
    return words.chance(value)


@register.filter
def score(value: float | None) -> str:
    """A score from 0 to 100, without its decimals."""
    return "—" if value is None else numbers.count(round(value))


@register.filter
def points_moved(value: float | None) -> str:
    """A move of a score: +3.2"""
    return words.points(value)


@register.filter
def two(value: float | None) -> str:
    """A figure with two decimals: 0.78"""
    return "—" if value is None else numbers.count(round(value, 2), 2)


@register.filter
def four(value: float | None) -> str:
    """A figure with four decimals, as small errors need them: 0.0228"""
    return "—" if value is None else numbers.count(round(value, 4), 4)


@register.filter
def without_points(sentence: str) -> str:
    """A sentence of a move without the points at its end, where they stand beside it."""
    told, colon, points = sentence.rpartition(": ")
    return told if colon and points.rstrip(".").endswith(("point", "points")) else sentence


@register.filter
def written_day(text: str | None) -> str:
    """A day as the track record writes it, as the reader does: 2026-10-31 → Oct 31, 2026"""
    return numbers.day(date.fromisoformat(text[:10])) if text else "—"


@register.filter
def nth_or(values: Any, n: int) -> Any:
    """values[n]; nothing where there are not so many."""
    return values[n] if n < len(values) else None


@register.filter
def feature_title(name: str) -> str:
    """A feature's name in words."""
    return words.title(name)


@register.simple_tag
def gauge(value: float | None, tone: str) -> SafeString:
    """Half a circle that fills from 0 (bad) to 100 (good); the number stands in it."""
    whole = math.pi * RADIUS
    share = max(0.0, min(1.0, (value or 0.0) / 100))
    arc = f"M {60 - RADIUS} 62 A {RADIUS} {RADIUS} 0 0 1 {60 + RADIUS} 62"
    text = "no score" if value is None else f"{value:.0f} of 100"
    drawn = (
        format_html(
            '<path d="{}" stroke-width="11" stroke-linecap="round" stroke-dasharray="{} {}" class="gauge-fill is-{}"/>',
            arc, f"{share * whole:.2f}", f"{whole * 2:.2f}", tone or "none",
        )
        if value is not None and share > 0
        else ""
    )  # fmt: skip
    return format_html(
        '<svg class="gauge" viewBox="0 0 120 78" fill="none" role="img" aria-label="Health {}, 0 bad to 100 good">'
        '<path d="{}" stroke-width="11" stroke-linecap="round" class="gauge-track"/>{}'
        '<text x="60" y="58" text-anchor="middle" class="gauge-value">{}</text>'
        '<text x="{}" y="76" text-anchor="middle" class="gauge-end">0 bad</text>'
        '<text x="{}" y="76" text-anchor="middle" class="gauge-end">100 good</text></svg>',
        text, arc, drawn, score(value), 60 - RADIUS + 8, 60 + RADIUS - 10,
    )  # fmt: skip


@register.inclusion_tag("web/watch/overview_card.html", takes_context=True)
def at_risk_card(context: template.Context) -> dict[str, Any]:
    """Overview: what may leave, what is left of the book, and the five accounts with the most at stake."""
    from holdfast.web.pages.watch_cards import at_risk

    return at_risk(context["request"])


@register.inclusion_tag("web/watch/book_alarms.html", takes_context=True)
def book_alarms(context: template.Context, quarters_below: int = 0) -> dict[str, Any]:
    """Overview: what the signals say of the whole book; of NRR below 100 % the page itself speaks where it sees it."""
    from holdfast.web.pages.watch_cards import alarms

    return alarms(context["request"], said=("nrr_below_100",) if quarters_below >= 2 else ())


@register.inclusion_tag("web/watch/today_card.html", takes_context=True)
def watched_today(context: template.Context) -> dict[str, Any]:
    """Today: the accounts of the book whose health fell, and the signals that are new."""
    from holdfast.web.pages.watch_cards import today

    return today(context["request"])
