"""The book shrinks: net revenue retention has been under 100 % for two quarters."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.domain.judgement import URGENT, WARNING
from holdfast.signals.book import Book
from holdfast.signals.signal import Signal, Verdict

WHOLE = 1.0
QUARTERS, LONG = 2, 4


def judge_book(book: Book) -> Iterable[Verdict]:
    below = 0
    for _, rate in book.quarters:
        if rate >= WHOLE:
            break
        below += 1
    if below >= QUARTERS:
        told = ", ".join(f"{rate * 100:.1f} % in the year to {day}" for day, rate in book.quarters[:below])
        yield Verdict(URGENT if below >= LONG else WARNING, f"NRR has been under 100 % for {below} quarters: {told}.")


SIGNAL = Signal(
    name="nrr_below_100",
    kind="portfolio",
    title="NRR under 100 % for two quarters",
    sentence="Net revenue retention over twelve months was under 100 % at the ends of two quarters in a row, at constant exchange rates.",
    next="Open the bridge: is it churn, contraction, or growth that stayed away? Begin with the largest of the three.",
    judge_book=judge_book,
)
