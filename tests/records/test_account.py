"""One account opened: MRR with its causes, what it bought, owes, uses, asks and says; and all of it on one timeline."""

# ruff: noqa: DTZ001 - times are UTC without a zone

from __future__ import annotations

from datetime import date, datetime

import pytest

from holdfast.flows.book import open_ledger, open_records
from holdfast.flows.home import Home
from holdfast.metrics import account, account_facts, accounts, timeline
from holdfast.metrics.account import Balance, Link, Moved
from holdfast.metrics.accounts import Query
from holdfast.metrics.timeline import Cursor, CursorError, Entry
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records
from holdfast.warehouse.window import View

from ..flows.homes import book, load_text
from .company import LATER, company

DOLLARS = View("USD")
ALICE = frozenset({"Alice"})


def test_mrr_by_day(ledger: Ledger) -> None:
    history = account.mrr_history(ledger, "acme", DOLLARS)
    assert history.days == [
        Balance(date(2024, 1, 1), 12_000), Balance(date(2025, 3, 1), 12_500), Balance(date(2025, 12, 10), 20_500),
    ]  # fmt: skip
    assert account.mrr_history(ledger, "echo", DOLLARS).days == []


def test_movements_with_causes_and_what_stood_then(ledger: Ledger) -> None:
    assert account.movements(ledger, "acme") == [
        Moved(date(2025, 12, 1), "expansion", 8_000, "USD", {"seats": 8_000}, 20_500),
        Moved(date(2025, 3, 1), "expansion", 500, "USD", {"add_on": 500}, 12_500),
        Moved(date(2024, 1, 1), "new", 12_000, "USD", {"start": 12_000}, 12_000),
    ]


def test_items_in_force_sum_to_the_mrr(records: Records, ledger: Ledger) -> None:
    items = account.items(records, ledger, "acme")
    assert [(item.item_id, item.quantity, item.mrr_minor, item.term_end) for item in items] == [
        ("i1", 20, 20_000, date(2026, 1, 20)),
        ("i2", 1, 500, None),
    ]
    assert items[0].source == account.Source("subscription_item", "i1", items[0].source.load_no, 2)
    assert account.items(records, ledger, "dune") == []


def test_invoices_with_lines(records: Records) -> None:
    newest, first = account_facts.invoices(records, "acme")
    assert (newest.invoice_id, newest.overdue_days, [line.line_id for line in newest.lines]) == ("n2", 3, ["l2"])
    assert (first.invoice_id, first.overdue_days, first.lines[0].amount_minor) == ("n1", None, 12_000)


def test_usage_by_week(records: Records) -> None:
    usage = account.usage(records, "acme")
    features = account.features_used(records, "acme")
    assert list(features) == ["boards", "reports"], "the one used most first"
    assert usage.last_on == date(2025, 12, 30)
    last = usage.weeks[-1]
    assert (last.start, last.active_users, last.events, last.seats_limit) == (date(2025, 12, 29), 5, 24, 15)
    assert {feature: weeks[last.start] for feature, weeks in features.items()} == {"boards": 17, "reports": 5}
    assert [week.events for week in usage.weeks] == [30, 0, 0, 0, 0, 0, 24], "weeks without usage are told"
    assert account.usage(records, "echo").weeks == []


def test_people_tickets_surveys_deals_and_touches(records: Records) -> None:
    assert [(p.name, p.is_present) for p in account_facts.contacts(records, "acme")] == [("Ben", False), ("Ada", True)]
    assert [(t.ticket_id, t.is_open, t.contact) for t in account_facts.tickets(records, "acme")] == [
        ("t2", True, "Ada"),
        ("t1", False, "Ada"),
    ]
    assert [s.score for s in account_facts.surveys(records, "acme")] == [9, 6]
    deal = account_facts.opportunities(records, "acme")[0]
    assert (deal.stage, deal.stages) == ("won", [(date(2025, 11, 1), "prospect"), (date(2025, 12, 10), "won")])
    assert [touch.subject for touch in account_facts.touches(records, "acme")] == ["Check-in"]


def test_only_who_may_see_it_opens_an_account(records: Records) -> None:
    assert account.header(records, "bolt", owner_in=ALICE) is None
    assert account.header(records, "nothing") is None
    found = account.header(records, "acme", owner_in=ALICE)
    assert found is not None
    assert (found.row.name, found.parent, found.children) == ("Acme Zürich", None, [])


