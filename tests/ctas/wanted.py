"""What signals ask for, written short."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from holdfast.domain.ctas import Budget, Wanted
from holdfast.domain.judgement import Evidence

#: everything is opened at once
PLENTY = Budget(per_week=1000, pool_under_minor=0)

FIRST = Wanted(
    account_id="acme", kind="risk", cause="declining_use", severity=2, sentence="Use fell by half in four weeks.",
    evidence=(Evidence("Active people", "3, before 8"), Evidence("Champion", "Ben left", "contact", "c2")),
    signals=("fewer_people",), at_stake_minor=8_000, currency="USD", owner="Alice", next_step="Call the sponsor.",
    due_on=date(2026, 1, 9),
)  # fmt: skip


def wanted(account_id: str = "acme", **changes: Any) -> Wanted:
    """Something asked for: as the first one, with changes."""
    return replace(FIRST, account_id=account_id, **changes)


def rising(*minor: int, owner: str = "Alice") -> list[Wanted]:
    """One CTA for each amount, each of another account."""
    return [wanted(f"a{amount}", at_stake_minor=amount, owner=owner) for amount in minor]
