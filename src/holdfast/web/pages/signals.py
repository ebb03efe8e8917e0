"""Signals: what each one looks for, what it was worth here so far, and the accounts that have it now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase

from holdfast.flows import ctas_listed as listed
from holdfast.flows.signalled import UNTRIED
from holdfast.metrics import signalled
from holdfast.metrics.signalled import Count
from holdfast.web import answers
from holdfast.web.pages import revenue_room, watch_room
from holdfast.web.pages.account_reach import reach_of
from holdfast.web.pages.revenue_room import Pager
from holdfast.web.rights import page

#: the order in which kinds are shown
ORDER = ("portfolio", "risk", "opportunity", "lifecycle")


@dataclass(frozen=True)
class Line:
    """A signal: its record, and who has it now."""

    signal: str
    title: str
    kind: str
    record: dict[str, Any]
    now: Count | None

    @property
    def accounts(self) -> int:
        return self.now.accounts if self.now else 0


@watch_room.with_watch("signals")
def signals(request: HttpRequest) -> HttpResponseBase:
    """All signals by kind, those that most accounts have first."""
    reach, records = reach_of(request), answers.records()
    counts = answers.ask_records(signalled.counts, reach.owners, reach.owner_in)
    lines = _lines(counts)
    groups = [(kind, *watch_room.KINDS[kind], [one for one in lines if one.kind == kind]) for kind in ORDER]
    told = answers.ask_records(signalled.of_book) if reach.owner_in is None else []
    return watch_room.shown(
        request, "web/watch/signals.html", "signals", groups=[group for group in groups if group[-1]], currency=records.currency,
        verdicts=watch_room.VERDICTS, book=[(one, watch_room.signal_title(one.signal)) for one in told],
        raised={one.signal for one in told},
        noisy=sum(one.record.get("verdict") == "noise" for one in lines), total=len(lines),
    )  # fmt: skip


def _lines(counts: dict[str, Count]) -> list[Line]:
    """The signals that have a record, or that somebody has now."""
    record = watch_room.signal_record()
    made = []
    for name in {**record, **counts}:
        kind = (record.get(name) or {}).get("kind") or (counts[name].kind if name in counts else "risk")
        made.append(Line(name, watch_room.signal_title(name), kind, record.get(name, UNTRIED), counts.get(name)))
    return sorted(made, key=lambda one: (-one.accounts, one.title))


@watch_room.with_watch("signals")
def signal(request: HttpRequest, name: str) -> HttpResponseBase:
    """One signal: its record, and the accounts that have it now."""
    reach, records = reach_of(request), answers.records()
    counts = answers.ask_records(signalled.counts, reach.owners, reach.owner_in)
    line = next((one for one in _lines(counts) if one.signal == name), None)
    if line is None:
        raise Http404(f"there is no signal '{name}'")
    pager = Pager(revenue_room.page_no(request), line.accounts)
    held = answers.ask_records(signalled.accounts_with, name, reach.owners, reach.owner_in, pager.size, pager.offset)
    return watch_room.shown(
        request, "web/watch/signal.html", "signals", line=line, record=line.record, held=held, pager=pager, currency=records.currency,
        verdicts=watch_room.VERDICTS, kind=watch_room.KINDS[line.kind], severities=watch_room.SEVERITIES,
        outcomes=listed.outcomes_of(name),
    )  # fmt: skip


urls = [
    page("signals/", signals, "signals", needs="watch"),
    page("signals/<slug:name>/", signal, "signal", needs="watch"),
]
