"""CTAs on pages: who sees whose, what they may do, the lists by tab and due date, one CTA with its evidence, and the cards."""

from __future__ import annotations

import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from holdfast.desk.models import BookSettings, Cta, Sentiment
from holdfast.flows import ctas, ctas_work
from holdfast.flows.ctas_work import By, Written

from ..web.books import Served, text
from .conftest import NOW, TODAY
from .wanted import PLENTY, wanted

pytestmark = pytest.mark.slow

HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def asked(desk: None) -> None:
    """Alice has two of acme and one of dune, Bob one of bolt, nobody one of cora."""
    ctas.open_from(
        [
            wanted(), wanted(kind="opportunity", cause="near_a_limit", due_on=None), wanted("dune", due_on=TODAY - timedelta(days=1)),
            wanted("bolt", owner="Bob"), wanted("cora", owner="", due_on=TODAY + timedelta(days=60)),
        ],
        NOW, TODAY, PLENTY,
    )  # fmt: skip


def of(account_id: str, kind: str = "risk") -> Cta:
    return Cta.objects.get(account_id=account_id, kind=kind, is_own=False)


def at(name: str, row: Cta, *more: Any) -> str:
    return reverse(name, args=[row.account_id, row.public_id, *more])


def plain(response: Any) -> str:
    """What a reader reads."""
    main = re.search(r"<main.*</main>", text(response), re.S)
    assert main
    return " ".join(re.sub(r"<[^>]+>", " ", main[0]).split())


# -- whose ----------------------------------------------------------------------------------------------------------


def test_a_csm_sees_the_ctas_of_their_own_book(web: Served) -> None:
    page = plain(web.alice.get("/ctas/"))
    assert "Acme Zürich" in page and "Dune" in page and "Bolt" not in page and "Cora" not in page
    assert "Risk 2" in page and "Opportunity 1" in page
    assert "No risk CTAs to do" in plain(web.charlie.get("/ctas/"))


def test_managers_see_all_and_choose_an_owner(web: Served) -> None:
    assert "Risk 4" in plain(web.manager.get("/ctas/"))
    bob = plain(web.manager.get("/ctas/?owner=Bob"))
    assert "Risk 1" in bob and "Bolt" in bob and "Acme" not in bob
    nobody = plain(web.manager.get("/ctas/?owner=-"))
    assert "Cora" in nobody and "Bolt" not in nobody


def test_one_is_opened_by_those_who_may_read_its_account(web: Served) -> None:
    row = of("acme")
    for who, status in (
        ("alice", 200),
        ("manager", 200),
        ("viewer", 200),
        ("finance", 200),
        ("bob", 403),
        ("charlie", 403),
    ):
        assert getattr(web, who).get(at("cta", row)).status_code == status, who


def test_only_those_who_work_on_the_account_change_anything(web: Served) -> None:
    row = of("acme")
    before = list(Cta.objects.order_by("pk").values())
    addresses = [at(name, row) for name in ("cta_start", "cta_snooze", "cta_assign", "cta_note", "cta_close")]
    addresses += [reverse("cta_new", args=["acme"]), reverse("sentiment_say", args=["acme"])]
    given = {"outcome": "lost", "owner": "Bob", "text": "x", "title": "x", "kind": "risk", "value": "1"}
    for who in ("bob", "charlie", "viewer", "finance"):
        for address in addresses:
            assert getattr(web, who).post(address, given).status_code == 403, (who, address)
    assert list(Cta.objects.order_by("pk").values()) == before and not Sentiment.objects.exists()


def test_a_cta_is_not_reached_through_another_account(web: Served) -> None:
    row = of("acme")
    through = reverse("cta", args=["bolt", row.public_id])
    assert web.bob.get(through).status_code == 404
    assert web.bob.post(reverse("cta_close", args=["bolt", row.public_id]), {"outcome": "lost"}).status_code == 404
    assert not of("acme").is_closed


