"""Reports that go out by themselves: when each is due, and what is put into the outbox then."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from holdfast.charts import numbers
from holdfast.desk.models import Schedule, User
from holdfast.desk.start import home_path
from holdfast.domain.period import month_no
from holdfast.flows import board, digests, outbox, paper
from holdfast.flows.book import open_ledger, published
from holdfast.flows.home import Home, open_home
from holdfast.flows.letter import Letter
from holdfast.warehouse.window import View


def next_time(every: str, on_day: int, at_hour: int, after: datetime, zone: ZoneInfo) -> datetime:
    """The first moment after `after` that a schedule names, in UTC. Weeks begin on Monday (0); quarters in January."""
    local = after.astimezone(zone)
    day = local.date()
    while True:
        first_of_quarter = every != "quarter" or (day.month - 1) % 3 == 0
        right_day = day.weekday() == on_day if every == "week" else day.day == on_day and first_of_quarter
        if right_day:
            moment = datetime(day.year, day.month, day.day, at_hour, tzinfo=zone)
            if moment > after:
                return moment.astimezone(after.tzinfo)
        day += timedelta(days=1)


def run_due(now: datetime) -> int:
    """Queue what is due, once for each time that it is due. Returns how many mails were queued."""
    home = open_home(home_path())
    queued = 0
    for schedule in Schedule.objects.filter(is_on=True, next_at__lte=now):
        due = schedule.next_at
        if published(home) is not None:
            queued += send(
                home,
                schedule.report,
                schedule.every,
                schedule.recipients,
                now,
                f"schedule:{schedule.pk}:{due.isoformat()}",
            )
        zone = ZoneInfo(home.settings.timezone)
        schedule.next_at = next_time(schedule.every, schedule.on_day, schedule.at_hour, now, zone)
        schedule.last_at = now
        schedule.save(update_fields=["next_at", "last_at"])
    return queued


def send(home: Home, report: str, every: str, recipients: Iterable[str], now: datetime, effect: str) -> int:
    """Queue one report; the same `effect` queues nothing twice. Returns the number of mails."""
    if report == "board":
        return _send_board(home, list(recipients), now, effect, quarter=every == "quarter")
    people = User.objects.filter(is_active=True, weekly_digest=True)
    if report == "csm_digest":
        chosen = [user for user in people.filter(role="csm") if user.owner_name]
        return sum(_queue(digests.of_book(home, user, now), user.email, now, effect) for user in chosen)
    chosen = list(people.filter(role__in=("manager", "admin")))
    return sum(_queue(digests.of_all_books(home, user, now), user.email, now, effect) for user in chosen)


def _queue(letter: Letter, to: str, now: datetime, effect: str) -> int:
    outbox.queue_mail(letter.kind, to, letter.subject, letter.text, letter.html, [], f"{effect}:{to}", now)
    return 1


def _send_board(home: Home, recipients: list[str], now: datetime, effect: str, *, quarter: bool) -> int:
    """The pack of the last month, or quarter, that is over, as a PDF beside its headline."""
    with open_ledger(home) as ledger:
        last = last_period_end(month_no(ledger.as_of + timedelta(days=1)) - 1, quarter=quarter)
        pack = board.pack(home, ledger, View(home.settings.currency), last, quarter=quarter)
    path = _kept(home, pack, effect)
    letter = digests.of_board(pack)
    attached = [
        {
            "name": f"{pack.company} {pack.period.name}.pdf",
            "type": "application/pdf",
            "path": str(path.relative_to(home.path)),
        }
    ]
    for to in recipients:
        outbox.queue_mail("board", to, letter.subject, letter.text, letter.html, attached, f"{effect}:{to}", now)
    return len(recipients)


def last_period_end(last: int, *, quarter: bool) -> int:
    """The last month of the last whole quarter up to a month; the month itself where months are asked for."""
    return last - (last + 1) % 3 if quarter else last


def _kept(home: Home, pack: board.Pack, effect: str) -> Path:
    """The PDF, kept in the home until it is sent: what arrives is what was due then."""
    folder = home.path / "reports"
    folder.mkdir(exist_ok=True)
    safe = "".join(sign if sign.isalnum() else "-" for sign in effect)
    path = folder / f"{safe}.pdf"
    path.write_bytes(paper.pdf(pack, numbers.locale()))
    return path
