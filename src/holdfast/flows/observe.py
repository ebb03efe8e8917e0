"""What happened in the home since we last looked, told as events: publications, loads, signed months, NRR below 100 %.

The home's files are the truth, whoever wrote them: the command line, a page, the API. What is older than a week is not news.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from holdfast.domain.period import month_name, month_no
from holdfast.flows import close, overview
from holdfast.flows.book import Published, open_ledger, published
from holdfast.flows.events import emit
from holdfast.flows.home import Home
from holdfast.metrics import benchmarked
from holdfast.warehouse.window import View, WindowError

NEWS = timedelta(days=7)
#: rows that came through our own API are no news to who sent them
OWN_SOURCE = "api"

Stamp = tuple[int, int, int]


def stamp(home: Home) -> Stamp:
    """Changes whenever there may be something to tell."""
    paths = (home.warehouse / "CURRENT", home.landing.manifest, home.closes)
    found = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
    return found[0], found[1], found[2]


def notice(home: Home, now: datetime) -> int:
    """Tell what is new; how many events there were."""
    told = _loads(home, now) + _closes(home, now)
    current = published(home)
    if current is not None and now - datetime.fromisoformat(current.booked_at) < NEWS:
        told += _publication(home, current, now)
    return told


def _loads(home: Home, now: datetime) -> int:
    count = 0
    for load in home.landing.loads():
        at = load.loaded_at.replace(tzinfo=UTC)
        if load.source == OWN_SOURCE or now - at > NEWS:
            continue
        data = {
            "load_no": load.load_no,
            "table": load.table,
            "source": load.source,
            "rows": load.rows,
            "loaded_at": at.isoformat(),
        }
        count += emit("load.finished", data, now, effect=f"{load.load_no}:{at.isoformat()}") is not None
    return count


def _closes(home: Home, now: datetime) -> int:
    count = 0
    for signed in close.closes(home):
        if now - datetime.fromisoformat(signed.signed_at) > NEWS:
            continue
        data = {
            "month": signed.month, "policy": signed.policy, "signed_by": signed.signed_by, "signed_at": signed.signed_at,
            "opening_minor": signed.opening, "closing_minor": signed.closing,
        }  # fmt: skip
        count += emit("month.closed", data, now, effect=f"{signed.month}:{signed.policy}:{signed.sha256}") is not None
    return count


def _publication(home: Home, current: Published, now: datetime) -> int:
    data = {
        "generation": current.generation, "as_of": current.as_of, "booked_at": current.booked_at, "last_load_no": current.last_load_no,
    }  # fmt: skip
    if emit("publication.created", data, now, effect=f"{current.generation}:{current.booked_at}") is None:
        return 0
    return 1 + _alarm(home, current, now)


def _alarm(home: Home, current: Published, now: datetime) -> int:
    """NRR below 100 % at the last quarter ends, told once for each number of quarters and last quarter."""
    policy, view = home.policy(), View(home.settings.currency)
    last = month_no(date.fromisoformat(current.as_of) + timedelta(days=1)) - 1
    with open_ledger(home) as ledger:
        months = range(max(ledger.first_month + policy.window_months, last - overview.TREND + 1), last + 1)
        try:
            series = overview.trends(ledger, months, view, policy.window_months)
        except WindowError:
            return 0
    quarters = benchmarked.below_for(series)
    if quarters < benchmarked.QUARTERS:
        return 0
    row = next(row for row in reversed(series) if row.month % 3 == 2)
    data = {
        "quarters": quarters, "month": month_name(row.month), "nrr": float(row.nrr or 0), "policy": policy.name,
        "currency": home.settings.currency,
    }  # fmt: skip
    return int(emit("nrr.below_100", data, now, effect=f"{policy.name}:{row.month}:{quarters}") is not None)