def test_who_only_reads_sees_no_words_that_people_wrote(web: Served) -> None:
    row = of("acme")
    ctas_work.note(row, "Between us", By(NOW))
    own = ctas_work.write("acme", Written("risk", "A quiet word", "About Ben"), By(NOW))
    ctas_work.close(own, "lost", By(NOW), "Sad story")
    BookSettings.objects.update_or_create(pk=1, defaults={"csm_reads_all": True})
    for who in ("viewer", "finance", "bob"):
        client = getattr(web, who)
        pages = [
            client.get(path)
            for path in (
                "/ctas/",
                "/ctas/?tab=closed",
                at("cta", row),
                at("cta", own),
                "/accounts/acme/",
                "/accounts/acme/timeline/",
            )
        ]
        told = "".join(text(page) for page in pages if page.status_code == 200)
        assert "Use fell by half" in told, who
        for words in ("Between us", "quiet word", "About Ben", "Sad story"):
            assert words not in told, (who, words)
    assert "Between us" in text(web.alice.get(at("cta", row))) and "Sad story" in text(web.alice.get(at("cta", own)))


def test_who_was_passed_a_cta_works_on_it_and_sees_no_other_of_the_account(web: Served) -> None:
    row = of("acme")
    done = web.alice.post(at("cta_assign", row), {"owner": "Bob"}, follow=True)
    assert "Passed to Bob" in plain(done)
    bob = web.bob
    assert "Acme Zürich" in plain(bob.get("/ctas/"))
    assert bob.get(at("cta", row)).status_code == 200 and bob.post(at("cta_start", row)).status_code == 303
    assert bob.get(at("cta", of("acme", "opportunity"))).status_code == 404
    assert bob.get("/accounts/acme/").status_code == 403
    # with it goes the right to see it
    gone = bob.post(at("cta_assign", row), {"owner": "Alice"})
    assert gone["Location"] == "/ctas/" and bob.get(at("cta", row)).status_code == 403


# -- lists ----------------------------------------------------------------------------------------------------------


def test_open_ones_stand_by_when_they_are_due(web: Served) -> None:
    ctas.open_from(
        [wanted("echo", owner="Bob", due_on=None), wanted("bolt", owner="Bob", due_on=date(2026, 1, 3))],
        NOW,
        TODAY,
        PLENTY,
    )
    Cta.objects.filter(account_id="bolt").update(due_on=date(2026, 1, 3))
    page = plain(web.manager.get("/ctas/"))
    spans = ["Overdue 1", "This week 1", "Next week 1", "Later 1", "No day set 1"]
    assert [page.index(span) for span in spans] == sorted(page.index(span) for span in spans)
    assert "5 to do · $400 MRR at stake" in page


def test_each_tab_holds_its_own(web: Served) -> None:
    ctas.set_budget(ctas.Budget(per_week=1, pool_under_minor=0), NOW)
    manager = web.manager
    assert "Waiting 2" in plain(manager.get("/ctas/?tab=waiting"))
    ctas_work.snooze(of("bolt"), NOW.date() + timedelta(days=9), By(NOW))
    assert "Jan 15, 2026" in plain(manager.get("/ctas/?tab=snoozed"))
    ctas_work.close(of("cora"), "grew", By(NOW))
    assert "Grew" in plain(manager.get("/ctas/?tab=closed"))
    Cta.objects.filter(account_id="dune").update(is_pooled=True, state="open")
    assert "Dune" in plain(manager.get("/ctas/?tab=pooled"))


@pytest.mark.parametrize(
    ("tab", "told"),
    [
        ("lifecycle", "No lifecycle CTAs to do"), ("snoozed", "Nothing is snoozed"), ("waiting", "Nothing waits"),
        ("pooled", "No account is pooled"), ("closed", "Nothing was closed yet"), ("nonsense", "Risk 2"),
    ],
)  # fmt: skip
def test_empty_lists_say_what_to_do(web: Served, tab: str, told: str) -> None:
    assert told in plain(web.alice.get(f"/ctas/?tab={tab}"))


def test_what_has_lost_its_cause_is_offered_for_closing(web: Served) -> None:
    Cta.objects.filter(account_id="dune").update(seen_on=TODAY - timedelta(days=28))
    assert "1 CTA whose cause has not been seen" in plain(web.alice.get("/ctas/"))
    page = plain(web.alice.get("/ctas/?gone=1"))
    assert "Dune" in page and "Acme" not in page
    assert "last seen on Dec 3, 2025" in plain(web.alice.get(at("cta", of("dune"))))


