"""Rows of other systems count with the account that a link names, from the booking on that sees it; undone, they are their own again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from holdfast.domain.facts import TABLES
from holdfast.flows.book import book, open_ledger, open_records
from holdfast.flows.home import Home
from holdfast.warehouse.landing import Landing, fact_schema
from holdfast.warehouse.records_build import KEPT, READ, Sources, build_records

from .company import LATER, NOW, company

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("HOLDFAST_LINK_EXAMPLES", "5"))
COMPARED = [*KEPT.values(), "summary", "link", "usage.usage_day", "usage.usage_total"]
DAY = date(2025, 12, 30)


def land(landing: Landing, table: str, rows: Sequence[dict[str, Any]], at: datetime = LATER) -> None:
    """Rows of a fact table, as a source lands them."""
    used = [one for one in fact_schema(TABLES[table]) if any(one.name in row for row in rows)]
    columns = {one.name: pa.array([row.get(one.name) for row in rows], one.type) for one in used}
    landing.append(table, [pa.table(columns)], source="test", source_kind="crm", loaded_at=at)


def link(landing: Landing, external_id: str, account_id: str, *, deleted: bool = False, at: datetime = LATER) -> None:
    land(landing, "account_link", [{"external_id": external_id, "account_id": account_id, "deleted": deleted}], at)


def use(
    landing: Landing,
    account_id: str,
    events: int,
    people: int,
    day: date = DAY,
    feature: str = "boards",
    at: datetime = LATER,
) -> None:
    row = {"account_id": account_id, "day": day, "feature": feature, "events": events, "active_users": people}
    land(landing, "usage_day", [row], at)


def usage(home: Home, account_id: str) -> list[tuple[Any, ...]]:
    with open_records(home) as records:
        return records.rows(
            "select day::varchar, events, active_users from usage.usage_total where account_id = ? order by day",
            [account_id],
        )


# -- what a link does ----------------------------------------------------------------------------------------


def test_contacts_and_tickets_of_the_crm_are_the_accounts_from_the_next_booking_on(tmp_path: Path) -> None:
    home = company(tmp_path)
    land(
        home.landing,
        "contact",
        [{"contact_id": "hubspot:7", "account_id": "hubspot:901", "name": "Dora", "role": "champion"}],
    )
    land(
        home.landing,
        "ticket",
        [{"ticket_id": "z1", "account_id": "hubspot:901", "opened_at": NOW.replace(tzinfo=None, year=2025)}],
    )
    book(home, LATER)
    with open_records(home) as records:
        assert records.rows("select account_id, told_account_id from contact where name = 'Dora'") == [
            ("hubspot:901", None)
        ]
        assert records.rows("select contacts from summary where account_id = 'cora'") == [(0,)]
    link(home.landing, "hubspot:901", "cora")
    book(home, LATER)
    with open_records(home) as records:
        assert records.rows("select account_id, told_account_id from contact where name = 'Dora'") == [
            ("cora", "hubspot:901")
        ]
        assert records.rows("select contacts, champions from summary where account_id = 'cora'") == [(1, 1)]
        assert records.rows("select account_id from ticket where ticket_id = 'z1'") == [("cora",)]
    link(home.landing, "hubspot:901", "cora", deleted=True)
    book(home, LATER)
    with open_records(home) as records:
        assert records.rows("select account_id, told_account_id from contact where name = 'Dora'") == [
            ("hubspot:901", None)
        ]
        assert records.rows("select contacts from summary where account_id = 'cora'") == [(0,)]


def test_usage_under_several_ids_of_an_account_is_added_up(tmp_path: Path) -> None:
    home = company(tmp_path)
    use(home.landing, "events:acme-eu", 100, 7)
    use(home.landing, "events:acme-us", 20, 2)
    link(home.landing, "events:acme-eu", "acme")
    link(home.landing, "events:acme-us", "acme")
    book(home, LATER)
    # acme itself told `*` of 9 events by 5 people on that day: added to 120, and 7 people at least
    assert ("2025-12-30", 129, 7) in usage(home, "acme")
    assert not usage(home, "events:acme-eu")
    with open_records(home) as records:
        boards = "select events, active_users from usage.usage_day where account_id = 'acme' and day = ? and feature = 'boards'"
        assert records.rows(boards, [DAY]) == [(127, 7)]


def test_a_days_count_told_anew_takes_the_place_of_its_own_ids_count_only(tmp_path: Path) -> None:
    home = company(tmp_path)
    for name in ("events:a", "events:b"):
        use(home.landing, name, 10, 1)
        link(home.landing, name, "cora")
    book(home, LATER)
    use(home.landing, "events:a", 15, 3, at=LATER + timedelta(hours=1))
    book(home, LATER + timedelta(hours=1))
    assert usage(home, "cora") == [("2025-12-30", 25, 3)]
    link(home.landing, "events:b", "cora", deleted=True, at=LATER + timedelta(hours=2))
    book(home, LATER + timedelta(hours=2))
    assert usage(home, "cora") == [("2025-12-30", 15, 3)]
    assert usage(home, "events:b") == [("2025-12-30", 10, 1)]


def test_limits_under_two_ids_do_not_take_each_others_place(tmp_path: Path) -> None:
    home = company(tmp_path)
    for name, allowed in (("events:a", 5), ("events:b", 8)):
        land(home.landing, "limit", [{"account_id": name, "measure": "seats", "allowed": allowed, "valid_from": DAY}])
        link(home.landing, name, "cora")
    book(home, LATER)
    with open_records(home) as records:
        assert records.rows("select seats_limit from summary where account_id = 'cora'") == [(8,)]


def test_accounts_and_subscriptions_stay_where_billing_has_them(tmp_path: Path) -> None:
    home = company(tmp_path)
    link(home.landing, "bolt", "acme")
    book(home, LATER)
    with open_records(home) as records:
        assert records.rows("select count(*) from item where account_id = 'bolt'") == [(1,)]
        assert records.rows("select mrr_minor from summary where account_id = 'bolt'") == [(10_000,)]


def test_a_home_without_links_has_none(tmp_path: Path) -> None:
    with open_records(company(tmp_path)) as records:
        assert records.rows("select count(*) from link") == [(0,)]
        assert records.rows("select count(*) from contact where told_account_id is not null") == [(0,)]
        assert records.rows("select count(*) from usage.member") == [(0,)]


# -- any order of things -------------------------------------------------------------------------------------

IDS = ["events:a", "events:b", "hubspot:1", "acme", "bolt"]
ACCOUNTS = ["acme", "bolt", "cora"]
LINKS = st.tuples(st.just("link"), st.sampled_from(IDS[:4]), st.sampled_from(ACCOUNTS), st.booleans())
USES = st.tuples(
    st.just("use"),
    st.sampled_from(IDS),
    st.integers(1, 50),
    st.integers(28, 30),
    st.sampled_from(["boards", "reports", "*"]),
)
PEOPLE = st.tuples(st.just("contact"), st.sampled_from(["c1", "x1", "x2"]), st.sampled_from(IDS), st.booleans())
LIMITS = st.tuples(st.just("limit"), st.sampled_from(IDS), st.integers(1, 3), st.integers(1, 9))
BOOK = st.just(("book",))
STEPS = st.lists(st.one_of(LINKS, LINKS, USES, USES, PEOPLE, LIMITS, BOOK), min_size=4, max_size=14)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return company(tmp_path_factory.mktemp("links"))


def _land_step(landing: Landing, step: tuple[Any, ...], at: datetime) -> None:
    match step:
        case ("link", external_id, account_id, deleted):
            if external_id != account_id:
                link(landing, external_id, account_id, deleted=deleted, at=at)
        case ("use", told, events, day, feature):
            use(landing, told, events, events // 2, date(2025, 12, day), feature, at)
        case ("contact", contact_id, told, deleted):
            land(landing, "contact", [{"contact_id": contact_id, "account_id": told, "deleted": deleted}], at)
        case ("limit", told, month, allowed):
            land(
                landing,
                "limit",
                [{"account_id": told, "measure": "seats", "allowed": allowed, "valid_from": date(2025, month, 1)}],
                at,
            )


def _built(home: Home, landing: Landing, folder: Path, before: Path | None) -> Path:
    folder.mkdir()
    sources = Sources({table: tuple(landing.files(table)) for table in READ}, landing.last_load_no())
    with open_ledger(home) as ledger:
        build_records(folder / "records.duckdb", sources, ledger, "USD", home.end_of_day(ledger.as_of), before)
    return folder / "records.duckdb"


def _contents(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    from holdfast.warehouse.records import Records

    with Records(path) as records:
        return {
            table: records.rows("select * from " + ".".join(f'"{part}"' for part in table.split(".")) + " order by all")
            for table in COMPARED
        }


def _expected_usage(landing: Landing) -> dict[tuple[str, str], tuple[int, int]]:
    """(account, day) → events and people, worked out row by row in Python."""
    import duckdb

    from holdfast.warehouse.booking import scan, scan_whole

    newest: dict[tuple[str, str, str], tuple[int, int]] = {}
    with duckdb.connect() as c:
        order = "order by learned_at, load_no, source_row"
        for told, day, feature, events, people in c.execute(
            f"select account_id, day::varchar, feature, events, active_users from {scan(landing.files('usage_day'))} {order}"
        ).fetchall():
            newest[told, day, feature] = (events, people)
        links: dict[str, str] = {}
        files = landing.files("account_link")
        for external_id, account_id, deleted in c.execute(
            f"select external_id, account_id, deleted from {scan_whole(TABLES['account_link'], files)} {order}"
        ).fetchall():
            links.pop(external_id, None)
            if not deleted:
                links[external_id] = account_id
    totals: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for told, day in {(told, day) for told, day, _ in newest}:
        counts = {feature: found for (one, on, feature), found in newest.items() if (one, on) == (told, day)}
        total = counts.get("*") or (
            sum(events for events, _ in counts.values()),
            max(people for _, people in counts.values()),
        )
        totals.setdefault((links.get(told, told), day), []).append(total)
    return {
        key: (sum(events for events, _ in found), max(people for _, people in found)) for key, found in totals.items()
    }


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_what_follows_step_by_step_is_what_a_full_build_makes(
    base: Home, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Any, ...]]
) -> None:
    import shutil

    folder = tmp_path_factory.mktemp("steps")
    shutil.copytree(base.path / "landing", folder / "landing")
    landing = Landing(folder)
    at, before, n = LATER, _built(base, landing, folder / "0", None), 0
    for step in [*steps, ("book",)]:
        at += timedelta(minutes=1)
        if step == ("book",):
            n += 1
            before = _built(base, landing, folder / str(n), before)
        else:
            _land_step(landing, step, at)
    anew = _built(base, landing, folder / "anew", None)
    followed, wanted = _contents(before), _contents(anew)
    for table in COMPARED:
        assert followed[table] == wanted[table], table
    totals = {(account, str(day)): (events, people) for account, day, events, people, _ in wanted["usage.usage_total"]}
    assert totals == _expected_usage(landing)
    shutil.rmtree(folder)
