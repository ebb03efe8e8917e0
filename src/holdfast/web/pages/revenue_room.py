"""What all pages of the revenue room have in common: tabs, segments in the address, paging, order, and work that takes long."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers

from holdfast.charts import numbers
from holdfast.desk.models import AuditEntry
from holdfast.flows import revenue as flow
from holdfast.flows.home import HomeError
from holdfast.metrics.behind import SORTS
from holdfast.metrics.retention import Segment
from holdfast.warehouse.ledger import OutdatedLedgerError
from holdfast.warehouse.matrix import LedgerError
from holdfast.web import answers, show
from holdfast.web.lens import Lens, LensError

T = TypeVar("T")
Step = Callable[[int, int], None]

TABS = (
    ("revenue", "Bridge"), ("revenue_retention", "Retention"), ("revenue_segments", "Segments"), ("revenue_cohorts", "Cohorts"),
    ("revenue_concentration", "Concentration"), ("revenue_policies", "Policies"), ("revenue_known", "Known and closed"),
    ("revenue_reconcile", "Reconciliation"),
)  # fmt: skip
#: lines on a page
SIZE = 50
#: values of an attribute up to which it makes segments
MOST_SEGMENTS = 60
#: seconds a page waits for work that takes long
PATIENCE = 0.2
#: results of such work that are kept
KEPT = 64


@dataclass(frozen=True)
class Tab:
    """One tab of the room."""

    name: str
    title: str
    href: str


@dataclass(frozen=True)
class Pager:
    """Where in a list a page stands; pages count from 1."""

    number: int
    total: int
    size: int = SIZE

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        return self.offset + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    @property
    def before(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.last < self.total else None


def shown(request: HttpRequest, lens: Lens, template: str, tab: str, **context: Any) -> HttpResponse:
    """A page of the room."""
    tabs = [Tab(name, title, reverse(name) + lens.query()) for name, title in TABS]
    return show.page(request, template, lens, section="revenue", tab=tab, tabs=tabs, **context)


def page_no(request: HttpRequest) -> int:
    """The page asked for; the first where it cannot be read."""
    asked = request.GET.get("page", "1")
    return max(1, min(int(asked), 1_000_000)) if asked.isdecimal() and len(asked) < 8 else 1


def one_of(request: HttpRequest, name: str, allowed: Iterable[str], default: str) -> str:
    """A choice in the address. LensError: it is not one of them."""
    allowed = list(allowed)
    asked = request.GET.get(name, default) or default
    if asked not in allowed:
        raise LensError(f"{name} = '{asked}' cannot be chosen; there is: {', '.join(one for one in allowed if one)}")
    return asked


def sort_of(request: HttpRequest, default: str = "size") -> str:
    """The order asked for."""
    asked = request.GET.get("sort", "")
    return asked if asked in SORTS else default


def attributes(lens: Lens) -> list[str]:
    """The attributes by which one can look: those with few enough values."""
    return [name for name, count in lens.ask(flow.values_by_attribute).items() if 0 < count <= MOST_SEGMENTS]


def attribute_of(request: HttpRequest, lens: Lens, default: str = "") -> str:
    """The attribute that `by=` names; '' for none. LensError: it has too many values."""
    asked = request.GET.get("by", "") or default
    if not asked:
        return ""
    name = lens.ledger().attribute(asked)
    count = lens.ask(flow.values_by_attribute)[name]
    if count > MOST_SEGMENTS:
        raise LensError(
            f"'{name}' has {count:,} values, too many to stand side by side; there is: {', '.join(attributes(lens))}"
        )
    return name


def segment_of(request: HttpRequest, lens: Lens) -> Segment:
    """The one segment that `by=` and `value=` name; an empty value stands for accounts that have none."""
    if not request.GET.get("by") or "value" not in request.GET:
        return ()
    return ((lens.ledger().attribute(request.GET["by"]), request.GET["value"] or None),)


def in_segment(segment: Segment) -> dict[str, str]:
    """A segment as it stands in an address."""
    return {"by": segment[0][0], "value": segment[0][1] or ""} if segment else {}


def csv(request: HttpRequest, name: str, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> HttpResponse:
    """A CSV file, written into the audit log."""
    AuditEntry.add(
        "exported",
        name,
        answers.now(),
        user=request.user,
        address=request.META.get("REMOTE_ADDR", ""),
        query=request.GET.urlencode(),
    )
    return show.as_csv(name, columns, rows)


def major(minor: int | None, currency: str) -> Any:
    """An amount as a spreadsheet counts with it."""
    return "" if minor is None else numbers.major(minor, currency)


def rate(value: Any) -> Any:
    """A rate as a decimal number."""
    return "" if value is None else round(float(value), 6)


@dataclass
class Working(Exception):  # noqa: N818 - a reason to wait, not a fault
    """The work is going on; so many of so many steps are done (0 of 0: nobody knows)."""

    done: int = 0
    steps: int = 0


@dataclass
class _Job:
    thread: threading.Thread
    done: int = 0
    steps: int = 0
    error: str = ""


_lock = threading.Lock()
#: the machine has other readers: one such work at a time
_one = threading.Semaphore(1)
_jobs: dict[tuple[Any, ...], _Job] = {}
_results: OrderedDict[tuple[Any, ...], Any] = OrderedDict()


def later(name: str, key: tuple[Any, ...], work: Callable[[Step], T]) -> T:
    """What the work finds, done once for a publication and in a thread of its own. Working: it is still going on.

    LensError: it could not be done; the next call tries again.
    """
    told = answers.current()
    whole = (name, str(answers.home().path), told and (told.generation, told.booked_at), *key)
    with _lock:
        if whole in _results:
            _results.move_to_end(whole)
            return _results[whole]  # type: ignore[no-any-return]
        job = _jobs.get(whole)
        if job is None:
            job = _jobs[whole] = _Job(threading.Thread(target=_work, args=(whole, work), daemon=True))
            job.thread.start()
    job.thread.join(PATIENCE)
    with _lock:
        if whole in _results:
            return _results[whole]  # type: ignore[no-any-return]
        if not job.thread.is_alive():
            _jobs.pop(whole, None)
            raise LensError(job.error or "the work ended without a result; look again")
    raise Working(job.done, job.steps)


def _work(key: tuple[Any, ...], work: Callable[[Step], Any]) -> None:
    job = _jobs[key]

    def step(done: int, steps: int) -> None:
        job.done, job.steps = done, steps

    try:
        with _one:
            found = work(step)
    except (*show.ASKED_WRONG, HomeError, LedgerError, OutdatedLedgerError) as error:
        job.error = str(error)
        return
    except Exception:
        logging.getLogger(__name__).exception("work for a page failed: %s", key[0])
        job.error = "this could not be worked out; the server's log says why"
        return
    with _lock:
        _jobs.pop(key, None)
        _results[key] = found
        while len(_results) > KEPT:
            _results.popitem(last=False)


def part_or_page(
    request: HttpRequest,
    lens: Lens,
    template: str,
    part: str,
    tab: str,
    found: Callable[[], dict[str, Any]],
    *,
    has_chart: bool = False,
    **context: Any,
) -> HttpResponseBase:
    """A page with a part that may take long: until it is there the part says so, and asks again by itself."""
    try:
        context |= found()
        context["part"] = part
    except Working as working:
        context |= {"part": "web/revenue/working.html", "working": working, "again": request.get_full_path()}
    if show.is_fragment(request):
        response = vary(render(request, context["part"], context | {"lens": lens}))
        if has_chart and context["part"] == part:
            # a chart's data lies in a script element, and those are taken out of parts that come in later
            response["HX-Refresh"] = "true"
        return response
    return vary(shown(request, lens, template, tab, **context))


def vary(response: HttpResponse) -> HttpResponse:
    """An answer that is another one for a part of a page: no cache may mix them up."""
    patch_vary_headers(response, ["HX-Request"])
    return response