# -- doing ----------------------------------------------------------------------------------------------------------


def test_a_part_of_the_list_is_answered_with_the_list_anew(web: Served) -> None:
    answer = web.alice.post(at("cta_start", of("acme")), {"back": "tab=risk"}, headers=HTMX)
    assert answer.status_code == 200 and answer["HX-Trigger"] == '{"toast": {"text": "Taken up.", "kind": "good"}}'
    assert text(answer).lstrip().startswith('<div id="ctas">') and "in progress" in text(answer)


def test_without_scripts_one_is_back_where_one_came_from(web: Served) -> None:
    alice = web.alice
    assert (
        alice.post(at("cta_snooze", of("dune")), {"back": "tab=risk&owner=Alice"})["Location"]
        == "/ctas/?tab=risk&owner=Alice"
    )
    assert of("dune").state == "snoozed"
    assert alice.post(at("cta_start", of("acme")))["Location"] == at("cta", of("acme"))


def test_closing_asks_what_came_of_it(web: Served) -> None:
    alice, row = web.alice, of("acme")
    page, part = alice.get(at("cta_close", row)), alice.get(at("cta_close", row), headers=HTMX)
    assert "What came of it?" in plain(page) and "<main" not in text(part) and "What came of it?" in text(part)
    refused = alice.post(at("cta_close", row), {"outcome": ""}, follow=True)
    assert "That was not done: there is no outcome" in plain(refused)
    done = alice.post(at("cta_close", row), {"outcome": "retained", "text": "Stays", "back": "tab=risk"}, follow=True)
    assert "Closed." in plain(done) and of("acme").outcome_note == "Stays"
    told = plain(alice.get(at("cta", row)))
    assert "Closed: retained" in told and "by Alice" in told


def test_many_at_once_and_only_ones_own(web: Served) -> None:
    ids = [of("acme").public_id, of("dune").public_id, of("bolt").public_id, "cta_nonsense"]
    done = web.alice.post("/ctas/many", {"id": ids, "do": "snooze", "back": "tab=risk"}, follow=True)
    assert "2 CTAs snoozed." in plain(done)
    assert [of(name).state for name in ("acme", "dune", "bolt")] == ["snoozed", "snoozed", "open"]
    done = web.manager.post("/ctas/many", {"id": ids, "do": "close", "outcome": "no_change"}, follow=True)
    assert "3 CTAs closed." in plain(done)
    assert "Tick the CTAs first." in plain(web.alice.post("/ctas/many", {"do": "start"}, follow=True))
    assert web.viewer.post("/ctas/many", {"id": ids, "do": "start"}).status_code == 403


def test_many_are_passed_on_to_somebody_there_is(web: Served) -> None:
    ids = [of("acme").public_id, of("dune").public_id]
    refused = web.manager.post("/ctas/many", {"id": ids, "do": "assign", "owner": "Zoe"}, follow=True)
    assert "Nothing was done: nobody is called “Zoe” here." in plain(refused)
    web.manager.post("/ctas/many", {"id": ids, "do": "assign", "owner": "Bob"})
    assert {of(name).owner_name for name in ("acme", "dune")} == {"Bob"}


def test_ones_own_is_written_on_an_accounts_page(web: Served) -> None:
    alice = web.alice
    assert reverse("cta_new", args=["acme"]) in text(alice.get("/accounts/acme/"))
    given = {
        "title": "Offer SSO",
        "kind": "opportunity",
        "severity": "1",
        "owner": "Alice",
        "at_stake": "1,200.50",
        "due_on": "2026-02-01",
    }
    page = plain(alice.post(reverse("cta_new", args=["acme"]), given, follow=True))
    assert "Offer SSO" in page and "CTA opened." in page
    own = Cta.objects.get(is_own=True)
    assert (own.at_stake_minor, own.currency, own.due_on, own.opened_by.name) == (
        120_050,
        "USD",
        date(2026, 2, 1),
        "Alice",
    )
    refused = alice.post(reverse("cta_new", args=["acme"]), given | {"at_stake": "a lot"})
    assert "is not an amount" in plain(refused) and 'value="Offer SSO"' in text(refused)


