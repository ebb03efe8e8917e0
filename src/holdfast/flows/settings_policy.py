"""Policies in words, side by side, and of one's own: a file in the home, checked before it counts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import tomlkit

from holdfast.domain.policy import Policy, PolicyError, load_policies
from holdfast.flows.home import Home, write_whole

#: texts of a policy; everything else decides numbers
TEXTS = ("name", "title", "description", "source")

#: setting: its group, what it is called, and what its values mean
WORDS: dict[str, tuple[str, str, dict[Any, str]]] = {
    "grain": ("Whose revenue", "Followed", {"account": "each account", "parent": "each parent with its subsidiaries", "subscription": "each subscription"}),
    "basis": ("Whose revenue", "MRR is made of", {"subscription": "subscription states", "revenue": "invoice lines by month of service"}),
    "month_measure": ("Whose revenue", "A month's figure", {"closing": "what stands at its end", "daily_mean": "the mean over its days"}),
    "metered_months": ("Whose revenue", "Metered usage", {0: "not MRR", None: "{} months averaged into MRR"}),
    "week_factor": ("Turning prices into months", "Weeks in a month", {}),
    "day_factor": ("Turning prices into months", "Days in a month", {}),
    "rounding": ("Turning prices into months", "Rounding", {"half_even": "to the even cent", "down": "down"}),
    "forever_discounts": ("Discounts", "Discounts for ever", {True: "lower MRR", False: "are ignored"}),
    "repeating_discounts": ("Discounts", "Discounts for some months", {True: "lower MRR while they run", False: "are ignored"}),
    "once_discounts": ("Discounts", "Discounts on one invoice", {True: "lower MRR", False: "are ignored"}),
    "cancel_at": ("When revenue is lost", "A cancellation counts", {"period_end": "at the end of the paid period", "click": "at the click"}),
    "pause_grace_days": ("When revenue is lost", "A pause is lost", {"never": "never by itself", 0: "at once", None: "after {} days"}),
    "past_due_counts": ("When revenue is lost", "Past due revenue", {True: "counts while it is chased", False: "does not count"}),
    "past_due_grace_days": ("When revenue is lost", "Past due is lost", {"never": "never by itself", None: "after {} days"}),
    "unpaid_counts": ("When revenue is lost", "Unpaid subscriptions", {True: "count", False: "do not count"}),
    "refund_backdates_churn": ("When revenue is lost", "Churn with a refund", {True: "is dated to the start of that period", False: "is dated as any other"}),
    "gap_days_billing": ("Gaps and returns", "A gap in billing data", {0: "is a loss at once", None: "of up to {} days is none"}),
    "gap_days_contract": ("Gaps and returns", "A gap between contracts", {0: "is a loss at once", None: "of up to {} days is none"}),
    "gap_days_file": ("Gaps and returns", "A gap in files", {0: "is a loss at once", None: "of up to {} days is none"}),
    "new_after_days": ("Gaps and returns", "Who comes back", {"never": "is always reactivated, never new", None: "is new after {} days"}),
    "left_and_returned": ("Gaps and returns", "Left and back inside a window", {"retained": "was retained", "lost": "was lost"}),
    "nrr": ("The headline", "NRR", {"point_to_point": "the same accounts at the end over the start", "net_movements": "the window's movements over the start"}),
    "grr": ("The headline", "GRR", {"capped": "capped per account", "summed": "losses summed by month", "churn_only": "churn only"}),
    "window_months": ("The headline", "Window", {None: "{} months"}),
    "shown_as": ("The headline", "Shown as", {"mrr": "MRR", "arr": "ARR"}),
}  # fmt: skip


@dataclass(frozen=True)
class Said:
    """One setting of a policy in words."""

    name: str
    group: str
    title: str
    text: str
    value: Any
    #: what can be chosen, with words; empty where it is a number or a fraction
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def as_written(self) -> str:
        return written(self.value)


def written(value: Any) -> str:
    """A setting's value as a policy file has it."""
    if value is None:
        return "never"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value.numerator}/{value.denominator}" if isinstance(value, Fraction) else str(value)


def in_words(name: str, value: Any) -> str:
    """A setting's value as people say it."""
    words = WORDS[name][2]
    key = "never" if value is None else value
    if key in words and key is not None:
        return words[key]
    return words[None].format(value) if None in words else written(value)


def said(policy: Policy) -> list[Said]:
    """Every setting of a policy, in the order of their groups."""
    hints = get_type_hints(Policy)
    return [
        Said(
            name,
            group,
            title,
            in_words(name, getattr(policy, name)),
            getattr(policy, name),
            _choices(name, hints[name]),
        )
        for name, (group, title, _) in WORDS.items()
    ]


def _choices(name: str, hint: Any) -> tuple[tuple[str, str], ...]:
    if hint is bool:
        return tuple((written(value), in_words(name, value)) for value in (True, False))
    return tuple((value, in_words(name, value)) for value in get_args(hint)) if get_origin(hint) is Literal else ()


def differences(one: Policy, other: Policy) -> list[tuple[str, str, str]]:
    """What two policies say otherwise: title, and both in words."""
    found = one.differences(other)
    return [
        (title, in_words(name, found[name][0]), in_words(name, found[name][1]))
        for name, (_, title, _) in WORDS.items()
        if name in found
    ]


def own(home: Home) -> frozenset[str]:
    """The names of the home's own policies."""
    shipped = load_policies()
    return frozenset(name for name in home.policies() if name not in shipped)


def from_form(home: Home, base: str, values: dict[str, str]) -> str:
    """The text of a policy that says what differs from its base. PolicyError: a value that cannot be read."""
    standing, hints = home.policy(base), get_type_hints(Policy)
    document = tomlkit.document()
    for name in ("name", "title", "description"):
        document[name] = values.get(name, "").strip()
    document["based_on"] = base
    for field in fields(Policy):
        given = values.get(field.name, "").strip()
        if field.name in TEXTS or not given or given == written(getattr(standing, field.name)):
            continue
        document[field.name] = _typed(field.name, given, hints[field.name])
    return tomlkit.dumps(document)


def _typed(name: str, given: str, hint: Any) -> Any:
    if hint is bool:
        return given == "true"
    if hint is Fraction or get_origin(hint) is Literal or given == "never":
        return given
    try:
        return int(given)
    except ValueError:
        raise PolicyError(f"{WORDS[name][1]}: '{given}' is not a whole number") from None


def save(home: Home, text: str) -> Policy:
    """Keep a policy of one's own. PolicyError: it cannot be used, or its name is taken; nothing is kept then."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "the policy.toml").write_text(text, encoding="utf-8")
        try:
            found = load_policies(home.path / "policies", Path(folder))
        except PolicyError as error:
            raise PolicyError(str(error).replace(f"{folder}/", "")) from None
        name = next(policy for policy in found if policy not in home.policies())
    write_whole(home.path / "policies" / f"{name}.toml", text)
    return found[name]
