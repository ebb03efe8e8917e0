"""The revenue room: every cell opens down to the rows behind it, and every drill-down sums to the cell it came from."""

from __future__ import annotations

import csv
import io
import shutil
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.period import month_name

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

Site = Callable[..., Any]

PAGES = (
    "/revenue/", "/revenue/?every=quarter&by=plan", "/revenue/?every=year", "/revenue/retention/", "/revenue/retention/?by=plan&measure=renewal&every=3",
    "/revenue/segments/", "/revenue/segments/?by=plan&against=1&sort=effect", "/revenue/cohorts/", "/revenue/cohorts/?size=month&of=logos",
    "/revenue/concentration/", "/revenue/policies/", "/revenue/known/", "/revenue/reconcile/", "/revenue/movements/", "/revenue/movements/?kind=fx",
)  # fmt: skip
FILES = (
    "/revenue/bridge.csv?by=plan", "/revenue/movements.csv", "/revenue/segments.csv", "/revenue/cohorts.csv", "/revenue/concentration.csv",
    "/revenue/known.csv",
)  # fmt: skip


def settled(browser: Any, address: str) -> Any:
    """The page once the work behind it is done."""
    for _ in range(300):
        response = browser.get(address)
        if response.status_code == 202 or b"Working it out" in response.content:
            time.sleep(0.1)
            continue
        return response
    raise AssertionError(f"{address} never came to an end")


def ledger() -> Any:
    from holdfast.web import answers

    return answers.Source(answers.home().policy()).ledger()


def lines_of(response: Any) -> list[dict[str, str]]:
    assert response.status_code == 200
    return list(csv.DictReader(io.StringIO(response.content.decode())))


def minor(text: str) -> int:
    return int(Decimal(text) * 100)


@pytest.fixture
def own_home(demo_home: Path, tmp_path: Path, settings: Any) -> Iterator[Path]:
    """A copy of the demo home that a test may write to."""
    from holdfast.web import answers

    path = tmp_path / "home"
    shutil.copytree(demo_home, path, ignore=shutil.ignore_patterns("*.sqlite3*"))
    before = settings.HOME
    settings.HOME = path
    answers.forget()
    yield path
    settings.HOME = before
    answers.forget()


@pytest.mark.parametrize("address", [*PAGES, *FILES])
def test_pages_answer_those_who_may_see_numbers(site: Site, address: str) -> None:
    assert settled(site("viewer"), address).status_code == 200


@pytest.mark.parametrize("role", ["admin", "manager", "finance"])
def test_the_bridge_answers_every_role_with_numbers(site: Site, role: str) -> None:
    assert site(role).get("/revenue/").status_code == 200


@pytest.mark.parametrize(
    "address", [*PAGES, *FILES, "/revenue/close/", "/revenue/reconcile.csv", "/revenue/policies.csv"]
)
def test_a_csm_is_refused(site: Site, address: str) -> None:
    assert site("csm").get(address).status_code == 403


def test_nobody_is_sent_to_sign_in(site: Site) -> None:
    assert site(None).get("/revenue/").status_code in (302, 303)


def cells() -> list[tuple[range, str, tuple[tuple[str, str | None], ...], int]]:
    """Cells of the bridge: several periods and kinds, the whole book and segments, with what the bridge says."""
    from holdfast.flows import revenue as flow
    from holdfast.metrics import behind, bridge
    from holdfast.warehouse.window import View

    book, found = ledger(), []
    months = range(book.last_month - 11, book.last_month + 1)
    for by, size in (((), 1), ((), 12), (("plan",), 3)):
        for row in bridge.measure(book, months, View("USD"), by, size):
            found += [(row.months, kind, row.segment, flow.amount_of(row, kind)) for kind in ("", *behind.KINDS)]
    return found


@pytest.mark.slow
def test_every_cell_is_the_sum_of_its_accounts(demo_home: Path) -> None:
    from holdfast.metrics import behind
    from holdfast.warehouse.window import View

    book, told = ledger(), cells()
    kinds = {kind for _, kind, _, amount in told if amount}
    # a test that sees only empty cells could not fail
    assert {"new", "expansion", "contraction", "churn", "fx", "opening", "closing", "entering", "leaving"} <= kinds
    for months, kind, segment, amount in told:
        assert behind.movements(book, months, View("USD"), kind, segment, limit=1).amount == amount, (
            months,
            kind,
            segment,
        )


