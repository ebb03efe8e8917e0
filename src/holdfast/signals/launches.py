"""Which launched feature fits an account: the words of a launch against its tickets, and the features that it names against its use."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa

from holdfast.warehouse.records import Records

#: how long a launch is new, and how far back tickets and use count
NEW, ASKED, USED = timedelta(days=90), timedelta(days=182), timedelta(days=84)
#: words of a launch that a ticket has to share with it
ENOUGH_WORDS = 2
#: words that say nothing of what is meant
_PLAIN = frozenset({
    "about", "after", "again", "also", "another", "before", "between", "could", "every", "feature", "features", "first",
    "from", "have", "into", "just", "like", "more", "need", "needs", "only", "other", "over", "please", "product", "some",
    "that", "their", "them", "then", "there", "they", "this", "those", "through", "used", "using", "want", "wants", "were",
    "what", "when", "where", "which", "will", "with", "without", "would", "your",
})  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """A feature that was brought to customers."""

    feature: str
    launched_on: date
    title: str
    description: str
    plans: str

    @cached_property
    def words(self) -> frozenset[str]:
        return words(f"{self.title} {self.description}")

    @cached_property
    def text(self) -> str:
        return f"{self.title} {self.description}".lower()

    def is_for(self, plan: str | None) -> bool:
        """Whether a plan has it; where the account's plan is not known it is taken to have it."""
        plans = [one.strip().casefold() for one in self.plans.split(",") if one.strip()]
        return not plans or not plan or plan.casefold() in plans


def fitting(table: pa.Table, records: Records | None) -> dict[str, list[Any]]:
    """By account and day the launch that fits best: tickets like it, whether it works with a feature in use, and which."""
    empty: dict[str, list[Any]] = {
        name: [None] * table.num_rows
        for name in ("launch_tickets", "launch_uses", "launch_title", "launch_used_feature")
    }
    launches = _launches(records)
    if records is None or not launches:
        return empty
    accounts, days = table["account_id"].to_pylist(), table["as_of"].to_pylist()
    if not any(NEW >= day - one.launched_on >= timedelta(0) for day in set(days) for one in launches):
        return empty
    plan = next((name for name in table.column_names if name in ("attribute.plan", "attribute.plan_tier")), None)
    plans = table[plan].to_pylist() if plan else [None] * table.num_rows
    tickets, used = _tickets(records, min(days)), _used(records, min(days))
    for row, (account, day) in enumerate(zip(accounts, days, strict=True)):
        best = _best(launches, day, plans[row], tickets.get(account, ()), used.get(account, ()))
        if best:
            for name, value in best.items():
                empty[name][row] = value
    return empty


def words(text: str) -> frozenset[str]:
    """The telling words of a text: four letters or more, in their shortest form."""
    found = (word for word in re.findall(r"[^\W\d_]{4,}", text.lower()) if word not in _PLAIN)
    return frozenset(re.sub(r"(ings?|ed|e?s)$", "", word) if len(word) > 5 else word for word in found)


def _best(
    launches: Sequence[Launch],
    day: date,
    plan: str | None,
    tickets: Sequence[tuple[date, frozenset[str]]],
    used: Sequence[tuple[date, str]],
) -> dict[str, Any] | None:
    recent = {feature for at, feature in used if day - USED <= at <= day}
    found = []
    for one in launches:
        if not timedelta(0) <= day - one.launched_on <= NEW or not one.is_for(plan) or one.feature in recent:
            continue
        asked = sum(1 for at, told in tickets if day - ASKED <= at <= day and len(told & one.words) >= ENOUGH_WORDS)
        works_with = sorted(name for name in recent if name.lower().replace("_", " ") in one.text)
        found.append((asked, len(works_with), one, works_with[0] if works_with else ""))
    if not found:
        return None
    asked, uses, one, feature = max(found, key=lambda told: (told[0], told[1], told[2].launched_on, told[2].feature))
    return {
        "launch_tickets": float(asked), "launch_uses": float(uses), "launch_title": one.title, "launch_used_feature": feature,
    }  # fmt: skip


def _launches(records: Records | None) -> list[Launch]:
    """The landed launches; none where the records do not hold them."""
    if records is None or not records.rows("select 1 from duckdb_tables() where table_name = 'launch'"):
        return []
    rows = records.rows(
        "select feature, launched_on, coalesce(title, feature), coalesce(description, ''), coalesce(plans, '') from launch"
    )
    return [Launch(*row) for row in rows]


def _tickets(records: Records, first: date) -> Mapping[str, list[tuple[date, frozenset[str]]]]:
    found: dict[str, list[tuple[date, frozenset[str]]]] = defaultdict(list)
    rows = records.rows(
        "select account_id, opened_at::date, concat_ws(' ', subject, body) from ticket where opened_at >= ?",
        [first - ASKED],
    )
    for account, day, text in rows:
        found[account].append((day, words(text)))
    return found


def _used(records: Records, first: date) -> Mapping[str, list[tuple[date, str]]]:
    """By account the days on which it used a feature, one a week."""
    found: dict[str, list[tuple[date, str]]] = defaultdict(list)
    rows = records.rows(
        "select account_id, max(day), feature from usage.usage_day where feature <> '*' and day >= ? "
        "group by account_id, feature, date_trunc('week', day)",
        [first - USED],
    )
    for account, day, feature in rows:
        found[account].append((day, feature))
    return found
