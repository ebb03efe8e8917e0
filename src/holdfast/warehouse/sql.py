"""The SQL models: files beside this module, run by name."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import duckdb

from holdfast.domain.policy import Policy

#: the form of the ledger file; another number means that it has to be booked anew
SCHEMA = "2"


@cache
def model(name: str) -> str:
    """The text of models/<name>.sql."""
    return (resources.files("holdfast.warehouse") / "models" / f"{name}.sql").read_text()


def run(connection: duckdb.DuckDBPyConnection, *names: str) -> None:
    """Run models one after the other."""
    for name in names:
        connection.execute(model(name))


def quoted(identifier: str) -> str:
    """A name as an SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(value: str | None) -> str:
    """A text as an SQL literal."""
    return "null" if value is None else "'" + value.replace("'", "''") + "'"


def name_currencies(connection: duckdb.DuckDBPyConnection, currencies: Sequence[str]) -> None:
    """Make the type of currency columns; its words are in order."""
    connection.execute(f"create type currency_code as enum ({', '.join(map(literal, currencies))})")


def set_policy(connection: duckdb.DuckDBPyConnection, policy: Policy) -> None:
    """Give the models the policy's settings as variables."""
    settings: dict[str, object] = {
        "week_num": policy.week_factor.numerator,
        "week_den": policy.week_factor.denominator,
        "day_num": policy.day_factor.numerator,
        "day_den": policy.day_factor.denominator,
        "round_down": policy.rounding == "down",
        "cancel_at_click": policy.cancel_at == "click",
        "grain": policy.grain,
    }
    for name in (
        "forever_discounts", "repeating_discounts", "once_discounts", "pause_grace_days", "past_due_counts",
        "past_due_grace_days", "unpaid_counts", "metered_months", "gap_days_billing", "gap_days_contract",
        "gap_days_file", "new_after_days",
    ):  # fmt: skip
        settings[name] = getattr(policy, name)
    for name, value in settings.items():
        set_variable(connection, name, value)


def set_variable(connection: duckdb.DuckDBPyConnection, name: str, value: object) -> None:
    """One variable for the models: a whole number, text, date, true/false or nothing."""
    if value is None:
        text = "null::bigint"
    elif isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, int):
        text = f"{value}::bigint"
    else:
        text = literal(str(value))
    connection.execute(f"set variable {name} = {text}")
