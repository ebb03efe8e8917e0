"""The page, the chart and the panel that docs/adding.md shows work as they stand there."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.urls import clear_url_caches, include, path

from ..docs.pages import DOCS, blocks


def example(holding: str, name: str) -> ModuleType:
    """A block of the page as the module that it says it is."""
    [code] = [block.text for block in blocks(DOCS / "adding.md", "python") if holding in block.text]
    module = ModuleType(name)
    sys.modules[name] = module
    exec(compile(code, f"{Path(name).stem}.py", "exec"), module.__dict__)
    return module


@pytest.fixture
def logos(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    from holdfast.web import charted, urls

    monkeypatch.setattr(charted, "of_numbers", dict(charted.of_numbers))
    module = example("@charted", "holdfast.web.pages.logos_example")
    monkeypatch.setattr(urls, "OWN", [*urls.OWN, *module.urls])
    monkeypatch.setattr(urls, "urlpatterns", [path("", include(module.urls)), *urls.urlpatterns])
    urls._rights.cache_clear()
    clear_url_caches()
    yield module
    monkeypatch.undo()
    del sys.modules[module.__name__]
    urls._rights.cache_clear()
    clear_url_caches()


def test_the_page_shows_its_chart(site: Callable[..., Any], logos: ModuleType) -> None:
    text = site("admin").get("/logos/?to=2026-09").content.decode()
    table = text.split("<main")[1].split("<table")[1].split("</table>")[0]
    assert "Accounts with MRR" in text and "September 2026" in table and "April 2026" in table
    assert "October 2026" not in table and "March 2026" not in table


def test_the_chart_has_its_addresses(site: Callable[..., Any], logos: ModuleType) -> None:
    lines = site("admin").get("/charts/logos.csv?to=2026-09").content.decode("utf-8-sig").splitlines()
    assert lines[0] == "Month,Accounts" and len(lines) == 1 + logos.MONTHS
    assert int(lines[-1].rpartition(",")[2]) > 20
    assert site("admin").get("/charts/logos.png").content.startswith(b"\x89PNG")


def test_the_page_asks_for_its_right(site: Callable[..., Any], logos: ModuleType) -> None:
    assert site("csm").get("/logos/").status_code == 403 and site(None).get("/logos/").status_code == 302


@pytest.fixture
def last_note(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from holdfast.web import panels

    module = example("def panel", "holdfast.web.panels.last_note_example")
    there = (*panels.found(), module.panel)
    monkeypatch.setattr(panels, "found", lambda: there)
    yield
    del sys.modules[module.__name__]


def test_the_panel_shows_when_it_has_something_and_to_whom_it_may(
    site: Callable[..., Any], person: Callable[..., Any], last_note: None
) -> None:
    from holdfast.flows import notes

    from .conftest import NOW

    address = "/accounts/ac0000001/"
    assert "Last note" not in site("admin").get(address).content.decode()
    notes.write("ac0000001", "Renewal is safe.", person("manager"), NOW)
    assert "by Manager" in site("admin").get(address).content.decode()
    assert "Last note" not in site("viewer").get(address).content.decode()
