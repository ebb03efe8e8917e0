"""The lens: under which policy, in which currency, up to which month and as known when a page shows its numbers.

All of it stands in the address, so that what one sees can be sent to somebody else:
?policy=chartmogul&to=2026-09&months=12&currency=EUR&known_on=2026-06-30&by=segment
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest

from holdfast.domain.period import Window, month_name, month_no, month_start, parse_day, parse_month
from holdfast.domain.policy import Policy
from holdfast.flows.home import HomeError
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View
from holdfast.web import answers
from holdfast.web.answers import Source

#: lengths of window that can be chosen, in months
LENGTHS = (1, 3, 6, 12, 24)
#: what belongs to the lens in an address
NAMES = ("policy", "to", "months", "currency", "known_on")


class LensError(ValueError):
    """Something in the address cannot be read; the message says what can."""


@dataclass(frozen=True)
class Lens:
    """What was asked for, with the home's defaults filled in."""

    source: Source
    view: View
    window: Window
    months: int
    known_on: date | None
    #: what stood in the address, of the lens
    asked: tuple[tuple[str, str], ...]

    @property
    def policy(self) -> Policy:
        return self.source.policy

    @property
    def currency(self) -> str:
        return self.view.only or self.view.reporting

    @property
    def last_month(self) -> int:
        """The month that the window ends with."""
        return month_no(self.window.end) - (1 if self.window.end.day == 1 else 0)

    @property
    def last_day(self) -> date:
        return self.window.end - timedelta(days=1)

    @property
    def previous(self) -> Window:
        """The same window one month earlier."""
        return Window.months_to(month_start(self.last_month), self.months)

    def ledger(self) -> Ledger:
        return self.source.ledger()

    def ask(self, question: Any, *arguments: Any) -> Any:
        return self.source.ask(question, *arguments)

    def query(self, **changes: Any) -> str:
        """The lens as the query of an address, with changes; None takes a name out."""
        values = {**dict(self.asked), **changes}
        told = urlencode({name: str(value) for name, value in values.items() if value not in (None, "")})
        return f"?{told}" if told else ""

    def caption(self) -> str:
        """What stands beside every number."""
        known = f"as known on {self.known_on}" if self.known_on else f"up to {self.last_day}"
        return f"{self.policy.name} · {self.currency} · {known}"


def lens_of(request: HttpRequest) -> Lens:
    """The lens of an address. LensError: it cannot be read; HomeError: nothing is booked."""
    told = answers.current()
    if told is None:
        raise HomeError("nothing is booked yet")
    home, given = answers.home(), request.GET
    try:
        policy = home.policy(given.get("policy") or None)
        known_on = parse_day(given["known_on"]) if given.get("known_on") else None
        as_of = date.fromisoformat(told.as_of)
        as_of = min(as_of, known_on) if known_on else as_of
        months = int(given.get("months") or policy.window_months)
        last = parse_month(given["to"]) if given.get("to") else month_no(as_of + timedelta(days=1)) - 1
        if not 1 <= months <= 120 or not 0 < last < 12 * 200:
            raise ValueError("months is a number from 1 to 120")
    except (ValueError, HomeError) as error:
        raise LensError(str(error)) from None
    code = (given.get("currency") or home.settings.currency).upper()
    view = View(code[5:], only=code[5:]) if code.startswith("ONLY:") else View(code)
    if len(view.reporting) != 3 or not view.reporting.isalpha():
        raise LensError(f"'{given.get('currency')}' is not a currency; write an ISO code such as EUR")
    asked = tuple((name, given[name]) for name in NAMES if given.get(name))
    window = Window.months_to(month_start(last + 1), months)
    return Lens(Source(policy, known_on), view, window, months, known_on, asked)


def months_with_figures(ledger: Ledger) -> list[tuple[str, int]]:
    """Names and numbers of the months that can be chosen, newest first."""
    whole = month_no(ledger.as_of + timedelta(days=1)) - 1
    return [(month_name(number), number) for number in range(whole, ledger.first_month - 1, -1)]
