"""A home in which a person is everywhere that a person can be, and a search through everything that a home is made of."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from holdfast.events import calls, journal
from holdfast.flows import events_in
from holdfast.flows.book import book, open_records
from holdfast.flows.home import Home, open_home
from holdfast.warehouse.landing import Landing

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ADA = "ada.lovelace+crm@example.com"
#: people whose addresses only look alike
OTHERS = ("bada.lovelace+crm@example.com", "ada.lovelace+crm@example.com.au", "bob@example.com")
SPELLINGS = (ADA, ADA.replace("@", "%40"), ADA.replace("+", "%2B").replace("@", "%40"), ADA.replace("@", "\\u0040"))


def land(landing: Landing, table: str, rows: list[dict[str, Any]], kind: str = "crm", now: datetime = NOW) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    landing.append(
        table,
        [pa.table({n: [row.get(n) for row in rows] for n in names})],
        source="test",
        source_kind=kind,
        loaded_at=now,
    )


def facts(landing: Landing) -> None:
    """Four accounts, one of which is called, and even numbered, by the address; and what Ada did at the first."""
    day = date(2025, 1, 1)
    items = [
        {"account_id": a, "subscription_id": f"s{n}", "item_id": f"s{n}", "unit_amount_minor": 1000 * (n + 1), "currency": "USD", "valid_from": day}
        for n, a in enumerate(("A1", "A2", "A3", ADA))
    ]  # fmt: skip
    land(landing, "subscription_item", items[:2], "billing")
    land(landing, "subscription_item", items[2:], "billing")
    land(landing, "account", [{"account_id": "A1", "name": "Acme"}, {"account_id": ADA, "name": ADA.upper()}])
    attributes = pa.array([[("contact", f"mailto:{ADA}"), ("plan", "pro")]], pa.map_(pa.string(), pa.string()))
    table = pa.table({"account_id": ["A2"], "attributes": attributes})
    landing.append("account", [table], source="test", source_kind="crm", loaded_at=NOW)
    land(landing, "contact", [
        {"contact_id": "c1", "account_id": "A1", "name": "Ada Lovelace", "email": ADA, "title": "Countess", "department": "Engines"},
        *({"contact_id": f"o{n}", "account_id": "A1", "name": f"Other {n}", "email": other} for n, other in enumerate(OTHERS)),
    ])  # fmt: skip
    # the same contact under another address and name, before and after
    land(
        landing, "contact", [{"contact_id": "c1", "account_id": "A1", "name": "A. Byron", "email": "byron@example.com"}]
    )
    at = datetime(2025, 2, 1)  # noqa: DTZ001  landed times have no zone
    land(landing, "ticket", [
        {"ticket_id": "t1", "account_id": "A1", "contact_id": "c1", "opened_at": at, "subject": "My invoice", "body": "I live in Ockham"},
        {"ticket_id": "t2", "account_id": "A1", "contact_id": "o2", "opened_at": at, "subject": "Hi", "body": f"please add <{ADA.title()}>, and {OTHERS[0]}"},
    ], "support")  # fmt: skip
    land(
        landing,
        "touch",
        [{"touch_id": "h1", "account_id": "A1", "contact_id": "c1", "happened_at": at, "subject": "Tea with Ada"}],
    )
    land(
        landing,
        "survey",
        [{"response_id": "r1", "account_id": "A1", "contact_id": "c1", "sent_on": day, "comment": "call my mother"}],
    )
    land(landing, "usage_day", [{"account_id": ADA, "day": day, "feature": "*", "events": 3}], "usage")


def files(home: Path) -> None:
    """Everything else that a home keeps."""
    stream = home / "landing" / "raw" / "crm" / "contacts"
    stream.mkdir(parents=True)
    body = {
        "id": "1",
        "n": 7,
        "properties": {"email": ADA.upper(), "firstname": "Ada", "phone": "+44 1"},
        "company": {"name": "Acme"},
    }
    other = {"id": "2", "properties": {"email": OTHERS[0], "firstname": "Bada", "phone": "+44 2"}}
    raw = pa.table({"object_id": ["1", "2"], "body": [json.dumps(body), json.dumps(other)]})
    pq.write_table(raw, stream / "17.5.x.parquet", compression="zstd")
    (home / "connections" / "crm").mkdir(parents=True)
    (home / "connections" / "crm" / "state.json").write_text(json.dumps({"last": ADA.replace("@", "%40")}))
    with (home / "rejected" / "contacts.20250101T000000Z.csv").open("w", newline="") as out:
        csv.writer(out).writerows([["email", "_reason"], [ADA, "no account"], [OTHERS[1], "no account"]])
    folder = home / "uploads" / "20250101T000000Z-1"
    folder.mkdir(parents=True)
    (folder / "people.csv").write_bytes(f"email;name\n{ADA};Müller\n".encode("latin-1"))
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + ADA.encode("utf-16-le"))
    book_ = openpyxl.Workbook()
    book_.active.append(["email", ADA])
    book_.save(folder / "people.xlsx")
    pq.write_table(pa.table({"mail": [ADA, None], "n": [1, 2]}), folder / "people.parquet")
    with gzip.open(home / "connections" / "crm" / "package.jsonl.gz", "wt") as out:
        out.write(json.dumps({"who": ADA.replace("@", "\\u0040")}) + "\n")
    (home / "working.json").write_text(json.dumps({"error": f"row of {ADA}"}))


def events(home: Path) -> None:
    """Calls that were answered: Ada did something, and somebody else did something about her."""
    told = [
        {"type": "identify", "messageId": "m1", "userId": "u1", "traits": {"email": ADA, "name": "Ada Lovelace"}, "context": {"groupId": "A1"}},
        {"type": "track", "messageId": "m2", "userId": ADA, "event": "Opened", "context": {"groupId": "A1"}},
        {"type": "track", "messageId": "m3", "userId": "bob", "event": "Invited", "properties": {"whom": ADA}, "context": {"groupId": "A1"}},
    ]  # fmt: skip
    call = calls.call_of({"batch": told}, "segment", "")
    assert call.bad == []
    writer = journal.Journal(journal.folder_of(home))
    writer.append(call.payload(), int(NOW.timestamp() * 1_000_000), call.events)
    writer.close()
    events_in.consume(home, NOW)


def desk_rows() -> None:
    from holdfast.desk.models import AuditEntry, Event, Invitation, Mail, Note, Party, Schedule, User

    bob = User.objects.create_user("bob@example.com", role="admin", name="Bob")
    User.objects.create_user(ADA, role="viewer", name="Ada Lovelace", is_active=False)
    more: dict[str, Any] = {"kind": "board", "due_at": NOW, "created_at": NOW}
    Mail.objects.create(effect_key="1", to=ADA, subject="For you", text="Dear Ada", **more)
    Mail.objects.create(effect_key="2", to=OTHERS[0], subject=f"about {ADA}", text="Dear Bada", **more)
    Invitation.make(ADA, "viewer", bob, NOW, name="Ada Lovelace")
    Note.objects.create(
        account_id=ADA, author=bob, text=f"Spoke to {ADA.upper()}. Also to {OTHERS[1]}.", written_at=NOW
    )
    Event.objects.create(message_id="e1", kind="note.added", data={"text": f"mail {ADA}", "n": 1}, at=NOW)
    AuditEntry.add("invited", ADA, NOW, user=User.objects.get(email=ADA), link=f"/?q={ADA.replace('@', '%40')}")
    Schedule.objects.create(report="board", every="week", recipients=[ADA, "bob@example.com"], next_at=NOW)
    Party.objects.create(system="crm", external_id=ADA, name="Ada", seen_at=NOW)
    Party.objects.create(system="crm", external_id=ADA.upper(), name="Ada", seen_at=NOW)


def everywhere(folder: Path, *, booked: bool = True) -> Home:
    """A home, booked twice, with Ada in every corner of it; the desk of this process belongs to it."""
    home = open_home(folder)
    facts(home.landing)
    files(folder)
    events(folder)
    desk_rows()
    if booked:
        book(home, NOW)
        book(home, NOW, full=True)
        open_records(home).connection.close()
    return home


def found(folder: Path, wanted: tuple[str, ...] = SPELLINGS) -> list[str]:
    """Files, cells and database pages in which a spelling of the address stands, whatever is around it."""
    needles = [one.lower().encode() for one in wanted]
    hits: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for name, data in _insides(path):
            flat = _without_others(data.lower())
            if any(one in flat or one in flat.replace(b"\0", b"") for one in needles):
                hits.append(f"{path.relative_to(folder)}{name}")
    return hits


def _without_others(data: bytes) -> bytes:
    """Addresses of others hold Ada's as a part of them."""
    for other in OTHERS:
        data = data.replace(other.encode(), b"")
    return data


def _insides(path: Path) -> list[tuple[str, bytes]]:
    data = path.read_bytes()
    inside = [("", data)]
    if path.suffix == ".parquet":
        rows = pq.ParquetFile(path).read()
        inside += [(f":{name}", repr(rows[name].to_pylist()).encode()) for name in rows.column_names]
        inside.append((":schema", str(rows.schema).encode()))
    elif path.suffix == ".gz":
        inside.append((":gz", gzip.decompress(data)))
    elif path.suffix == ".xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            inside += [(f":{name}", packed.read(name)) for name in packed.namelist()]
    elif path.suffix == ".duckdb":
        inside += _tables(path)
    return inside


def _tables(path: Path) -> list[tuple[str, bytes]]:
    import duckdb

    with duckdb.connect(str(path), read_only=True) as c:
        names = [row[0] for row in c.execute("select table_name from duckdb_tables()").fetchall()]
        return [(f":{name}", repr(c.execute(f'select * from "{name}"').fetchall()).encode()) for name in names]