@pytest.mark.parametrize("kind", ["churn", "expansion", "fx", "new"])
@pytest.mark.parametrize("segment", ["", "&by=plan&value=Team"])
def test_a_cells_page_and_file_tie_to_the_bridge(site: Site, kind: str, segment: str) -> None:
    browser = site("finance")
    bridge = lines_of(browser.get(f"/revenue/bridge.csv?every=quarter{segment.split('&value')[0]}"))
    row = next(line for line in bridge[::-1] if not segment or line["plan"] == "Team")
    quarter = row["period"]
    month = f"{quarter[:4]}-{int(quarter[-1]) * 3 - 2:02d}"
    address = f"every=quarter&month={month}&kind={kind}{segment}"
    assert b"It adds up." in browser.get(f"/revenue/movements/?{address}").content
    parts = lines_of(browser.get(f"/revenue/movements.csv?{address}"))
    assert sum(minor(line["amount"]) for line in parts) == minor(row[kind])


def test_an_account_opens_its_movements_and_they_their_rows(site: Site) -> None:
    book, browser = ledger(), site("viewer")
    entity, month = book.rows(
        "select entity_id, month_no from movement join entity using (entity_key) where kind = 'expansion' order by month_no desc, entity_id limit 1"
    )[0]
    page = browser.get(f"/revenue/account-movements/{entity}/?month={month_name(month)}&from={month_name(month)}")
    assert page.status_code == 200
    assert b"expansion" in page.content
    rows = browser.get(f"/revenue/source-rows/{entity}/?month={month_name(month)}")
    assert b"load " in rows.content
    assert b"row " in rows.content
    part = browser.get(f"/revenue/source-rows/{entity}/?month={month_name(month)}", headers={"HX-Request": "true"})
    assert b"<html" not in part.content
    told = lines_of(browser.get(f"/revenue/source-rows/{entity}.csv?month={month_name(month)}"))
    moved = lines_of(
        browser.get(f"/revenue/account-movements/{entity}.csv?month={month_name(month)}&from={month_name(month)}")
    )
    assert sum(minor(line["change"]) for line in told) == sum(minor(line["amount"]) for line in moved)
    assert all(line["load"] and line["learned_at"] for line in told)


def test_an_unknown_account_is_not_found(site: Site) -> None:
    assert site("viewer").get("/revenue/account-movements/nobody/").status_code == 404


@pytest.mark.parametrize("address", [
    "/revenue/?every=week", "/revenue/movements/?kind=magic", "/revenue/movements/?month=2026-13", "/revenue/?by=parents_favourite",
    "/revenue/cohorts/accounts/?cohort=1999-Q9", "/revenue/known/?on=soon", "/revenue/reconcile/?reason=luck",
])  # fmt: skip
def test_what_cannot_be_answered_is_said(site: Site, address: str) -> None:
    assert settled(site("viewer"), address).status_code == 400


