"""The board pack: a month or a quarter on one page, as PDF and HTML, by mail now or by itself."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from holdfast.charts import numbers
from holdfast.desk.models import AuditEntry, Schedule
from holdfast.flows import board as flow
from holdfast.flows import paper, schedules
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.window import View
from holdfast.web import answers, rights, show
from holdfast.web.lens import Lens
from holdfast.web.rights import page

#: addresses that one schedule can have
MOST_RECIPIENTS = 50


def _pack(ledger: Ledger, view: View, last: int, quarter: bool, signed: tuple[str, ...]) -> flow.Pack:
    """`signed` only tells answers apart: a pack is made anew when a month is signed."""
    return flow.pack(answers.home(), ledger, view, last, quarter=quarter)


def _of(request: HttpRequest, lens: Lens) -> flow.Pack:
    quarter = request.GET.get("period") == "quarter"
    signed = tuple(sorted(path.name for path in answers.home().closes.glob("*.json")))
    told: flow.Pack = lens.ask(_pack, lens.view, lens.last_month, quarter, signed)
    return told


@show.with_lens
def board(request: HttpRequest, lens: Lens) -> HttpResponseBase:
    """The page."""
    pack = _of(request, lens)
    made = flow.charts(pack, numbers.locale())
    return show.page(
        request, "web/board/board.html", lens, pack=pack, made=made, sheet=paper.sheet(pack, numbers.locale()),
        quarter=request.GET.get("period") == "quarter", schedules=Schedule.objects.order_by("id"),
        timezone=answers.home().settings.timezone,
    )  # fmt: skip


@show.with_lens
def board_file(request: HttpRequest, lens: Lens, form: str) -> HttpResponseBase:
    """The pack as a file."""
    pack = _of(request, lens)
    name = f"{pack.company} {pack.period.name}".replace('"', "")
    AuditEntry.add(
        "exported",
        f"board pack {pack.period.name} ({form})",
        answers.now(),
        user=request.user,
        address=request.META.get("REMOTE_ADDR", ""),
    )
    if form == "pdf":
        response = HttpResponse(paper.pdf(pack, numbers.locale()), content_type="application/pdf")
    else:
        response = HttpResponse(paper.html(pack, numbers.locale()), content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _recipients(text: str) -> list[str]:
    """Addresses out of a text. ValidationError: one is not an address, or there are none or too many."""
    found = list(dict.fromkeys(part.lower() for part in text.replace(",", " ").replace(";", " ").split()))
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise ValidationError(f"give 1 to {MOST_RECIPIENTS} addresses")
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise ValidationError(f"{address} is not an e-mail address") from None
    return found


@require_POST
def board_schedule(request: HttpRequest) -> HttpResponseBase:
    """Send a report by itself from now on."""
    try:
        report, every = request.POST.get("report", ""), request.POST.get("every", "")
        on_day, at_hour = int(request.POST.get("on_day") or 1), int(request.POST.get("at_hour") or 7)
        if report not in dict(Schedule.REPORTS) or every not in dict(Schedule.EVERY):
            raise ValidationError("choose a report and how often it goes out")
        if not (0 <= on_day <= 6 if every == "week" else 1 <= on_day <= 28) or not 0 <= at_hour <= 23:
            raise ValidationError(
                "weeks go out on day 0 (Monday) to 6, months and quarters on day 1 to 28, at hour 0 to 23"
            )
        recipients = _recipients(request.POST.get("recipients", "")) if report == "board" else []
    except (ValueError, ValidationError) as error:
        messages.add_message(
            request, messages.ERROR, "; ".join(getattr(error, "messages", [str(error)])), extra_tags="bad"
        )
        return redirect("board")
    now = answers.now()
    zone = ZoneInfo(answers.home().settings.timezone)
    made = Schedule.objects.create(
        report=report, every=every, on_day=on_day, at_hour=at_hour, recipients=recipients, created_by=rights.person(request),
        next_at=schedules.next_time(every, on_day, at_hour, now, zone),
    )  # fmt: skip
    AuditEntry.add("scheduled", str(made), now, user=request.user, recipients=recipients)
    messages.success(request, f"{made}: the first goes out on {numbers.moment(made.next_at)} UTC.", extra_tags="good")
    return redirect("board")


@require_POST
def board_unschedule(request: HttpRequest, schedule_id: int) -> HttpResponseBase:
    """Stop sending."""
    found = Schedule.objects.filter(pk=schedule_id).first()
    if found is None:
        raise Http404("there is no such schedule")
    AuditEntry.add("unscheduled", str(found), answers.now(), user=request.user)
    found.delete()
    messages.success(request, f"{found} no longer goes out.", extra_tags="good")
    return redirect("board")


@require_POST
def board_send(request: HttpRequest) -> HttpResponseBase:
    """Send the pack now."""
    try:
        recipients = _recipients(request.POST.get("recipients", ""))
    except ValidationError as error:
        messages.add_message(request, messages.ERROR, "; ".join(error.messages), extra_tags="bad")
        return redirect("board")
    now = answers.now()
    every = "quarter" if request.POST.get("period") == "quarter" else "month"
    # pressed twice in the same minute it is one sending
    effect = f"now:{request.user.pk}:{now:%Y%m%d%H%M}:{every}"
    schedules.send(answers.home(), "board", every, recipients, now, effect)
    AuditEntry.add("sent", "board pack", now, user=request.user, recipients=recipients)
    messages.success(request, f"The board pack is on its way to {', '.join(recipients)}.", extra_tags="good")
    return redirect("board")


urls = [
    page("board/", board, "board", needs="board"),
    page("board/pack.pdf", board_file, "board_pdf", needs="board", form="pdf"),
    page("board/pack.html", board_file, "board_html", needs="board", form="html"),
    page("board/send/", board_send, "board_send", needs="board"),
    page("board/schedules/", board_schedule, "board_schedule", needs="board"),
    page("board/schedules/<int:schedule_id>/delete/", board_unschedule, "board_unschedule", needs="board"),
]
