"""Files given in the browser: kept as they came, looked through before anything is loaded, and their mappings put right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from holdfast.domain.facts import TABLES
from holdfast.flows.home import Home, HomeError, write_whole
from holdfast.sources.files.facts import to_facts
from holdfast.sources.files.guess import Unrecognised, guess
from holdfast.sources.files.mapping import (
    NEEDED,
    Mapping,
    MappingError,
    fields_of,
    from_toml,
    load_mapping,
    mapping_path,
    save_mapping,
    settings_of,
    to_toml,
)
from holdfast.sources.files.profile import Profile, profiles
from holdfast.sources.files.read import SUFFIXES, Raw, UnreadableFileError, read_file
from holdfast.sources.files.rejects import Reject, original_stem
from holdfast.sources.files.settle import settle_dates
from holdfast.warehouse.landed import subscription_accounts

#: rows that are tried when a file is looked through
TRIED = 5_000
#: example values shown of a column, and bad rows shown of a file
EXAMPLES, SHOWN = 3, 10
#: what a mapping calls a fact's field, and what the web form calls its column
STEM = re.compile(r"[\w. ()+#-]+")


def safe_name(name: str) -> str:
    """A file's name without folders and odd signs. HomeError: not a kind of file that is read."""
    plain = re.sub(r"[^\w. ()+-]", "_", name.replace("\\", "/").rpartition("/")[2]).strip(" .")[-120:].lstrip(" .")
    if Path(plain).suffix.lower() not in SUFFIXES or not Path(plain).stem:
        raise HomeError(f"'{name[:80]}' is not a kind of file that is read; those are {' '.join(SUFFIXES)}")
    return plain


def new_batch(home: Home, now: datetime) -> Path:
    """A folder of its own for the files that are given together."""
    for count in range(1, 1000):
        folder = home.path / "uploads" / f"{now:%Y%m%dT%H%M%SZ}-{count}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise HomeError("too many uploads in one second")


def keep(folder: Path, name: str, chunks: Iterable[bytes]) -> Path:
    """Keep one file of a batch as it came. HomeError: its name cannot be kept, or is there already."""
    path = folder / safe_name(name)
    if path.exists():
        raise HomeError(f"two files are called {path.name}; give them one after the other")
    with path.open("xb") as out:
        for chunk in chunks:
            out.write(chunk)
    return path


def batch(home: Home, name: str) -> list[Path]:
    """The files of a batch, in name order. HomeError: there is no such batch."""
    folder = home.path / "uploads" / name
    if not re.fullmatch(r"[0-9TZ-]+", name) or not folder.is_dir():
        raise HomeError("these files are not here any more; give them again")
    return sorted(path for path in folder.iterdir() if path.is_file())


@dataclass(frozen=True)
class Looked:
    """One file (or worksheet) as it would be loaded: nothing of it is loaded yet."""

    name: str
    rows: int = 0
    how: str = ""
    #: none: not recognised, or not readable; `problem` says why
    mapping: Mapping | None = None
    mapping_name: str = ""
    #: the mapping was kept by an earlier load or put right by somebody
    kept: bool = False
    header: tuple[str, ...] = ()
    examples: tuple[tuple[str, tuple[str, ...]], ...] = ()
    tried: int = 0
    rejected: int = 0
    rejects: tuple[Reject, ...] = ()
    problem: str = ""

    @property
    def sure(self) -> int:
        """How sure the guess is, in percent."""
        return round(self.mapping.confidence * 100) if self.mapping else 0

    @property
    def to_check(self) -> list[str]:
        """What the values left open."""
        found = self.mapping.reasons.items() if self.mapping else ()
        return [f"{name.rpartition('.')[2]}: {reason}" for name, reason in found if reason.startswith("PLEASE CHECK")]


def look(home: Home, paths: Sequence[Path], *, save: bool = False) -> list[Looked]:
    """Each file as it would be loaded, by the mapping kept for it or by a guess; `save` keeps the guesses."""
    found = [looked for path in paths for looked in _look(home, path)]
    for one in found if save else ():
        file = home.path / "mappings" / f"{one.mapping_name}.toml"
        if one.mapping is not None and not file.exists():
            save_mapping(file, one.mapping, one.name)
    return found


def _look(home: Home, path: Path) -> list[Looked]:
    try:
        raws = read_file(path)
    except UnreadableFileError as error:
        return [Looked(path.name, problem=str(error))]
    return [_look_at(home, path, raw) for raw in raws]


def _look_at(home: Home, path: Path, raw: Raw) -> Looked:
    columns = profiles(raw.table)
    stem = original_stem(path) + (f"-{raw.sheet}" if raw.sheet else "")
    file = mapping_path(home.path / "mappings", stem, raw.header)
    seen = Looked(raw.name, raw.count, raw.how, header=raw.header, examples=_examples(columns), mapping_name=file.stem)
    guessed = guess(raw.sheet or raw.name, columns, home.settings.currency, home.settings.timezone)
    try:
        kept = load_mapping(file, home.settings.currency, home.settings.timezone) if file.exists() else None
    except MappingError as error:
        return replace(seen, problem=str(error), kept=True)
    if kept is None and isinstance(guessed, Unrecognised):
        return replace(seen, problem=f"not recognised: {guessed.reason}", mapping_name="")
    # a guess that was kept as it is still has its reasons
    if isinstance(guessed, Mapping) and (kept is None or kept.key() == guessed.key()):
        return _tried(home, replace(seen, mapping=guessed), raw, guessed)
    assert kept is not None
    settled = settle_dates(kept, {profile.header: profile for profile in columns})
    return _tried(home, replace(seen, mapping=settled, kept=True), raw, settled)


