"""Work beside the server: never twice at once, never before those who wait for a page, and not at once again where it failed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from holdfast.flows.children import LATER, Children


@pytest.fixture
def children(tmp_path: Path) -> Iterator[Children]:
    beside = Children(tmp_path)
    yield beside
    beside.stop()


def test_a_child_stands_back_behind_its_server(children: Children) -> None:
    assert children.start("status", ["status"])
    child = children.running["status"].pid
    assert os.getpriority(os.PRIO_PROCESS, child) == os.getpriority(os.PRIO_PROCESS, 0) + LATER


def test_one_of_a_key_runs_at_a_time(children: Children) -> None:
    assert children.start("status", ["status"])
    assert not children.start("status", ["status"])
    assert children.is_on("status")


def test_what_failed_is_not_started_again_at_once_and_its_log_says_why(children: Children, tmp_path: Path) -> None:
    assert children.start("odd", ["no-such-command"])
    children.running["odd"].wait(60)
    assert not children.is_on("odd")
    assert not children.start("odd", ["no-such-command"])
    assert any("no-such-command" in path.read_text() for path in (tmp_path / "logs").iterdir())
