"""One account carries a book."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from holdfast.domain.judgement import NOTICE, URGENT, WARNING
from holdfast.signals.book import Book, Member
from holdfast.signals.signal import Signal, Verdict
from holdfast.signals.words import share

#: of the whole book, and of one owner's
OF_ALL, OF_OWNER = 0.15, 0.40
#: a book of fewer accounts is always carried by few
LEAST_ACCOUNTS = 8


def judge_book(book: Book) -> Iterable[Verdict]:
    yield from _carried(book.members, "the whole book", OF_ALL, "", URGENT)
    owned: dict[str, list[Member]] = defaultdict(list)
    for one in book.members:
        owned[one.owner].append(one)
    for owner in sorted(owned):
        if owner:
            yield from _carried(owned[owner], f"{owner}'s book", OF_OWNER, f"owner={owner}", WARNING)


def _carried(members: Sequence[Member], whose: str, limit: float, about: str, severity: int) -> Iterable[Verdict]:
    paying = [one for one in members if one.closing > 0]
    total = sum(one.closing for one in paying)
    if len(paying) < LEAST_ACCOUNTS or not total:
        return
    largest = max(paying, key=lambda one: (one.closing, one.account_id))
    part = largest.closing / total
    if part < limit:
        return
    without = _without(members, largest)
    rates = f" NRR is {without[0] * 100:.1f} % with it and {without[1] * 100:.1f} % without." if without else ""
    # half of a book is worse than a good part of it
    graver = severity if part >= 0.5 else max(severity - 1, NOTICE)
    yield Verdict(
        graver,
        f"One account carries {share(part)} of the MRR of {whose} ({len(paying)} accounts).{rates}",
        about=about,
        account_id=largest.account_id,
    )


def _without(members: Sequence[Member], largest: Member) -> tuple[float, float] | None:
    before = [one for one in members if one.opening > 0]
    opening, closing = sum(one.opening for one in before), sum(one.closing for one in before)
    if opening - largest.opening <= 0:
        return None
    rest = closing - (largest.closing if largest.opening > 0 else 0)
    return closing / opening, rest / (opening - largest.opening)


SIGNAL = Signal(
    name="whale",
    kind="portfolio",
    title="Whale",
    sentence="One account has 15 % of the whole book's MRR, or 40 % of one owner's book of eight accounts or more.",
    next="Read the book's figures without it; give the account a second owner, a second sponsor and a plan of its own.",
    judge_book=judge_book,
)
