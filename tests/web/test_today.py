"""Today: a CSM's own book, any book for whoever arranges them, what comes due, what changed, whom nobody spoke to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .books import Served, text


@pytest.fixture
def web(db: None, settings: Any) -> Iterator[Served]:
    from holdfast.flows import answers

    yield Served(settings)
    answers.forget()


def plain(response: Any) -> str:
    """What a reader reads."""
    main = re.search(r"<main.*?</main>", text(response), re.S)
    assert main
    return " ".join(re.sub(r"<[^>]+>", " ", main[0]).split())


def test_a_csm_sees_their_own_book(web: Served) -> None:
    page = plain(web.alice.get("/today/"))
    assert "Your book" in page and "$205" in page
    assert "Acme Zürich" in page and "Bolt" not in page and "Cora" not in page


def test_the_sums_are_those_of_the_list_of_accounts(web: Served) -> None:
    for client, mrr in ((web.alice, "$205"), (web.bob, "$100"), (web.manager, "$325")):
        assert f"MRR {mrr}" in plain(client.get("/today/"))
        assert f"{mrr} MRR" in plain(client.get("/accounts/"))


def test_nrr_and_grr_are_of_the_accounts_in_the_book(web: Served) -> None:
    # Alice: acme 120 → 205 and dune 40 → 0 of 160; Bob: bolt 100 → 100
    assert re.search(
        r"NRR holdfast-1 · 12 months 128\.1% .* GRR holdfast-1 · 12 months 75\.0%", plain(web.alice.get("/today/"))
    )
    assert re.search(
        r"NRR holdfast-1 · 12 months 100\.0% .* GRR holdfast-1 · 12 months 100\.0%", plain(web.bob.get("/today/"))
    )


def test_renewals_stand_by_month_with_their_amounts(web: Served) -> None:
    page = plain(web.alice.get("/today/"))
    assert "January 2026 1 $200 Acme Zürich Jan 20, 2026, in 20 days $200" in page
    assert "No contract term ends in the next 90 days" in plain(web.bob.get("/today/"))


def test_what_changed_reaches_back_seven_or_thirty_days(web: Served) -> None:
    week, month = plain(web.alice.get("/today/")), plain(web.alice.get("/today/?days=30"))
    assert "urgent ticket Down" in week and "overdue" in week
    assert "expansion" not in week and "expansion" in month and "churn" in month
    assert "champion left" in plain(web.bob.get("/today/"))


def test_more_than_a_screen_of_changes_is_cut_and_can_be_had_whole(
    web: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    from holdfast.web.pages import today

    monkeypatch.setattr(today, "CHANGES", 2)
    page = plain(web.manager.get("/today/?days=30"))
    assert (told := re.search(r"the newest 2 of (\d+)", page))
    whole = text(web.manager.get("/today/?days=30&all=1"))
    assert whole.count("<time class") == int(told[1]) > 2


def test_accounts_without_a_touch_are_named(web: Served) -> None:
    assert "Every customer heard from us lately" in plain(web.alice.get("/today/"))
    assert "Bolt last touch 3 months ago" in plain(web.bob.get("/today/"))


def test_a_manager_picks_whose_book_or_all(web: Served) -> None:
    assert "All books" in plain(web.manager.get("/today/")) and "Cora" in plain(web.manager.get("/today/"))
    bobs = plain(web.manager.get("/today/?owner=Bob"))
    assert "The book of Bob" in bobs and "$100" in bobs and "Acme" not in bobs
    assert "All books" in plain(web.manager.get("/today/?owner=*"))


def test_a_manager_who_carries_accounts_begins_with_their_own(web: Served) -> None:
    both = web.client(web.user("manager", "Bea", "Bob"))
    assert "Your book" in plain(both.get("/today/")) and "Acme" not in plain(both.get("/today/"))
    assert "Acme" in plain(both.get("/today/?owner=*"))


def test_a_csm_cannot_pick_another_book(web: Served) -> None:
    for asked in ("Alice", "*"):
        page = plain(web.bob.get(f"/today/?owner={asked}"))
        assert "Acme" not in page and "$100" in page


def test_a_csm_who_may_read_everything_still_begins_with_their_own_book(web: Served) -> None:
    from holdfast.desk.models import BookSettings

    BookSettings.objects.update_or_create(pk=1, defaults={"csm_reads_all": True})
    assert "Acme" not in plain(web.bob.get("/today/"))


def test_after_a_hand_over_the_book_follows(web: Served) -> None:
    web.manager.post("/accounts/hand-over", {"id": "acme", "owner": "Bob", "from_day": "2025-12-31"})
    assert "Acme" not in plain(web.alice.get("/today/"))
    bobs = plain(web.bob.get("/today/"))
    assert "Acme Zürich" in bobs and "$305" in bobs


def test_an_empty_book_says_how_to_get_accounts(web: Served) -> None:
    assert "hand accounts over to you" in plain(web.charlie.get("/today/"))
    assert "has no owner name" in plain(web.client(web.user("csm", "Nora")).get("/today/"))
    assert "No account names this owner today" in plain(web.manager.get("/today/?owner=Nobody+Known"))


def test_finance_and_viewers_have_no_day_in_a_book(web: Served) -> None:
    assert web.finance.get("/today/").status_code == 403
    assert web.viewer.get("/today/").status_code == 403
