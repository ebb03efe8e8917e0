"""The mapping of a file: which column means what, and how its values are written.

A mapping is guessed, shown, and kept as a TOML file with comments. A person may edit it and give it back with
`--mapping`; what it says then holds, and nothing of it is guessed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import tomlkit
import tomlkit.exceptions

from holdfast.domain.facts import SOURCE_KINDS, TABLES
from holdfast.sources.files.amounts import read_currency
from holdfast.sources.files.parse import DATE_FORMATS, BadValueError, DateFormat
from holdfast.sources.files.vocabulary import VOCABULARY

AMOUNT_MEANINGS = ("monthly_total", "yearly_total", "interval_total", "unit_price")
SHAPES = ("rows", "months_down", "months_across")


#: What a table needs at the least; what is required beyond it has a default in `facts.py`.
NEEDED: dict[str, tuple[str, ...]] = {
    "account": ("account_id",),
    "subscription_item": ("account_id", "unit_amount_minor"),
    "invoice": ("invoice_id", "account_id", "issued_on", "total_minor"),
    "invoice_line": ("line_id", "invoice_id", "account_id", "amount_minor", "issued_on"),
    "fx_rate": ("currency", "day", "rate"),
    "spend": ("month", "category", "amount_minor"),
    "contact": ("contact_id", "account_id"),
    "usage_day": ("day", "events"),
    "limit": ("account_id", "measure", "allowed", "valid_from"),
    "ticket": ("ticket_id", "account_id", "opened_at"),
    "survey": ("response_id", "account_id", "sent_on"),
    "opportunity": ("opportunity_id", "account_id", "stage", "changed_on"),
    "touch": ("touch_id", "account_id", "happened_at"),
    "outcome": ("account_id", "measure", "day", "value"),
    "launch": ("feature", "launched_on"),
    "target": ("metric", "month", "value"),
}


class MappingError(ValueError):
    """A mapping that cannot be used; the message names file, setting, value and remedy."""


@dataclass(frozen=True)
class Mapping:
    """How one file becomes rows of one fact table."""

    table: str
    #: field -> header
    columns: dict[str, str]
    #: segment attribute -> header (accounts, and subscriptions that tell them along the way)
    attributes: dict[str, str] = field(default_factory=dict)
    #: "rows" each tell an interval or event; "months_down": one row per customer and month;
    #: "months_across": one column per month
    shape: str = "rows"
    #: header -> first day of the month it holds (months_across)
    months: dict[str, str] = field(default_factory=dict)
    #: header -> how its dates are written
    date_format: dict[str, DateFormat] = field(default_factory=dict)
    decimal: str = "."
    amount_is: str = "monthly_total"
    amount_in: str = "major"
    rounding: str = "none"
    currency: str = "USD"
    timezone: str = "UTC"
    end_is: str = "exclusive"
    source_kind: str = "file"
    replaces_item: bool = False
    corrects: bool = False
    #: field -> text in the file -> our value
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    #: setting, field or attribute -> why; written as comments, no part of the meaning
    reasons: dict[str, str] = field(default_factory=dict, compare=False)
    #: headers nobody uses
    unused: tuple[str, ...] = field(default=(), compare=False)
    #: 0..1; written as a comment
    confidence: float = field(default=1.0, compare=False)

    def key(self) -> str:
        """A text that is the same for mappings that mean the same."""
        told = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        return json.dumps(told, sort_keys=True)

    def fits(self, header: Iterable[str]) -> bool:
        """Whether the file has every column the mapping names."""
        return not self.missing(header)

    def of_accounts(self) -> Mapping | None:
        """The mapping of the accounts that a file of subscriptions tells along the way; None if none."""
        if self.table != "subscription_item" or not (self.attributes or "account_name" in self.columns):
            return None
        columns = {"account_id": self.columns["account_id"]}
        if "account_name" in self.columns:
            columns["name"] = self.columns["account_name"]
        return replace(self, table="account", shape="rows", columns=columns, months={}, values={})

    def missing(self, header: Iterable[str]) -> list[str]:
        """The columns the mapping names and the file does not have."""
        named = [*self.columns.values(), *self.attributes.values(), *self.months]
        there = set(header)
        return [name for name in named if name not in there]


_SETTINGS: dict[str, tuple[str, tuple[str, ...]]] = {
    "shape": (
        "rows | months_down (one row per customer and month) | months_across (one column per month)",
        SHAPES,
    ),
    "decimal": ('decimal mark: "." or ","', (".", ",")),
    "amount_is": (
        "monthly_total | yearly_total | interval_total (of one billing) | unit_price",
        AMOUNT_MEANINGS,
    ),
    "amount_in": ("major (12.50) or minor (1250) units", ("major", "minor")),
    "rounding": ('too many decimals: "none" rejects the row, "half_even" rounds', ("none", "half_even")),
    "currency": ("where the file names none", ()),
    "timezone": ("in which days are days", ()),
    "end_is": (
        "exclusive: the end is the first day no longer paid; inclusive: the last day paid",
        ("exclusive", "inclusive"),
    ),
    "source_kind": (
        "billing | contract | file | crm | usage | support: decides how gaps at renewals are read",
        SOURCE_KINDS,
    ),
    "replaces_item": ("true: one row tells an item's whole history", ()),
    "corrects": (
        "true: this file corrects what accounts were; false: it tells what they are from now on",
        (),
    ),
}
_MONEY_TABLES = tuple(
    name for name, table in TABLES.items() if any(column.kind in ("money", "rate") for column in table.columns)
)
#: Settings that mean something for some tables only.
_ONLY_FOR: dict[str, tuple[str, ...]] = {
    "shape": ("subscription_item",),
    "amount_is": ("subscription_item",),
    "end_is": ("subscription_item",),
    "replaces_item": ("subscription_item",),
    "corrects": ("account",),
    "amount_in": _MONEY_TABLES,
    "rounding": _MONEY_TABLES,
    "currency": _MONEY_TABLES,
}


def settings_of(table: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The settings that mean something for a table: what each says, and its choices where they are fixed."""
    return {name: told for name, told in _SETTINGS.items() if table in _ONLY_FOR.get(name, TABLES)}


