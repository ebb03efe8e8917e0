"""Nothing that a user can name goes undescribed: commands, options, JSON keys, settings, mapping settings, fact columns, metrics' files."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from holdfast.cli.main import app
from holdfast.domain.facts import TABLES
from holdfast.flows.home import EXPLANATIONS, Settings
from holdfast.sources.files.mapping import Mapping

from .consoles import run, run_apart
from .pages import DOCS, ROOT, blocks, prose

pytestmark = pytest.mark.slow

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
PAGE = DOCS / "commands.md"


def section(page: Path, heading: str) -> str:
    """The text under a heading of the second level; the page's head where it is empty."""
    parts = re.split(r"^## (.+)$", prose(page), flags=re.M)
    return dict(zip(["", *parts[1::2]], parts[0::2], strict=True))[heading]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_each_option_of_the_command_is_described(name: str) -> None:
    text = section(PAGE, name)
    for parameter in COMMANDS[name].params:
        if parameter.param_type_name == "argument":
            assert parameter.name.upper() in section(PAGE, name), f"{name}: argument {parameter.name}"
        elif parameter.name != "help":
            option = max(parameter.opts, key=len)
            assert f"`{option}`" in text, f"{name}: {option} is not described"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_no_option_is_described_that_the_command_does_not_have(name: str) -> None:
    there = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    # options stand in the first column of a table, or after "Options:"
    described = set()
    for line in section(PAGE, name).splitlines():
        if line.startswith("| `--"):
            described |= set(re.findall(r"`(--[a-z-]+)`", line.split("|")[1]))
        elif line.startswith("Options:"):
            described |= set(re.findall(r"`(--[a-z-]+)`", line))
    assert described <= there, f"{name}: {described - there}"


def test_no_command_is_described_that_is_not_there() -> None:
    headings = re.findall(r"^## (.+)$", prose(PAGE), flags=re.M)
    described = {heading for heading in headings if heading[0].islower()}
    assert described == set(COMMANDS)


def test_the_options_of_the_program_itself_are_described() -> None:
    main = typer.main.get_command(app)
    for parameter in main.params:
        assert f"`{max(parameter.opts, key=len)}`" in section(PAGE, ""), parameter.name
        assert not parameter.envvar or f"`{parameter.envvar}`" in section(PAGE, "")


# -- JSON ----------------------------------------------------------------------------------------------------

#: the command behind each JSON block of the page
ASKED = {
    "status": ["status"],
    "nrr": ["nrr"],
    "bridge": ["bridge", "--from", "2026-10"],
    "cohorts": ["cohorts"],
    "mrr": ["mrr"],
    "renewals": ["renewals"],
    "concentration": ["concentration"],
    "explain": ["explain", "--limit", "1"],
    "explain-account": ["explain", "ac0000358", "--start", "2026-01-01", "--end", "2026-05-01"],
    "policies": ["policies", "--policies", "holdfast-1,stripe"],
    "policies-why": ["policies", "--why", "stripe", "--limit", "1"],
    "reconcile": ["reconcile", "--from", "2026-10"],
}
#: asked of a home that a month was closed in
CLOSING = {"close": [], "closes": ["close"], "restatements": ["close", "2024-01", "--restatements"]}


def keys(value: Any, path: str = "") -> set[str]:
    """The paths of all keys; of a list, those of its first entry."""
    if isinstance(value, list):
        return keys(value[0], f"{path}[]") if value else set()
    if not isinstance(value, dict):
        return set()
    found = set()
    for key, inner in value.items():
        found |= {f"{path}.{key}"} | keys(inner, f"{path}.{key}")
    return found


def check_keys(name: str, told: dict[str, Any]) -> None:
    """The JSON has the keys that the page shows, and no others. A key in angle brackets stands for any."""
    block = next(one for one in blocks(PAGE, "json") if one.info == f"json {name}")
    shown, ours = keys(json.loads(block.text)), keys(told)
    patterns = {re.sub(r"<[^>]+>", "[^.]+", path.replace("[]", r"\[\]").replace(".", r"\.")) for path in shown}
    extra = {path for path in ours if not any(re.fullmatch(pattern, path) for pattern in patterns)}
    missing = {pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in ours)}
    assert not extra and not missing, (
        f"{block.where}: not on the page: {sorted(extra)}; not in the JSON: {sorted(missing)}"
    )


def test_each_block_of_json_is_checked() -> None:
    assert {block.info.partition(" ")[2] for block in blocks(PAGE, "json")} == {*ASKED, *CLOSING}


