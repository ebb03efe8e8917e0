"""The floors of the house, and how long its rooms may be."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "holdfast"
#: migrations are written by Django
MODULES = sorted(path for path in SOURCE.rglob("*.py") if path.parent.name != "migrations")

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_imports_only_go_down(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The contract of pyproject.toml: cli, flows, metrics, sources and warehouse side by side, domain."""
    monkeypatch.chdir(ROOT)
    outcome = lint_imports(no_cache=True, config_filename="pyproject.toml")
    assert outcome == 0, capsys.readouterr().out


def imported(module: Path) -> Iterator[tuple[str, int]]:
    """The modules that a file imports, with the line."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


def test_domain_imports_the_standard_library_alone() -> None:
    offenders = [
        f"{module.relative_to(ROOT)}:{line} imports {name}"
        for module in sorted((SOURCE / "domain").rglob("*.py"))
        for name, line in imported(module)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("holdfast.domain")
    ]
    assert not offenders, "\n".join(offenders)


def test_no_clock_is_read_below_the_doors() -> None:
    """Time is an argument: `now` comes in at the doors."""
    offenders = [
        f"{module.relative_to(ROOT)}:{node.lineno}"
        for module in MODULES
        if not any(module.is_relative_to(SOURCE / door) for door in ("cli", "web", "api"))
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("now", "utcnow", "today") and reads_clock(node)
    ]
    assert not offenders, "\n".join(offenders)


def reads_clock(node: ast.Attribute) -> bool:
    return (isinstance(node.value, ast.Name) and node.value.id in ("datetime", "date")) or (
        isinstance(node.value, ast.Attribute) and node.value.attr in ("datetime", "date")
    )


def test_modules_are_short() -> None:
    lengths = {module: len(module.read_text().splitlines()) for module in MODULES}
    offenders = [
        f"{module.relative_to(ROOT)}: {count} lines" for module, count in lengths.items() if count > MODULE_LINES
    ]
    assert not offenders, f"longer than {MODULE_LINES} lines:\n" + "\n".join(offenders)


def test_functions_are_short() -> None:
    offenders = [
        f"{module.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines"
        for module in MODULES
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not offenders, f"longer than {FUNCTION_LINES} lines:\n" + "\n".join(offenders)


def test_every_module_begins_with_its_promise() -> None:
    empty = [module for module in MODULES if module.name == "__init__.py" and not module.read_text().strip()]
    silent = [
        str(module.relative_to(ROOT))
        for module in MODULES
        if module not in empty and not ast.get_docstring(ast.parse(module.read_text()))
    ]
    assert not silent, silent


@pytest.mark.parametrize("name", ["utils", "common", "helpers", "services", "managers"])
def test_no_room_is_called_by_a_kind(name: str) -> None:
    assert not [path for path in SOURCE.rglob("*") if path.stem == name]
