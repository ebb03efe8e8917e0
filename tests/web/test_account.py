"""One account: who may open it, what each tab tells, its timeline with notes and sources, panels, odd ids and empty ones."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from .books import ALICES, LONG_NAME, Served, text

pytestmark = pytest.mark.slow

TABS = ("account", "account_timeline", "account_people", "account_usage", "account_support", "account_billing")
CHARTS = ("mrr_history", "usage", "events")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def web(db: None, settings: Any) -> Iterator[Served]:
    from holdfast.flows import answers

    yield Served(settings)
    answers.forget()


def at(name: str, account_id: str = "acme", *more: Any) -> str:
    return reverse(name, args=[account_id, *more])


def every_address(account_id: str) -> list[str]:
    """All addresses over one account that are read."""
    charts = [at(f"account_chart{form}", account_id, name) for name in CHARTS for form in ("", "_csv", "_png")]
    return [
        *(at(tab, account_id) for tab in TABS),
        *charts,
        f"{at('account_source', account_id)}?table=touch&load=1&row=1",
    ]


# -- rights by relation --------------------------------------------------------------------------------------------


def test_alice_opens_every_page_of_her_account_and_bob_none(web: Served) -> None:
    alice, bob, charlie = web.alice, web.bob, web.charlie
    for address in every_address("acme"):
        # what is drawn for her has a test of its own
        assert address.endswith(".png") or alice.get(address).status_code != 403, address
        assert bob.get(address).status_code == 403, address
        assert charlie.get(address).status_code == 403, address
    assert all(alice.get(at(tab)).status_code == 200 for tab in TABS)


def test_what_changes_an_account_is_refused_to_those_who_do_not_carry_it(web: Served) -> None:
    from holdfast.desk.models import Note

    web.alice.post(at("note_write"), {"text": "Hers"})
    note = Note.objects.get()
    for client in (web.bob, web.charlie, web.finance, web.viewer):
        assert client.post(at("note_write"), {"text": "Not mine"}).status_code == 403
        assert client.get(at("note_edit", "acme", note.pk)).status_code == 403
        for name in ("note_edit", "note_pin", "note_delete"):
            assert client.post(at(name, "acme", note.pk), {"text": "x"}).status_code == 403, name
    assert Note.objects.get().text == "Hers"


def test_a_note_is_not_reached_through_another_account(web: Served) -> None:
    from holdfast.desk.models import Note

    web.alice.post(at("note_write"), {"text": "Hers"})
    note = Note.objects.get()
    for name in ("note_edit", "note_pin", "note_delete"):
        assert web.bob.post(at(name, "bolt", note.pk), {"text": "x"}).status_code == 404, name
    assert Note.objects.get().text == "Hers"


def test_a_source_row_is_not_reached_through_another_account(web: Served) -> None:
    source = re.search(r'href="(/accounts/acme/source/[^"]+)"', text(web.alice.get(at("account_timeline"))))
    assert source
    address = source[1].replace("&amp;", "&")
    assert web.alice.get(address).status_code == 200
    assert web.bob.get(address).status_code == 403
    assert web.bob.get(address.replace("/acme/", "/bolt/")).status_code == 404


def test_relatives_in_other_books_are_not_named_to_a_csm(web: Served) -> None:
    assert web.admin.get(at("account", "cora")).status_code == 200
    assert web.alice.get(at("account", "cora")).status_code == 403


def test_who_may_read_everything_reads_but_writes_no_notes_elsewhere(web: Served) -> None:
    from holdfast.desk.models import BookSettings

    web.alice.post(at("note_write"), {"text": "Between us"})
    BookSettings.objects.update_or_create(pk=1, defaults={"csm_reads_all": True})
    page = web.bob.get(at("account_timeline"))
    assert page.status_code == 200 and "Between us" not in text(page)
    assert web.bob.post(at("note_write"), {"text": "Me too"}).status_code == 403


def test_an_unknown_account_is_not_found(web: Served) -> None:
    assert web.admin.get(at("account", "nowhere")).status_code == 404
    assert web.alice.get(at("account", "nowhere")).status_code == 403


# -- what the pages tell -------------------------------------------------------------------------------------------


def test_the_overview_tells_mrr_renewal_owner_and_what_moved_it(web: Served) -> None:
    page = text(web.alice.get(at("account")))
    for told in (
        "Acme Zürich",
        "$205",
        "$2,460",
        "in 20 days",
        "Jan 20, 2026",
        "January 2024",
        "Alice",
        "What moved the MRR",
        "acme.example",
    ):
        assert told in page, told
    assert "expansion" in page and "seats" in page


def test_the_mrr_chart_has_a_table_a_csv_and_a_picture_that_agree(web: Served) -> None:
    found = list(csv.DictReader(io.StringIO(text(web.alice.get(at("account_chart_csv", "acme", "mrr_history"))))))
    assert [(row["Day"], row["MRR"]) for row in found] == [
        ("2024-01-01", "120.00"),
        ("2025-03-01", "125.00"),
        ("2025-12-10", "205.00"),
    ]
    assert found[-1]["What happened"] == "Expansion: 12 → 20 seats"
    page = text(web.alice.get(at("account")))
    assert "Expansion: 12 → 20 seats" in page and 'id="chart-mrr_history"' in page
    picture = web.alice.get(at("account_chart_png", "acme", "mrr_history"))
    assert picture.content.startswith(b"\x89PNG")


def test_people_stand_by_department_with_those_who_left(web: Served) -> None:
    page = text(web.alice.get(at("account_people")))
    assert page.index("Finance") < page.index("IT")
    assert "Ada" in page and "champion" in page
    assert "left Dec 20, 2025, noticed Dec 28, 2025" in page


def test_usage_support_and_billing_tell_their_facts(web: Served) -> None:
    usage, support, billing = (text(web.alice.get(at(f"account_{tab}"))) for tab in ("usage", "support", "billing"))
    assert "boards" in usage and "Active people" in usage and "Seats" in usage
    assert "Down" in support and "urgent" in support and "“Better now”" in support and "4 of 5" in support
    assert "3 days overdue" in billing and "n2" in billing and "$150.00" in billing and "won" in billing
    assert re.search(r"recurring.*\$125\.00", billing, re.S)


def test_a_tab_alone_is_given_where_a_part_is_asked_for(web: Served) -> None:
    for tab in TABS:
        part = text(web.alice.get(at(tab), headers=HTMX))
        assert part.strip().startswith('<div id="account-tab">') and "<html" not in part, tab


# -- the timeline --------------------------------------------------------------------------------------------------


def test_the_timeline_is_filtered_by_kind_in_the_address(web: Served) -> None:
    page = text(web.alice.get(f"{at('account_timeline')}?kind=ticket&kind=survey"))
    assert "Ticket opened (urgent): Down" in page and "NPS answered" in page
    assert "Expansion" not in page and "Check-in" not in page


def test_older_entries_follow_by_a_real_link_and_as_a_part(web: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.web.pages import account_timeline

    monkeypatch.setattr(account_timeline, "SOME", 4)
    kinds = "kind=ticket&kind=movement&kind=contact"
    titles: list[str] = []
    address: str | None = f"{at('account_timeline')}?{kinds}"
    part, parts = False, 0
    while address:
        parts += 1
        page = text(web.alice.get(address, headers={"HX-Request": "true", "HX-Target": "older"} if part else {}))
        assert ("<html" in page) is not part
        titles += re.findall(r'timeline-title"><span[^>]*>([^<]+)<', page)
        older = re.search(r'href="([^"]+)" hx-get', page.split('id="older"')[1]) if 'id="older"' in page else None
        address, part = (older[1].replace("&amp;", "&") if older else None), True
    monkeypatch.undo()
    whole = text(web.alice.get(f"{at('account_timeline')}?{kinds}"))
    assert titles == re.findall(r'timeline-title"><span[^>]*>([^<]+)<', whole)
    assert (len(titles), parts) == (9, 3)
    assert titles[0].startswith("Ticket opened (urgent)")


def test_a_place_that_is_none_is_refused(web: Served) -> None:
    assert web.alice.get(f"{at('account_timeline')}?before=yesterday").status_code == 400


def test_each_entry_opens_the_row_that_says_so(web: Served) -> None:
    page = text(web.alice.get(f"{at('account_timeline')}?kind=ticket"))
    source = re.findall(r'href="(/accounts/acme/source/[^"]+)"', page)
    assert source
    row = text(web.alice.get(source[0].replace("&amp;", "&"), headers=HTMX))
    assert "table <code>ticket</code>" in row and "Down" in row and "ticket.csv" in row and "<html" not in row
    whole = text(web.alice.get(source[0].replace("&amp;", "&")))
    assert "<h1>Source row</h1>" in whole


@pytest.mark.parametrize(
    "query",
    [
        "",
        "table=ticket",
        "table=ticket&load=x&row=1",
        "table=secret&load=1&row=1",
        "table=ticket&load=999&row=1",
        "table=fx_rate&load=1&row=1",
    ],
)
def test_a_source_row_that_is_not_there_is_not_found(web: Served, query: str) -> None:
    assert web.admin.get(f"{at('account_source')}?{query}").status_code == 404


# -- notes ---------------------------------------------------------------------------------------------------------


def test_a_note_is_written_edited_pinned_and_deleted(web: Served) -> None:
    from holdfast.desk.models import AuditEntry, Note

    alice = web.alice
    done = alice.post(at("note_write"), {"text": " Wants SSO\r\nby spring ", "tab": "account_timeline"})
    assert (done.status_code, done["Location"]) == (303, at("account_timeline"))
    note = Note.objects.get()
    assert note.text == "Wants SSO\nby spring" and note.author.name == "Alice"
    assert "Wants SSO" in text(alice.get(at("account_timeline"))) and "Wants SSO" in text(alice.get(at("account")))

    alice.post(at("note_pin", "acme", note.pk), {"pinned": "1"})
    assert "Pinned note" in text(alice.get(at("account")))
    alice.post(at("note_edit", "acme", note.pk), {"text": "Wants SSO in June"})
    assert "in June" in text(alice.get(at("account"))) and "edited" in text(alice.get(at("account_timeline")))

    alice.post(at("note_delete", "acme", note.pk))
    note.refresh_from_db()
    assert (note.text, note.is_pinned) == ("", False) and note.deleted_at
    assert "SSO" not in text(alice.get(at("account")))
    done = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert done == ["wrote note", "pinned note", "edited note", "deleted note"]
    assert "SSO" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))


def test_finance_and_viewers_see_no_notes_anywhere(web: Served) -> None:
    web.alice.post(at("note_write"), {"text": "Between us", "pinned": "1"})
    for client in (web.finance, web.viewer):
        for tab in TABS:
            page = text(client.get(at(tab)))
            assert "Between us" not in page, tab
            read = re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S)
            assert not re.search(r"\bnotes?\b", read, re.I), tab
        filtered = text(client.get(f"{at('account_timeline')}?kind=note"))
        assert "Between us" not in filtered
    assert "Between us" in text(web.manager.get(at("account_timeline")))


def test_a_reason_of_a_hand_over_is_told_to_those_with_the_right_to_notes(web: Served) -> None:
    web.manager.post(
        "/accounts/hand-over", {"id": "bolt", "owner": "Alice", "from_day": "2025-12-30", "reason": "Bob is on leave"}
    )
    assert "Bob is on leave" in text(web.alice.get(at("account_timeline", "bolt")))
    page = text(web.finance.get(at("account_timeline", "bolt")))
    assert "Handed over to Alice" in page and "on leave" not in page


def test_only_the_author_edits_and_whoever_arranges_the_books_may_delete(web: Served) -> None:
    from holdfast.desk.models import Note

    web.alice.post(at("note_write"), {"text": "Mine"})
    note = Note.objects.get()
    assert web.manager.get(at("note_edit", "acme", note.pk)).status_code == 403
    assert web.manager.post(at("note_edit", "acme", note.pk), {"text": "Changed"}).status_code == 403
    second = web.client(web.user("csm", "Second", "Alice"))
    assert second.post(at("note_delete", "acme", note.pk)).status_code == 403
    assert Note.objects.get().text == "Mine"
    assert web.manager.post(at("note_delete", "acme", note.pk)).status_code == 303
    assert not Note.objects.filter(deleted_at=None).exists()


@pytest.mark.parametrize("said", ["", "   \n ", "x" * 20_001])
def test_an_empty_or_endless_note_is_not_saved(web: Served, said: str) -> None:
    from holdfast.desk.models import Note

    done = web.alice.post(at("note_write"), {"text": said}, follow=True)
    assert "Write something first" in text(done) or "characters" in text(done)
    assert not Note.objects.exists()


def test_a_note_is_text_and_never_a_tag(web: Served) -> None:
    web.alice.post(at("note_write"), {"text": "<script>alert(1)</script> https://example.com/x"})
    page = text(web.alice.get(at("account_timeline")))
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert 'href="https://example.com/x"' in page


def test_a_key_written_note_has_no_author_and_is_told_so(web: Served) -> None:
    from holdfast.desk.models import Note
    from holdfast.web import answers

    Note.objects.create(account_id="acme", author=None, text="From the CRM", written_at=answers.now())
    page = text(web.alice.get(at("account_timeline")))
    assert "From the CRM" in page and "Note by an API key" in page


# -- panels --------------------------------------------------------------------------------------------------------


def test_a_module_in_panels_shows_on_the_account_when_it_has_something(
    web: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.web import panels

    (tmp_path / "weather.py").write_text(
        "from django.utils.html import format_html\n"
        "def panel(request, account_id):\n"
        "    return format_html('<section class=\"card\">Sunny at {}</section>', account_id) if account_id == 'acme' else None\n"
    )
    monkeypatch.setattr(panels, "__path__", [*panels.__path__, str(tmp_path)])
    panels.found.cache_clear()
    try:
        assert "Sunny at acme" in text(web.alice.get(at("account")))
        assert "Sunny" not in text(web.alice.get(at("account", "dune")))
    finally:
        panels.found.cache_clear()


def test_no_panel_is_shipped_that_is_empty(web: Served) -> None:
    from holdfast.web import panels

    assert all(callable(panel) for panel in panels.found())


# -- odd accounts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account_id", ALICES)
def test_any_text_can_be_an_id_and_any_account_opens_on_every_tab(web: Served, account_id: str) -> None:
    alice = web.alice
    for tab in TABS:
        page = alice.get(at(tab, account_id))
        assert page.status_code == 200, tab
        assert "<h1" in text(page)
    assert alice.post(at("note_write", account_id), {"text": "Hello"}).status_code == 303
    assert "Hello" in text(alice.get(at("account_timeline", account_id)))


def test_an_account_with_a_name_only_says_what_is_missing(web: Served) -> None:
    pages = [text(web.alice.get(at(tab, "bare"))) for tab in TABS]
    said = ("No MRR yet", "Nothing here", "No contacts", "No usage in the last year", "No tickets", "Nothing in force")
    for page, empty in zip(pages, said, strict=True):
        assert empty in page
        assert "None" not in re.sub(r"<[^>]+>", " ", page), "a missing value is written as a dash or a word"


def test_long_and_foreign_names_stand_whole_in_the_heading(web: Served) -> None:
    assert LONG_NAME in text(web.alice.get(at("account", "long")))
    heading = re.search(r"<h1.*?</h1>", text(web.alice.get(at("account", "rtl"))), re.S)
    assert heading and "شركة الاختبار المحدودة" in heading[0] and 'dir="auto"' in heading[0]
