"""Stripe to the ledger: a customer of each kind, and the movements it makes.

Everything is read three times. Live: every four weeks, so that events tell each change. At the end: once, from what invoices tell. With
holes: every fourteen weeks, so that events tell some of it. All must make the same movements; where one cannot, it says from which day on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from holdfast.domain.facts import TABLES
from holdfast.domain.period import month_start
from holdfast.domain.policy import Policy, load_policies
from holdfast.sources.shelf.stripe import SOURCE
from holdfast.sources.source import Facts, Told
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.booking import Facts as Files
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing, landing_schema
from holdfast.warehouse.ledger import Ledger
from tests.emulators.stripe_billing import DAY, Business
from tests.emulators.stripe_scenarios import BEGIN, END, SCENARIOS, Scenario, catalogue, customer_of, script
from tests.sources.harness import Reader

#: days between two readings; and where there are holes
HOLES = 98
EVERY = int(os.environ.get("HOLDFAST_STRIPE_EVERY", "28"))

Movement = tuple[str, str, int, str]


@dataclass
class Seen:
    """What a way of reading made of the customers."""

    facts: dict[str, Facts]
    movements: dict[str, list[Movement]]


def told(reader: Reader, now: datetime) -> dict[str, Facts]:
    """The facts of each customer."""
    names = [stream.name for stream in SOURCE.streams]
    shared = {stream.name: reader.raw.shared(stream.name) for stream in SOURCE.streams if stream.is_shared}
    return {
        group: SOURCE.facts(Told(group, objects, shared, "UTC", "USD", {}, now))
        for group, objects in reader.raw.told(names, reader.raw.every_group(names))
    }


def booked(home: Path, facts: dict[str, Facts], policy: Policy, as_of: date) -> dict[str, list[Movement]]:
    """The movements of each account in the ledger of these facts."""
    landing = Landing(home)
    for table in ("account", "subscription_item", "invoice_line"):
        rows = [row for one in facts.values() for row in one.rows.get(table, [])]
        schema = landing_schema(TABLES[table])
        columns = {
            name: pa.array(
                [list(v.items()) if isinstance(v := row.get(name), dict) else v for row in rows],
                schema.field(name).type,
            )
            for name in TABLES[table].names
            if any(name in row for row in rows)
        }
        landing.append(
            table,
            [pa.table(columns)],
            source="stripe",
            source_kind="billing",
            loaded_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
    files = (tuple(landing.files(table)) for table in ("subscription_item", "account", "invoice_line", "fx_rate"))
    build(home / "ledger.duckdb", Files(*files), Booking(policy, as_of))
    found: dict[str, list[Movement]] = {}
    with Ledger(home / "ledger.duckdb", policy) as ledger:
        rows = ledger.rows(
            "select entity_id, month_no, kind::varchar, amount_minor, currency from movement join entity using (entity_key) order by all"
        )
        for entity, month, kind, amount, currency in rows:
            found.setdefault(entity, []).append((f"{month_start(month):%Y-%m}", kind, amount, currency))
    return found


@pytest.fixture(scope="module")
def emulator() -> Iterator[Business]:
    with pytest.MonkeyPatch.context() as patch, Business(BEGIN) as business:
        patch.setenv("HOLDFAST_ALLOW_HOSTS", "127.0.0.1")
        patch.setenv("HOLDFAST_RETRY_PAUSE", "0")
        yield business


@pytest.fixture(scope="module")
def ways(emulator: Business, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Seen]:
    """What was read live, what is read at the end only, and what is read now and then."""
    policy, as_of = load_policies()["holdfast-1"], datetime.fromtimestamp(END, UTC).date()
    readers = {
        name: Reader(SOURCE, tmp_path_factory.mktemp(name), {"base_url": emulator.url}, {"api_key": emulator.key})
        for name in ("live", "holes", "end")
    }
    world, steps = catalogue(emulator), script()
    days = (END - BEGIN) // DAY
    due = {"live": {*range(EVERY, days, EVERY), days}, "holes": {*range(HOLES, days, HOLES), days}, "end": {days}}
    for day in sorted(due["live"] | due["holes"]):
        now = BEGIN + day * DAY
        while steps and steps[0][0] <= now:
            moment, step = steps.pop(0)
            emulator.advance(moment)
            step(world)
        emulator.advance(now)
        for name, reader in readers.items():
            if day in due[name]:
                reader.pull(datetime.fromtimestamp(now, UTC))
    seen = {}
    for name, reader in readers.items():
        facts = told(reader, datetime.fromtimestamp(END, UTC))
        seen[name] = Seen(facts, booked(tmp_path_factory.mktemp("ledger"), facts, policy, as_of))
    return seen


def from_day(movements: list[Movement], day: date | None) -> list[Movement]:
    """Movements of months that begin on that day or later: those before may be wrong."""
    return [one for one in movements if day is None or date.fromisoformat(f"{one[0]}-01") >= day]


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
class TestMovements:
    def test_read_live(self, ways: dict[str, Seen], scenario: Scenario) -> None:
        seen, account = ways["live"], customer_of(scenario)
        assert seen.facts[account].bad == []
        assert seen.facts[account].complete_from is None
        assert sorted(seen.movements.get(account, [])) == sorted(scenario.movements)

    def test_read_at_the_end(self, ways: dict[str, Seen], scenario: Scenario) -> None:
        seen, account = ways["end"], customer_of(scenario)
        day = date.fromisoformat(scenario.complete_from) if scenario.complete_from else None
        assert seen.facts[account].bad == []
        assert seen.facts[account].complete_from == day
        self.agree(seen.movements.get(account, []), scenario, day)

    def test_read_with_holes(self, ways: dict[str, Seen], scenario: Scenario) -> None:
        seen, account = ways["holes"], customer_of(scenario)
        day = seen.facts[account].complete_from
        assert seen.facts[account].bad == []
        # it knows no less than who comes at the end
        assert day is None or scenario.complete_from
        self.agree(seen.movements.get(account, []), scenario, day)

    def agree(self, found: list[Movement], scenario: Scenario, day: date | None) -> None:
        wanted = list(scenario.movements)
        assert sorted(from_day(found, day)) == sorted(from_day(wanted, day))
        # and what it comes to in the end is the same, whatever the way
        assert sum(one[2] for one in found) == sum(one[2] for one in wanted)
