"""`load`: files become landed facts. The only place where the file source and landing meet.

Run again with the same files it changes nothing; run with a corrected file it adds what changed and keeps
what was. Bad rows never stop good ones: they are told, and kept in a file to be put right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from holdfast.domain.facts import TABLES
from holdfast.flows.erased import Guard
from holdfast.sources.files.facts import Facts, to_facts
from holdfast.sources.files.guess import Unrecognised, guess
from holdfast.sources.files.mapping import (
    Mapping,
    MappingError,
    load_mapping,
    mapping_path,
    save_mapping,
)
from holdfast.sources.files.profile import profiles
from holdfast.sources.files.read import Raw, UnreadableFileError, data_files, read_file
from holdfast.sources.files.rejects import Reject, original_stem, rejected_path, write_rejected
from holdfast.sources.files.settle import settle_dates
from holdfast.warehouse.landed import account_states, complete, subscription_accounts, unchanged_filter
from holdfast.warehouse.landing import Landing, utc_naive

#: Told what is being done, a line at a time.
Reporter = Callable[[str], None]

#: Bad rows that a report names one by one; all of them are in the file beside.
SHOWN_REJECTS = 10

#: Subscriptions come before usage, which may name its account only through them.
_RANK = {table: rank for rank, table in enumerate(TABLES)}


@dataclass(frozen=True)
class FileReport:
    """What became of one file (or worksheet)."""

    file: str
    #: the fact table; "" where the file is not recognised or not readable
    table: str = ""
    how: str = ""
    confidence: float = 0.0
    #: where the mapping is kept, or where the one given is
    mapping: Path | None = None
    #: the mapping as it was used
    used: Mapping | None = None
    rows_read: int = 0
    rows_loaded: int = 0
    rows_unchanged: int = 0
    rows_rejected: int = 0
    #: the file was loaded before, under this mapping, without bad rows
    seen_before: bool = False
    #: the first bad rows
    rejects: tuple[Reject, ...] = ()
    #: where all bad rows are kept
    rejected_file: Path | None = None
    notes: tuple[str, ...] = ()
    #: why nothing of the file could be used
    problem: str = ""
    #: the file was named itself, not found in a folder
    named: bool = True
    path: Path | None = None


@dataclass(frozen=True)
class LoadReport:
    """What became of all files, and of the command."""

    files: tuple[FileReport, ...] = ()
    problem: str = ""

    @property
    def exit_code(self) -> int:
        """0: all good. 1: some rows, or a file that was named, could not be loaded. 2: nothing could."""
        good = [file for file in self.files if file.table and (file.rows_read > file.rows_rejected or file.seen_before)]
        if self.problem or not good:
            return 2
        unusable = any(file.problem and file.named for file in self.files)
        return 1 if unusable or any(file.rows_rejected for file in self.files) else 0

    @property
    def rows_loaded(self) -> int:
        return sum(file.rows_loaded for file in self.files)

    @property
    def rows_rejected(self) -> int:
        return sum(file.rows_rejected for file in self.files)


@dataclass
class _Job:
    """A readable file with the mapping it will be loaded under."""

    path: Path
    raw: Raw
    mapping: Mapping
    mapping_file: Path
    fingerprint: str
    named: bool
    notes: list[str] = field(default_factory=list)
    source: str = "files"


def load(
    home: Path,
    paths: Sequence[Path],
    *,
    mapping: Path | None,
    now: datetime,
    currency: str,
    timezone: str,
    reporter: Reporter,
    source: str = "files",
) -> LoadReport:
    """Load files and folders into the landing of `home`, as told by `source`.

    `mapping` holds for every file that has all its columns; the others are guessed. `currency` and `timezone`
    are the company's, for files that name none. `now` is when we learn what the files say.
    """
    try:
        given = load_mapping(mapping, currency, timezone) if mapping is not None else None
        files = [file for file in data_files(paths) if not _is_our_own(file, home, paths)]
    except (MappingError, UnreadableFileError) as error:
        return LoadReport(problem=str(error))
    if not files:
        return LoadReport(problem="there are no data files in " + ", ".join(map(str, paths)))
    named = {path for path in paths if path.is_file()}
    reports: list[FileReport] = []
    jobs: list[_Job] = []
    for path in files:
        reporter(f"reading {path.name}")
        found, failed = _prepare(home, path, path in named, given, mapping, currency, timezone)
        jobs += found
        reports += failed
    if given is not None and not any(job.mapping_file == mapping for job in jobs):
        lacking = "; ".join(report.problem for report in reports if report.problem)
        return LoadReport(tuple(reports), f"no file has the columns that {mapping} names. {lacking}".strip())
    landing = Landing(home)
    for job in jobs:
        job.source = source
    jobs.sort(key=lambda job: _RANK[job.mapping.table])
    for job in jobs:
        reporter(f"loading {job.raw.name} into {job.mapping.table}: {job.raw.count:,} rows")
        reports.append(_load_one(home, landing, job, now))
    return LoadReport(tuple(sorted(reports, key=lambda report: report.file)))


def _is_our_own(file: Path, home: Path, paths: Sequence[Path]) -> bool:
    """Whether a file found in a folder is one that we keep in our home; if asked for there, it is read."""
    inside = home.resolve()
    asked = any(path.resolve().is_relative_to(inside) for path in paths)
    return not asked and file.resolve().is_relative_to(inside)


# -- before landing ------------------------------------------------------------------------------------------


def _prepare(
    home: Path,
    path: Path,
    named: bool,
    given: Mapping | None,
    given_path: Path | None,
    currency: str,
    timezone: str,
) -> tuple[list[_Job], list[FileReport]]:
    """Read a file and settle its mapping: the one given, the one kept, or a guess that is then kept."""
    try:
        raws = read_file(path)
    except UnreadableFileError as error:
        return [], [FileReport(path.name, problem=str(error), named=named)]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    jobs, failed = [], []
    for raw in raws:
        if given is not None and given_path is not None and given.fits(raw.header):
            settled = settle_dates(given, {profile.header: profile for profile in profiles(raw.table)})
            file, notes = given_path, [f"read as {given_path} says", *_to_check(settled)]
        else:
            found = _kept_or_guessed(home, path, raw, currency, timezone)
            if isinstance(found, str):
                lacks = f"; {given_path} names {', '.join(given.missing(raw.header))}" if given is not None else ""
                failed.append(
                    FileReport(raw.name, how=raw.how, rows_read=raw.count, problem=found + lacks, named=named)
                )
                continue
            settled, file, notes = found
        fingerprint = hashlib.sha256(f"{digest}\n{raw.sheet}\n{settled.key()}".encode()).hexdigest()
        jobs.append(_Job(path, raw, settled, file, fingerprint, named, notes))
    return jobs, failed


def _kept_or_guessed(
    home: Path, path: Path, raw: Raw, currency: str, timezone: str
) -> tuple[Mapping, Path, list[str]] | str:
    """The mapping kept for files of this name and columns; else a guess, kept. A text: why there is none."""
    file = mapping_path(home / "mappings", _stem(path, raw), raw.header)
    if file.exists():
        try:
            kept = load_mapping(file, currency, timezone)
        except MappingError as error:
            return str(error)
        settled = settle_dates(kept, {profile.header: profile for profile in profiles(raw.table)})
        return settled, file, [f"read as before: {file}", *_to_check(settled)]
    guessed = guess(raw.sheet or raw.name, profiles(raw.table), currency, timezone)
    if isinstance(guessed, Unrecognised):
        return f"not recognised: {guessed.reason}. Name the columns in a mapping file and give it with --mapping"
    save_mapping(file, guessed, raw.name)
    return guessed, file, _to_check(guessed)


def _stem(path: Path, raw: Raw) -> str:
    """The name under which the mapping and the rejected rows of a file or worksheet are kept."""
    return original_stem(path) + (f"-{raw.sheet}" if raw.sheet else "")


def _to_check(mapping: Mapping) -> list[str]:
    """What the values left open."""
    return [
        f"{name.partition('.')[2]}: {reason}"
        for name, reason in mapping.reasons.items()
        if reason.startswith("PLEASE CHECK")
    ]


# -- landing -------------------------------------------------------------------------------------------------


def _load_one(home: Path, landing: Landing, job: _Job, now: datetime) -> FileReport:
    """Translate one file and land what is new in it."""
    mapping = job.mapping
    report = FileReport(
        job.raw.name,
        mapping.table,
        job.raw.how,
        mapping.confidence,
        job.mapping_file,
        mapping,
        rows_read=job.raw.count,
        named=job.named,
        path=job.path,
    )
    if _was_last(landing, job):
        notes = ("the same file was loaded before; nothing changes",)
        return replace(report, seen_before=True, rows_unchanged=job.raw.count, notes=notes)
    facts = to_facts(job.raw.table, job.raw.rows, mapping, _subscriptions(landing, mapping))
    rejects = sorted([*job.raw.rejects, *facts.rejects], key=lambda reject: reject.row)
    with landing.locked():
        along = _land_accounts(landing, job, now)
        news = _news(landing, mapping, facts, now)
        # a file with bad rows is read again next time: what they lacked may be there by then
        _append(landing, mapping, job, news, now, "" if rejects else job.fingerprint)
    return replace(
        report,
        rows_loaded=news.num_rows,
        rows_unchanged=facts.rows.num_rows - news.num_rows,
        rows_rejected=len({reject.row for reject in rejects}),
        rejects=tuple(rejects[:SHOWN_REJECTS]),
        rejected_file=_keep_rejected(home, job, rejects, now) if rejects else None,
        notes=(*job.notes, *along, *facts.notes, *_unused_note(job)),
    )


def _was_last(landing: Landing, job: _Job) -> bool:
    """Whether this very file, read in this very way, was the last thing told about its table.

    If something else was told since, the file may set it right again: then its rows are compared one by one.
    """
    loads = landing.loads(job.mapping.table)
    return bool(loads) and loads[-1].fingerprint == job.fingerprint


def _append(landing: Landing, mapping: Mapping, job: _Job, news: pa.Table, now: datetime, fingerprint: str) -> None:
    """Land the news of a file; nothing where there are none."""
    if news.num_rows:
        landing.append(
            mapping.table,
            [news],
            source=job.source,
            source_kind=mapping.source_kind,
            loaded_at=now,
            file=str(job.path),
            fingerprint=fingerprint,
            mapping=str(job.mapping_file),
        )


def _land_accounts(landing: Landing, job: _Job, now: datetime) -> list[str]:
    """Land the accounts that a file of subscriptions tells along the way. Bad rows are told only once."""
    mapping = job.mapping.of_accounts()
    if mapping is None:
        return []
    news = _news(landing, mapping, to_facts(job.raw.table, job.raw.rows, mapping), now)
    _append(landing, mapping, job, news, now, "")
    told = ", ".join([*(["name"] if "name" in mapping.columns else []), *mapping.attributes])
    return [f"it also tells of accounts ({told}): {news.num_rows} states loaded"]


def _subscriptions(landing: Landing, mapping: Mapping) -> pa.Table | None:
    """Whose subscriptions are whose, where the file names no accounts."""
    if mapping.table != "usage_day" or "account_id" in mapping.columns:
        return None
    return subscription_accounts(landing)


def _news(landing: Landing, mapping: Mapping, facts: Facts, now: datetime) -> pa.Table:
    """The rows of a file that say what landing does not hold yet; people who were erased are not among them again."""
    rows = Guard(landing.root.parent).rows(mapping.table, complete(mapping.table, facts.rows))
    if mapping.table == "account" and "valid_from" not in mapping.columns:
        zone = ZoneInfo(mapping.timezone)
        today = utc_naive(now).replace(tzinfo=UTC).astimezone(zone).date()
        rows = account_states(
            landing,
            rows,
            today=today,
            today_began=utc_naive(datetime.combine(today, time(), zone)),
            spoken=frozenset(mapping.columns),
            attributes=frozenset(mapping.attributes),
            corrects=mapping.corrects,
        )
    return unchanged_filter(landing, mapping.table, rows)


def _keep_rejected(home: Path, job: _Job, rejects: list[Reject], now: datetime) -> Path:
    """Put the bad rows into a file of their own, as they were."""
    raw = job.raw
    table, rows = raw.table, raw.rows
    if raw.broken:
        cells = np.array([cells[: table.num_columns] for _, cells in raw.broken]).T
        broken = pa.table({name: pa.array(texts) for name, texts in zip(table.column_names, cells, strict=True)})
        table = pa.concat_tables([table, broken])
        rows = np.concatenate([rows, np.array([number for number, _ in raw.broken], dtype=np.int64)])
    path = rejected_path(home / "rejected", _stem(job.path, raw), utc_naive(now))
    guard = Guard(home)
    if guard:
        clean = [[text and guard.text(text) for text in column.to_pylist()] for column in table.columns]
        table = pa.table([pa.array(texts, pa.string()) for texts in clean], table.column_names)
    write_rejected(path, table, rows.tolist(), rejects)
    return path


def _unused_note(job: _Job) -> list[str]:
    """The columns that nobody uses: said, not dropped silently."""
    named = {*job.mapping.columns.values(), *job.mapping.attributes.values(), *job.mapping.months}
    unused = [header for header in job.raw.header if header not in named]
    return [f"not used: {', '.join(unused)}"] if unused else []


# -- telling -------------------------------------------------------------------------------------------------


def describe(report: LoadReport) -> list[str]:
    """The report in sentences, one line each, for a terminal or a log."""
    lines = [line for file in report.files for line in _describe_file(file)]
    if report.problem:
        lines.append(report.problem)
    return lines


def _describe_file(file: FileReport) -> Iterable[str]:
    if file.problem:
        yield f"{file.file}: {file.problem}"
        return
    counts = f"{file.rows_read:,} rows read, {file.rows_loaded:,} loaded, {file.rows_unchanged:,} unchanged"
    yield f"{file.file} -> {file.table}: {counts}, {file.rows_rejected:,} rejected ({file.how})"
    if file.mapping is not None and not file.seen_before:
        yield f"  mapping: {file.mapping}"
    yield from (f"  {note}" for note in file.notes)
    yield from (f"  {reject.sentence(file.file)}" for reject in file.rejects)
    if file.rejected_file is not None:
        yield f"  all rejected rows: {file.rejected_file} (correct them there and load that file)"
