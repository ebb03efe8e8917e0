"""Filters of the revenue room and of explanations: small differences of rates, and widths of bars."""

from __future__ import annotations

from fractions import Fraction

from babel.numbers import format_decimal
from django import template

from holdfast.charts import numbers

register = template.Library()


@register.filter
def points2(value: Fraction | None) -> str:
    """A part of a difference of two rates, in percentage points with two digits: +0.13"""
    if value is None:
        return "—"
    text = format_decimal(float(value * 100), format="+#,##0.00;-#,##0.00", locale=numbers.locale())
    return text.replace("-", "\N{MINUS SIGN}") if value else text.lstrip("+")


@register.filter
def bar(value: Fraction | float | None) -> str:
    """A share as the width of a bar, 0 to 100."""
    return f"{max(0.0, min(1.0, float(value or 0))) * 100:.1f}"


@register.filter
def exact_rate(value: Fraction) -> str:
    """An exchange rate with as many of its nine decimals as say something."""
    return f"{float(value):.9f}".rstrip("0").rstrip(".")


@register.filter
def words(text: str) -> list[str]:
    """The words of a text."""
    return text.split()