def test_the_keys_of_the_json_are_those_on_the_page(demo_folder: Path) -> None:
    for name, arguments in ASKED.items():
        asked = ["--home", str(demo_folder), *arguments, "--format", "json"]
        # the desk is looked at in a process of its own: this one belongs to another home
        told = run_apart(asked) if name == "status" else run(asked)
        assert told.exit_code == 0, f"{name}: {told.trouble}"
        check_keys(name, json.loads(told.output))


def test_segments_and_series_add_the_keys_that_the_page_says(demo_folder: Path) -> None:
    home = ["--home", str(demo_folder)]
    nrr = json.loads(run([*home, "nrr", "--series", "quarter", "--from", "2026-04", "--format", "json"]).output)
    assert nrr["benchmark"] is None and {"start", "end"} <= set(nrr["rows"][0])
    rows = json.loads(run([*home, "bridge", "--from", "2026-10", "--by", "segment", "--format", "json"]).output)["rows"]
    assert {"segment", "entering_minor", "leaving_minor"} <= set(rows[0])


def test_the_json_of_closing(tmp_path: Path) -> None:
    home, file = ["--home", str(tmp_path / "home")], tmp_path / "subscriptions.csv"
    file.write_text("customer,subscription_id,start,end,mrr\nA,S1,2024-01-01,,100\n")
    run([*home, "load", str(file)])
    run([*home, "book", "--as-of", "2024-02-29"])
    check_keys("close", json.loads(run([*home, "close", "2024-01", "--format", "json"]).output))
    file.write_text("customer,subscription_id,start,end,mrr\nA,S1,2024-01-01,,120\n")
    run([*home, "load", str(file)])
    run([*home, "book", "--as-of", "2024-02-29"])
    for name in ("closes", "restatements"):
        check_keys(name, json.loads(run([*home, *CLOSING[name], "--format", "json"]).output))


def test_exit_codes(tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("foo,bar\n1,2\n")
    assert run(["--home", str(tmp_path / "home"), "load", str(bad)]).exit_code == 2
    bad.write_text("customer,start,mrr\nA,2024-01-01,1\nB,2024-02-30,1\n")
    assert run(["--home", str(tmp_path / "home"), "load", str(bad)]).exit_code == 1


# -- settings, facts, mappings ---------------------------------------------------------------------------------


def test_each_setting_of_a_home_is_described() -> None:
    text = section(DOCS / "operating.md", "Settings")
    for name in EXPLANATIONS:
        row = next((line for line in text.splitlines() if line.startswith(f"| `{name}` |")), "")
        assert row, f"setting {name} is not described"
        assert f'`"{getattr(Settings(), name)}"`' in row, f"setting {name}: its default differs"
    described = set(re.findall(r"^\| `(\w+)` \|", text, flags=re.M))
    assert described == set(EXPLANATIONS)


def test_each_setting_of_a_mapping_is_named() -> None:
    text = (DOCS / "adding.md").read_text()
    for field in fields(Mapping):
        if field.compare:
            assert f"`{field.name}`" in text, field.name


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_fact_tables_is_up_to_date() -> None:
    written = (DOCS / "facts.md").read_text()
    assert written == script("facts_doc").page() + "\n", "run: python scripts/facts_doc.py"
    for table in TABLES.values():
        assert f"## {table.name}\n" in written
        for column in table.columns:
            assert f"| `{column.name}` |" in written


def test_the_metric_on_the_page_works(demo_folder: Path) -> None:
    from datetime import date

    from holdfast.flows.book import open_ledger
    from holdfast.flows.home import open_home
    from holdfast.warehouse.window import View

    [code] = [block.text for block in blocks(DOCS / "adding.md", "python") if "def measure(" in block.text]
    module: dict[str, Any] = {}
    exec(compile(code, "adding.md", "exec"), module)
    with open_ledger(open_home(demo_folder)) as ledger:
        assert module["measure"](ledger, date(2026, 10, 31), View("USD")) == 641


def test_the_policy_on_the_page_works(tmp_path: Path) -> None:
    from holdfast.domain.policy import load_policies

    text = next(block.text for block in blocks(DOCS / "adding.md", "toml") if "based_on" in block.text)
    (tmp_path / "ours-2024.toml").write_text(text)
    assert load_policies(tmp_path)["ours-2024"].differences(load_policies()["holdfast-1"]).keys() == {
        "pause_grace_days",
        "grr",
    }


def test_the_mapping_on_the_page_can_be_read() -> None:
    from holdfast.sources.files.mapping import from_toml

    text = next(block.text for block in blocks(DOCS / "adding.md", "toml") if "[columns]" in block.text)
    assert from_toml(text, "adding.md").amount_is == "yearly_total"