def _tried(home: Home, seen: Looked, raw: Raw, mapping: Mapping) -> Looked:
    """With the bad rows among the first ones."""
    by_subscription = mapping.table == "usage_day" and "account_id" not in mapping.columns
    facts = to_facts(
        raw.table.slice(0, TRIED),
        raw.rows[:TRIED],
        mapping,
        subscription_accounts(home.landing) if by_subscription else None,
    )
    rejects = sorted([*raw.rejects, *facts.rejects], key=lambda reject: reject.row)
    tried = min(raw.count, TRIED)
    return replace(seen, tried=tried, rejected=len({reject.row for reject in rejects}), rejects=tuple(rejects[:SHOWN]))


def _examples(columns: Sequence[Profile]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple((column.header, tuple(text[:60] for text in column.sample[:EXAMPLES])) for column in columns)


# -- mappings ------------------------------------------------------------------------------------------------


def mapping_file(home: Home, name: str) -> Path:
    """The file of a mapping. HomeError: there is none of this name."""
    path = home.path / "mappings" / f"{name}.toml"
    if not STEM.fullmatch(name) or not path.is_file() or path.parent != home.path / "mappings":
        raise HomeError(f"there is no mapping '{name}'")
    return path


def mappings(home: Home) -> list[str]:
    """The names of the mappings kept."""
    return sorted(path.stem for path in (home.path / "mappings").glob("*.toml"))


def read_mapping(home: Home, name: str) -> Mapping:
    """A mapping kept. HomeError: there is none; MappingError: it cannot be used as it stands."""
    return load_mapping(mapping_file(home, name), home.settings.currency, home.settings.timezone)


def mapping_text(home: Home, name: str) -> str:
    """A mapping's text as it stands."""
    return mapping_file(home, name).read_text(encoding="utf-8")


@dataclass(frozen=True)
class FieldOf:
    """A field of a fact table, and the column that is read into it."""

    name: str
    doc: str
    needed: bool
    column: str


@dataclass(frozen=True)
class SettingOf:
    """A setting of a mapping: what it says, its choices, and its value."""

    name: str
    meaning: str
    choices: tuple[str, ...]
    value: object

    @property
    def is_flag(self) -> bool:
        return isinstance(self.value, bool)


def fields_told(mapping: Mapping) -> list[FieldOf]:
    """Every field of the mapping's table: those needed first, then those read, then the others."""
    docs = {column.name: column.doc for column in TABLES[mapping.table].columns}
    needed = NEEDED[mapping.table]
    told = [
        FieldOf(name, docs.get(name, ""), name in needed, mapping.columns.get(name, ""))
        for name in fields_of(mapping.table)
    ]
    return sorted(told, key=lambda field: (not field.needed, not field.column))


def settings_told(mapping: Mapping) -> list[SettingOf]:
    """The settings that mean something for the mapping's table."""
    return [
        SettingOf(name, meaning, choices, getattr(mapping, name))
        for name, (meaning, choices) in settings_of(mapping.table).items()
    ]


def save_form(
    home: Home, name: str, columns: dict[str, str], attributes: dict[str, str], settings: dict[str, str]
) -> None:
    """Put a mapping right: columns by field, attributes by name, settings by name. MappingError: it could not be used."""
    before = read_mapping(home, name)
    known = settings_of(before.table)
    values = {
        key: value in ("true", "on") if isinstance(getattr(before, key), bool) else value
        for key, value in settings.items()
        if key in known
    }
    now_read = set(columns.values())
    changed = replace(
        before, columns=columns, attributes=attributes, **values,  # type: ignore[arg-type]
        date_format={header: form for header, form in before.date_format.items() if header in now_read},
    )  # fmt: skip
    save_text(home, name, to_toml(changed, _file_of(name)))


def save_text(home: Home, name: str, text: str) -> None:
    """Put a mapping right as text. MappingError: it could not be used, and the one before stays."""
    path = mapping_file(home, name)
    from_toml(text, path.name, home.settings.currency, home.settings.timezone)
    write_whole(path, text)


def _file_of(name: str) -> str:
    """The file that a mapping was made for; its name ends with a mark of the columns."""
    return name.rpartition("-")[0] or name


def read_with(home: Home, name: str) -> list[Path]:
    """The files loaded with a mapping that are still there, newest last."""
    wanted = str(mapping_file(home, name))
    found = {load.file: None for load in home.landing.loads() if load.mapping == wanted}
    return [path for path in map(Path, found) if path.is_file()]
