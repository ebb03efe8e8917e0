"""A million rows are no reason to wait."""

from __future__ import annotations

import time
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pytest

from holdfast.warehouse.landing import Landing

from .conftest import FIRST_DAY, Company

ROWS = 1_000_000


@pytest.mark.slow
def test_a_csv_of_a_million_rows_loads_in_well_under_half_a_minute(company: Company) -> None:
    place = np.arange(ROWS)
    start = np.datetime64("2020-01-01") + (place * 7919 % 1500)
    path = company.folder / "subscriptions.csv"
    arrow_csv.write_csv(
        pa.table(
            {
                "subscription_id": place,
                "customer_id": place // 4,
                "start_date": start,
                "end_date": start + 300,
                "monthly_amount": pc.binary_join_element_wise(
                    pa.array(place * 31 % 5000).cast(pa.string()),
                    pa.array(place % 90 + 10).cast(pa.string()),
                    ".",
                ),
                "plan": pa.array(["basic", "pro", "max"]).take(pa.array(place % 3)),
            }
        ),
        path,
    )
    begin = time.process_time()
    report = company.load(path)
    assert (report.rows_loaded, report.exit_code) == (ROWS, 0)
    assert time.process_time() - begin < 25


@pytest.mark.slow
def test_ten_million_rows_are_appended_in_well_under_a_minute(company: Company) -> None:
    place = np.arange(ROWS)
    batch = pa.table(
        {
            "account_id": pc.utf8_lpad(pa.array(place // 10).cast(pa.string()), 8, "0"),
            "subscription_id": pc.utf8_lpad(pa.array(place // 5).cast(pa.string()), 8, "0"),
            "item_id": pc.utf8_lpad(pa.array(place // 5).cast(pa.string()), 8, "0"),
            "unit_amount_minor": place % 977 * 100,
            "currency": pa.repeat("USD", ROWS),
            "valid_from": pa.repeat(date(2024, 1, 1), ROWS),
        }
    )
    begin = time.process_time()
    load = Landing(company.home).append(
        "subscription_item", [batch] * 10, source="test", source_kind="billing", loaded_at=FIRST_DAY
    )
    assert load.rows == 10 * ROWS
    assert time.process_time() - begin < 30
