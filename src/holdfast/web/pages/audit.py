"""The audit log: who did what, from where; by person, action and day, and as CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse

from holdfast.desk.models import AuditEntry
from holdfast.web import answers, doing, show
from holdfast.web.pages.setup import LINES, page_of, pager, shown
from holdfast.web.rights import page

COLUMNS = ("at", "actor", "action", "target", "detail", "address")


def _asked(request: HttpRequest) -> tuple[QuerySet[AuditEntry], dict[str, str]]:
    """The entries asked for, and what was asked; a day that cannot be read is left out."""
    given = {name: request.GET.get(name, "").strip() for name in ("person", "action", "from", "to")}
    found = AuditEntry.objects.all()
    if given["person"]:
        found = found.filter(actor__icontains=given["person"])
    if given["action"]:
        found = found.filter(action=given["action"])
    zone = ZoneInfo(answers.home().settings.timezone)
    for name, days, test in (("from", 0, "at__gte"), ("to", 1, "at__lt")):
        try:
            day = date.fromisoformat(given[name]) + timedelta(days=days)
        except (ValueError, OverflowError):
            given[name] = ""
            continue
        found = found.filter(**{test: datetime.combine(day, time(), zone)})
    return found, given


def audit(request: HttpRequest) -> HttpResponseBase:
    """A page of the log, the newest first."""
    found, given = _asked(request)
    number = page_of(request)
    actions = AuditEntry.objects.order_by("action").values_list("action", flat=True).distinct()
    return shown(
        request, "web/setup/audit.html", "setup_audit", entries=found[(number - 1) * LINES : number * LINES], given=given, actions=actions,
        pager=pager(number, found.count(), LINES),
    )  # fmt: skip


class _Line:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def audit_csv(request: HttpRequest) -> HttpResponseBase:
    """The entries asked for, all of them."""
    found, given = _asked(request)
    doing.log(request, "exported", "audit log", **{name: value for name, value in given.items() if value})
    response = StreamingHttpResponse(_lines(found), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="audit-log.csv"'
    return response


def _lines(found: QuerySet[AuditEntry]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield writer.writerow(COLUMNS)
    for entry in found.iterator(chunk_size=2000):
        told = [getattr(entry, name) for name in COLUMNS]
        told[0], told[4] = entry.at.isoformat(), json.dumps(entry.detail, ensure_ascii=False) if entry.detail else ""
        yield writer.writerow([show.safe(value) for value in told])


urls = [
    page("setup/audit/", audit, "setup_audit", needs="setup"),
    page("setup/audit.csv", audit_csv, "setup_audit_csv", needs="setup"),
]
