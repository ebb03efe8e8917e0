"""The list of accounts: who sees which, filters, columns, views, totals, the CSV file, quick search, hand-overs of many."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from .books import ALICES, BOBS, LONG_NAME, MRR, Served, text

ALL = len(ALICES) + len(BOBS) + 1


@pytest.fixture
def web(db: None, settings: Any) -> Iterator[Served]:
    from holdfast.flows import answers

    yield Served(settings)
    answers.forget()


def rows(response: Any) -> list[str]:
    """The account ids of the table's rows, as their addresses say them."""
    from holdfast.web.addresses import AccountId

    found = re.findall(r'<tr data-href="/accounts/([^"]+)/"', text(response))
    return [AccountId().to_python(unquote(one)) for one in found]


def sheet(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text(response))))


# -- whose accounts ------------------------------------------------------------------------------------------------


def test_an_admin_sees_all_accounts_with_their_number_and_mrr(web: Served) -> None:
    page = web.admin.get("/accounts/")
    assert len(rows(page)) == ALL
    assert f"{ALL} accounts · $325 MRR" in text(page)
    assert sum(MRR.values()) == 32_500


def test_a_csm_sees_their_own_book_and_its_total_only(web: Served) -> None:
    page = web.alice.get("/accounts/")
    assert sorted(rows(page)) == sorted(ALICES)
    assert "$205 MRR" in text(page)
    assert "Bolt" not in text(page) and "Cora" not in text(page)


def test_asking_for_somebody_elses_book_shows_a_csm_nothing_of_it(web: Served) -> None:
    page = web.bob.get("/accounts/?owner=Alice")
    assert rows(page) == []
    assert "Acme" not in text(page)


def test_charlie_without_a_book_sees_nothing_and_is_told_how_to_get_accounts(web: Served) -> None:
    page = text(web.charlie.get("/accounts/"))
    assert "No accounts in your book yet" in page and "hand accounts over" in page
    for found in ("/accounts/search?q=a", "/accounts/export.csv", "/accounts/?q=acme"):
        told = text(web.charlie.get(found))
        assert "Acme" not in told and "acme.example" not in told, found
    assert sheet(web.charlie.get("/accounts/export.csv")) == []


def test_a_csm_without_an_owner_name_is_told_to_ask_for_one(web: Served) -> None:
    nobody = web.client(web.user("csm", "Nora"))
    page = text(nobody.get("/accounts/"))
    assert "has no owner name" in page


def test_finance_and_viewers_read_the_list_and_cannot_hand_over(web: Served) -> None:
    for client in (web.finance, web.viewer):
        page = client.get("/accounts/")
        assert len(rows(page)) == ALL
        assert "data-select" not in text(page)
        assert client.get("/accounts/hand-over?id=acme").status_code == 403
        assert (
            client.post("/accounts/hand-over", {"id": "acme", "owner": "Bob", "from_day": "2025-12-31"}).status_code
            == 403
        )


# -- filters, order, columns, paging -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=acme", {"acme"}),
        ("q=zurich", {"acme"}),
        ("owner=Bob", {"bolt", "echo"}),
        ("owner=", {"cora"}),
        ("owner=Bob&owner=", {"bolt", "echo", "cora"}),
        ("status=churned", {"dune"}),
        ("seg_industry=Health", {"cora", "echo"}),
        ("seg_industry=Health&seg_plan=", {"echo"}),
        ("renews=30", {"acme"}),
        ("renews=180", {"acme", "bolt"}),
        ("mrr_from=100", {"acme", "bolt"}),
        ("mrr_from=20&mrr_to=100", {"bolt", "cora"}),
        ("changed=contraction", {"cora"}),
        ("changed=churn&changed=expansion", {"acme", "dune"}),
        ("q=nothing+like+that", set()),
    ],
)
def test_filters_leave_what_they_say(web: Served, query: str, expected: set[str]) -> None:
    assert set(rows(web.admin.get(f"/accounts/?{query}"))) == expected


def test_each_filter_in_force_is_a_chip_whose_link_takes_it_away(web: Served) -> None:
    page = text(web.admin.get("/accounts/?owner=Bob&owner=Alice&status=customer&sort=name"))
    chips = dict(re.findall(r'aria-current="true" href="(\?[^"]*)"\s+aria-label="Remove the filter ([^"]*)"', page))
    by_title = {title: href.replace("&amp;", "&") for href, title in chips.items()}
    assert set(by_title) == {"Owner: Bob", "Owner: Alice", "Status: customer"}
    assert by_title["Owner: Bob"] == "?owner=Alice&sort=name&status=customer"


