"""Measuring the features of all paying accounts on some days: one pass, in memory of its own, over the files of a publish.

A day sees what could be known on it: tickets closed later are open, invoices paid later unpaid, departures not noticed yet.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa

from holdfast.domain.money import FxError
from holdfast.domain.tone import tone
from holdfast.warehouse.features.dictionary import FILES, dictionary, features_of, text
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import USAGE_FILE, Records
from holdfast.warehouse.sql import literal, quoted
from holdfast.warehouse.sql import run as run_models

#: what measuring may take; beyond it is put aside on disk
MEMORY = "2GB"
#: accounts × days that are measured at once
ROWS_AT_ONCE = 60_000
#: how far back the texts of tickets are looked at; no feature looks further
LOOK_BACK = 800
#: the files that get the facts ready, once for all days
SETUP = ("words", "who", "calendar", "weeks", "known")
#: Monday; weeks are counted from it
_FIRST_DAY = date(1900, 1, 1)


def measure(ledger: Ledger, records: Records, days: Sequence[date], usage: Path | None = None) -> pa.Table:
    """One row per account with MRR at the end of each day: its id, MRR, attributes of the day, and every feature.

    `usage`: a usage file that reaches further back than the publish's own. The days are congruent modulo 7, as usage is read by weeks
    that end on them. ValueError: they are not, or the ledger ends before.
    """
    wanted = sorted(set(days))
    _check(ledger, wanted)
    if not wanted:
        return schema(ledger).empty_table()
    with opened(ledger, records, usage) as c:
        prepare(c, ledger, records, wanted)
        size = _days_at_once(c)
        rest = iter(wanted)
        chunks = []
        while chunk := list(islice(rest, size)):
            chunks.append(measured(c, ledger, records.currency, chunk))
        return pa.concat_tables(chunks)


def schema(ledger: Ledger) -> pa.Schema:
    """The columns of what `measure` returns."""
    keys = [pa.field("account_id", pa.string()), pa.field("as_of", pa.date32()), pa.field("mrr_minor", pa.int64())]
    attributes = [pa.field(f"attribute.{name}", pa.string()) for name in ledger.segments]
    return pa.schema(keys + attributes + [pa.field(feature.name, pa.float64()) for feature in dictionary()])


def _check(ledger: Ledger, days: Sequence[date]) -> None:
    if len({day.toordinal() % 7 for day in days}) > 1:
        raise ValueError("the days to measure must lie whole weeks apart")
    if days and days[-1] > ledger.as_of:
        raise ValueError(f"the ledger ends on {ledger.as_of}, before {days[-1]}")


@contextmanager
def opened(ledger: Ledger, records: Records, usage: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection in memory that reads the publish's three files."""
    with tempfile.TemporaryDirectory(prefix="holdfast-features-") as folder, duckdb.connect() as c:
        c.execute(f"set memory_limit = '{MEMORY}'")
        c.execute(f"set temp_directory = {literal(folder)}")
        c.execute("set enable_progress_bar = false")
        c.execute("set preserve_insertion_order = false")
        usage = usage or records.path.with_name(USAGE_FILE)
        for name, path in (("ledger", ledger.path), ("records", records.path), ("usage", usage)):
            c.execute(f"attach {literal(str(path))} as {name} (read_only)")
        yield c


def prepare(c: duckdb.DuckDBPyConnection, ledger: Ledger, records: Records, days: Sequence[date]) -> None:
    """What is the same for all days: rates, texts, and the facts under the entity that they count with."""
    shift = 6 - (days[0] - _FIRST_DAY).days % 7
    c.execute(f"set variable shift = {shift}")
    for name, day in {"first_day": days[0], "last_day": days[-1], "known_to": records.as_of}.items():
        c.execute(f"set variable {name} = date '{day}'")
    run_models(c, "macros")
    c.register("rate", _rates(c, ledger, records))
    c.register("text_tone", _tones(c))
    for name in SETUP:
        c.execute(text(name))