@pytest.fixture
def family(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = company(tmp_path_factory.mktemp("family"))
    load_text(
        home,
        "links.csv",
        """
        account_id,name,owner,parent_id,merged_into,valid_from
        bolt,Bolt,Bob,acme,,2025-06-01
        cora,Cora,Alice,,acme,2025-07-01""",
        LATER,
    )
    book(home, LATER)
    return home


def test_relatives(family: Home) -> None:
    with open_records(family) as records, open_ledger(family) as ledger:
        acme = account.header(records, "acme")
        assert acme is not None
        assert acme.children == [Link("bolt", "Bolt", "customer", 10_000)]
        assert acme.merged == [Link("cora", "Cora", "merged", 0)]
        assert acme.row.mrr_minor == 22_500
        assert acme.row.mrr_year_ago_minor == 15_000, "what both had, as in the retention of the window"
        cora = account.header(records, "cora")
        assert cora is not None and cora.counted_with is not None
        assert cora.counted_with.account_id == "acme"
        assert [item.mrr_minor for item in account.items(records, ledger, "cora")] == [2_000]
        seen = account.header(records, "acme", owner_in=ALICE)
        assert seen is not None
        assert (seen.children, [link.account_id for link in seen.merged]) == ([], ["cora"])


# --- the timeline ------------------------------------------------------------------------------------------


def all_entries(records: Records, ledger: Ledger, account_id: str, size: int) -> list[Entry]:
    found: list[Entry] = []
    before = None
    while True:
        page = timeline.entries(records, ledger, account_id, before=before, limit=size)
        found += page.entries
        if page.next is None:
            return found
        before = Cursor.parse(page.next.text())


def test_a_life_newest_first(records: Records, ledger: Ledger) -> None:
    told = [(str(e.at)[:10], e.kind, e.title) for e in timeline.entries(records, ledger, "acme").entries]
    assert told == [
        ("2025-12-29", "invoice", "Invoice overdue"),
        ("2025-12-28", "ticket", "Ticket opened (urgent): Down"),
        ("2025-12-20", "touch", "Call: Check-in"),
        ("2025-12-20", "contact", "Ben left"),
        ("2025-12-10", "opportunity", "Opportunity (expansion): won"),
        ("2025-12-10", "movement", "Expansion: 12 → 20 seats"),
        ("2025-12-02", "ticket", "Ticket closed: Slow"),
        ("2025-12-01", "ticket", "Ticket opened: Slow"),
        ("2025-11-02", "survey", "NPS answered by Ada: 9"),
        ("2025-11-01", "opportunity", "Opportunity (expansion): prospect"),
        ("2025-05-03", "survey", "NPS answered by Ada: 6"),
        ("2025-03-01", "movement", "Expansion: add-on sso added"),
        ("2024-01-20", "payment", "First payment"),
        ("2024-01-05", "contact", "Ben joined"),
        ("2024-01-05", "contact", "Ada joined"),
        ("2024-01-01", "movement", "New customer: team begins with 12 seats"),
    ]


def test_an_entry_names_the_row_behind_it(records: Records, ledger: Ledger) -> None:
    entry = timeline.entries(records, ledger, "acme", kinds=["movement"], limit=1).entries[0]
    assert (entry.amount_minor, entry.currency) == (8_000, "USD")
    assert entry.source is not None
    assert (entry.source.table, entry.source.key, entry.source.source_row) == ("subscription_item", "i1", 2)


def test_the_end_of_a_customer(records: Records, ledger: Ledger) -> None:
    entry = timeline.entries(records, ledger, "dune").entries[0]
    assert (entry.at, entry.title, entry.amount_minor) == (date(2025, 12, 15), "Churn: team cancelled", -4_000)


@pytest.mark.parametrize("size", [1, 2, 7, 100])
def test_pages_of_a_life_are_complete(records: Records, ledger: Ledger, size: int) -> None:
    whole = timeline.entries(records, ledger, "acme", limit=1000).entries
    assert all_entries(records, ledger, "acme", size) == whole
    assert len({entry.place for entry in whole}) == len(whole) == 16


def test_kinds_and_entries_of_other_origin(records: Records, ledger: Ledger) -> None:
    note = Entry(datetime(2025, 12, 10, 8), "note", "7", "Spoke with Ada")
    told = timeline.entries(records, ledger, "acme", kinds=["movement", "note"], extra=[note]).entries
    assert [entry.kind for entry in told] == ["note", "movement", "movement", "movement"]


@pytest.mark.parametrize("text", ["", "x", "~~", "2025-13-01~a~b", "2025-01-01"])
def test_a_place_that_is_none(text: str) -> None:
    with pytest.raises(CursorError):
        Cursor.parse(text)


@pytest.mark.slow
def test_every_account_of_the_demo_company_ties_out(tidewater: Home) -> None:
    with open_records(tidewater) as records, open_ledger(tidewater) as ledger:
        view = View(records.currency)
        rows = accounts.page(records, Query(), limit=10_000).rows
        told = 0
        for row in rows:
            history = account.mrr_history(ledger, row.account_id, view)
            if row.mrr_minor:
                assert history.days[-1].mrr_minor == row.mrr_minor
                closing: dict[str, int] = {}
                for moved in account.movements(ledger, row.account_id):
                    closing.setdefault(moved.currency, moved.mrr_minor)
                own: dict[str, int] = {}
                for item in account.items(records, ledger, row.account_id):
                    own[item.currency] = own.get(item.currency, 0) + item.mrr_minor
                if not any(entry.counted_with == row.account_id for entry in rows):
                    assert {code: minor for code, minor in own.items() if minor} == {
                        c: m for c, m in closing.items() if m
                    }
            whole = timeline.entries(records, ledger, row.account_id, limit=100_000).entries
            places = [entry.place for entry in whole]
            assert places == sorted(set(places), reverse=True), row.account_id
            told += len(whole)
        assert told > 1000
