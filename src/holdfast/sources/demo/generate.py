"""The demo company as arrow tables, chunk by chunk of accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.sources.demo.accounts import account_table, ties
from holdfast.sources.demo.deals import limits, opportunities, touches
from holdfast.sources.demo.items import item_rows, subscription_items
from holdfast.sources.demo.life import live
from holdfast.sources.demo.money import invoices
from holdfast.sources.demo.people import contacts, people
from holdfast.sources.demo.rates import fx_rates, spend
from holdfast.sources.demo.support import surveys, tickets
from holdfast.sources.demo.traits import traits
from holdfast.sources.demo.usage import usage_days
from holdfast.sources.demo.world import World

Named = tuple[str, pa.Table]


def generate(world: World, progress: Callable[[int, int], None] | None = None) -> Iterator[Named]:
    """Yield (table, rows) for the wanted tables; `progress(done, total)` counts accounts."""
    unknown = (world.tables or frozenset()) - set(TABLES)
    if unknown:
        raise ValueError(f"no such table: {', '.join(sorted(unknown))}; there are {', '.join(TABLES)}")
    if world.wants("fx_rate"):
        yield "fx_rate", fx_rates(world)
    if world.wants("spend"):
        yield "spend", spend(world)
    if not world.wants(*(set(TABLES) - {"fx_rate", "spend"})):
        return
    done = 0
    for chunk in range(world.chunks):
        yield from _chunk(world, chunk)
        done += world.size(chunk)
        if progress:
            progress(done, world.total)


def _chunk(world: World, chunk: int) -> Iterator[Named]:
    who = traits(world, chunk)
    state = live(world, chunk, who)
    tie = ties(world, chunk, who, state)
    if world.wants("account"):
        yield "account", account_table(world, chunk, who, state, tie)
    if world.wants("subscription_item", "invoice", "invoice_line", "limit", "opportunity"):
        rows = item_rows(world, state)
        if world.wants("subscription_item"):
            yield "subscription_item", subscription_items(world, chunk, who, rows)
        if world.wants("invoice", "invoice_line"):
            invoice, line = invoices(world, chunk, who, state, rows)
            yield from ((n, t) for n, t in (("invoice", invoice), ("invoice_line", line)) if world.wants(n))
        if world.wants("limit"):
            yield "limit", limits(world, chunk, who, rows)
        if world.wants("opportunity"):
            yield "opportunity", opportunities(world, chunk, who, state, rows)
    if world.wants("contact", "ticket", "survey", "touch"):
        folk = people(world, chunk, who, state)
        if world.wants("contact"):
            yield "contact", contacts(world, chunk, who, folk)
        if world.wants("ticket"):
            yield "ticket", tickets(world, chunk, who, state, folk)
        if world.wants("survey"):
            yield "survey", surveys(world, chunk, who, state, folk)
        if world.wants("touch"):
            yield "touch", touches(world, chunk, who, state, folk, tie.book)
    if world.wants("usage_day"):
        for table in usage_days(world, chunk, who, state):
            yield "usage_day", table
