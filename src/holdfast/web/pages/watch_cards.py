"""What Overview and Today show of the watch; nothing where nothing is watched."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby
from typing import Any

from django.http import HttpRequest

from holdfast.metrics import health, signalled
from holdfast.metrics import risk as metrics
from holdfast.web import answers
from holdfast.web.pages import watch_room as room
from holdfast.web.pages.account_reach import reach_of
from holdfast.web.pages.risk import largest, predicted_book

#: accounts of the cards; days after which a signal is no longer new
BIGGEST, FELL, NEW, NEW_DAYS = 5, 6, 6, 7


def at_risk(request: HttpRequest) -> dict[str, Any]:
    """MRR at risk within 90 days, predicted NRR, and the accounts with the most of it."""
    if not _is_watched():
        return {}
    reach, track = reach_of(request), room.track_record()
    whole = answers.ask_records(metrics.outlook, 90, reach.owners, reach.owner_in)
    return room.watched_at() | {
        "whole": predicted_book(whole, 90, track, reach), "biggest": largest(reach, BIGGEST), "caution": room.caution(track),
        "currency": answers.records().currency, "tones": room.tones(),
    }  # fmt: skip


def alarms(request: HttpRequest, said: Collection[str] = ()) -> dict[str, Any]:
    """What is said of the whole book, for those who see all of it; without the signals that are `said` already."""
    if not _is_watched() or reach_of(request).owner_in is not None:
        return {}
    told = answers.ask_records(signalled.of_book)
    return {
        "alarms": [(one, room.signal_title(one.signal)) for one in told if one.severity >= 2 and one.signal not in said]
    }


def today(request: HttpRequest) -> dict[str, Any]:
    """Of the book that the page is about."""
    if not _is_watched():
        return {}
    from holdfast.web.pages.today import book_of

    reach = book_of(request).reach
    told = answers.ask_records(health.new_signals, NEW_DAYS, reach.owners, reach.owner_in)
    new = [
        (account_id, list(some))
        for account_id, some in groupby(sorted(told, key=lambda line: line[0]), key=lambda line: line[0])
    ]
    order = {account_id: n for n, account_id in enumerate(dict.fromkeys(line[0] for line in told))}
    new.sort(key=lambda one: order[one[0]])
    return room.watched_at() | {
        "fell": answers.ask_records(health.fell, FELL, reach.owners, reach.owner_in), "tones": room.tones(), "new_days": NEW_DAYS,
        "new": [(account_id, some[0][1], [(room.signal_title(line[2]), room.SEVERITIES[line[3]], line[4]) for line in some]) for account_id, some in new[:NEW]],
        "new_in_all": len(new),
    }  # fmt: skip


def _is_watched() -> bool:
    return answers.current() is not None and answers.records().watch is not None
