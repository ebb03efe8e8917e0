"""Records follow landing: the newest learned row holds, a day's news is worked in, and a publish is whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from holdfast.flows import book as flow
from holdfast.flows.book import book, open_ledger, open_records, published
from holdfast.flows.home import Home, open_home
from holdfast.metrics import account_facts
from holdfast.warehouse.matrix import LedgerError
from holdfast.warehouse.records import USAGE_FILE, Records
from holdfast.warehouse.records_build import KEPT, RECORDS_FILE

from ..flows.homes import load_text
from .company import FILES, LATER, NOW, company

pytestmark = pytest.mark.slow

TABLES = [*KEPT.values(), "item", "summary", "year", "usage.usage_day", "usage.usage_total"]

NEWS = {
    "ticket.csv": """
        ticket_id,account_id,contact_id,opened_at,closed_at,priority,subject,satisfaction
        t2,acme,c1,2025-12-28 10:00:00,2025-12-30 10:00:00,urgent,Down,2
        t9,bolt,c3,2025-12-30 11:00:00,,high,Again,""",
    "contact.csv": """
        contact_id,account_id,name,email,title,department,role,joined_on,left_on,left_noticed_on
        c1,bolt,Ada,ada@bolt.example,CTO,IT,champion,2025-12-20,,""",
    "usage_day.csv": """
        account_id,day,feature,events,active_users
        acme,2025-12-29,boards,11,3
        acme,2025-12-31,boards,4,2
        cora,2025-12-31,*,8,1""",
    "subscription_item.csv": """
        account_id,subscription_id,item_id,plan_id,quantity,unit_amount_minor,currency,interval,status,valid_from,valid_to,term_end
        bolt,s2,i3,business,7,2000,USD,month,active,2025-12-20,,2026-06-01""",
    "account.csv": """
        account_id,name,domain,owner,created_on,industry,plan
        cora,Cora,cora.example,Alice,2024-03-01,Health,Team""",
}


def tell_news(home: Home, **files: str) -> None:
    for name, text in (files or NEWS).items():
        assert not load_text(home, "news_" + name, text, LATER).files[0].rejects


def contents(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    with open_records(home) as records:
        return {table: records.rows(f"select * from {_quoted(table)} order by all") for table in TABLES}


def _quoted(table: str) -> str:
    return ".".join(f'"{part}"' for part in table.split("."))


def test_a_days_news_makes_the_records_that_a_full_booking_makes(tmp_path: Path) -> None:
    home = company(tmp_path)
    tell_news(home)
    load_text(home, "launch.csv", "feature,launched_on,title\nReports,2025-11-01,Reports\n", NOW)
    book(home, LATER)
    followed = contents(home)
    book(home, LATER, full=True)
    anew = contents(home)
    for table in TABLES:
        assert followed[table] == anew[table], table
        assert followed[table], f"{table} has rows to compare"


def test_the_newest_state_wins(tmp_path: Path) -> None:
    home = company(tmp_path)
    tell_news(home)
    book(home, LATER)
    with open_records(home) as records:
        tickets = {ticket.ticket_id: ticket for ticket in account_facts.tickets(records, "acme")}
        assert not tickets["t2"].is_open
        assert tickets["t2"].satisfaction == 2
        assert [person.contact_id for person in account_facts.contacts(records, "acme")] == ["c2"], "moved with its key"
        assert "c1" in [person.contact_id for person in account_facts.contacts(records, "bolt")]
        usage = "select events from usage.usage_total where account_id = ? order by day desc"
        assert records.rows(usage, ["acme"]) == [(4,), (9,), (16,), (30,)]
        told = "select owner, mrr_minor from summary where account_id in ('cora', 'bolt') order by account_id"
        assert records.rows(told) == [("Bob", 14_000), (None, 2_000)], "told tomorrow: Alice's from tomorrow on"


def test_what_was_learned_earlier_does_not_win_by_coming_later(tmp_path: Path) -> None:
    home = company(tmp_path)
    late = FILES["ticket.csv"].replace("urgent,Down", "low,Long ago")
    load_text(home, "late.csv", late, NOW.replace(year=2025, month=6))
    book(home, LATER)
    with open_records(home) as records:
        assert {ticket.subject for ticket in account_facts.tickets(records, "acme")} == {"Slow", "Down"}


def test_a_corrected_file_changes_the_record_only_with_the_next_booking(tmp_path: Path) -> None:
    home = company(tmp_path)
    tell_news(home, **{"contact.csv": FILES["contact.csv"].replace("c1,acme,Ada,", "c1,acme,Adele,")})
    with open_records(home) as records:
        assert [person.name for person in account_facts.contacts(records, "acme")][-1] == "Ada"
    book(home, LATER)
    with open_records(home) as records:
        assert "Adele" in [person.name for person in account_facts.contacts(records, "acme")]


def test_without_news_usage_is_the_same_file(tmp_path: Path) -> None:
    home = company(tmp_path)
    before = file_of(home, USAGE_FILE).stat().st_ino
    book(home, LATER)
    assert file_of(home, USAGE_FILE).stat().st_ino == before
    tell_news(home, **{"usage_day.csv": NEWS["usage_day.csv"]})
    book(home, LATER)
    assert file_of(home, USAGE_FILE).stat().st_ino != before


def test_records_that_fail_keep_the_last_publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = company(tmp_path)
    current = (home.warehouse / "CURRENT").read_bytes()
    tell_news(home)
    with monkeypatch.context() as patch:

        def refused(*_: object) -> None:
            raise LedgerError("made to fail")

        patch.setattr("holdfast.warehouse.records_build.write_summary", refused)
        with pytest.raises(LedgerError, match="made to fail"):
            book(home, LATER)
    assert (home.warehouse / "CURRENT").read_bytes() == current
    assert [folder.name for folder in home.warehouse.iterdir() if folder.is_dir()] == ["000001"]
    book(home, LATER)
    assert published(home) != current


def test_a_summary_that_does_not_sum_up_to_the_ledger_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = company(tmp_path)
    real = flow.build_records
    from holdfast.warehouse import records_summary

    def one_short(ledger: Any, currency: str, after: Any) -> Any:
        return told(ledger, currency, after).slice(1)

    told = records_summary._balances
    monkeypatch.setattr(records_summary, "_balances", one_short)
    with pytest.raises(LedgerError, match="the accounts' MRR sums to"):
        book(home, LATER, full=True)
    assert real is flow.build_records


def test_a_home_booked_before_there_were_records_gets_them_when_asked(tmp_path: Path) -> None:
    home = company(tmp_path)
    wanted = contents(home)
    for name in (RECORDS_FILE, USAGE_FILE):
        file_of(home, name).unlink()
    tell_news(home)
    assert contents(home) == wanted, "what was loaded since is not in it"
    assert not list(file_of(home, "").glob("*.making"))


def test_records_of_another_form_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = company(tmp_path)
    wanted = contents(home)
    for module in ("records", "records_build", "records_usage"):
        monkeypatch.setattr(f"holdfast.warehouse.{module}.RECORDS_SCHEMA", "next")
    assert contents(home) == wanted
    with open_records(home) as records:
        assert records.settings["schema"] == "next"


@pytest.mark.slow
def test_another_policy_is_answered_beside_and_the_first_one_again(tmp_path: Path) -> None:
    home = company(tmp_path)
    for name in (RECORDS_FILE, USAGE_FILE):
        file_of(home, name).unlink()
    config = home.path / "holdfast.toml"
    told = config.read_text()
    config.write_text(told.replace('policy = "holdfast-1"', 'policy = "stripe"'))
    for _ in range(2):
        with open_records(open_home(home.path)) as records:
            assert records.policy == "stripe"
    config.write_text(told)
    with open_records(open_home(home.path)) as records:
        assert records.policy == "holdfast-1"
    assert len(list(file_of(home, "").glob("records*.duckdb"))) == 2


def test_another_currency_is_answered_beside(tmp_path: Path) -> None:
    home = company(tmp_path)
    load_text(home, "rates.csv", "currency,quote,day,rate\nUSD,EUR,2023-01-01,0.5", NOW)
    book(home, NOW)
    config = home.path / "holdfast.toml"
    config.write_text(config.read_text().replace('currency = "USD"', 'currency = "EUR"'))
    with open_records(open_home(home.path)) as records, open_records(home) as dollars:
        row = "select mrr_minor from summary where account_id = 'acme'"
        assert records.currency == "EUR"
        assert records.rows(row) == [(10_250,)]
        assert dollars.rows(row) == [(20_500,)], "both are open side by side"


def test_a_fork_reads_beside_its_origin(tmp_path: Path) -> None:
    with open_records(company(tmp_path)) as records:
        result = records.connection.execute("select account_id from summary order by 1")
        with records.fork() as other:
            assert other.rows("select count(*) from usage.usage_total") == [(4,)]
            assert other.as_of == records.as_of
        assert len(result.fetchall()) == 5, "what was begun goes on"


def test_one_accounts_rows_lie_together(tmp_path: Path) -> None:
    home = company(tmp_path)
    with open_records(home) as records:
        for table in ("contact", "ticket", "invoice", "touch", "survey", "item"):
            ids = [row[0] for row in records.rows(f"select account_id from {table}")]
            assert ids == sorted(ids), table


def file_of(home: Home, name: str) -> Path:
    current = published(home)
    assert current is not None
    return home.warehouse / current.folder / name


def test_reading_is_not_writing(tmp_path: Path) -> None:
    home = company(tmp_path)
    with (
        open_ledger(home),
        Records(file_of(home, RECORDS_FILE)) as records,
        pytest.raises(Exception, match="read-only"),
    ):
        records.connection.execute("delete from summary")
