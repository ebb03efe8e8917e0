"""How counts, shares and days are written in a signal's sentence."""

from __future__ import annotations

from holdfast.domain.judgement import number


def counted(value: float, thing: str, things: str = "") -> str:
    """1 ticket, 3 tickets; no tickets."""
    many = things or thing + "s"
    return f"no {many}" if value == 0 else f"{number(value)} {thing if value == 1 else many}"


def share(value: float) -> str:
    """52 %."""
    return number(value, "%")


def days(value: float) -> str:
    """1 day, 40 days."""
    return number(value, "days")


def hours(value: float) -> str:
    """20 hours; from two days on in days."""
    return days(value / 24) if value >= 48 else counted(round(value), "hour")