def to_toml(mapping: Mapping, file: str) -> str:
    """The mapping as a TOML text with its reasons as comments."""
    doc = tomlkit.document()
    doc.add(tomlkit.comment(f"How {file} is read. Edit what is wrong and give it back:"))
    doc.add(tomlkit.comment("holdfast load FILE --mapping THIS_FILE"))
    doc.add(tomlkit.nl())
    _put(
        doc,
        "table",
        mapping.table,
        f"{mapping.reasons.get('table', '')} (confidence {mapping.confidence:.0%})",
    )
    for name, (meaning, _) in settings_of(mapping.table).items():
        reason = mapping.reasons.get(name, "")
        _put(doc, name, getattr(mapping, name), f"{meaning}. {reason}" if reason else meaning)
    _put_table(doc, "columns", mapping.columns, mapping.reasons, "our field = the file's column")
    _put_table(doc, "attributes", mapping.attributes, mapping.reasons, "segment attribute = the file's column")
    _put_table(doc, "months", mapping.months, {}, "the file's column = the month it holds")
    shown = {header: mapping.reasons.get(f"date_format.{header}", "") for header in mapping.date_format}
    _put_table(doc, "date_format", mapping.date_format, shown, " | ".join(DATE_FORMATS))
    for name, words in mapping.values.items():
        _put_table(doc, f"values.{name}", words, {}, "text in the file = our value")
    if mapping.unused:
        doc.add(tomlkit.nl())
        doc.add(tomlkit.comment("Not used: " + ", ".join(mapping.unused)))
    return tomlkit.dumps(doc)


def _put(doc: tomlkit.TOMLDocument, name: str, value: Any, comment: str) -> None:
    item = tomlkit.item(value)
    if comment:
        item.comment(" ".join(comment.split()))
    doc.add(name, item)


def _put_table(
    doc: tomlkit.TOMLDocument, name: str, told: dict[str, Any], reasons: dict[str, str], meaning: str
) -> None:
    """One section; a dotted name is a section inside a section."""
    if not told:
        return
    section = tomlkit.table()
    section.add(tomlkit.comment(meaning))
    for key, value in told.items():
        item = tomlkit.item(value)
        if reasons.get(key):
            item.comment(" ".join(reasons[key].split()))
        section.add(key, item)
    outer, _, inner = name.partition(".")
    if not inner:
        doc.add(outer, section)
        return
    if outer not in doc:
        doc.add(outer, tomlkit.table(is_super_table=True))
    cast(Any, doc[outer]).add(inner, section)


