"""The demo company, booked once: several currencies, parents, merges, segments that change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.flows.book import open_ledger
from holdfast.warehouse.ledger import Ledger

from ..flows.homes import demo_home


@pytest.fixture(scope="session")
def demo_ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with open_ledger(demo_home(tmp_path_factory.mktemp("metrics"))) as ledger:
        yield ledger