def test_a_cohorts_cell_is_the_sum_of_its_accounts(demo_home: Path) -> None:
    from holdfast.flows.revenue import cohort_months
    from holdfast.metrics import behind, cohorts
    from holdfast.warehouse.window import View

    book = ledger()
    for size in ("month", "quarter"):
        cells = cohorts.measure(book, View("EUR"), size)  # type: ignore[arg-type]
        for cell in cells[:: max(1, len(cells) // 12)]:
            found = behind.cohort(book, cohort_months(cell.cohort), cell.age, View("EUR"), limit=None)
            assert found.closing == cell.mrr
            assert sum(1 for line in found.lines if line.closing > 0) == cell.accounts


def test_mix_and_rate_sum_to_the_change_exactly(demo_home: Path) -> None:
    from holdfast.domain.period import Window, month_start
    from holdfast.flows import revenue as flow
    from holdfast.warehouse.window import View

    book = ledger()
    now = Window.months_to(month_start(book.last_month + 1), 12)
    before = Window.months_to(month_start(book.last_month - 11), 12)
    told = flow.segments(book, now, before, View("USD"), "plan")
    assert told.change
    assert told.mix + told.rate == told.change
    assert told.rest == 0
    assert sum(line.bridge.closing for line in told.lines) == told.whole_bridge.closing
    assert sum(line.bridge.entering + line.bridge.leaving for line in told.lines) == 0


def test_rates_without_the_largest_leave_its_amounts_out(demo_home: Path) -> None:
    from holdfast.domain.period import Window, month_start
    from holdfast.metrics import behind, without
    from holdfast.warehouse.window import View

    book = ledger()
    window = Window.months_to(month_start(book.last_month + 1), 12)
    lines = behind.window(book, window, View("USD"), sort="-opening", limit=None).lines
    for one in without.measure(book, window, View("USD")):
        rest = lines[one.count :]
        assert (one.opening, one.closing) == (sum(line.opening for line in rest), sum(line.closing for line in rest))
        assert one.kept == sum(min(line.opening, line.closing) for line in rest)


@pytest.mark.slow
def test_all_policies_stand_side_by_side_and_say_why(site: Site) -> None:
    browser = site("finance")
    page = settled(browser, "/revenue/policies/").content.decode()
    for name in ("holdfast-1", "chartmogul", "stripe", "chargebee"):
        assert name in page
    why = settled(browser, "/revenue/policies/why/stripe/")
    assert why.status_code == 200
    assert "A cancellation counts" in why.content.decode()
    rows = lines_of(browser.get("/revenue/policies.csv"))
    assert {"holdfast-1", "stripe"} <= {row["policy"] for row in rows}


def test_known_then_against_now_differs_by_the_accounts_named(site: Site) -> None:
    browser = site("viewer")
    page = settled(browser, "/revenue/known/")
    assert b"As restated" in page.content
    from holdfast.web import answers
    from holdfast.web.answers import Source

    book = ledger()
    day = answers.today().replace(day=1)
    from holdfast.flows import revenue_known as flow
    from holdfast.metrics import restated

    then, now = Source(answers.home().policy(), day), Source(answers.home().policy())
    settled(browser, f"/revenue/known/?on={day}")
    last = flow.last_whole_month(day)
    found = restated.measure(then.path, now.path, range(book.first_month, last + 1), None)
    column = f"m{last}"
    for code, amount in found.sums:
        balances = [
            s.ledger().rows(f"select coalesce(sum({column}), 0)::bigint from position where currency = ?", [code])[0][0]
            for s in (then, now)
        ]
        assert balances[1] - balances[0] == amount


def test_reconciliation_can_be_narrowed_and_taken_along(site: Site) -> None:
    browser = site("finance")
    assert b"Why they differ" in settled(browser, "/revenue/reconcile/").content
    every = lines_of(browser.get("/revenue/reconcile.csv"))
    coupon = lines_of(browser.get("/revenue/reconcile.csv?reason=coupon"))
    one = lines_of(browser.get(f"/revenue/reconcile.csv?account={every[0]['account']}"))
    assert 0 < len(one) < len(every)
    assert all("coupon" in row["reason"] for row in coupon)
    assert all(minor(row["ledger"]) - minor(row["invoiced"]) == minor(row["difference"]) for row in every)


def test_a_file_is_written_into_the_audit_log(site: Site) -> None:
    from holdfast.desk.models import AuditEntry

    site("finance").get("/revenue/bridge.csv")
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.target) == ("exported", "bridge")


def test_a_month_is_signed_once(site: Site, own_home: Path) -> None:
    from holdfast.desk.models import AuditEntry
    from holdfast.flows import revenue_known as flow
    from holdfast.flows.close import closes
    from holdfast.web import answers

    browser = site("finance")
    month = flow.last_whole_month(ledger().as_of)
    name = month_name(month)
    page = browser.get(f"/revenue/close/?month={name}")
    assert b"What you sign" in page.content
    sent = {"month": name, "generation": str(answers.generation())}
    assert browser.post("/revenue/close/sign/", sent).status_code == 303
    signed = closes(answers.home())[0]
    told = {one.currency: one for one in page.context["totals"]}
    assert {code: one.closing for code, one in told.items()} == signed.closing
    assert {code: one.movements for code, one in told.items() if one.movements} == signed.movements
    assert all(one.difference == 0 for one in told.values())
    assert (
        name in browser.get("/revenue/known/").content.decode()
        or settled(browser, "/revenue/known/").status_code == 200
    )
    again = browser.post("/revenue/close/sign/", sent)
    assert again.status_code == 409
    assert f"{name} is closed already" in again.content.decode()
    assert len(closes(answers.home())) == 1
    assert AuditEntry.objects.filter(action="closed", target=name).count() == 1
    restated = settled(browser, f"/revenue/closes/{name}/{signed.policy}/")
    assert b"Nothing changed" in restated.content
    assert lines_of(browser.get(f"/revenue/closes/{name}/{signed.policy}.csv")) == []


def test_totals_that_were_booked_anew_are_not_signed(site: Site, own_home: Path) -> None:
    from holdfast.flows.close import closes
    from holdfast.web import answers

    browser = site("finance")
    response = browser.post("/revenue/close/sign/", {"month": "2026-09", "generation": "0"})
    assert response.status_code == 303
    assert closes(answers.home()) == []


@pytest.mark.parametrize("role", ["manager", "viewer", "csm"])
def test_only_admin_and_finance_sign(site: Site, role: str) -> None:
    assert site(role).post("/revenue/close/sign/", {"month": "2026-09"}).status_code == 403
