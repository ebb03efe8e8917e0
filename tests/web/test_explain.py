"""How was this computed? The integers on the page add up, the SQL is what ran, and the accounts sum to the number."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows import explain

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

Site = Callable[..., Any]


def told(metric: str, policy: str = "", segment: Any = (), currency: str = "USD") -> tuple[Any, explain.Explanation]:
    from holdfast.domain.period import Window, month_start
    from holdfast.warehouse.window import View
    from holdfast.web import answers

    book = answers.Source(answers.home().policy(policy or None))
    _wait(book)
    ledger = book.ledger()
    window = Window.months_to(month_start(ledger.last_month + 1), 12)
    return ledger, explain.explained(ledger, metric, window, View(currency), segment)


def _wait(source: Any) -> None:
    from holdfast.flows.book import open_ledger
    from holdfast.web import answers

    if not source.path.exists():
        open_ledger(answers.home(), policy=source.policy).connection.close()


@pytest.mark.parametrize("metric", explain.METRICS)
def test_a_page_and_a_part_for_the_drawer(site: Site, metric: str) -> None:
    browser = site("viewer")
    page = browser.get(f"/explain/{metric}/")
    assert page.status_code == 200
    assert b"The SQL that ran" in page.content
    part = browser.get(f"/explain/{metric}/", headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert b"<html" not in part.content
    assert b"Open as a page" in part.content


@pytest.mark.parametrize("address", ["/explain/nrr/", "/explain/nrr/accounts/", "/explain/nrr/accounts.csv"])
def test_a_csm_is_refused(site: Site, address: str) -> None:
    assert site("csm").get(address).status_code == 403


def test_an_unknown_number_is_not_found(site: Site) -> None:
    assert site("viewer").get("/explain/happiness/").status_code == 404


@pytest.mark.parametrize("metric", explain.METRICS)
@pytest.mark.parametrize("segment", [(), (("plan", "Team"),), (("segment", "SMB"),)])
def test_the_integers_add_up_and_so_do_the_accounts(demo_home: Path, metric: str, segment: Any) -> None:
    _, found = told(metric, segment=segment)
    part = found.part
    assert sum(step.amount for step in part.upper) == part.upper_total
    assert sum(step.amount for step in part.lower) == part.lower_total
    if part.lower:
        assert part.lower_total > 0, "an empty segment would prove nothing"
        assert Fraction(part.upper_total, part.lower_total) == part.value
    else:
        assert part.factor * part.upper_total == part.value
    assert explain.ties(found)
    assert [tie.difference for tie in explain.ties(found)] == [0] * len(explain.ties(found))


@pytest.mark.parametrize("policy", ["chartmogul", "stripe", "recurly"])
@pytest.mark.parametrize("metric", ["nrr", "grr", "logo_retention"])
def test_they_add_up_under_other_policies(demo_home: Path, policy: str, metric: str) -> None:
    _, found = told(metric, policy)
    assert found.part.difference == 0
    assert Fraction(found.part.upper_total, found.part.lower_total) == found.part.value
    assert all(tie.difference == 0 for tie in explain.ties(found))


def test_the_number_is_the_one_that_is_shown_elsewhere(demo_home: Path) -> None:
    from holdfast.metrics import retention
    from holdfast.warehouse.window import View

    ledger, nrr = told("nrr")
    row = retention.measure(ledger, nrr.window, View("USD"))[0]
    assert nrr.part.value == row.nrr
    assert told("grr")[1].part.value == row.grr
    assert told("arr")[1].part.value == 12 * told("mrr")[1].part.value


def test_the_sql_is_what_ran(demo_home: Path) -> None:
    ledger, found = told("nrr")
    assert "entity_window" in found.sql[-1]
    # the last statement runs again and says the same integers
    row = ledger.rows(found.sql[-1])[0]
    assert found.part.lower_total in row
    assert found.part.upper[1].amount in row


def test_line_breaks_do_not_touch_texts() -> None:
    query = "select a from b where name = 'x from y where z' and c = 1"
    assert "'x from y where z'" in explain.readable(query)
    assert explain.readable(query).split() == query.split()


def test_all_accounts_page_and_file_tie(site: Site) -> None:
    browser = site("finance")
    page = browser.get("/explain/nrr/accounts/?sort=-opening")
    assert page.status_code == 200
    rows = list(csv.DictReader(io.StringIO(browser.get("/explain/nrr/accounts.csv").content.decode())))
    found = told("nrr")[1]
    assert len(rows) == found.movers.count
    assert sum(int(Decimal(row["opening"]) * 100) for row in rows) == found.part.lower_total
    assert sum(int(Decimal(row["closing"]) * 100) for row in rows) == found.part.upper_total


def test_rates_day_and_freshness_are_told(site: Site) -> None:
    text = site("viewer").get("/explain/nrr/?currency=EUR").content.decode()
    found = told("nrr", currency="EUR")[1]
    assert {rate.currency for rate in found.rates} == {"USD", "GBP"}
    assert all(rate.day == found.window.start for rate in found.rates)
    assert "1 GBP" in text
    assert "Generation" in text


def test_every_number_has_words() -> None:
    assert set(explain.definitions()) == set(explain.METRICS)
    assert all(words.text and words.formula for words in explain.definitions().values())