def test_evidence_leads_to_the_row_it_comes_from(web: Served) -> None:
    row, alice = of("acme"), web.alice
    assert at("cta_evidence", row, 1) in text(alice.get(at("cta", row)))
    page = plain(alice.get(at("cta_evidence", row, 1), follow=True))
    assert "Row 2 of load" in page and "c2" in page and "Ben" in page
    # a figure that is no single row has none
    assert alice.get(at("cta_evidence", row, 0)).status_code == 404
    assert alice.get(at("cta_evidence", row, 9)).status_code == 404
    assert web.bob.get(at("cta_evidence", row, 1)).status_code == 403


@pytest.mark.parametrize(
    ("table", "row_id", "found"),
    [
        ("subscription_item", "s1|i2", False), ("subscription_item", "s1|i2|2025-03-01", True), ("subscription_item", "s1", True),
        ("subscription_item", "acme|s1|i2|2025-03-01", True), ("ticket", "t3", False), ("usage_day", "2025-12-29|boards", True),
        ("fx_rate", "USD|EUR|2025-01-01", False), ("nonsense", "1", False), ("contact", "", False),
    ],
)  # fmt: skip
def test_a_row_is_found_by_its_key_and_only_the_accounts_own(web: Served, table: str, row_id: str, found: bool) -> None:
    from holdfast.flows import answers, ctas_evidence

    assert (ctas_evidence.place(answers.home(), ["acme"], table, row_id) is not None) == found


# -- cards ----------------------------------------------------------------------------------------------------------


def test_today_tells_the_week_and_what_waits(web: Served) -> None:
    assert "CTAs this week 3 to do · $240 MRR at stake · 1 overdue" in plain(web.alice.get("/today/"))
    ctas.set_budget(ctas.Budget(per_week=1, pool_under_minor=0), NOW)
    page = plain(web.alice.get("/today/"))
    assert "CTAs this week 1 to do" in page and "2 more wait $160 MRR at stake" in page
    assert "Nothing is on the list" in plain(
        web.manager.get("/today/?owner=Charlie")
    ) or "No accounts in this book" in plain(web.manager.get("/today/?owner=Charlie"))


def test_today_asks_for_a_word_before_a_renewal(web: Served) -> None:
    # acme renews in twenty days
    page = plain(web.alice.get("/today/"))
    assert (
        "Say how they stand" in page and "Acme Zürich renewal Jan 20, 2026 · nothing said yet 3 months before" in page
    )
    done = web.alice.post(
        reverse("sentiment_say", args=["acme"]), {"value": "2", "note": "Cold since May"}, follow=True
    )
    assert "Sentiment saved." in plain(done) and "2 of 5: worrying" in plain(done) and "Cold since May" in plain(done)
    assert "Say how they stand" not in plain(web.alice.get("/today/"))
    assert "2 of 5: worrying" in plain(web.viewer.get("/accounts/acme/"))
    assert "Cold since May" not in plain(web.viewer.get("/accounts/acme/"))
    assert "Not saved" in plain(web.alice.post(reverse("sentiment_say", args=["acme"]), {"value": "9"}, follow=True))


def test_an_accounts_page_tells_its_ctas(web: Served) -> None:
    page = plain(web.alice.get("/accounts/acme/"))
    assert "Declining use Risk · open · Alice · due in 9 days" in page and "Near a limit" in page
    assert "Nothing is to be done" in plain(web.bob.get("/accounts/echo/"))
    # for those who only read there is no card without anything
    assert "Nothing is to be done" not in plain(web.viewer.get("/accounts/echo/"))


