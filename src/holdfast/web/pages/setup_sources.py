"""Sources: what was loaded, files given in the browser, how they are read, and the rows that could not be."""

from __future__ import annotations

from functools import wraps
from typing import Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_POST

from holdfast.flows import setup, setup_files, setup_jobs, setup_work
from holdfast.flows.home import HomeError
from holdfast.sources.files.mapping import MappingError
from holdfast.sources.files.read import SUFFIXES
from holdfast.web import answers, doing, show
from holdfast.web.pages.setup import LINES, page_of, pager, shown
from holdfast.web.rights import page
from holdfast.web.uploads import refused


def found_or_404(view: show.View) -> show.View:
    """What is not in the home is not found."""

    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except HomeError as error:
            raise Http404(str(error)) from None

    return answered


def sources(request: HttpRequest) -> HttpResponseBase:
    """What was loaded, how fresh it is, and what was rejected."""
    home = answers.home()
    told = setup.sources(home)
    return shown(
        request, "web/setup/sources.html", "setup_sources", sources=told, rejected=setup.rejected(home), mappings=setup_files.mappings(home),
        unbooked=any(not one.booked for one in told), working=setup_work.working(home.path), limit=settings.UPLOAD_BYTES // 1024**2,
        accept=",".join(SUFFIXES),
    )  # fmt: skip


def take(request: HttpRequest) -> tuple[str, str]:
    """Keep the files of a form: the batch's name, or why they are not kept."""
    # reading them is what drops them
    given = request.FILES.getlist("files")
    if refused(request):
        return (
            "",
            f"These files are larger than {settings.UPLOAD_BYTES // 1024**2} MB together. Give them in parts, or load them with: holdfast load FILE…",
        )
    if not given:
        return "", "Choose one or more files first."
    folder = setup_files.new_batch(answers.home(), answers.now())
    try:
        kept = [setup_files.keep(folder, file.name or "", file.chunks()) for file in given]
        setup_files.look(answers.home(), kept, save=True)
    except HomeError as error:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        return "", str(error)
    doing.log(
        request,
        "gave files",
        ", ".join(file.name or "" for file in given),
        batch=folder.name,
        bytes=sum(file.size or 0 for file in given),
    )
    return folder.name, ""


@require_POST
def upload(request: HttpRequest) -> HttpResponseBase:
    """Take files in; they are looked through next, and nothing is loaded yet."""
    batch, error = take(request)
    if error:
        doing.say(request, "bad", error)
        return doing.see("setup_sources")
    return doing.see("setup_review", batch)


@found_or_404
def review(request: HttpRequest, batch: str) -> HttpResponseBase:
    """How the files will be read."""
    home = answers.home()
    looked = setup_files.look(home, setup_files.batch(home, batch))
    return shown(
        request, "web/setup/review.html", "setup_sources", looked=looked, batch=batch, usable=any(one.mapping for one in looked),
        here=request.get_full_path(),
    )  # fmt: skip


def start_loading(request: HttpRequest, batch: str) -> str:
    """Load a batch and book, in the background. What stands in the way, if something does."""
    home = answers.home()
    paths = setup_files.batch(home, batch)
    try:
        setup_work.begin(
            home.path,
            f"Loading {', '.join(path.name for path in paths)[:120]}",
            setup_jobs.loading_of(home.path, paths, answers.now),
            answers.now,
        )
    except setup_work.BusyError as busy:
        return str(busy)
    doing.log(request, "loaded", ", ".join(path.name for path in paths), batch=batch)
    return ""


@require_POST
@found_or_404
def load(request: HttpRequest, batch: str) -> HttpResponseBase:
    """Load a batch and book."""
    busy = start_loading(request, batch)
    if busy:
        doing.say(request, "warn", busy)
        return doing.see("setup_review", batch)
    return doing.see("setup_sources")


@require_POST
def book(request: HttpRequest) -> HttpResponseBase:
    """Book what is loaded."""
    home = answers.home()
    try:
        setup_work.begin(home.path, "Booking", setup_jobs.booking(home.path, answers.now), answers.now)
        doing.log(request, "booked", home.settings.company)
    except setup_work.BusyError as busy:
        doing.say(request, "warn", str(busy))
    return doing.see("setup_sources")


# -- mappings ------------------------------------------------------------------------------------------------


@found_or_404
def mapping(request: HttpRequest, name: str) -> HttpResponseBase:
    """How files of a kind are read: as a form, and as text."""
    home, error = answers.home(), ""
    back = request.GET.get("batch", "")
    text = setup_files.mapping_text(home, name)
    if request.method == "POST":
        try:
            text = request.POST.get("text", text).replace("\r\n", "\n")
            setup_files.save_text(home, name, text) if "text" in request.POST else _save_form(request, name)
        except MappingError as refusal:
            error = str(refusal)
        else:
            doing.log(request, "changed mapping", name)
            doing.say(request, "good", "Mapping saved. It holds for the next load.")
            # in the first steps one goes on there
            review = "welcome_review" if answers.current() is None else "setup_review"
            return doing.see(review, back) if back else doing.see("setup_mapping", name)
    return _mapping_page(request, name, text, error, back)


