"""What a list of accounts was asked for, read from its address and written back to it: filters, order, columns, place.

?q=acme&owner=Alice&owner=&seg_plan=Team&renews=90&mrr_from=100&changed=churn&sort=-renewal_on&col=mrr_minor&size=100&page=2
An empty owner or attribute value stands for "none". Amounts are in major units of the reporting currency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from holdfast.charts import numbers
from holdfast.metrics.accounts import Query
from holdfast.metrics.standing import ANY

#: days ahead within which a renewal can be asked for
RENEWS = (30, 60, 90, 180)
#: least chances of leaving within 90 days, in percent, that can be asked for
RISKS = (2, 5, 10, 20, 30, 50)
#: rows of a page
SIZES = (50, 100)
STATUSES = ("customer", "trial", "churned", "prospect", "merged")
MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")
#: what a saved view keeps: everything but the place in the list
FILTERS = ("q", "owner", "status", "renews", "mrr_from", "mrr_to", "changed", "band", "risk", "signal")
ARRANGED = ("sort", "col", "size")
#: how the list stands where nothing was asked for
SORT = "-mrr_minor"
#: the largest amount that can be asked for, in minor units
HIGHEST = 10**17


class AskedError(ValueError):
    """Something in the address cannot be read; the message says what can."""


@dataclass(frozen=True)
class Chip:
    """A filter in force, and the query of the address without it."""

    title: str
    without: str


@dataclass(frozen=True)
class Asked:
    """What the address asks for. `values` holds it by name, in the order in which it is written back."""

    query: Query
    columns: tuple[str, ...]
    size: int
    page: int
    values: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def sort(self) -> str:
        return f"-{self.query.sort}" if self.query.descending else self.query.sort

    def address(self, **changes: Any) -> str:
        """The address' query with some values changed; None takes one out. Paging begins anew."""
        values = {**self.values}
        for name, value in changes.items():
            values.pop(name, None)
            if value is not None:
                values[name] = value if isinstance(value, tuple) else (str(value),)
        return "?" + _written(values)

    def kept(self) -> str:
        """What a saved view keeps."""
        return _written(self.values)

    @property
    def cleared(self) -> str:
        """The address' query without any filter."""
        return "?" + _written({name: values for name, values in self.values.items() if name in ARRANGED})

    @property
    def usual_columns(self) -> str:
        return self.address(col=None)

    @property
    def arranged(self) -> list[tuple[str, str]]:
        """Order and columns, for hidden fields of a form that filters."""
        return [(name, one) for name in ARRANGED for one in self.values.get(name, ())]

    @property
    def without_columns(self) -> list[tuple[str, str]]:
        """Everything else, for hidden fields of the form that chooses columns."""
        return [(name, one) for name, values in self.values.items() if name != "col" for one in values]

    def chips(self, currency: str) -> list[Chip]:
        """The filters in force, each removable by itself."""
        made = []
        for name, values in self.values.items():
            for one in values if name not in ARRANGED else ():
                left = tuple(other for other in values if other != one)
                made.append(Chip(_title(name, one, currency), self.address(**{name: left or None})))
        return made


def _written(values: dict[str, tuple[str, ...]]) -> str:
    return urlencode([(name, one) for name, many in sorted(values.items()) for one in many])


def _title(name: str, value: str, currency: str) -> str:
    if name == "renews":
        return f"Renewal within {value} days"
    if name in ("mrr_from", "mrr_to"):
        return (
            f"MRR {'from' if name == 'mrr_from' else 'up to'} {numbers.money_whole(_minor(value, currency), currency)}"
        )
    if name == "changed":
        return f"{value.capitalize()} this month"
    if name == "risk":
        return f"Risk of leaving {value} % or more"
    if name == "signal":
        return "Has a signal" if value == ANY else f"Signal: {attribute_title(value)}"
    label = {"q": "Search", "owner": "Owner", "status": "Status", "band": "Health"}.get(name) or attribute_title(
        name.removeprefix("seg_")
    )
    return f"{label}: {value or 'none'}"


def attribute_title(name: str) -> str:
    """How an attribute of the company's own is called: company_size → Company size"""
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def read(given: QueryDict, segments: tuple[str, ...], currency: str, owner_in: frozenset[str] | None) -> Asked:
    """Read an address. AskedError: a value cannot be read."""
    values = _values(given, segments)
    sort = next(iter(values.get("sort", ())), SORT)
    query = Query(
        text=next(iter(values.get("q", ())), ""),
        owners=values.get("owner", ()),
        statuses=_among(values, "status", STATUSES),
        segments=tuple(
            (name, tuple(value or None for value in values[f"seg_{name}"]))
            for name in segments
            if f"seg_{name}" in values
        ),
        renews_within=_number(values, "renews", 3650),
        mrr_from=_amount(values, "mrr_from", currency),
        mrr_to=_amount(values, "mrr_to", currency),
        changed=_among(values, "changed", MOVEMENTS),
        bands=values.get("band", ()),
        risk_from=_percent(values, "risk"),
        signals=values.get("signal", ()),
        sort=sort.removeprefix("-"),
        descending=sort.startswith("-"),
        owner_in=owner_in,
    )
    size = _number(values, "size", max(SIZES)) or SIZES[0]
    page = _number({"page": tuple(given.getlist("page")[-1:])}, "page", 10**7) or 1
    return Asked(query, values.get("col", ()), size, page, values)


def _values(given: QueryDict, segments: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """What is known and says something, in one order; the last one holds where only one can."""
    many = ("owner", "status", "changed", "band", "signal", "col", *(f"seg_{name}" for name in segments))
    may_be_empty = ("owner", *(f"seg_{name}" for name in segments))
    found: dict[str, tuple[str, ...]] = {}
    for name in (*FILTERS, *(f"seg_{segment}" for segment in segments), *ARRANGED):
        told = [value.strip().replace("\0", "")[:300] for value in given.getlist(name)]
        told = [value for value in told if value or name in may_be_empty]
        if told:
            found[name] = tuple(dict.fromkeys(told)) if name in many else (told[-1],)
    return found


def _among(values: dict[str, tuple[str, ...]], name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    for value in values.get(name, ()):
        if value not in allowed:
            raise AskedError(f"{name} is one of: {', '.join(allowed)}")
    return values.get(name, ())


def _number(values: dict[str, tuple[str, ...]], name: str, highest: int) -> int | None:
    if not values.get(name):
        return None
    text = values[name][-1]
    if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= highest:
        raise AskedError(f"{name} is a number from 1 to {highest:,}")
    return int(text)


def _percent(values: dict[str, tuple[str, ...]], name: str) -> float | None:
    found = _number(values, name, 100)
    return found / 100 if found is not None else None


def _amount(values: dict[str, tuple[str, ...]], name: str, currency: str) -> int | None:
    return _minor(values[name][0], currency) if name in values else None


def _minor(text: str, currency: str) -> int:
    """An amount in minor units. AskedError: it is none."""
    try:
        minor = Decimal(text.replace(",", "")).scaleb(numbers.exponent(currency))
        if abs(minor) < HIGHEST:
            return int(minor)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    raise AskedError(f"'{text[:40]}' is not an amount; write 1200 or 1200.50")
