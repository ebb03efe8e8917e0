"""A home of a test's own, and waiting for the work in its background."""

from __future__ import annotations

import time
from pathlib import Path

from holdfast.flows.setup_work import Working, working

SUBSCRIPTIONS = (
    "customer_id,plan,mrr,currency,start_date,end_date\n"
    + "".join(f"c{n},Team,{100 + n}.00,USD,2025-01-{n % 28 + 1:02},\n" for n in range(60))
    + "".join(f"d{n},Starter,50.00,USD,2025-01-01,2026-03-01\n" for n in range(20))
)
WITH_BAD_ROWS = SUBSCRIPTIONS + "e1,Team,ten dollars,USD,2025-01-01,\ne2,Team,10.00,USD,someday,\n"


def done(home: Path, seconds: float = 30) -> Working:
    """How the work in the background ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = working(home)
        if not told.is_on:
            return told
        time.sleep(0.02)
    raise AssertionError(f"still working after {seconds} s: {told}")
