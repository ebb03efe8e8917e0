"""Erasing a person: nothing of them is left anywhere, nobody else is touched, and the numbers stay."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from holdfast.flows import erase, erased, upsert
from holdfast.flows.book import open_ledger, published
from holdfast.flows.home import Home, open_home

from ..flows.homes import load_text
from .people import ADA, NOW, OTHERS, everywhere, found

pytestmark = pytest.mark.slow


def mrr(home: Home) -> dict[int, int]:
    with open_ledger(home) as ledger:
        months = range(ledger.first_month, ledger.last_month + 1)
        return {month: ledger.rows(f"select sum({ledger.month_column(month)}) from position")[0][0] for month in months}


def rows(home: Home, table: str) -> list[dict[str, object]]:
    return [row for file in home.landing.files(table) for row in pq.ParquetFile(file).read().to_pylist()]


def test_no_byte_of_the_address_is_left_and_no_number_changes(desk: Path) -> None:
    home = everywhere(desk)
    places = {one.split("/")[0].split(":")[0] for one in found(desk)}
    assert places >= {"landing", "warehouse", "events", "rejected", "uploads", "connections", "working.json"}
    before, counts = mrr(home), {table: len(rows(home, table)) for table in ("contact", "ticket", "account")}
    told = erase.look(home, ADA.upper(), NOW)
    assert told["facts: contact"] == 3 and told["facts: ticket"] == 2 and told["desk: mail"] == 2
    assert found(desk), "looking erases nothing"
    done = erase.erase(home, ADA.upper(), NOW)
    assert done.done_at == NOW
    assert found(desk) == []
    assert mrr(home) == before
    assert counts == {table: len(rows(home, table)) for table in counts}
    assert [path.name for path in (desk / "warehouse").iterdir() if path.is_dir()] == [published(home).folder]  # type: ignore[union-attr]
    assert ADA.split("@")[0] not in json.dumps(done.erased), "only hashes are kept"


def test_the_persons_rows_stay_empty_and_other_people_stay_as_they_were(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    erase.erase(home, ADA, NOW)
    contacts = {(row["contact_id"], row["name"], row["email"], row["title"]) for row in rows(home, "contact")}
    assert contacts == {
        ("c1", "erased", None, None),
        ("events:u1", "erased", None, None),
        *((f"o{n}", f"Other {n}", other, None) for n, other in enumerate(OTHERS)),
    }
    mark = erased.mark(erased.digest(desk, ADA))
    tickets = {row["ticket_id"]: (row["subject"], row["body"]) for row in rows(home, "ticket")}
    assert tickets == {"t1": (None, None), "t2": ("Hi", f"please add <{mark}>, and {OTHERS[0]}")}
    assert [row["subject"] for row in rows(home, "touch")] == [None]
    assert [row["comment"] for row in rows(home, "survey")] == [None]
    # an account that is called by the address keeps its facts together, under the mark
    accounts = {row["account_id"]: row for row in rows(home, "account")}
    assert accounts[mark]["name"] == mark
    assert dict(accounts["A2"]["attributes"]) == {"contact": f"mailto:{mark}", "plan": "pro"}  # type: ignore[call-overload]
    assert {row["account_id"] for row in rows(home, "usage_day")} == {mark, "events:A1"}
    assert mark in {row["account_id"] for row in rows(home, "subscription_item")}


def test_raw_objects_lose_the_persons_fields_and_stay_json(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    erase.erase(home, ADA, NOW)
    mark = erased.mark(erased.digest(desk, ADA))
    bodies = pq.ParquetFile(desk / "landing/raw/crm/contacts/17.5.x.parquet").read()["body"].to_pylist()
    ada, bada = map(json.loads, bodies)
    assert ada == {
        "id": "1", "n": 7, "properties": {"email": mark, "firstname": "erased", "phone": "erased"}, "company": {"name": "Acme"},
    }  # fmt: skip
    assert bada["properties"] == {"email": OTHERS[0], "firstname": "Bada", "phone": "+44 2"}


def test_the_desk_forgets_the_person_and_sends_them_nothing(desk: Path) -> None:
    from holdfast.desk.models import AuditEntry, Event, Invitation, Mail, Note, Party, Schedule, User

    home = everywhere(desk, booked=False)
    erase.erase(home, ADA, NOW)
    mark = erased.mark(erased.digest(desk, ADA))
    to_ada, to_bada = Mail.objects.order_by("effect_key")
    assert (to_ada.to, to_ada.state, to_ada.subject, to_ada.text) == (mark, "cancelled", "", "")
    assert (to_bada.to, to_bada.state, to_bada.subject, to_bada.text) == (
        OTHERS[0],
        "waiting",
        f"about {mark}",
        "Dear Bada",
    )
    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.name) == (mark, "") and not invitation.is_open(NOW)
    note = Note.objects.get()
    assert (note.account_id, note.text) == (mark, f"Spoke to {mark}. Also to {OTHERS[1]}.")
    assert Event.objects.get().data == {"text": f"mail {mark}", "n": 1}
    assert Schedule.objects.get().recipients == ["bob@example.com"]
    assert Party.objects.get(system="crm").external_id == mark, "two spellings have become one party"
    assert {user.email: user.name for user in User.objects.all()} == {"bob@example.com": "Bob", mark: "erased"}
    invited, done = AuditEntry.objects.order_by("id")
    assert (invited.actor, invited.target, invited.detail) == (mark, mark, {"link": f"/?q={mark}"})
    assert (done.action, done.target) == ("erased person", mark)


def test_whoever_signs_in_is_not_erased(desk: Path) -> None:
    from holdfast.desk.models import User

    User.objects.create_user(ADA, role="viewer")
    home = open_home(desk)
    with pytest.raises(erase.EraseError, match="deactivate them under People first"):
        erase.erase(home, ADA, NOW)
    with pytest.raises(erase.EraseError, match="not an e-mail address"):
        erase.look(home, "ada", NOW)


def test_erasing_again_changes_nothing(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    first = erase.erase(home, ADA, NOW).erased["places"]
    parts = {path: path.read_bytes() for path in (desk / "landing").rglob("*.parquet")}
    assert erase.look(home, ADA, NOW) == {}
    assert erase.erase(home, ADA, NOW).erased["places"] == first
    assert {path: path.read_bytes() for path in (desk / "landing").rglob("*.parquet")} == parts


def test_the_next_load_and_the_api_do_not_bring_the_person_back(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    erase.erase(home, ADA, NOW)
    before = {path.name for path in (desk / "landing").glob("*/*.parquet")}
    text = f"""
        contact_id,account_id,name,email,title
        c1,A1,Ada Lovelace,{ADA.title()},Countess
        c2,A2,Ada King,{ADA},Countess
    """
    report = load_text(home, "contacts.csv", text, NOW + timedelta(days=1))
    assert [(file.table, file.rows_loaded, file.rows_unchanged) for file in report.files] == [("contact", 1, 1)]
    assert next(row for row in rows(home, "contact") if row["contact_id"] == "c2")["name"] == "erased"
    change = {"c1": {"email": ADA, "name": "Ada"}, "c2": {"title": "Countess", "email": ADA}}
    assert upsert.upsert_contacts(home, change, NOW).changed == frozenset()
    told = upsert.upsert_accounts(home, {"A3": {"name": f"c/o {ADA}"}}, NOW)
    assert told.changed == {"A3"}
    new = [path for path in (desk / "landing").glob("*/*.parquet") if path.name not in before]
    assert len(new) == 2 and found(desk / "landing") == []


def test_text_that_comes_in_is_cleaned_of_known_addresses_alone(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    assert not erased.Guard(desk)
    erase.erase(home, ADA, NOW)
    guard, mark = erased.Guard(desk), erased.mark(erased.digest(desk, ADA))
    assert erased.known(desk, [ADA.upper(), *OTHERS]) == {ADA.upper()}
    assert guard.text(f"a={ADA.replace('@', '%40')}, {OTHERS[0]}") == f"a={mark}, {OTHERS[0]}"
    told = json.dumps({"userId": ADA, "traits": {"email": ADA, "name": "Ada", "plan": "x"}, "text": f"line\n{ADA}"})
    assert json.loads(guard.json(told)) == {
        "userId": mark, "traits": {"email": mark, "name": "erased", "plan": "x"}, "text": f"line\n{mark}",
    }  # fmt: skip


def test_another_secret_of_the_home_does_not_make_it_forget(desk: Path) -> None:
    home = everywhere(desk, booked=False)
    erase.erase(home, ADA, NOW)
    before = erased.Guard(desk).person(ADA)
    (desk / "secret.key.old").write_text((desk / "secret.key").read_text() + "\n")
    (desk / "secret.key").write_text("another-secret-of-this-test-long-enough")
    assert before is not None and erased.Guard(desk).person(ADA) == before
