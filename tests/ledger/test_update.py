"""Booking after a day's changes: the same ledger, to the last unit, as booking everything anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.domain.policy import load_policies
from holdfast.warehouse.booking import Booking
from holdfast.warehouse.booking import Facts as Landed
from holdfast.warehouse.build import build
from holdfast.warehouse.landing import Landing
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.update import update

from ..oracle.ledger import Facts
from ..oracle.pencil import item
from ..oracle.states import AccountState
from ..oracle.strategies import companies
from .booked import files_of, land, read, renamed, rows_of, together

POLICY = load_policies()["holdfast-1"]
NOTHING = Landed(())
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def without_links(facts: Facts) -> Facts:
    return Facts(facts.items, [replace(a, parent_id=None, merged_into=None) for a in facts.accounts], facts.lines)


@pytest.mark.slow
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    many=st.lists(companies(), min_size=3, max_size=8),
    changed=companies(),
    as_of=st.dates(date(2023, 1, 1), date(2025, 3, 28)),
    later=st.integers(0, 27),
)
def test_an_update_is_a_full_booking(
    tmp_path_factory: object, many: list[Facts], changed: Facts, as_of: date, later: int
) -> None:
    """Part of the rows come first, the rest of some accounts' rows later, and some days pass."""
    home = Path(tmp_path_factory.mktemp("home"))  # type: ignore[attr-defined]
    first = together(renamed(without_links(facts), f"{n}:") for n, facts in enumerate(many))
    landing = land(home, first)
    before, after, whole = home / "before.duckdb", home / "after.duckdb", home / "whole.duckdb"
    build(before, files_of(landing), Booking(POLICY, as_of))
    last = landing.last_load_no()
    news = renamed(without_links(changed), "0:")
    Landing(home).append(
        "subscription_item",
        [rows_of("subscription_item", news.items)],
        source="test",
        source_kind="billing",
        loaded_at=NOW,
    )
    if news.accounts:
        Landing(home).append(
            "account", [rows_of("account", news.accounts)], source="test", source_kind="crm", loaded_at=NOW
        )
    day = min(as_of + timedelta(days=later), as_of.replace(day=28))
    booking = Booking(POLICY, max(day, as_of))
    since = type(files_of(landing))(
        *(
            tuple(landing.files(table, since_load=last))
            for table in ("subscription_item", "account", "invoice_line", "fx_rate")
        )
    )
    build(whole, files_of(landing), booking)
    if not update(before, after, files_of(landing), since, booking):
        assert not after.exists()
        return
    with Ledger(whole, POLICY) as full, Ledger(after, POLICY) as updated:
        assert read(updated) == read(full)
        query = "select entity_id, currency, day, delta_minor, held_delta_minor, cause::varchar from change join entity using (entity_key) order by all"
        assert updated.rows(query) == full.rows(query)
        assert updated.rows("select * from account order by all") == full.rows("select * from account order by all")
        attributes = "select * from attribute_change order by all"
        assert updated.rows(attributes) == full.rows(attributes)


def test_one_changed_account_is_enough(tmp_path: Path) -> None:
    """A price that changes in one of three accounts: the update is made, and only that account's rows are new."""
    rows = [item("2024-01-01", 1000 * n, account=f"A{n}", name=f"i{n}", arrival=n) for n in (1, 2, 3)]
    landing = land(tmp_path, Facts(rows, [], []))
    before, after = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    build(before, files_of(landing), Booking(POLICY, date(2024, 6, 10)))
    last = landing.last_load_no()
    news = [replace(rows[1], valid_from=date(2024, 6, 5), unit_amount_minor=2500)]
    landing.append(
        "subscription_item", [rows_of("subscription_item", news)], source="test", source_kind="billing", loaded_at=NOW
    )
    since = type(files_of(landing))(tuple(landing.files("subscription_item", since_load=last)))
    assert update(before, after, files_of(landing), since, Booking(POLICY, date(2024, 6, 12)))
    with Ledger(before, POLICY) as old, Ledger(after, POLICY) as new:
        keys = "select entity_id, entity_key from entity"
        assert {key for key, _ in set(new.rows(keys)) - set(old.rows(keys))} == {"A2"}
        month = "select entity_id, kind::varchar, amount_minor from movement join entity using (entity_key) where month_no = 653"
        assert new.rows(month) == [("A2", "expansion", 500)]


def test_what_is_said_of_an_account_from_a_day_on_counts_from_that_day(tmp_path: Path) -> None:
    """Its tier changes on a day that lies ahead at first; nothing is landed since."""
    first = AccountState(account_id="A1", attributes=(("tier", "basic"),))
    then = replace(first, attributes=(("tier", "best"),), valid_from=date(2024, 6, 11), arrival=1)
    other = AccountState(account_id="A2", attributes=(("tier", "basic"),))
    landing = land(tmp_path, Facts([item("2024-01-01", 1000, account="A1")], [first, then, other], []))
    before, after = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    build(before, files_of(landing), Booking(POLICY, date(2024, 6, 10)))
    assert update(before, after, files_of(landing), NOTHING, Booking(POLICY, date(2024, 6, 12)))
    tier = "select account_id, seg_tier from account order by all"
    with Ledger(before, POLICY) as old, Ledger(after, POLICY) as new:
        assert old.rows(tier) == [("A1", "basic"), ("A2", "basic")]
        assert new.rows(tier) == [("A1", "best"), ("A2", "basic")]
        assert new.rows("select account_id, day, before, after from attribute_change") == [
            ("A1", date(2024, 6, 11), "basic", "best")
        ]


def test_a_link_whose_day_has_come_takes_a_full_booking(tmp_path: Path) -> None:
    link = AccountState(account_id="A1", merged_into="A2", valid_from=date(2024, 6, 11))
    landing = land(tmp_path, Facts([item("2024-01-01", 1000, account="A1")], [link], []))
    before, after = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    build(before, files_of(landing), Booking(POLICY, date(2024, 6, 9)))
    assert update(before, after, files_of(landing), NOTHING, Booking(POLICY, date(2024, 6, 10)))
    after.unlink()
    assert not update(before, after, files_of(landing), NOTHING, Booking(POLICY, date(2024, 6, 11)))
    assert not after.exists()