def test_the_list_is_sorted_by_any_heading_and_turned_round_by_the_second_click(web: Served) -> None:
    assert rows(web.admin.get("/accounts/?sort=-mrr_minor"))[:3] == ["acme", "bolt", "cora"]
    assert rows(web.admin.get("/accounts/?sort=mrr_minor"))[-1] == "acme"
    page = text(web.admin.get("/accounts/?sort=-mrr_minor"))
    assert 'aria-sort="descending"><a href="?sort=mrr_minor"' in page


@pytest.mark.parametrize(
    "query", ["sort=secret", "renews=soon", "mrr_from=lots", "mrr_from=NaN", "status=unknown", "page=0", "size=999"]
)
def test_what_cannot_be_read_is_said_and_not_guessed(web: Served, query: str) -> None:
    page = web.admin.get(f"/accounts/?{query}")
    assert page.status_code == 400
    assert "That cannot be answered" in text(page)


def test_columns_are_chosen_in_the_address(web: Served) -> None:
    page = text(web.admin.get("/accounts/?col=nps&col=seg_plan&col=gone"))
    heads = re.findall(r'<th scope="col"[^>]*>(?:<a[^>]*>)?([^<]+)', page)
    assert heads == ["Account", "NPS", "Plan"]


def test_pages_together_hold_every_account_once(web: Served) -> None:
    seen: list[str] = []
    address = "/accounts/?size=5&sort=name"
    while address:
        page = web.admin.get(address)
        seen += rows(page)
        onward = re.search(r'href="(\?[^"]*)" rel="next"', text(page))
        address = f"/accounts/{onward[1]}".replace("&amp;", "&") if onward else ""
    assert len(seen) == ALL
    assert set(seen) == set(ALICES) | set(BOBS) | {"cora"}


def test_a_page_behind_the_last_one_leads_back(web: Served) -> None:
    assert "behind the last one" in text(web.admin.get("/accounts/?page=40"))


def test_long_and_foreign_names_are_whole_in_the_page(web: Served) -> None:
    page = text(web.admin.get("/accounts/"))
    assert f'title="{LONG_NAME}"' in page
    assert "شركة الاختبار المحدودة" in page and 'dir="auto"' in page


# -- quick search --------------------------------------------------------------------------------------------------


def test_quick_search_gives_links_as_a_part_and_as_a_page(web: Served) -> None:
    part = text(web.admin.get("/accounts/search?q=ac", headers={"HX-Request": "true"}))
    assert 'href="/accounts/acme/"' in part and "$205" in part and "<html" not in part
    page = text(web.admin.get("/accounts/search?q=ac"))
    assert 'href="/accounts/acme/"' in page and "<h1>Search</h1>" in page


def test_quick_search_finds_a_csm_their_own_accounts_only(web: Served) -> None:
    assert "Acme" in text(web.alice.get("/accounts/search?q=acme"))
    assert 'href="/accounts/acme/"' not in text(web.bob.get("/accounts/search?q=acme"))


def test_an_empty_search_finds_nothing_and_says_how(web: Served) -> None:
    assert "Find an account" in text(web.admin.get("/accounts/search"))
    assert "No account has" in text(web.admin.get("/accounts/search?q=zzz", headers={"HX-Request": "true"}))


# -- CSV -----------------------------------------------------------------------------------------------------------


def test_the_file_holds_what_the_list_holds_and_sums_to_the_same_mrr(web: Served) -> None:
    found = sheet(web.admin.get("/accounts/export.csv"))
    assert {row["account_id"] for row in found} == set(ALICES) | set(BOBS) | {"cora"}
    assert sum(float(row["mrr"]) for row in found) == 325.0
    assert {row["currency"] for row in found} == {"USD"}
    few = sheet(web.admin.get("/accounts/export.csv?owner=Bob"))
    assert [row["account_id"] for row in few] == ["bolt", "echo"]


def test_a_csm_exports_their_own_book(web: Served) -> None:
    assert {row["account_id"] for row in sheet(web.bob.get("/accounts/export.csv?owner=Alice&owner=Bob"))} == set(BOBS)


def test_no_cell_of_the_file_is_a_formula(web: Served) -> None:
    found = {row["account_id"]: row for row in sheet(web.admin.get("/accounts/export.csv"))}
    assert found["formula"]["name"] == "'=1+1"
    assert found["formula"]["seg_industry"] == "'@Retail"
    for row in found.values():
        texts = [value for name, value in row.items() if not name.startswith(("mrr", "last_movement", "renewal"))]
        assert not any(value.startswith(("=", "+", "@", "\t")) for value in texts)


