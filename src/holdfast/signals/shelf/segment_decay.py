"""A segment, or a corner where two meet, loses more accounts than chance explains, and shrinks."""

from __future__ import annotations

from collections.abc import Iterable

from holdfast.domain.judgement import URGENT, WARNING
from holdfast.signals.book import Book
from holdfast.signals.decay import decaying
from holdfast.signals.signal import Signal, Verdict
from holdfast.signals.words import share

BAD_RATE = 0.8


def judge_book(book: Book) -> Iterable[Verdict]:
    for one in decaying(book.members):
        yield Verdict(
            URGENT if one.retention < BAD_RATE else WARNING,
            f"{one.name}: {one.left} of {one.accounts} accounts left in a year ({share(one.left / one.accounts)}), "
            f"where {share(one.expected / one.accounts)} were to be expected from like accounts; NRR {one.retention * 100:.1f} %. "
            f"Chance would do that in {_odds(one.chance)} segments looked at.",
            about=one.name,
        )


def _odds(chance: float) -> str:
    return "fewer than 1 of 1,000,000" if chance < 1e-6 else f"1 of {round(1 / chance):,}"


SIGNAL = Signal(
    name="segment_decay",
    kind="portfolio",
    title="Segment in decay",
    sentence="A segment's NRR is under 100 %, and more of its accounts left than chance explains, with regard to how many segments were looked at.",
    next="Talk to five who left and five who stayed; decide whether to mend the fit or to stop selling there.",
    judge_book=judge_book,
)