def test_the_timeline_tells_ctas_and_what_the_csm_said(web: Served) -> None:
    row = of("acme")
    web.alice.post(at("cta_close", row), {"outcome": "retained", "text": "Stays"})
    web.alice.post(reverse("sentiment_say", args=["acme"]), {"value": "2", "note": "Cold since May"})
    page = web.alice.get("/accounts/acme/timeline/")
    told = plain(page)
    assert "CTA: Declining use" in told
    assert "CTA closed, retained: Declining use" in told and "Stays" in told
    assert "Alice sees it as worrying (2 of 5)" in told and "Cold since May" in told
    assert f'href="{at("cta", row)}"' in text(page)
    chosen = plain(web.alice.get("/accounts/acme/timeline/?kind=cta"))
    assert "CTA closed" in chosen and "sees it as" not in chosen and "New customer" not in chosen
    viewer = plain(web.viewer.get("/accounts/acme/timeline/"))
    assert "CTA closed, retained" in viewer and "Stays" not in viewer
    assert "sees it as worrying" in viewer and "Cold since May" not in viewer


def test_the_digest_tells_what_is_to_be_done_this_week(web: Served) -> None:
    from holdfast.flows import answers, digests

    alice = web.user("csm", "Alice", "Alice")
    body = digests.of_book(answers.home(), alice, NOW).text
    assert "To do this week" in body and "Acme Zürich: Declining use, due" in body and "Bolt" not in body
    every = digests.of_all_books(answers.home(), web.user("manager", "Mo", ""), NOW).text
    assert "Bolt: Declining use" in every and "Acme Zürich: Declining use" in every


def test_the_budget_is_set_by_those_who_arrange_the_books(web: Served) -> None:
    given = {"per_week": "1", "quiet_days": "30", "pool_under": "0", "large": "500"}
    assert web.alice.get("/ctas/budget").status_code == 403
    assert "Saved" in plain(web.manager.post("/ctas/budget", given, follow=True))
    assert ctas.budget() == ctas.Budget(1, 0, 50_000, 30)
    assert Cta.objects.filter(state="waiting").count() == 2
    for wrong in ({"per_week": "-1"}, {"per_week": "many"}, {"pool_under": "x"}, {"quiet_days": "9999"}):
        assert "Not saved" in plain(web.manager.post("/ctas/budget", given | wrong))
    assert ctas.budget().per_week == 1


def test_the_lists_cost_no_more_queries_for_more_ctas(web: Served, django_assert_max_num_queries: Any) -> None:
    ctas.open_from([wanted("acme", cause=f"c{n}") for n in range(80)], NOW, TODAY, PLENTY)
    manager = web.manager
    manager.get("/ctas/")
    with django_assert_max_num_queries(16):
        assert "Risk 84" in plain(manager.get("/ctas/"))


def test_where_the_csm_and_the_health_are_far_apart_both_are_shown(web: Served, tmp_path: Path, settings: Any) -> None:
    import pyarrow as pa

    from holdfast.flows import answers, watched
    from holdfast.flows.home import open_home
    from holdfast.warehouse.watched import write_watch

    settings.HOME = shutil.copytree(settings.HOME, tmp_path / "home")
    answers.forget()
    alice = web.client(web.user("csm", "Alice", "Alice"))
    alice.post(reverse("sentiment_say", args=["acme"]), {"value": "5"})
    assert "own sentiment is" not in plain(alice.get("/accounts/acme/"))

    home = open_home(settings.HOME)
    watched.folder(home, 1).mkdir(parents=True)
    row = {"account_id": "acme", "health": 30.0, "mrr_minor": 20_500}
    columns = ("health_before", "band", "scorecard", "known_share", "sentiment", "churn_90", "contraction_90", "expansion_90",
               "at_risk_minor", "expected_90_minor", "severity", "signals")  # fmt: skip
    table = pa.Table.from_pylist([row | dict.fromkeys(columns)])
    write_watch(
        watched.folder(home, 1) / watched.WATCH_FILE, {"standing": table}, {"currency": "USD", "as_of": "2025-12-31"}
    )
    watched.publish(home, watched.Current(1, "2025-12-31", 1, NOW.isoformat()))
    told = plain(alice.get("/accounts/acme/"))
    assert "5 of 5: very good" in told
    assert "own sentiment is 5 of 5 (green)" in told and "Health is 30 (red)" in told
