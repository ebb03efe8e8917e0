"""Questions that several commands ask in the same way: which home, window, policy, currency, and as known when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated

import typer

from holdfast.cli.show import Format, progress
from holdfast.domain.period import Window, add_months, month_no, month_start, parse_day, parse_month
from holdfast.domain.policy import Policy
from holdfast.flows.book import open_ledger
from holdfast.flows.home import Home, HomeError, open_home
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

PolicyOption = Annotated[
    str | None, typer.Option("--policy", help="The definition of the numbers; the home's own if left out.")
]
ByOption = Annotated[str | None, typer.Option("--by", help="Segment attributes, with commas: industry,country.")]
KnownOption = Annotated[
    str | None, typer.Option("--known-on", help="As known on this day: only what was learned by then.")
]
CurrencyOption = Annotated[
    str | None,
    typer.Option("--currency", help="Report in this currency; or `only:EUR` for balances in euro alone, unconverted."),
]
FormatOption = Annotated[Format, typer.Option("--format", help="How to write the result.")]
StartOption = Annotated[str | None, typer.Option("--start", help="First day of the window.")]
EndOption = Annotated[str | None, typer.Option("--end", help="First day after the window.")]
FromOption = Annotated[str | None, typer.Option("--from", help="First month, as 2024-01.")]
ToOption = Annotated[str | None, typer.Option("--to", help="Last month, as 2024-12.")]
OnOption = Annotated[str | None, typer.Option("--on", help="At the end of this day; the last day booked if left out.")]


@dataclass(frozen=True)
class Asked:
    """A ledger that was opened for a question, and how to show it."""

    home: Home
    ledger: Ledger
    policy: Policy
    view: View
    known_on: date | None

    def heading(self) -> dict[str, str | None]:
        """What stands beside every number."""
        return {
            "policy": self.policy.name,
            "currency": self.view.only or self.view.reporting,
            "known_on": str(self.known_on) if self.known_on else None,
            "complete_from": str(self.home.complete_from) if self.home.complete_from else None,
        }

    def caption(self) -> str:
        known = f"as known on {self.known_on}" if self.known_on else f"as restated, up to {self.ledger.as_of}"
        shown = f"only {self.view.only}" if self.view.only else f"in {self.view.reporting}"
        complete = f" · complete from {self.home.complete_from} on" if self.home.complete_from else ""
        return f"policy {self.policy.name} · {shown} · {known}{complete}"


@contextmanager
def asked(
    context: typer.Context, policy: str | None = None, known_on: str | None = None, currency: str | None = None
) -> Iterator[Asked]:
    """Open the ledger that answers; what has to be built first shows a bar."""
    home = open_home(context.obj.home)
    chosen = home.policy(policy)
    day = parse_day(known_on) if known_on else None
    with (
        progress("booking under this question") as step,
        open_ledger(home, policy=chosen, known_on=day, progress=step) as ledger,
    ):
        yield Asked(home, ledger, chosen, view_of(home, currency), day)


def view_of(home: Home, currency: str | None) -> View:
    if currency and currency.lower().startswith("only:"):
        code = currency[5:].upper()
        return View(code, only=code)
    code = (currency or home.settings.currency).upper()
    if len(code) != 3:
        raise HomeError(f"'{currency}' is not a currency; write an ISO code such as EUR, or only:EUR")
    return View(code)


def attributes(by: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in by.split(",") if name.strip()) if by else ()


def last_whole_month_end(as_of: date) -> date:
    """The first day after the last month that is over on the as-of day."""
    return month_start(month_no(as_of + timedelta(days=1)))


def window_of(asked: Asked, start: str | None, end: str | None) -> Window:
    """The window asked for; by default the policy's own, up to the last month that is over."""
    last = parse_day(end) if end else last_whole_month_end(asked.ledger.as_of)
    first = parse_day(start) if start else add_months(last, -asked.policy.window_months)
    return Window(first, last)


def months_of(asked: Asked, first: str | None, last: str | None, default: int = 12) -> range:
    """Months asked for; by default the last twelve up to the as-of day."""
    stop = parse_month(last) + 1 if last else month_no(asked.ledger.as_of) + 1
    start = parse_month(first) if first else max(asked.ledger.first_month, stop - default)
    if start >= stop:
        raise HomeError(f"the months from {first} to {last} are none: --from must not be after --to")
    return range(start, stop)
