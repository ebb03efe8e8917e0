"""What would have been foretold on a past day, from nothing but what was known by then."""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa

from holdfast.flows import foretold, learned, panel, scorecards, scored
from holdfast.flows.book import open_ledger, open_records, published
from holdfast.flows.home import Home, HomeError
from holdfast.flows.past import past_of
from holdfast.learning.settings import Settings
from holdfast.warehouse.features import measure


def foretell_then(home: Home, day: date, now: datetime) -> dict[str, pa.Table]:
    """Learn as it would have been on a day, and foretell it."""
    booked = published(home)
    if booked is None:
        raise HomeError("nothing is booked yet; run: holdfast book")
    with open_ledger(home) as ledger, open_records(home) as records:
        if day > ledger.as_of:
            raise HomeError(f"the ledger ends on {ledger.as_of}; {day} lies after it")
        days = [one for one in panel.bring(home, booked, ledger, records, now) if one <= day]
        cards = scorecards.cards(home)
        past = past_of(home, ledger, cards, [one for one in days if panel.is_learned_from(one)], known_until=day)
        if not past.table.num_rows:
            raise HomeError(f"there is no history before {day} to learn from")
        wise = learned.fit(past, "", now, Settings())
        with panel.reaching(home, booked, ledger.as_of, [day]) as usage:
            then = measure(ledger, records, [day], usage).sort_by("account_id")
        return dict(foretold.foretell(wise, then, scored.scores(cards, then)[1]).tables)
