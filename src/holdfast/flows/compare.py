"""Policies side by side: the same window under every definition, and, per account, which setting makes two of them differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from holdfast.domain.period import Window
from holdfast.domain.policy import Policy
from holdfast.flows.book import open_ledger
from holdfast.flows.home import Home
from holdfast.metrics import evidence, retention
from holdfast.metrics.retention import Row
from holdfast.warehouse.sql import literal
from holdfast.warehouse.window import View, WindowError

#: settings that change how a ratio is made of the same ledger, not the ledger
RATIO_SETTINGS = frozenset({"nrr", "grr", "window_months", "shown_as"})


@dataclass(frozen=True)
class Compared:
    """One policy's figures of the window; row is None where the policy cannot measure it."""

    policy: Policy
    row: Row | None
    refused: str = ""


@dataclass(frozen=True)
class AccountDifference:
    """An account that two policies see differently; minor units."""

    account: str
    name: str | None
    opening: tuple[int, int]
    closing: tuple[int, int]
    #: the settings that alone change this account's figures, with both values
    because: tuple[str, ...]


Step = Callable[[int, int], None]


def compare(
    home: Home, window: Window, view: View, names: tuple[str, ...] = (), step: Step | None = None
) -> list[Compared]:
    """The window under each policy; all of the home's where none is named."""
    policies = home.policies()
    chosen = [home.policy(name) for name in names] or list(policies.values())
    found = []
    for number, policy in enumerate(chosen, 1):
        try:
            with open_ledger(home, policy=policy) as ledger:
                found.append(Compared(policy, next(iter(retention.measure(ledger, window, view)), None)))
        except WindowError as error:
            found.append(Compared(policy, None, str(error)))
        if step:
            step(number, len(chosen))
    return found


def formula_differences(base: Policy, other: Policy) -> list[str]:
    """The settings that change how the ratios are made of the same ledger, with both values."""
    made = RATIO_SETTINGS | {"left_and_returned"}
    return [f"{name}: {_word(a)} → {_word(b)}" for name, (a, b) in base.differences(other).items() if name in made]


def why(
    home: Home, window: Window, view: View, other: Policy, limit: int = 20, step: Step | None = None
) -> list[AccountDifference]:
    """The accounts that the home's policy and another see differently, largest first, and the settings that make it so.

    Each setting in which the two differ is switched by itself, and only the accounts in question are booked again.
    """
    base = home.policy()
    if other.grain != base.grain:
        other = replace(other, grain=base.grain)
    ours, theirs = _figures(home, window, view, base, None), _figures(home, window, view, other, None)
    wrong = [account for account in {*ours, *theirs} if ours.get(account) != theirs.get(account)]
    wrong.sort(key=lambda account: (-abs(_moved(ours, account) - _moved(theirs, account)), account))
    chosen = _accounts_of(home, (base, other), wrong[:limit])
    switched: dict[str, dict[str, tuple[int, int, str | None]]] = {}
    settings = {name: pair for name, pair in base.differences(other).items() if name not in RATIO_SETTINGS}
    for number, (name, (_, value)) in enumerate(settings.items(), 1):
        if chosen:
            switched[name] = _figures(home, window, view, replace(base, **{name: value}), chosen)
        if step:
            step(number, len(settings))
    return [_difference(account, ours, theirs, switched, settings) for account in wrong[:limit]]


def _accounts_of(home: Home, policies: tuple[Policy, ...], entities: list[str]) -> tuple[str, ...]:
    """The accounts that make up entities: an entity's own, and all that ever belonged to it."""
    found: set[str] = set()
    for policy in policies:
        with open_ledger(home, policy=policy) as ledger:
            listed = ", ".join(map(literal, entities)) or "null"
            found |= {
                account
                for row in ledger.rows(
                    "select entity.account_id, belonging.account_id from entity left join belonging using (entity_key) "
                    f"where entity_id in ({listed})"
                )
                for account in row
                if account
            }
    return tuple(sorted(found))


def _moved(figures: dict[str, tuple[int, int, str | None]], account: str) -> int:
    opening, closing, _ = figures.get(account, (0, 0, None))
    return closing - opening


def _difference(
    account: str,
    ours: dict[str, tuple[int, int, str | None]],
    theirs: dict[str, tuple[int, int, str | None]],
    switched: dict[str, dict[str, tuple[int, int, str | None]]],
    settings: dict[str, tuple[object, object]],
) -> AccountDifference:
    nothing = (0, 0, None)
    a, b = ours.get(account, nothing), theirs.get(account, nothing)
    because = tuple(
        f"{name}: {_word(settings[name][0])} → {_word(settings[name][1])}"
        for name, figures in switched.items()
        if figures.get(account, nothing)[:2] != a[:2]
    )
    return AccountDifference(account, a[2] or b[2], (a[0], b[0]), (a[1], b[1]), because or ("only together",))


def _word(value: object) -> str:
    if value is None:
        return "never"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if not isinstance(value, Fraction) else f"{value.numerator}/{value.denominator}"


def _figures(
    home: Home, window: Window, view: View, policy: Policy, only: tuple[str, ...] | None
) -> dict[str, tuple[int, int, str | None]]:
    with open_ledger(home, policy=policy, only=only) as ledger:
        lines = evidence.accounts(ledger, window, view, cohort_only=False)
    return {line.entity: (line.opening, line.closing_fixed, line.name) for line in lines}
