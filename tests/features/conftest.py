"""The small company, measured; a row of features by account."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from holdfast.flows.book import open_ledger, open_records
from holdfast.flows.home import Home
from holdfast.warehouse.features import measure
from holdfast.warehouse.ledger import Ledger
from holdfast.warehouse.records import Records

from .company import DAY, company

#: account → features
Row = dict[str, Any]


@pytest.fixture(scope="session")
def small_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return company(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="session")
def ledger(small_home: Home) -> Iterator[Ledger]:
    with open_ledger(small_home) as ledger:
        yield ledger


@pytest.fixture(scope="session")
def records(small_home: Home) -> Iterator[Records]:
    with open_records(small_home) as records:
        yield records


@pytest.fixture(scope="session")
def together(ledger: Ledger, records: Records) -> pa.Table:
    """Every Sunday of the year's second half, and one long before, measured at once."""
    return measure(
        ledger, records, [date(2025, 2, 2), *(date(2025, 6, 29) + timedelta(days=7 * week) for week in range(27))]
    )


@pytest.fixture(scope="session")
def on(together: pa.Table) -> Callable[[date], dict[str, Row]]:
    """The features of a Sunday, by account."""

    def features(day: date) -> dict[str, Row]:
        rows = together.filter(pc.equal(together["as_of"], day)).to_pylist()
        assert rows, f"{day} is not measured"
        return {row["account_id"]: row for row in rows}

    return features


@pytest.fixture(scope="session")
def now(on: Callable[[date], dict[str, Row]]) -> dict[str, Row]:
    """The features of the day, by account."""
    return on(DAY)
