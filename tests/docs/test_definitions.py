"""The rule book: each rule has an example that runs, and its lists of policies, settings and benchmarks are the product's own."""

from __future__ import annotations

import json
import re
import tomllib
from functools import cache
from importlib import resources

import pytest

from holdfast.domain.benchmark import _table
from holdfast.domain.policy import load_policies

from .examples import Example, booked_together, examples, problems, read
from .pages import DOCS, prose

pytestmark = pytest.mark.slow

PAGE = DOCS / "definitions.md"


EXAMPLES = examples()


@cache
def found(setting: str) -> dict[int, list[str]]:
    """The problems of the examples of one setting, by number; they are booked together."""
    group = [one for one in EXAMPLES if repr(one.setting.ledger) == setting]
    with booked_together(group) as ledger:
        booked = read(ledger)
        return {one.number: problems(one, ledger, booked) for one in group}


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.block.where)
def test_the_example_is_what_the_product_does(example: Example) -> None:
    wrong = found(repr(example.setting.ledger))[example.number]
    assert not wrong, "\n".join(wrong)


def test_each_rule_has_an_example() -> None:
    rules = {int(number) for number in re.findall(r"^(\d+)\. ", PAGE.read_text(), flags=re.M)}
    shown = {rule for example in EXAMPLES for rule in example.rules}
    assert rules == set(range(1, 28)), "the numbers of the rules are quoted elsewhere and stay as they are"
    assert rules <= shown, f"no example for rules {sorted(rules - shown)}"


def test_each_policy_is_listed_with_its_own_words_and_settings() -> None:
    text = prose(PAGE)
    default = load_policies()["holdfast-1"]
    for name, policy in load_policies().items():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), "")
        assert row, f"policy {name} is not listed"
        assert policy.title in row and policy.description in row, f"policy {name}: title or description differs: {row}"
        if name != "holdfast-1":
            differing = default.differences(policy)
            assert set(re.findall(r"`(\w+) = ", row)) == set(differing), f"policy {name}: the settings listed differ"
            for setting in differing:
                assert f"`{setting} = {written(name, setting)}`" in row, (
                    f"policy {name}: {setting} is {written(name, setting)}"
                )


def written(policy: str, setting: str) -> str:
    """A setting's value as the policy's file writes it."""
    file = resources.files("holdfast.domain") / "policies" / f"{policy}.toml"
    return json.dumps(tomllib.loads(file.read_text())[setting])


def test_each_setting_of_a_policy_is_explained() -> None:
    text = prose(PAGE)
    default = load_policies()["holdfast-1"]
    for setting in default.__dataclass_fields__:
        if setting not in ("name", "title", "description", "source"):
            row = next((line for line in text.splitlines() if line.startswith(f"| `{setting}` |")), "")
            assert row, f"setting {setting} is not in the table of settings"
            assert f"`{written('holdfast-1', setting)}`" in row, f"setting {setting}: its default differs: {row}"


def test_each_benchmark_is_listed_with_its_population() -> None:
    text = prose(PAGE)
    for population in _table()["population"]:
        rows = [line for line in text.splitlines() if line.startswith(f"| {population['name']} |")]
        assert len(rows) == 1, population["name"]
        assert population["who"] in rows[0] and population["definition"] in rows[0]
        assert f"| {population.get('nrr', '–')} | {population.get('grr', '–')} |" in rows[0]
    for stage in _table()["stage"]:
        row = f"| {stage['name']} | above {stage['excellent_above']} | {stage['good_from']} | {stage['concerning_below']} |"
        assert row in text, row
    for band in _table()["band"]:
        assert f"| {band['name']} |" in text, band["name"]
