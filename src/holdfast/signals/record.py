"""Each signal's measured record: how often it was right on this company's own history, how early, and what it costs to follow it.

An alert is the first day of a spell of firing. It was right where what the signal foretells happened within its horizon. A signal
is called useful only where the interval of that share lies above what like accounts do anyway on the same days, with regard to how
many signals are looked at; one that is noise is called noise.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Literal

from holdfast.signals.chance import more_than_chance, wilson
from holdfast.signals.signal import Columns, Signal, known_rows

#: a spell of firing is over after so many quiet days
QUIET = timedelta(days=28)
#: below it the interval is too wide to say that a signal is noise
FEW_ALERTS, FEW_HITS = 30, 5
LEVEL = 0.95
#: looked at so often, a signal that is not better than the base by this much would have shown it
WORTH = 1.2

VerdictOf = Literal["useful", "noise", "too few to tell"]


@dataclass(frozen=True)
class Alert:
    """The first day of a spell."""

    account_id: str
    day: date
    severity: int
    mrr_minor: int
    alike: str = ""


@dataclass(frozen=True)
class Record:
    """What came of a signal, on the days on which what it observes was known. Shares are None where there is nothing to divide by."""

    signal: str
    outcome: str
    horizon_days: int
    #: spells in all, and those whose horizon is over: only these can be right or wrong
    alerts: int
    judged: int
    right: int
    precision: float | None
    interval: tuple[float, float]
    #: share of like accounts that did the same within the horizon, on the same days
    base_rate: float | None
    lift: float | None
    #: what happened in the time that was looked at, and how much of it was foretold
    events: int
    foretold: int
    recall: float | None
    #: middle of the days from the first firing to what it foretold
    lead_days: float | None
    alerts_a_week: float
    #: MRR, at the alert, of the accounts whose event was foretold; in the reporting currency
    mrr_minor: int
    verdict: VerdictOf

    @property
    def sentence(self) -> str:
        """The record in words."""
        if self.precision is None or self.base_rate is None:
            return f"{self.alerts} alerts, none of them {self.horizon_days} days ago yet: too few to tell."
        low, high = self.interval
        return (
            f"Of {self.judged} alerts {self.right} were right ({self.precision:.0%}, between {low:.0%} and {high:.0%}); "
            f"of like accounts {self.base_rate:.0%} did the same within {self.horizon_days} days. {_SAID[self.verdict]}"
        )


_SAID = {
    "useful": "It tells something.",
    "noise": "That is no better than chance: noise.",
    "too few to tell": "Too few to tell.",
}

#: account → what happened to it: (day, "churn" | "contraction" | "expansion"), in any order
Happened = Mapping[str, Iterable[tuple[date, str]]]


class Panel:
    """Accounts on days (columns as signals see them), and what happened to them up to the last day known.

    `alike`: by row the kind of account it is, such as its scorecard. A signal that fires on small accounts is not useful because
    small accounts leave more often. Without it all accounts are alike.
    """

    def __init__(
        self, columns: Columns, happened: Happened, known_until: date, alike: Sequence[str] | None = None
    ) -> None:
        self.accounts: Sequence[str] = columns["account_id"]
        self.days: Sequence[date] = columns["as_of"]
        self.mrr: Sequence[int] = columns.get("mrr_minor") or [0] * len(self.accounts)
        self.known_until = known_until
        self.alike: Sequence[str] = alike or [""] * len(self.accounts)
        self.when: dict[str, dict[str, list[date]]] = defaultdict(dict)
        for account, told in happened.items():
            for day, kind in sorted(told):
                self.when[kind].setdefault(account, []).append(day)
        self.columns = columns
        self.order = sorted(range(len(self.accounts)), key=lambda row: (self.accounts[row], self.days[row]))
        self._base: dict[tuple[str, int], dict[tuple[date, str], tuple[int, int]]] = {}

    def next_event(self, account: str, day: date, outcome: str) -> date | None:
        """The first day after `day` on which it happened to the account."""
        days = self.when[outcome].get(account, [])
        at = bisect_right(days, day)
        return days[at] if at < len(days) else None

    def base(self, outcome: str, horizon: int) -> Mapping[tuple[date, str], tuple[int, int]]:
        """By day and kind how many accounts there were, and to how many it happened within the horizon."""
        key = (outcome, horizon)
        if key not in self._base:
            found: dict[tuple[date, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
            width = timedelta(days=horizon)
            for account, day, kind in zip(self.accounts, self.days, self.alike, strict=True):
                event = self.next_event(account, day, outcome)
                accounts, hits = found[day, kind]
                found[day, kind] = (accounts + 1, hits + (event is not None and event <= day + width))
            self._base[key] = dict(found)
        return self._base[key]


def alerts_of(panel: Panel, severities: Sequence[int]) -> list[Alert]:
    """The first day of each spell."""
    found: list[Alert] = []
    account, last = "", date.min
    for row in panel.order:
        if not severities[row]:
            continue
        if panel.accounts[row] != account or panel.days[row] - last > QUIET:
            found.append(Alert(panel.accounts[row], panel.days[row], severities[row], panel.mrr[row], panel.alike[row]))
        account, last = panel.accounts[row], panel.days[row]
    return found


def record(signal: Signal, panel: Panel, severities: Sequence[int], signals: int = 1) -> Record:
    """The record of a signal that fired so on the panel's rows. `signals`: how many are looked at together."""
    alerts = alerts_of(panel, severities)
    horizon = timedelta(days=signal.horizon_days)
    judged = [one for one in alerts if one.day + horizon <= panel.known_until]
    leads = {one: _lead(panel, one, signal) for one in judged}
    right = [one for one in judged if leads[one] is not None]
    base = panel.base(signal.outcome, signal.horizon_days)
    expected = sum(hits / accounts for accounts, hits in (base[one.day, one.alike] for one in judged))
    asked = known_rows(signal, panel.columns)
    events, foretold = _foretold(panel, alerts, signal, asked)
    precision = len(right) / len(judged) if judged else None
    base_rate = expected / len(judged) if judged else None
    looks = _looks(judged, horizon)
    return Record(
        signal=signal.name,
        outcome=signal.outcome,
        horizon_days=signal.horizon_days,
        alerts=len(alerts),
        judged=len(judged),
        right=len(right),
        precision=precision,
        interval=wilson((precision or 0.0) * looks, looks, LEVEL),
        base_rate=base_rate,
        lift=precision / base_rate if precision is not None and base_rate else None,
        events=len(events),
        foretold=len(foretold),
        recall=len(foretold) / len(events) if events else None,
        lead_days=median(foretold.values()) if foretold else None,
        alerts_a_week=len(alerts) / _weeks(panel, asked),
        mrr_minor=sum({one.account_id: one.mrr_minor for one in right}.values()),
        verdict=_verdict(precision, base_rate, looks, signals),
    )


