"""Reading a published ledger: read-only, many at a time; the file stays as it was when it was opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb

from holdfast.domain.money import FxError, Rates
from holdfast.domain.period import month_no, month_start
from holdfast.domain.policy import Policy
from holdfast.warehouse.reads import Reads
from holdfast.warehouse.sql import SCHEMA, literal, quoted, run, set_policy


class UnknownAttributeError(LookupError):
    """A segment attribute that no account has; the message lists those there are."""


class OutdatedLedgerError(RuntimeError):
    """A ledger that another version of Holdfast booked; the message says how to book it anew."""


#: questions about single accounts whose answers are kept
READS_KEPT = 1_000
#: what is worked out of a ledger's file once and does not depend on who reads
WORKED_OUT = (
    "settings",
    "currencies",
    "segments",
    "rates",
    "first_months",
    "_changing",
    "has_links",
    "has_combined",
    "reads",
)


class Ledger:
    """A ledger file, open for reading. One thread at a time: others take a `fork`."""

    def __init__(self, path: Path, policy: Policy) -> None:
        self.path = path
        self.policy = policy
        self.connection = duckdb.connect(str(path), read_only=True)
        self._prepare()
        if self.settings.get("schema") != SCHEMA:
            self.connection.close()
            raise OutdatedLedgerError(
                "this ledger was booked by another version of Holdfast; run: holdfast book --full"
            )

    def _prepare(self) -> None:
        self.connection.execute("set enable_progress_bar = false")
        run(self.connection, "macros")
        set_policy(self.connection, self.policy)

    def fork(self) -> Ledger:
        """Another reader of the same open file, for another thread; what is known of the file is not worked out again."""
        other = object.__new__(Ledger)
        other.path, other.policy, other.connection = self.path, self.policy, self.connection.cursor()
        other._prepare()
        other.__dict__ |= {name: getattr(self, name) for name in WORKED_OUT}
        return other

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def rows(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(query, parameters or []).fetchall()

    @cached_property
    def settings(self) -> dict[str, str]:
        return dict(self.rows("select name, value from setting"))

    @cached_property
    def reads(self) -> Reads[tuple[str, str], Any]:
        """What was asked of single accounts, for all who read the file beside each other."""
        return Reads(READS_KEPT)

    @property
    def first_month(self) -> int:
        return int(self.settings["first_month"])

    @property
    def last_month(self) -> int:
        return int(self.settings["last_month"])

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.settings["as_of"])

    @cached_property
    def currencies(self) -> tuple[str, ...]:
        return tuple(json.loads(self.settings["currencies"]))

    @cached_property
    def segments(self) -> tuple[str, ...]:
        return tuple(json.loads(self.settings["segments"]))

    @cached_property
    def rates(self) -> Rates:
        listed = "list(day order by day), list(rate order by day)"
        return Rates.listed(
            self.rows(f"select currency, quote, {listed} from fx_rate where rate > 0 group by currency, quote")
        )

    def attribute(self, name: str) -> str:
        """The attribute a name stands for: itself, or the only one that begins or ends with it (plan → plan_tier).

        UnknownAttributeError: none, or several.
        """
        if name in self.segments:
            return name
        lower = {segment.lower(): segment for segment in self.segments}
        if name.lower() in lower:
            return lower[name.lower()]
        near = [
            s
            for s in self.segments
            if s.lower().startswith(name.lower() + "_") or s.lower().endswith("_" + name.lower())
        ]
        if len(near) == 1:
            return near[0]
        listed = ", ".join(self.segments)
        raise UnknownAttributeError(f"no account has an attribute '{name}'; there are: {listed}")

    def month_column(self, month: int) -> str:
        """The SQL expression of the balance at a month's end; 0 before the first, the last one after the last."""
        if month < self.first_month:
            return "0"
        return f"m{min(month, self.last_month)}::bigint"

    def converted(self, amount: str, day: date, reporting: str, currency: str = "currency") -> str:
        """The SQL expression of an amount in the reporting currency at the rates of a day (rule 23).

        FxError: a rate is missing.
        """
        return case_of_rates(amount, self._rates_on(day, reporting), currency)

    def vanishing(self, day: date, reporting: str) -> str:
        """The SQL expression of the largest amount of a row's currency that is nothing once converted; null without a rate."""
        rates = self._rates_on(day, reporting)
        # n/d of it is at most a half, which is rounded to 0
        limits = {
            code: None if rate is None else rate.denominator // (2 * rate.numerator) for code, rate in rates.items()
        }
        if not any(limit is None or limit for limit in limits.values()):
            return "0"
        cases = " ".join(
            f"when {literal(code)} then {'null' if limit is None else limit}" for code, limit in limits.items()
        )
        return f"(case currency {cases} else 0 end)"

    def _rates_on(self, day: date, reporting: str) -> dict[str, Fraction | None]:
        return {code: self.rate_on(code, reporting, day) for code in self.currencies if code != reporting}

    def rate_on(self, code: str, reporting: str, day: date) -> Fraction | None:
        """The minor rate; None where there is none, and nothing stood in the currency before that day."""
        try:
            return self.rates.minor_rate(code, reporting, day)
        except FxError:
            if month_start(self.first_months.get(code, self.last_month + 1)) < day.replace(day=1):
                raise
            return None

    @cached_property
    def first_months(self) -> dict[str, int]:
        """By currency the first month at whose end something stood in it."""
        return dict(self.rows("select currency, min(first_month) from position group by currency"))

    def changes_dated(self, attribute: str) -> bool:
        """Whether any account's attribute ever changed."""
        return attribute in self._changing

    @cached_property
    def _changing(self) -> frozenset[str]:
        return frozenset(row[0] for row in self.rows("select distinct attribute from dated_attribute"))

    @cached_property
    def has_links(self) -> bool:
        """Whether any account belongs, or belonged, to another entity."""
        return bool(self.rows("select 1 from belonging limit 1"))

    @cached_property
    def has_combined(self) -> bool:
        """Whether any entity is put together from several rows: of several currencies, or of linked accounts."""
        return bool(self.rows("select 1 from position where not is_plain limit 1"))


def case_of_rates(amount: str, rates: Mapping[str, Fraction | None], currency: str = "currency") -> str:
    """Minor units at a minor rate by currency, rounded half-even; a currency without a rate stays as it is."""
    if not rates:
        return f"({amount})"
    cases = " ".join(f"when '{code}' then {_at_rate(amount, rate)}" for code, rate in rates.items())
    return f"(case {currency} {cases} else {amount} end)"


def _at_rate(amount: str, rate: Fraction | None) -> str:
    """In 64 bits where the amount allows it, which nearly every amount does. Without a rate only nothing can be converted."""
    if rate is None:
        return f"case when ({amount}) = 0 then 0 end"
    n, d = rate.numerator, rate.denominator
    return (
        f"case when ({amount}) between 0 and {2**61 // max(n, d)} then half_even_small(({amount}) * {n}, {d}) "
        f"else half_even(({amount})::hugeint * {n}, {d}::hugeint)::bigint end"
    )


def segment_column(attribute: str) -> str:
    """The column of position and account that holds an attribute's value today."""
    return quoted("seg_" + attribute)


def last_month_before(day: date) -> int:
    """The month whose end is the last one on or before a day: what stood there is known from its column."""
    return month_no(day) - 1