def test_an_export_is_written_into_the_audit_log(web: Served) -> None:
    from holdfast.desk.models import AuditEntry

    text(web.finance.get("/accounts/export.csv?owner=Bob"))
    entry = AuditEntry.objects.get(action="exported")
    assert (entry.actor, entry.target, entry.detail) == ("finn@holdfast.example", "accounts", {"query": "owner=Bob"})


# -- saved views ---------------------------------------------------------------------------------------------------


def test_a_view_keeps_the_query_and_stands_among_the_tabs(web: Served) -> None:
    saved = web.alice.post("/accounts/views", {"name": "Soon", "query": "renews=30&sort=renewal_on&page=3"})
    assert saved.status_code == 303
    assert saved["Location"] == "/accounts/?renews=30&sort=renewal_on"
    page = text(web.alice.get(saved["Location"]))
    assert re.search(r'href="/accounts/\?renews=30&amp;sort=renewal_on" aria-current="page"', page)


def test_a_view_of_the_same_name_is_replaced(web: Served) -> None:
    from holdfast.desk.models import SavedView

    for query in ("renews=30", "renews=90"):
        web.alice.post("/accounts/views", {"name": "Soon", "query": query})
    assert SavedView.objects.get(name="Soon").query == "renews=90"


def test_a_shared_view_shows_others_their_own_accounts(web: Served) -> None:
    from holdfast.desk.models import SavedView

    web.alice.post("/accounts/views", {"name": "Customers", "query": "status=customer"})
    assert "Customers" not in text(web.bob.get("/accounts/"))
    view = SavedView.objects.get(name="Customers")
    web.alice.post(f"/accounts/views/share/{view.pk}", {"shared": "1"})
    assert "Customers · Alice" in text(web.bob.get("/accounts/"))
    assert rows(web.bob.get(f"/accounts/?{view.query}")) == ["bolt"]


def test_only_its_owner_shares_or_deletes_a_view(web: Served) -> None:
    from holdfast.desk.models import SavedView

    web.alice.post("/accounts/views", {"name": "Mine", "query": "status=customer", "shared": "1"})
    view = SavedView.objects.get()
    for client in (web.bob, web.admin):
        assert client.post(f"/accounts/views/delete/{view.pk}").status_code == 404
        assert client.post(f"/accounts/views/share/{view.pk}").status_code == 404
    assert web.alice.post(f"/accounts/views/delete/{view.pk}").status_code == 303
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("name", ["", "   ", "x" * 81])
def test_a_view_needs_a_name(web: Served, name: str) -> None:
    from holdfast.desk.models import SavedView

    web.alice.post("/accounts/views", {"name": name, "query": "status=customer"})
    assert not SavedView.objects.exists()


def test_looking_at_a_view_changes_nothing(web: Served) -> None:
    for address in ("/accounts/views", "/accounts/views/share/1", "/accounts/views/delete/1"):
        assert web.alice.get(address).status_code == 405


# -- hand-overs ----------------------------------------------------------------------------------------------------


def hand(client: Any, *ids: str, owner: str = "Bob", day: str = "2025-12-31", **more: str) -> Any:
    return client.post(
        "/accounts/hand-over", {"id": ids, "owner": owner, "from_day": day, "reason": "new territory", **more}
    )


def test_the_form_names_the_accounts_that_were_ticked(web: Served) -> None:
    page = text(web.manager.get("/accounts/hand-over?id=acme&id=dune&id=unknown"))
    assert "Hand over 2 accounts" in page and "Acme Zürich" in page and 'value="2025-12-31"' in page


def test_after_a_hand_over_bob_sees_the_account_and_alice_does_not(web: Served) -> None:
    done = hand(web.manager, "acme", back="status=customer")
    assert (done.status_code, done["Location"]) == (303, "/accounts/?status=customer")
    assert "acme" not in rows(web.alice.get("/accounts/"))
    assert "$0 MRR" in text(web.alice.get("/accounts/"))
    assert "acme" in rows(web.bob.get("/accounts/"))
    assert "$305 MRR" in text(web.bob.get("/accounts/"))
    assert web.alice.get("/accounts/acme/").status_code == 403
    assert web.bob.get("/accounts/acme/").status_code == 200
    assert "acme" in {row["account_id"] for row in sheet(web.bob.get("/accounts/export.csv"))}
    assert "acme" in rows(web.admin.get("/accounts/?owner=Bob"))


def test_a_hand_over_of_a_later_day_changes_nothing_today(web: Served) -> None:
    hand(web.manager, "acme", day="2026-02-01")
    assert "acme" in rows(web.alice.get("/accounts/"))
    assert "acme" not in rows(web.bob.get("/accounts/"))
    assert "Bob carries it" in text(web.alice.get("/accounts/acme/"))


