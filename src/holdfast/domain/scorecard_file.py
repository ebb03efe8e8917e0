"""Scorecards as a TOML file: read with errors that say where and what to do, and written back."""

from __future__ import annotations

import difflib
import json
import math
import tomllib
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from typing import Any

from holdfast.domain.scorecard import BANDS, GOOD, KNOWN_SHARE, Band, Group, Measure, Scorecard, ScorecardError

_FILE = {"known_share", "band", "scorecard"}
_BAND = {"name", "from"}
_CARD = {"name", "title", "when", "known_share", "group"}
_GROUP = {"name", "weight", "measure"}
_MEASURE = {"feature", "label", "weight", "bad", "good", "unit"}


def shipped_text() -> str:
    """The scorecards that come along, as text: where a company's own begin."""
    return (resources.files("holdfast.domain") / "scorecards.toml").read_text()


def parse(text: str, known_features: Collection[str], where: str = "scorecards.toml") -> tuple[Scorecard, ...]:
    """The scorecards of a text. ScorecardError: the first thing that is wrong: table, key, and what to do."""
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ScorecardError(f"{where}: not valid TOML: {error}") from None
    _only(told, _FILE, where)
    share = _share(told, where, KNOWN_SHARE)
    bands = _bands(told, where)
    cards = tuple(
        _card(one, f"{where}: {_named('[[scorecard]]', i, one)}", known_features, share, bands)
        for i, one in enumerate(_tables(told, "scorecard", where), 1)
    )
    names = [card.name for card in cards]
    for name in names:
        if names.count(name) > 1:
            raise ScorecardError(f"{where}: two scorecards are called '{name}'; give each a name of its own")
    defaults = [card.name for card in cards if not card.when]
    if len(defaults) != 1:
        lacking = (
            "no scorecard is without `when`, so that some accounts would have none; take it out of one, or add one"
        )
        several = f"{' and '.join(defaults)} have no `when`; only one can be for all other accounts"
        raise ScorecardError(f"{where}: {several if defaults else lacking}")
    return cards


def dump(scorecards: Sequence[Scorecard]) -> str:
    """The scorecards as a text that `parse` reads."""
    bands = scorecards[0].bands if scorecards else BANDS
    lines = [
        line for one in bands for line in ("[[band]]", f"name = {_text(one.name)}", f"from = {_number(one.floor)}", "")
    ]
    for card in scorecards:
        lines += ["[[scorecard]]", f"name = {_text(card.name)}"]
        lines += [f"title = {_text(card.title)}"] if card.title else []
        if card.when:
            pairs = (f"{_text(name)} = [{', '.join(map(_text, values))}]" for name, values in card.when.items())
            lines.append(f"when = {{{', '.join(pairs)}}}")
        lines += [f"known_share = {_number(card.known_share)}", ""]
        for group in card.groups:
            lines += [
                "[[scorecard.group]]",
                f"name = {_text(group.name)}",
                f"weight = {_number(group.weight)}",
                "measure = [",
            ]
            lines += [f"  {_measure_line(one)}," for one in group.measures]
            lines += ["]", ""]
    return "\n".join(lines)


def _measure_line(one: Measure) -> str:
    told = [f"feature = {_text(one.feature)}", f"label = {_text(one.label)}", f"weight = {_number(one.weight)}"]
    told += [f"bad = {_number(one.bad)}", f"good = {_number(one.good)}"]
    told += [f"unit = {_text(one.unit)}"] if one.unit else []
    return f"{{{', '.join(told)}}}"


def _text(value: str) -> str:
    # JSON and TOML write a text alike, but for this one sign
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)


# ---- reading ----


def _card(
    told: Mapping[str, Any], where: str, known: Collection[str], share: float, bands: tuple[Band, ...]
) -> Scorecard:
    _only(told, _CARD, where)
    groups = tuple(
        _group(one, f"{where}, {_named('group', i, one)}", known)
        for i, one in enumerate(_tables(told, "group", where), 1)
    )
    features = [one.feature for group in groups for one in group.measures]
    for feature in features:
        if features.count(feature) > 1:
            raise ScorecardError(f"{where}: feature '{feature}' stands there twice; take one measure out")
    names = [group.name for group in groups]
    if len(set(names)) < len(names):
        raise ScorecardError(f"{where}: two groups have the same name; put their measures into one")
    title = _word(told, "title", where) if "title" in told else ""
    return Scorecard(_word(told, "name", where), groups, title, _when(told, where), _share(told, where, share), bands)


