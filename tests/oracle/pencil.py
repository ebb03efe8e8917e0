"""Short words for writing small companies down, and tables to check them against."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

from holdfast.domain.policy import Policy, load_policies

from .ledger import AccountState, Facts, ItemState, Ledger, Line, book

POLICIES = load_policies()
DEFAULT = POLICIES["holdfast-1"]
KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer")


def on(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def day(text: str) -> date:
    return date.fromisoformat(text)


def learned(text: str) -> datetime:
    return datetime.fromisoformat(text)


def item(begin: str, price: int, account: str = "A", name: str = "i", **values: Any) -> ItemState:
    """A monthly price from a day on; days are given as texts."""
    for key in ("valid_to", "repeating_until", "once_until", "cancel_requested_on", "term_end"):
        values[key] = on(values.get(key))
    return ItemState(
        **{
            "account_id": account,
            "subscription_id": f"{name}-s",
            "item_id": name,
            "unit_amount_minor": price,
            "currency": "USD",
            "valid_from": day(begin),
            **values,
        }
    )


def line(kind: str, amount: int, start: str | None, end: str | None, account: str = "A", **values: Any) -> Line:
    """A line for a service period; it is issued on the first day of it."""
    name = values.pop("name", f"{kind}-{start}-{end}-{amount}")
    return Line(
        **{
            "line_id": name,
            "invoice_id": name,
            "account_id": account,
            "kind": kind,
            "amount_minor": amount,
            "currency": "USD",
            "period_start": on(start),
            "period_end": on(end),
            "issued_on": on(start) or day("2024-01-01"),
            **values,
        }
    )


def account(name: str, begin: str | None = None, **values: Any) -> AccountState:
    return AccountState(name, valid_from=on(begin), **values)


def facts(*rows: ItemState | AccountState | Line) -> Facts:
    """A company; the order of the rows is their order in the file."""
    found = Facts()
    for place, row in enumerate(rows):
        if isinstance(row, ItemState):
            found.items.append(replace(row, arrival=place))
        elif isinstance(row, AccountState):
            found.accounts.append(replace(row, arrival=place))
        else:
            found.lines.append(row)
    return found


def policy(base: str = "holdfast-1", **settings: Any) -> Policy:
    return POLICIES[base].with_settings(**settings)


def figures(ledger: Ledger, entity: str, currency: str, month: date) -> dict[str, int]:
    """Everything the ledger says of an entity in a currency and month."""
    index = ledger.months.index(month)
    key = (entity, currency, month)
    found = {kind: ledger.movements.get((*key, kind), 0) for kind in KINDS}
    found["closing"] = ledger.balance.get(key, 0)
    before = ledger.months[index - 1] if index else None
    found["opening"] = ledger.balance.get((entity, currency, before), 0) if before else 0
    found["hold"], found["trial"] = ledger.held.get(key, 0), ledger.trial.get(key, 0)
    found["pending"] = ledger.pending.get(key, 0)
    return found


def check(
    company: Facts,
    table: str,
    settings: Policy = DEFAULT,
    entity: str = "A",
    currency: str = "USD",
    known_on: str | None = None,
) -> None:
    """The company's ledger says what the table says; what the table has no column for is 0 (save pending).

    The first column is the month, a dot is 0. The ledger is as of the end of the last month, or as of the day
    given in its place.
    """
    head, *rows = [text.split() for text in table.strip().splitlines()]
    last = rows[-1][0]
    as_of = day(last) if len(last) == 10 else month_end(last)
    ledger = book(company, settings, as_of, on(known_on))
    for row in rows:
        month = day(row[0][:7] + "-01")
        said = {name: 0 if text == "." else int(text) for name, text in zip(head[1:], row[1:], strict=True)}
        found = figures(ledger, entity, currency, month)
        assert found["opening"] + sum(found[kind] for kind in KINDS) == found["closing"]  # rule 21
        unsaid = {name: 0 for name in (*KINDS, "hold", "trial") if name not in said}
        if "closing" not in said:
            unsaid = {}  # a table of a few columns
        for name, amount in {**unsaid, **said}.items():
            assert found[name] == amount, f"{row[0]}: {name} is {found[name]}, should be {amount}"


def month_end(text: str) -> date:
    year, month = map(int, text.split("-"))
    return date.fromordinal(date(year + month // 12, month % 12 + 1, 1).toordinal() - 1)