def test_hand_overs_are_dated_and_close_the_one_before(web: Served) -> None:
    from holdfast.desk.models import Handover

    hand(web.manager, "acme", day="2025-12-01")
    hand(web.manager, "acme", owner="Alice", day="2025-12-20")
    told = list(Handover.objects.order_by("id").values_list("owner", "from_day", "until_day"))
    assert told == [("Bob", date(2025, 12, 1), date(2025, 12, 20)), ("Alice", date(2025, 12, 20), None)]
    on = Handover.objects.owners_on
    assert [on(date(2025, 12, day)).get("acme") for day in (1, 19, 20, 31)] == ["Bob", "Bob", "Alice", "Alice"]
    assert on(date(2025, 11, 30)) == {}


def test_the_same_day_again_replaces_and_a_planned_one_stays(web: Served) -> None:
    from holdfast.desk.models import Handover

    hand(web.manager, "acme", day="2026-03-01")
    hand(web.manager, "acme", owner="Charlie" if web.charlie else "", day="2026-01-10")
    hand(web.manager, "acme", owner="Alice", day="2026-01-10")
    on = Handover.objects.owners_on
    assert [on(day).get("acme") for day in (date(2026, 1, 10), date(2026, 2, 28), date(2026, 3, 1))] == [
        "Alice",
        "Alice",
        "Bob",
    ]


def test_all_that_fit_the_filters_are_handed_over_at_once(web: Served) -> None:
    hand(web.manager, owner="Bob", all="1", filter="owner=Alice&q=a")
    assert set(rows(web.alice.get("/accounts/"))).isdisjoint({"acme", "a/b c", "bare"})
    assert {"acme", "a/b c", "bare", "bolt", "echo"} <= set(rows(web.bob.get("/accounts/")))


def test_accounts_can_be_nobodys(web: Served) -> None:
    hand(web.manager, "acme", owner="", nobody="1")
    assert "acme" in rows(web.admin.get("/accounts/?owner="))
    assert "acme" not in rows(web.alice.get("/accounts/"))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"owner": ""}, "Say who carries them"),
        ({"owner": "Bobb"}, "Nobody is called"),
        ({"day": "soon"}, "soon"),
        ({"day": ""}, "Hand over 1 account"),
    ],
)
def test_a_hand_over_that_cannot_be_read_is_asked_again_and_nothing_is_written(
    web: Served, given: dict[str, str], said: str
) -> None:
    from holdfast.desk.models import Handover

    page = hand(web.manager, "acme", **given)
    assert page.status_code == 200 and said in text(page) and 'role="alert"' in text(page)
    assert not Handover.objects.exists()


def test_a_hand_over_is_in_the_audit_log_and_told_to_webhooks(web: Served) -> None:
    from holdfast.desk.models import AuditEntry, Event

    hand(web.manager, "acme", "dune")
    entry = AuditEntry.objects.get(action="handed over")
    assert (entry.actor, entry.target) == ("mia@holdfast.example", "2 accounts")
    assert entry.detail == {
        "owner": "Bob",
        "from_day": "2025-12-31",
        "reason": "new territory",
        "accounts": ["acme", "dune"],
    }
    told = Event.objects.filter(kind="account.owner_changed").values_list("data", flat=True)
    assert sorted(one["account_id"] for one in told) == ["acme", "dune"]


def test_without_any_account_ticked_one_is_asked_to_choose(web: Served) -> None:
    done = web.manager.get("/accounts/hand-over", follow=True)
    assert "Choose accounts first" in text(done)


# -- before the first booking --------------------------------------------------------------------------------------


def test_without_any_numbers_one_is_led_to_the_first_steps(web: Served, settings: Any, tmp_path: Path) -> None:
    from django.urls import reverse

    from holdfast.flows import answers

    settings.HOME = tmp_path
    answers.forget()
    admin = web.admin
    for address in (
        "/accounts/",
        "/accounts/search?q=a",
        "/accounts/export.csv",
        "/accounts/hand-over?id=a",
        "/accounts/acme/",
        "/today/",
    ):
        answer = admin.get(address)
        assert (answer.status_code, answer["Location"]) == (302, reverse("welcome")), address
    assert admin.get("/accounts/search?q=a", headers={"HX-Request": "true"}).status_code == 204


# -- speed ---------------------------------------------------------------------------------------------------------


def test_a_page_asks_the_desk_a_fixed_number_of_questions(web: Served, django_assert_max_num_queries: Any) -> None:
    admin = web.admin
    admin.get("/accounts/")
    with django_assert_max_num_queries(12):
        admin.get("/accounts/")