def from_toml(text: str, name: str, currency: str = "USD", timezone: str = "UTC") -> Mapping:
    """The mapping a TOML text tells; `currency` and `timezone` hold where it names none.

    MappingError names the file, the setting and the remedy.
    """
    try:
        told: dict[str, Any] = tomlkit.parse(text).unwrap()
    except tomlkit.exceptions.ParseError as error:
        raise MappingError(f"{name}: not TOML: {error}") from error
    known = {f.name for f in fields(Mapping)} - {"reasons", "unused", "confidence"}
    for setting in told:
        if setting not in known:
            raise MappingError(f"{name}: there is no setting {setting!r}; there are: {', '.join(sorted(known))}")
    if told.get("table") not in NEEDED:
        raise MappingError(f"{name}: table {told.get('table')!r} is not one of {', '.join(NEEDED)}")
    if not isinstance(told.get("columns"), dict):
        raise MappingError(f"{name}: the section [columns] is missing")
    mapping = Mapping(**{"currency": currency, "timezone": timezone, **told})
    _check(mapping, name)
    return mapping


def _check(mapping: Mapping, name: str) -> None:
    """Refuse values that no setting takes, fields that no table has, and a zone or currency nobody knows."""
    for setting, (_, choices) in _SETTINGS.items():
        value = getattr(mapping, setting)
        if choices and value not in choices:
            raise MappingError(f"{name}: {setting} = {value!r}; it is one of {', '.join(choices)}")
    for flag in ("replaces_item", "corrects"):
        if not isinstance(getattr(mapping, flag), bool):
            raise MappingError(f"{name}: {flag} is true or false")
    for field_name in mapping.columns:
        if field_name not in fields_of(mapping.table):
            there = ", ".join(fields_of(mapping.table))
            raise MappingError(f"{name}: {mapping.table} has no field {field_name!r}; it has {there}")
    lacking = _lacking(mapping)
    if lacking:
        raise MappingError(f"{name}: {mapping.table} needs a column for {', '.join(lacking)} under [columns]")
    for header, form in mapping.date_format.items():
        if form not in get_args(DateFormat):
            raise MappingError(f"{name}: date_format of {header!r} is one of {', '.join(DATE_FORMATS)}")
    try:
        read_currency(mapping.currency)
        ZoneInfo(mapping.timezone)
    except BadValueError as error:
        raise MappingError(f"{name}: currency {mapping.currency!r} {error.reason}; {error.remedy}") from error
    except (KeyError, ValueError) as error:
        raise MappingError(f"{name}: timezone {mapping.timezone!r} is not known; write it as Europe/Berlin") from error


def _lacking(mapping: Mapping) -> list[str]:
    """What the table needs and the mapping does not name."""
    needed = list(NEEDED[mapping.table])
    if mapping.shape == "months_across":
        needed = ["account_id", *([] if mapping.months else ["months"])]
    elif mapping.table == "subscription_item":
        needed.append("month" if mapping.shape == "months_down" else "valid_from")
    if mapping.table == "usage_day" and "subscription_id" not in mapping.columns:
        needed.append("account_id")
    return [name for name in needed if name not in mapping.columns]


def fields_of(table: str) -> tuple[str, ...]:
    """What a mapping may name for a table: its columns, and the fields the vocabulary adds."""
    own = [column.name for column in TABLES[table].columns if column.kind != "map"]
    return tuple(dict.fromkeys([*own, *VOCABULARY[table]]))


def mapping_path(folder: Path, stem: str, header: Iterable[str]) -> Path:
    """Where the mapping of files with this name and these columns is kept.

    A file with other columns is another kind of file, even under the same name.
    """
    mark = hashlib.sha256("\x1f".join(header).encode()).hexdigest()[:6]
    return folder / f"{stem.partition('#')[0]}-{mark}.toml"


def load_mapping(path: Path, currency: str, timezone: str) -> Mapping:
    """The mapping in a file; see `from_toml`. MappingError where it cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise MappingError(f"{path}: cannot be read ({error.strerror})") from error
    return from_toml(text, path.name, currency, timezone)


def save_mapping(path: Path, mapping: Mapping, file: str) -> None:
    """Keep a mapping, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".tmp")
    beside.write_text(to_toml(mapping, file), encoding="utf-8")
    beside.rename(path)
