"""Who belongs to whom on which day: merges and parents, followed to the entity that stands in the ledger (rule 16)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class LinkState:
    """What an account said of its links from a day on."""

    account_id: str
    valid_from: date
    merged_into: str | None
    parent_id: str | None


@dataclass(frozen=True)
class Belonging:
    """From `start` up to `end` the account's MRR stands with the entity."""

    account_id: str
    start: date
    end: date
    entity_id: str


def belongings(states: Iterable[LinkState], grain: Literal["account", "parent"]) -> list[Belonging]:
    """The belongings of every account that is linked to another, without gaps from `date.min` to `date.max`.

    Accounts that stand alone are left out. A circle of links is followed until it closes; the account that closes it stands.
    """
    by_account: dict[str, list[LinkState]] = defaultdict(list)
    for state in states:
        by_account[state.account_id].append(state)
    for account_states in by_account.values():
        account_states.sort(key=lambda state: state.valid_from)
    found: list[Belonging] = []
    for group in _groups(by_account, grain):
        days = sorted({date.min} | {state.valid_from for account in group for state in by_account.get(account, [])})
        for account in sorted(group):
            found += _of_account(account, days, by_account, grain)
    return found


def _of_account(
    account: str, days: list[date], links: Mapping[str, list[LinkState]], grain: Literal["account", "parent"]
) -> list[Belonging]:
    spans: list[Belonging] = []
    for day, until in zip(days, [*days[1:], date.max], strict=True):
        entity = entity_on(account, day, links, grain)
        if spans and spans[-1].entity_id == entity:
            spans[-1] = Belonging(account, spans[-1].start, until, entity)
        else:
            spans.append(Belonging(account, day, until, entity))
    return spans


def entity_on(
    account: str, day: date, links: Mapping[str, list[LinkState]], grain: Literal["account", "parent"]
) -> str:
    """The entity of an account on a day: merges first, then, for the roll-up, the topmost parent."""
    seen = {account}
    while True:
        state = _state_on(links.get(account, []), day)
        following = state.merged_into if state else None
        if not following and grain == "parent" and state:
            following = state.parent_id
        if not following or following in seen:
            return account
        seen.add(following)
        account = following


def _state_on(states: list[LinkState], day: date) -> LinkState | None:
    in_force = [state for state in states if state.valid_from <= day]
    return in_force[-1] if in_force else None


def _groups(links: Mapping[str, list[LinkState]], grain: Literal["account", "parent"]) -> list[set[str]]:
    """Accounts that were ever linked, directly or through others, as separate groups of two or more."""
    above: dict[str, str] = {}

    def top(account: str) -> str:
        while above.setdefault(account, account) != account:
            above[account] = above[above[account]]
            account = above[account]
        return account

    for account, states in links.items():
        for state in states:
            targets = [state.merged_into] + ([state.parent_id] if grain == "parent" else [])
            for target in targets:
                if target and target != account:
                    above[top(account)] = top(target)
    groups: dict[str, set[str]] = defaultdict(set)
    for account in list(above):
        groups[top(account)].add(account)
    return [group for group in groups.values() if len(group) > 1]