def _group(told: Mapping[str, Any], where: str, known: Collection[str]) -> Group:
    _only(told, _GROUP, where)
    measures = tuple(
        _measure(one, f"{where}, measure {i}", known) for i, one in enumerate(_tables(told, "measure", where), 1)
    )
    return Group(_word(told, "name", where), _weight(told, where), measures)


def _measure(told: Mapping[str, Any], where: str, known: Collection[str]) -> Measure:
    _only(told, _MEASURE, where)
    feature = _word(told, "feature", where)
    if feature not in known:
        near = difflib.get_close_matches(feature, list(known), 3, 0.5)
        hint = f"; near it: {', '.join(near)}" if near else "; the dictionary of features lists those there are"
        raise ScorecardError(f"{where}: feature = '{feature}' is not a feature{hint}")
    bad, good = _figure(told, "bad", where), _figure(told, "good", where)
    if bad == good:
        raise ScorecardError(
            f"{where}: bad and good are both {_number(bad)}; give two values with a distance between them"
        )
    label = _word(told, "label", where) if "label" in told else feature.replace("_", " ").capitalize()
    unit = _word(told, "unit", where) if "unit" in told else ""
    return Measure(feature, label, _weight(told, where), bad, good, unit)


def _bands(told: Mapping[str, Any], where: str) -> tuple[Band, ...]:
    if "band" not in told:
        return BANDS
    found = []
    for i, one in enumerate(_tables(told, "band", where), 1):
        place = f"{where}: [[band]] {i}"
        _only(one, _BAND, place)
        found.append(Band(_word(one, "name", place), _figure(one, "from", place)))
    found.sort(key=lambda one: -one.floor)
    floors = [one.floor for one in found]
    if len(set(floors)) < len(floors) or floors[-1] != 0 or floors[0] > GOOD:
        raise ScorecardError(f"{where}: [[band]]: each `from` is another number up to 100, and the lowest is 0")
    return tuple(found)


def _when(told: Mapping[str, Any], where: str) -> dict[str, tuple[str, ...]]:
    when = told.get("when", {})
    if not isinstance(when, dict) or ("when" in told and not when):
        raise ScorecardError(f'{where}: when = {when!r}; write it as {{segment = ["Enterprise"]}}, or leave it out')
    for name, values in when.items():
        if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
            raise ScorecardError(
                f'{where}: when.{name} = {values!r}; write the values as a list of texts: ["Enterprise"]'
            )
    return {name: tuple(values) for name, values in when.items()}


def _tables(told: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    found = told.get(key)
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found):
        raise ScorecardError(f"{where}: there is no {key}; add at least one table [[{key}]]")
    return found


def _named(table: str, place: int, told: Mapping[str, Any]) -> str:
    return f"{table} '{told['name']}'" if isinstance(told.get("name"), str) else f"{table} {place}"


def _only(told: Mapping[str, Any], keys: set[str], where: str) -> None:
    for key in told:
        if key not in keys:
            raise ScorecardError(f"{where}: unknown key '{key}'; the keys are {', '.join(sorted(keys))}")


def _word(told: Mapping[str, Any], key: str, where: str) -> str:
    value = told.get(key)
    if not isinstance(value, str) or not value.strip():
        said = "is missing" if key not in told else f"= {value!r}"
        raise ScorecardError(f"{where}: {key} {said}; write a text in quotes")
    return value


def _figure(told: Mapping[str, Any], key: str, where: str) -> float:
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        said = "is missing" if key not in told else f"= {value!r}"
        raise ScorecardError(f"{where}: {key} {said}; write a number")
    return float(value)


def _weight(told: Mapping[str, Any], where: str) -> float:
    value = _figure(told, "weight", where) if "weight" in told else 1.0
    if value <= 0:
        raise ScorecardError(f"{where}: weight = {_number(value)}; write a number above 0, or take it out")
    return value


def _share(told: Mapping[str, Any], where: str, otherwise: float) -> float:
    value = _figure(told, "known_share", where) if "known_share" in told else otherwise
    if not 0 <= value <= 1:
        raise ScorecardError(f"{where}: known_share = {_number(value)}; write a share between 0 and 1, as 0.4")
    return value
