"""Companies to compare ledgers on: every small one (larger ones at random: `strategies`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain, groupby, islice, product

from .ledger import AccountState, Facts, ItemState
from .strategies import companies, days, policies

__all__ = ["companies", "days", "policies", "small_histories", "special_histories"]

#: the months of the small histories, and the day to book them as of
MONTHS = (date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1))
SMALL_AS_OF = date(2024, 3, 31)
PRICES = (None, 1000, 2500)
PATHS = tuple(product(PRICES, repeat=len(MONTHS)))
SMALL_COUNT = len(PATHS) ** 3 * 2**3


def small_histories(step: int = 1) -> Iterator[tuple[int, list[ItemState]]]:
    """Every history of 2 accounts x 3 subscriptions x 3 months x 2 prices, or every so many of them.

    Each subscription belongs to one of the accounts and has in each month no price, the one or the other.
    Ids begin with the number of the history, so that all histories may be booked as one company.
    """
    everything = product(product(PATHS, repeat=3), product("AB", repeat=3))
    for number, (paths, owners) in islice(enumerate(everything), 0, None, step):
        rows: list[ItemState] = []
        for place, (owner, path) in enumerate(zip(owners, paths, strict=True), start=1):
            rows += runs(f"{number}-{owner}", f"{number}-s{place}", f"{number}-i{place}", path, len(rows))
        yield number, rows


def runs(account: str, subscription: str, item: str, path: tuple[int | None, ...], arrival: int) -> list[ItemState]:
    """One row for each run of months at one price; a run before an empty month says where it ends."""
    rows: list[ItemState] = []
    for price, group in groupby(range(len(path)), key=path.__getitem__):
        if price is None:
            continue
        places = list(group)
        after = places[-1] + 1
        stops = after < len(path) and path[after] is None
        rows.append(
            ItemState(
                account_id=account,
                subscription_id=subscription,
                item_id=item,
                unit_amount_minor=price,
                currency="USD",
                valid_from=MONTHS[places[0]],
                valid_to=MONTHS[after] if stops else None,
                arrival=arrival + len(rows),
            )
        )
    return rows


# --- statuses, currencies, mergers, cancellations ---------------------------------------------------------

#: days on which the states of the special histories begin, and the day to book them as of: late enough for a
#: pause of 90 days to run out
SPECIAL_DAYS = (date(2024, 1, 10), date(2024, 2, 10), date(2024, 3, 10), date(2024, 4, 10))
SPECIAL_AS_OF = date(2024, 8, 31)
STATUSES = ("active", "trialing", "paused", "past_due", "unpaid", "canceled", None)
PAIR_STATUSES = ("active", "paused", "past_due", None)
CURRENCIES = ("USD", "EUR")
CANCEL_DAYS = (None, date(2024, 2, 20), date(2024, 3, 10))
#: when account A goes into account B, and when it leaves again
LONE_MERGERS: tuple[tuple[date, ...], ...] = ((), (date(2024, 3, 10),))
PAIR_MERGERS: tuple[tuple[date, ...], ...] = (
    (),
    (date(2024, 2, 20),),
    (date(2024, 2, 20), date(2024, 3, 10)),
)
LONE_COUNT = len(STATUSES) ** 4 * len(CURRENCIES) * len(CANCEL_DAYS) * len(LONE_MERGERS)
PAIR_COUNT = len(PAIR_STATUSES) ** 6 * len(CURRENCIES) * len(PAIR_MERGERS)
SPECIAL_COUNT = LONE_COUNT + PAIR_COUNT

Path = tuple[str | None, ...]


def special_histories(step: int = 1) -> Iterator[tuple[int, Facts]]:
    """Every history of one item with all statuses, then every history of two items on two accounts; or every so many of them.

    One item: 4 months of 7 statuses x from the third month on in another currency or not x day on which a
    cancellation was asked for x its account merged away or not. Two items: 3 months of 4 statuses each x the
    second item in another currency or not x merger and un-merger. Ids begin with the history's number.
    """
    lone = product([lone_history], product(STATUSES, repeat=4), CURRENCIES, CANCEL_DAYS, LONE_MERGERS)
    paths = product(PAIR_STATUSES, repeat=3)
    pairs = product([pair_history], product(paths, repeat=2), CURRENCIES, PAIR_MERGERS)
    for number, (history, *values) in islice(enumerate(chain(lone, pairs)), 0, None, step):
        yield number, history(number, *values)


def lone_history(number: int, path: Path, later: str, cancel: date | None, merger: tuple[date, ...]) -> Facts:
    rows = monthly(f"{number}-A", f"{number}-i1", path, 1000, ("USD", "USD", later, later), cancel)
    return Facts(rows, mergers(number, merger), [])


def pair_history(number: int, paths: tuple[Path, Path], currency: str, merger: tuple[date, ...]) -> Facts:
    rows = monthly(f"{number}-A", f"{number}-i1", paths[0], 1000, ("USD",) * 3)
    rows += monthly(f"{number}-B", f"{number}-i2", paths[1], 700, (currency,) * 3)
    return Facts(rows, mergers(number, merger), [])


def monthly(
    account: str, item: str, path: Path, price: int, currencies: tuple[str, ...], cancel: date | None = None
) -> list[ItemState]:
    """One row a month; the state in force on the day of the cancellation knows of it."""
    rows = []
    for place, status in enumerate(path):
        if status is None:
            continue
        after = SPECIAL_DAYS[place + 1] if place + 1 < len(path) else None
        asked = cancel is not None and SPECIAL_DAYS[place] <= cancel and (after is None or cancel < after)
        rows.append(
            ItemState(
                account_id=account,
                subscription_id=f"{item}-s",
                item_id=item,
                unit_amount_minor=price,
                currency=currencies[place],
                status=status,
                valid_from=SPECIAL_DAYS[place],
                valid_to=after,
                cancel_requested_on=cancel if asked else None,
                arrival=place,
            )
        )
    return rows


def mergers(number: int, days: tuple[date, ...]) -> list[AccountState]:
    """Account A goes into B on the first of the days and leaves again on the second."""
    into = (f"{number}-B", None)
    return [
        AccountState(f"{number}-A", merged_into=into[place], valid_from=day, arrival=place)
        for place, day in enumerate(days)
    ]
