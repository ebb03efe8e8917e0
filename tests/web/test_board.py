"""The board pack and what goes out by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def test_the_pack_is_one_page_with_the_ledgers_own_numbers(site: Callable[..., Any]) -> None:
    page = site("finance").get("/board/")
    assert page.status_code == 200
    pack = page.context["pack"]
    moved = pack.moved
    assert moved.opening + sum(moved.moved.values()) + moved.fx == moved.closing
    assert pack.told.mrr == moved.closing
    assert sum(part.counts.opening for part in pack.segments) == pack.told.row.counts.opening


def test_a_quarter_is_its_three_months(site: Callable[..., Any]) -> None:
    client = site("manager")
    quarter = client.get("/board/?period=quarter&to=2026-09").context["pack"]
    months = [client.get(f"/board/?to=2026-0{month}").context["pack"] for month in (7, 8, 9)]
    assert quarter.period.name == "2026 Q3"
    for kind in ("new", "expansion", "contraction", "churn", "reactivation"):
        assert quarter.moved.moved[kind] == sum(month.moved.moved[kind] for month in months)
    assert (quarter.moved.opening, quarter.moved.closing) == (months[0].moved.opening, months[-1].moved.closing)


def test_the_files_are_a_real_pdf_and_a_page_that_needs_nothing_else(site: Callable[..., Any]) -> None:
    from holdfast.desk.models import AuditEntry

    client = site("finance")
    pdf = client.get("/board/pack.pdf")
    assert pdf.content.startswith(b"%PDF-") and len(pdf.content) > 20_000
    html = client.get("/board/pack.html").content.decode()
    assert "<svg" in html and "http" not in html.replace("http://www.w3.org", "")
    assert AuditEntry.objects.filter(action="exported", target__startswith="board pack").count() == 2


def test_a_viewer_does_not_get_the_pack(site: Callable[..., Any]) -> None:
    assert site("viewer").get("/board/").status_code == 403
    assert site("csm").get("/board/pack.pdf").status_code == 403


@pytest.mark.parametrize(
    ("every", "on_day", "after", "first"),
    [
        ("week", 0, "2026-11-20T09:00", "2026-11-23T06:00"),  # Friday to Monday, 7 o'clock in Berlin
        ("week", 4, "2026-11-20T05:00", "2026-11-20T06:00"),  # the same day, an hour later
        ("week", 4, "2026-11-20T06:00", "2026-11-27T06:00"),  # not the moment itself
        ("month", 2, "2026-11-20T09:00", "2026-12-02T06:00"),
        ("quarter", 5, "2026-11-20T09:00", "2027-01-05T06:00"),
        ("month", 28, "2026-03-27T09:00", "2026-03-28T06:00"),
        ("month", 29, "2026-03-28T09:00", "2026-03-29T05:00"),  # the clocks went forward in the night
    ],
)
def test_the_next_time_of_a_schedule(every: str, on_day: int, after: str, first: str) -> None:
    from holdfast.flows.schedules import next_time

    moment = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert next_time(every, on_day, 7, moment, BERLIN) == datetime.fromisoformat(first).replace(tzinfo=UTC)


def test_a_scheduled_pack_goes_out_once_for_each_time(site: Callable[..., Any]) -> None:
    from holdfast.desk.models import Mail, Schedule
    from holdfast.flows import schedules

    site("finance").post(
        "/board/schedules/", {"report": "board", "every": "month", "on_day": 2, "at_hour": 7, "recipients": "a@x.example, b@x.example"}
    )  # fmt: skip
    schedule = Schedule.objects.get()
    assert schedules.run_due(schedule.next_at.replace(year=2026, month=1)) == 0
    due = schedule.next_at
    assert schedules.run_due(due) == 2
    assert schedules.run_due(due) == 0
    Schedule.objects.update(next_at=due)  # as if the clock had been set back: the mail is known by its effect
    schedules.run_due(due)
    assert Mail.objects.count() == 2
    mail = Mail.objects.first()
    assert mail is not None and "board pack" in mail.subject and mail.attachments[0]["name"].endswith(".pdf")
    assert Schedule.objects.get().next_at > due


def test_digests_go_to_those_who_carry_a_book_and_tell_its_own_numbers(
    site: Callable[..., Any], person: Callable[..., Any], owner_name: str
) -> None:
    from holdfast.desk.models import Mail
    from holdfast.flows import answers, schedules

    person("csm", owner_name=owner_name)
    person("csm", email="away@holdfast.example", owner_name=owner_name, weekly_digest=False)
    person("csm", email="nobook@holdfast.example")
    assert schedules.send(answers.home(), "csm_digest", "week", [], NOW, "t1") == 1
    mail = Mail.objects.get()
    assert mail.to == "csm@holdfast.example"
    today = site("csm").get("/today/")
    assert today.status_code == 200
    assert "MRR" in mail.text and "Renewals in the next 60 days" in mail.text
    person("manager")
    person("admin")
    assert schedules.send(answers.home(), "manager_digest", "week", [], NOW, "t2") == 2


@pytest.mark.parametrize("wrong", ["", "not-an-address", "x@"])
def test_an_address_that_is_none_is_said(site: Callable[..., Any], wrong: str) -> None:
    from holdfast.desk.models import Mail

    answer = site("admin").post("/board/send/", {"recipients": wrong}, follow=True)
    assert "address" in answer.content.decode()
    assert not Mail.objects.exists()