def _mapping_page(request: HttpRequest, name: str, text: str, error: str, back: str) -> HttpResponseBase:
    home = answers.home()
    told: dict[str, Any] = {
        "name": name,
        "text": text,
        "error": error,
        "batch": back,
        "again": setup_files.read_with(home, name),
    }
    try:
        found = setup_files.read_mapping(home, name)
    except MappingError as refusal:
        return shown(
            request, "web/setup/mapping.html", "setup_sources", status=400, **told | {"error": error or str(refusal)}
        )
    looked = _looked(name, back)
    header = (
        looked.header
        if looked
        else tuple(dict.fromkeys([*found.columns.values(), *found.attributes.values(), *found.months]))
    )
    return shown(
        request, "web/setup/mapping.html", "setup_sources", status=400 if error else 200, mapping=found, header=header,
        examples=dict(looked.examples) if looked else {}, fields=setup_files.fields_told(found), settings=setup_files.settings_told(found),
        attributes=[*found.attributes.items(), *[("", "")] * 3], **told,
    )  # fmt: skip


def _looked(name: str, batch: str) -> setup_files.Looked | None:
    """The file of a batch that the mapping is for; without a batch, one loaded with it that is still there."""
    home = answers.home()
    paths = setup_files.batch(home, batch) if batch else setup_files.read_with(home, name)[-1:]
    return next((one for one in setup_files.look(home, paths) if one.mapping_name == name), None)


def _save_form(request: HttpRequest, name: str) -> None:
    given = request.POST
    columns = {
        key.removeprefix("column."): str(value) for key, value in given.items() if key.startswith("column.") and value
    }
    pairs = zip(given.getlist("attribute"), given.getlist("attribute_column"), strict=False)
    settings_given = {
        key.removeprefix("setting."): str(value) for key, value in given.items() if key.startswith("setting.")
    }
    flags = dict.fromkeys(given.getlist("flag"), "false")
    setup_files.save_form(
        answers.home(),
        name,
        columns,
        {attribute.strip(): column for attribute, column in pairs if attribute.strip() and column},
        flags | settings_given,
    )


@require_POST
@found_or_404
def load_again(request: HttpRequest, name: str) -> HttpResponseBase:
    """Load the files that were read with a mapping once more: what they say otherwise now is added."""
    home = answers.home()
    paths = setup_files.read_with(home, name)
    if not paths:
        doing.say(request, "warn", "The files that were read with it are not here any more; give them again.")
        return doing.see("setup_mapping", name)
    try:
        setup_work.begin(
            home.path, f"Loading again with {name}", setup_jobs.loading_of(home.path, paths, answers.now), answers.now
        )
        doing.log(request, "loaded again", name)
    except setup_work.BusyError as busy:
        doing.say(request, "warn", str(busy))
    return doing.see("setup_sources")


# -- rejected rows -------------------------------------------------------------------------------------------


@found_or_404
def rejected(request: HttpRequest, name: str) -> HttpResponseBase:
    """Rows that could not be loaded: where, what, why, and what to do."""
    home, number = answers.home(), page_of(request)
    rows = setup.rejected_rows(home, name, LINES, (number - 1) * LINES)
    total = next(one.rows for one in setup.rejected(home) if one.name == name)
    return shown(
        request, "web/setup/rejected.html", "setup_sources", name=name, rows=rows, pager=pager(number, total, LINES)
    )


@found_or_404
def rejected_file(request: HttpRequest, name: str) -> HttpResponseBase:
    """The rows as they were, to be put right and given again."""
    path = setup.rejected_path(answers.home(), name)
    doing.log(request, "exported", f"rejected rows {name}")
    return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")


urls = [
    page("setup/sources/", sources, "setup_sources", needs="setup"),
    page("setup/sources/upload/", upload, "setup_upload", needs="setup"),
    page("setup/sources/book/", book, "setup_book", needs="setup"),
    page("setup/sources/files/<str:batch>/", review, "setup_review", needs="setup"),
    page("setup/sources/files/<str:batch>/load/", load, "setup_load", needs="setup"),
    page("setup/mappings/<str:name>/", mapping, "setup_mapping", needs="setup"),
    page("setup/mappings/<str:name>/again/", load_again, "setup_load_again", needs="setup"),
    page("setup/rejected/<str:name>/", rejected, "setup_rejected", needs="setup"),
    page("setup/rejected/<str:name>/file", rejected_file, "setup_rejected_file", needs="setup"),
]
