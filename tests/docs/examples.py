"""The worked examples of docs/definitions.md: read from the page, booked by the product, held against what the page says.

An example is a fenced block of kind `example`. Words, then sections; a section is a table whose columns are parted by blanks.

    rules 11 20                        which rules it shows
    policy stripe, rounding = "down"   the policy, and settings changed in it (holdfast-1 where left out)
    as of 2024-06-30                   the last day (2024-12-31 where left out)
    known on 2024-03-09                as known on that day
    rows:        states of subscription items      lines:   invoice lines
    accounts:    states of accounts                rates:   exchange rates to the dollar
    movements:   every movement there is           beside:  trial, pending and held MRR at month ends
    retention:   a window's figures                bridge:  a month's     renewals:   a window's

Amounts are in major units; a dot is nothing. Account A and item i are meant where none is named.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from fractions import Fraction
from typing import Any

from holdfast.domain.money import decimals
from holdfast.domain.period import Window, parse_month
from holdfast.domain.policy import Policy, load_policies
from holdfast.flows.compare import RATIO_SETTINGS
from holdfast.metrics import bridge, renewal, retention
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View

from ..ledger.booked import Booked, read, renamed, together
from ..metrics.worlds import ledger_of, with_attributes
from ..oracle.ledger import AccountState, Facts, ItemState, Line
from .pages import DOCS, Block, blocks

POLICIES = load_policies()
SECTIONS = ("rows", "lines", "accounts", "rates", "movements", "beside", "retention", "bridge", "renewals")
KINDS = ("new", "expansion", "contraction", "churn", "reactivation", "transfer")
LAST_DAY = date(2024, 12, 31)
#: rates to the dollar where an example gives none
RATES = (("EUR", date(2020, 1, 1), "1.10"), ("JPY", date(2020, 1, 1), "0.007"))

Table = list[dict[str, str]]


@dataclass(frozen=True)
class Setting:
    """What has to be the same for examples to be booked together."""

    policy: Policy
    as_of: date
    known_on: date | None
    rates: tuple[tuple[str, date, str], ...]

    @property
    def ledger(self) -> Setting:
        """The same without what changes how ratios are made of a ledger, and not the ledger."""
        default = POLICIES["holdfast-1"]
        texts = dict.fromkeys(("name", "title", "description", "source"), "")
        ratios = {name: getattr(default, name) for name in (*RATIO_SETTINGS, "left_and_returned")}
        return replace(self, policy=self.policy.with_settings(**texts, **ratios))


@dataclass(frozen=True)
class Example:
    """One example: its facts, and what it says comes of them."""

    number: int
    block: Block
    rules: tuple[int, ...]
    setting: Setting
    facts: Facts
    said: dict[str, Table]

    def name(self, entity: str) -> str:
        """An id as it is booked, beside those of the other examples."""
        return f"{self.number}:{entity}"


def examples() -> list[Example]:
    """The examples of the page, in order."""
    return [_example(number, block) for number, block in enumerate(blocks(DOCS / "definitions.md", "example"), 1)]


def _example(number: int, block: Block) -> Example:
    words, tables = _parts(block)
    rates = tuple((row["currency"], date.fromisoformat(row["day"]), row["rate"]) for row in tables.get("rates", []))
    rates = rates or RATES
    known_on = date.fromisoformat(words["known"].split()[-1]) if "known" in words else None
    as_of = date.fromisoformat(words["as"].split()[-1]) if "as" in words else LAST_DAY
    # as the product does it: nothing after the day it was known on
    setting = Setting(_policy(words.get("policy", "holdfast-1")), min(as_of, known_on or as_of), known_on, rates)
    facts = Facts(
        [_item(row, place) for place, row in enumerate(tables.get("rows", []))],
        [_account(row, place) for place, row in enumerate(tables.get("accounts", []))],
        [_line(row, place) for place, row in enumerate(tables.get("lines", []))],
    )
    said = {name: tables[name] for name in SECTIONS[4:] if name in tables}
    assert said, f"{block.where}: the example says nothing"
    return Example(number, block, tuple(map(int, words["rules"].split())), setting, facts, said)


def _parts(block: Block) -> tuple[dict[str, str], dict[str, Table]]:
    words: dict[str, str] = {}
    tables: dict[str, list[list[str]]] = {}
    section = ""
    for line in block.text.splitlines():
        if line.rstrip(":") in SECTIONS and line.endswith(":"):
            section = line[:-1]
            tables[section] = []
        elif line.strip() and section:
            tables[section].append(line.split())
        elif line.strip():
            first, _, rest = line.strip().partition(" ")
            words[first.rstrip("s") if first == "rule" else first] = rest
    assert "rules" in words or "rule" in words, f"{block.where}: which rules does the example show?"
    words.setdefault("rules", words.pop("rule", ""))
    found: dict[str, Table] = {}
    for name, (head, *rows) in tables.items():
        assert all(len(row) == len(head) for row in rows), (
            f"{block.where}: a row of '{name}' has other columns than its head"
        )
        found[name] = [dict(zip(head, row, strict=True)) for row in rows]
    return words, found


def _policy(text: str) -> Policy:
    name, *settings = (part.strip() for part in text.split(","))
    values = tomllib.loads("\n".join(settings))
    return POLICIES[name].with_settings(**{key: None if value == "never" else value for key, value in values.items()})


# -- facts ---------------------------------------------------------------------------------------------------


def _minor(text: str, currency: str = "USD") -> int:
    return 0 if text == "." else int(Decimal(text.replace(",", "")).scaleb(decimals(currency)))


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text and text != "." else None


def _learned(row: dict[str, str]) -> dict[str, Any]:
    day = _day(row.get("learned"))
    return {"learned_at": datetime.combine(day, time(12))} if day else {}


def _discount(kind: str, text: str | None) -> dict[str, int]:
    if not text or text == ".":
        return {}
    if text.endswith("%"):
        return {f"{kind}_off_ppm": int(Decimal(text[:-1]) * 10_000)}
    return {f"{kind}_off_minor": _minor(text)}


ITEM_WORDS = {
    "account", "item", "from", "to", "price", "seats", "plan", "currency", "every", "status", "requested", "learned", "deleted",
    "source", "usage", "forever", "repeating", "once", "until", "renewal",
}  # fmt: skip


def _item(row: dict[str, str], arrival: int) -> ItemState:
    assert not set(row) - ITEM_WORDS, f"unknown columns {set(row) - ITEM_WORDS}"
    item, currency = row.get("item", "i"), row.get("currency", "USD")
    count, _, interval = row.get("every", "1-month").rpartition("-")
    off: dict[str, Any] = {}
    for kind in ("forever", "repeating", "once"):
        off |= _discount(kind, row.get(kind))
        if kind != "forever" and row.get(kind, ".") != ".":
            off[f"{kind}_until"] = _day(row.get("until"))
    start = _day(row["from"])
    assert start is not None
    return ItemState(
        account_id=row.get("account", "A"), subscription_id=f"{row.get('account', 'A')}-{item}", item_id=item,
        plan_id=None if row.get("plan", ".") == "." else row["plan"], quantity=int(row.get("seats", "1")),
        unit_amount_minor=_minor(row["price"], currency), currency=currency, interval=interval, interval_count=int(count or 1),
        usage_type=row.get("usage", "licensed"), status=row.get("status", "active"), valid_from=start, valid_to=_day(row.get("to")),
        cancel_requested_on=_day(row.get("requested")), deleted=row.get("deleted", ".") == "yes", term_end=_day(row.get("renewal")),
        source_kind=row.get("source", "billing"), arrival=arrival, **off, **_learned(row),
    )  # fmt: skip


def _account(row: dict[str, str], arrival: int) -> AccountState:
    def named(column: str) -> str | None:
        return None if row.get(column, ".") == "." else row[column]

    return AccountState(
        row["account"], named("parent"), named("merged_into"), valid_from=_day(row.get("from")), arrival=arrival
    )


def _line(row: dict[str, str], place: int) -> Line:
    start, account = _day(row["from"]), row.get("account", "A")
    assert start is not None
    item = row.get("item")
    return Line(
        line_id=f"line-{place}", invoice_id=f"invoice-{place}", account_id=account, kind=row["kind"],
        subscription_id=f"{account}-{item}" if item else None, item_id=item, amount_minor=_minor(row["amount"]), currency="USD",
        period_start=start, period_end=_day(row["to"]), issued_on=start,
    )  # fmt: skip


# -- booking, all examples of one setting at once --------------------------------------------------------------


@contextmanager
def booked_together(chosen: list[Example]) -> Iterator[Ledger]:
    """A ledger of the examples side by side; the segment attribute `example` tells them apart."""
    setting = chosen[0].setting.ledger
    rates: dict[str, list[tuple[date, str]]] = {}
    for currency, day, rate in setting.rates:
        rates.setdefault(currency, []).append((day, rate))
    companies = []
    for one in chosen:
        company = renamed(one.facts, f"{one.number}:")
        companies.append(with_attributes(company, {"example": str(one.number)}))
    whole = together(companies)
    whole = Facts(whole.items, [replace(row, arrival=n) for n, row in enumerate(whole.accounts)], whole.lines)
    with ledger_of(whole, setting.policy, setting.as_of, setting.known_on, rates) as ledger:
        yield ledger


def problems(example: Example, ledger: Ledger, booked: Booked) -> list[str]:
    """What the page says and the product does not, in words."""
    found = []
    ledger.policy = example.setting.policy
    for section, table in example.said.items():
        found += [
            f"{example.block.where} {section}: {text}" for text in CHECKS[section](example, table, ledger, booked)
        ]
    return found


def _movements(example: Example, table: Table, ledger: Ledger, booked: Booked) -> Iterator[str]:
    said: dict[tuple[str, str, date, str], int] = {}
    closing: dict[tuple[str, str], int] = {}
    for row in table:
        currency = row.get("currency", "USD")
        entity = next((row[name] for name in ("account", "parent", "subscription") if name in row), "A")
        key = (example.name(entity), currency, date.fromisoformat(f"{row['month']}-01"))
        amounts = {kind: _minor(row[kind], currency) for kind in KINDS if kind in row}
        said |= {(*key, kind): amount for kind, amount in amounts.items() if amount}
        opening, end = _minor(row["opening"], currency), _minor(row["closing"], currency)
        if opening + sum(amounts.values()) != end:
            yield f"{row['month']}: {opening} + {sum(amounts.values())} is not {end} (rule 21)"
        if opening != closing.get(key[:2], 0):
            yield f"{row['month']}: opens at {opening}, the month before closed at {closing.get(key[:2], 0)}"
        closing[key[:2]] = end
        if booked.balance.get(key, 0) != end:
            yield f"{row['month']}: {entity} closes at {booked.balance.get(key, 0)}, the page says {end}"
    ours = {key: amount for key, amount in booked.movements.items() if key[0].startswith(example.name(""))}
    for key in sorted({*said, *ours}):
        if said.get(key, 0) != ours.get(key, 0):
            yield f"{key[2]:%Y-%m} {key[0]} {key[3]}: the product says {ours.get(key, 0)}, the page {said.get(key, 0)}"


def _beside(example: Example, table: Table, ledger: Ledger, booked: Booked) -> Iterator[str]:
    for row in table:
        key = (example.name(row.get("account", "A")), "USD", date.fromisoformat(f"{row['month']}-01"))
        for lane in ("trial", "pending", "held"):
            ours = getattr(booked, lane).get(key, 0)
            if lane in row and ours != _minor(row[lane]):
                yield f"{row['month']} {lane}: the product says {ours}, the page {row[lane]}"


def percent(value: Fraction | None) -> str:
    return "–" if value is None else f"{float(value * 100):.1f}%"


def _retention(example: Example, table: Table, ledger: Ledger, booked: Booked) -> Iterator[str]:
    for row in table:
        window = Window(*(date.fromisoformat(day) for day in row["window"].split("..")))
        found = {r.segment[0][1]: r for r in retention.measure(ledger, window, View("USD"), ("example",))}
        ours = found.get(str(example.number))
        if ours is None:
            if row.get("NRR") != "–":
                yield f"{row['window']}: there is no cohort"
            continue
        rates = {"NRR": ours.nrr, "GRR": ours.grr, "logos": ours.logo_retention}
        told = {name: percent(value) for name, value in rates.items()} | {"accounts": str(ours.counts.accounts)}
        for name, text in row.items():
            if name in told and told[name] != text:
                yield f"{row['window']} {name}: the product says {told[name]}, the page {text}"
            elif name not in told and name != "window" and getattr(ours.counts, name) != _minor(text):
                yield f"{row['window']} {name}: the product says {getattr(ours.counts, name)}, the page {text}"


def _bridge(example: Example, table: Table, ledger: Ledger, booked: Booked) -> Iterator[str]:
    for row in table:
        month = parse_month(row["month"])
        found = {r.segment[0][1]: r for r in bridge.measure(ledger, range(month, month + 1), View("USD"), ("example",))}
        ours = found[str(example.number)]
        told = {"net_new_ARR": 12 * ours.net_new, "closing": ours.closing, "opening": ours.opening, **ours.moved}
        ratios = {"quick_ratio": ours.quick_ratio, "with_reactivation": ours.quick_ratio_with_reactivation}
        for name, text in row.items():
            if name in told and told[name] != _minor(text):
                yield f"{row['month']} {name}: the product says {told[name]}, the page {text}"
            ratio = ratios.get(name)
            shown = "–" if ratio is None else f"{float(ratio):.2f}"
            if name in ratios and shown != text:
                yield f"{row['month']} {name}: the product says {shown}, the page {text}"


def _renewals(example: Example, table: Table, ledger: Ledger, booked: Booked) -> Iterator[str]:
    for row in table:
        window = Window(*(date.fromisoformat(day) for day in row["window"].split("..")))
        found = {r.segment[0][1]: r for r in renewal.measure(ledger, window, View("USD"), ("example",))}
        ours = found[str(example.number)]
        told = {
            "due": f"{Decimal(ours.due).scaleb(-2):f}", "renewed": f"{Decimal(ours.renewed).scaleb(-2):f}",
            "rate": percent(ours.renewal_rate), "by_count": percent(ours.logo_renewal_rate),
        }  # fmt: skip
        for name in told.keys() & row.keys():
            if told[name] != row[name]:
                yield f"{row['window']} {name}: the product says {told[name]}, the page {row[name]}"


CHECKS = {"movements": _movements, "beside": _beside, "retention": _retention, "bridge": _bridge, "renewals": _renewals}

__all__ = ["Example", "booked_together", "examples", "problems", "read"]