def _rates(c: duckdb.DuckDBPyConnection, ledger: Ledger, records: Records) -> pa.Table:
    """What a minor unit of each currency is in those of the reporting currency, at the rates of the ledger's as-of day."""
    tables = ("ledger.change", "records.item", "records.invoice", "records.opportunity")
    told = " union ".join(f"select currency from {table}" for table in tables)
    day = ledger.as_of + timedelta(days=1)
    factors: dict[str, float] = {}
    for (code,) in c.execute(f"select distinct currency from ({told}) where currency is not null").fetchall():
        try:
            factors[code] = float(ledger.rates.minor_rate(code, records.currency, day))
        except FxError:
            # amounts in it are not known; the ledger itself refuses what it cannot convert
            continue
    codes = sorted(factors)
    values = [factors[code] for code in codes]
    return pa.table({"currency": pa.array(codes, pa.string()), "factor": pa.array(values, pa.float64())})


def _tones(c: duckdb.DuckDBPyConnection) -> pa.Table:
    """The tone of every text of tickets and comments that the days may see; the same text is read once."""
    rows = c.execute(
        "select distinct concat_ws('. ', subject, body) as text from records.ticket where opened_at::date <= getvariable('last_day') "
        f"and opened_at::date > getvariable('first_day') - {LOOK_BACK} "
        "union select comment from records.survey where comment is not null and sent_on <= getvariable('last_day')"
    ).fetchall()
    texts = [row[0] for row in rows if row[0]]
    # whole parts of 1024, so that means are the same in any order
    tones = [round(tone(one) * 1024) / 1024 for one in texts]
    return pa.table({"text": pa.array(texts, pa.string()), "tone": pa.array(tones, pa.float64())})


def _days_at_once(c: duckdb.DuckDBPyConnection) -> int:
    entities = int(c.execute("select count(distinct who_no) from step").fetchall()[0][0])
    return max(1, ROWS_AT_ONCE // max(entities, 1))


def measured(c: duckdb.DuckDBPyConnection, ledger: Ledger, currency: str, days: Sequence[date]) -> pa.Table:
    """The rows of some days."""
    c.register("day", pa.table({"as_of": pa.array(days, pa.date32())}))
    c.execute(_spot(ledger, currency))
    c.execute(text("grid"))
    for file in FILES:
        c.execute(text(file))
    told = c.sql(_row(ledger)).to_arrow_table()
    c.unregister("day")
    return told.cast(schema(ledger))


def _spot(ledger: Ledger, currency: str) -> str:
    """The model spot with the currencies and attributes that the ledger has."""
    converted = ledger.converted("balance_minor", ledger.as_of + timedelta(days=1), currency)
    columns, joins = "", ""
    for number, name in enumerate(ledger.segments):
        told = f"account.{quoted('seg_' + name)}"
        if ledger.changes_dated(name):
            at = f"change_{number}"
            # what it was on the day is what it was before the first change after the day
            told = f"case when {at}.changed_on is null then {told} else {at}.before end"
            joins += (
                "asof left join (select account_id as of_account, day as changed_on, before from ledger.attribute_change "
                f"where attribute = {literal(name)}) as {at} "
                f"on {at}.of_account = entity.account_id and {at}.changed_on > mrr.as_of\n"
            )
        columns += f", {told} as {quoted('attribute.' + name)}"
    return text("spot").replace("$converted", converted).replace("$attributes", columns).replace("$changes", joins)


def _row(ledger: Ledger) -> str:
    """SQL: one row per account and day, columns as in the schema."""
    made_by = {feature.name: file for file in FILES for feature in features_of(file)}
    attributes = "".join(f", spot.{quoted('attribute.' + name)}" for name in ledger.segments)
    features = "".join(f", {made_by[f.name]}.{f.name}::double as {f.name}" for f in dictionary())
    joins = " ".join(f"left join {file} using (who_no, as_of)" for file in FILES)
    return (
        f"select spot.account_id, spot.as_of, spot.mrr_minor{attributes}{features} from spot {joins} "
        "order by spot.as_of, spot.account_id"
    )
