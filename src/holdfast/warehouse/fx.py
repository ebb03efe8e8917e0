"""Exchange rates in the ledger: the newest known rate of each day, as landed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from holdfast.warehouse.booking import scan


def write_rates(connection: duckdb.DuckDBPyConnection, files: Sequence[Path], known: str) -> None:
    """Fill fx_rate from landing."""
    if not files:
        return
    connection.execute(
        f"insert into fx_rate select currency, quote, day, rate from {scan(files)} where {known} "
        "qualify row_number() over (partition by currency, quote, day order by learned_at desc, load_no desc, source_row desc) = 1 "
        "order by currency, quote, day"
    )