def records(fired: Iterable[tuple[Signal, Sequence[int]]], panel: Panel) -> list[Record]:
    """The records of all signals that foretell something, useful ones first, then by how many events they foretold."""
    told = [(signal, severities) for signal, severities in fired if signal.outcome]
    found = [record(signal, panel, severities, len(told)) for signal, severities in told]
    return sorted(
        found, key=lambda one: (one.verdict != "useful", one.verdict == "noise", -(one.recall or 0), one.signal)
    )


def _lead(panel: Panel, alert: Alert, signal: Signal) -> int | None:
    """Days from the alert to what it foretold; None: it did not come in time."""
    event = panel.next_event(alert.account_id, alert.day, signal.outcome)
    if event is None or (event - alert.day).days > signal.horizon_days:
        return None
    return (event - alert.day).days


def _foretold(
    panel: Panel, alerts: Iterable[Alert], signal: Signal, asked: Sequence[int]
) -> tuple[set[tuple[str, date]], dict[tuple[str, date], int]]:
    """What could have been foretold (the signal was asked within its horizon before), and by event the days from its first alert."""
    events = set()
    for row in asked:
        event = panel.next_event(panel.accounts[row], panel.days[row], signal.outcome)
        if event is not None and (event - panel.days[row]).days <= signal.horizon_days and event <= panel.known_until:
            events.add((panel.accounts[row], event))
    leads: dict[tuple[str, date], int] = {}
    for one in alerts:
        for day in panel.when[signal.outcome].get(one.account_id, ()):
            lead = (day - one.day).days
            if 0 < lead <= signal.horizon_days and (one.account_id, day) in events:
                leads[one.account_id, day] = max(lead, leads.get((one.account_id, day), 0))
    return events, leads


def _looks(judged: Sequence[Alert], horizon: timedelta) -> int:
    """Alerts that do not share their horizon with an earlier one of the same account: several alerts of one event are one look."""
    found = 0
    until: dict[str, date] = {}
    for one in judged:
        if one.day > until.get(one.account_id, date.min):
            found += 1
            until[one.account_id] = one.day + horizon
    return found


def _weeks(panel: Panel, asked: Sequence[int]) -> float:
    days = [panel.days[row] for row in asked]
    return max((max(days) - min(days)).days / 7, 1.0) if days else 1.0


def _verdict(precision: float | None, base_rate: float | None, looks: int, signals: int) -> VerdictOf:
    if precision is None or base_rate is None:
        return "too few to tell"
    hits, risk = precision * looks, (1 - LEVEL) / max(signals, 1)
    low, _ = wilson(hits, looks, 1 - risk)
    # where little is to be expected the interval alone is too sure of itself: as many by chance have to be as unlikely
    if (
        hits >= FEW_HITS
        and low > base_rate
        and more_than_chance(math.floor(hits), looks - math.floor(hits), base_rate) < risk
    ):
        return "useful"
    _, high = wilson(hits, looks, LEVEL)
    # noise: enough alerts to have shown it, if it were clearly better than nothing
    expected = base_rate * looks
    if looks >= FEW_ALERTS and (high < WORTH * base_rate or (expected >= FEW_HITS and precision < WORTH * base_rate)):
        return "noise"
    return "too few to tell"
