"""What the numbers mean: a policy is a named, versioned set of definitions, kept as data.

A policy never changes meaning under its name: a change is a new version. Its name stands beside every number.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

Grain = Literal["account", "parent", "subscription"]


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names file, setting, value and remedy."""


@dataclass(frozen=True)
class Policy:
    """One set of definitions. Field by field this is the table of docs/definitions.md."""

    name: str
    title: str
    description: str = ""
    #: whose MRR is followed: the entity of the ledger
    grain: Grain = "account"
    #: months in a week and in a day, as exact fractions
    week_factor: Fraction = Fraction(52, 12)
    day_factor: Fraction = Fraction(365, 12)
    rounding: Literal["half_even", "down"] = "half_even"
    forever_discounts: bool = True
    repeating_discounts: bool = False
    once_discounts: bool = False
    #: days on pause after which the account counts as lost; 0: at once; None: never
    pause_grace_days: int | None = 90
    past_due_counts: bool = True
    #: days past due after which the MRR is lost; None: never by itself
    past_due_grace_days: int | None = 30
    unpaid_counts: bool = False
    #: when a cancellation takes effect: at the end of the paid period, or at the click
    cancel_at: Literal["period_end", "click"] = "period_end"
    #: months of metered usage averaged into MRR; 0: metered usage is not MRR
    metered_months: int = 0
    #: what MRR is made of: subscription states, or the revenue of invoice lines by service month
    basis: Literal["subscription", "revenue"] = "subscription"
    #: the month's figure: what stands at its end, or the mean over its days
    month_measure: Literal["closing", "daily_mean"] = "closing"
    #: churn tied to a refund is dated to the start of the refunded period
    refund_backdates_churn: bool = False
    #: days an entity may be at zero and still never have left, by kind of source
    gap_days_billing: int = 0
    gap_days_contract: int = 30
    gap_days_file: int = 30
    #: days at zero after which a return counts as new; None: it is always a reactivation
    new_after_days: int | None = None
    #: an account that left and came back inside a window
    left_and_returned: Literal["retained", "lost"] = "retained"
    nrr: Literal["point_to_point", "net_movements"] = "point_to_point"
    grr: Literal["capped", "summed", "churn_only"] = "capped"
    #: the window of the headline, in months
    window_months: int = 12
    #: MRR or ARR is the figure shown
    shown_as: Literal["mrr", "arr"] = "mrr"
    source: str = ""

    def differences(self, other: Policy) -> dict[str, tuple[Any, Any]]:
        """The settings in which two policies differ, with both values; names and texts left out."""
        texts = {"name", "title", "description", "source"}
        return {
            field.name: (getattr(self, field.name), getattr(other, field.name))
            for field in fields(self)
            if field.name not in texts and getattr(self, field.name) != getattr(other, field.name)
        }

    def with_settings(self, **settings: Any) -> Policy:
        return replace(self, **settings)


def parse_policy(values: Mapping[str, Any], where: str) -> Policy:
    """Check one policy read from TOML; `based_on` is resolved by `load_policies`."""
    hints = get_type_hints(Policy)
    unknown = sorted(set(values) - set(hints))
    if unknown:
        raise PolicyError(f"{where}: unknown setting '{unknown[0]}'; the settings are {', '.join(sorted(hints))}")
    for required in ("name", "title"):
        if not values.get(required):
            raise PolicyError(f"{where}: setting '{required}' is missing")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", str(values["name"])):
        raise PolicyError(
            f"{where}: name = {values['name']!r}; write it with letters, digits, '-', '_' and '.' (files are called so)"
        )
    return Policy(**{name: _checked(name, value, hints[name], where) for name, value in values.items()})


def _checked(name: str, value: Any, hint: Any, where: str) -> Any:
    if hint is Fraction:
        return _fraction(name, value, where)
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise PolicyError(f"{where}: {name} = {value!r}; it is one of {', '.join(map(repr, get_args(hint)))}")
        return value
    if value == "never" and type(None) in get_args(hint):
        return None
    wanted = next((kind for kind in get_args(hint) if kind is not type(None)), hint)
    if type(value) is not wanted or (wanted is int and value < 0):
        raise PolicyError(f"{where}: {name} = {value!r}; expected {_expected(wanted, hint)}")
    return value


def _expected(wanted: type, hint: Any) -> str:
    words = {int: "a whole number, 0 or more", bool: "true or false", str: "a text"}[wanted]
    return words + (' or "never"' if type(None) in get_args(hint) else "")


def _fraction(name: str, value: Any, where: str) -> Fraction:
    try:
        fraction = Fraction(str(value).replace(" ", ""))
    except (ValueError, ZeroDivisionError):
        raise PolicyError(f'{where}: {name} = {value!r}; expected a fraction such as "52/12"') from None
    if fraction <= 0:
        raise PolicyError(f"{where}: {name} = {value!r}; it must be above zero")
    return fraction


def load_policies(*folders: Path) -> dict[str, Policy]:
    """Shipped policies, then those of the given folders (`*.toml`, one policy a file), by name.

    A file may say `based_on = "holdfast-1"` and give only what differs. A name may be defined once.
    """
    texts = [(f"policy {entry.name}", entry.read_text()) for entry in _shipped()]
    for folder in folders:
        texts += [(str(path), path.read_text()) for path in sorted(folder.glob("*.toml"))]
    found: dict[str, Policy] = {}
    for where, text in texts:
        policy = _read(where, text, found)
        if policy.name in found:
            raise PolicyError(f"{where}: a policy named '{policy.name}' exists already; give it a name of its own")
        found[policy.name] = policy
    return found


def _shipped() -> list[Any]:
    folder = resources.files("holdfast.domain") / "policies"
    entries = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    # the default comes first: the others are based on it
    return sorted(entries, key=lambda entry: (entry.name != "holdfast-1.toml", entry.name))


def _read(where: str, text: str, known: Mapping[str, Policy]) -> Policy:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"{where}: not valid TOML: {error}") from None
    base = values.pop("based_on", None)
    if base is None:
        return parse_policy(values, where)
    if base not in known:
        raise PolicyError(f"{where}: based_on = {base!r}, which is not a policy; known are {', '.join(known)}")
    own = parse_policy(values, where)
    return replace(known[base], **{name: getattr(own, name) for name in {*values, "description", "source"}})
