"""Whatever a file holds: each row is loaded or rejected with a reason, or the file is unrecognised."""

# ruff: noqa: SIM905 - a list of single texts is read more easily so

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.domain.facts import TABLES
from holdfast.sources.files.facts import to_facts
from holdfast.sources.files.guess import Unrecognised, guess
from holdfast.sources.files.mapping import from_toml, to_toml
from holdfast.sources.files.profile import profiles
from holdfast.sources.files.vocabulary import AMOUNT_WORDS, VOCABULARY

HEADERS = sorted(
    {word for fields in VOCABULARY.values() for words in fields.values() for word in words}
    | {word for _, words in AMOUNT_WORDS for word in words}
    | {"Jan 2024", "2024-02", "2024-03", "region", "", "mrr_cents", "amount_eur"}
)
FILES = (
    "subscriptions.csv",
    "accounts.csv",
    "usage.csv",
    "tickets.csv",
    "invoices.csv",
    "x.csv",
    "fx_rates.csv",
)
CELLS = st.sampled_from(
    "a b 1 2 3 10.5 1,000 1.234,50 -5 (3) 0 €7 USD EUR usd XXQ true no month annual 6 active canceled paused "
    "2024-01-01 2024-01-31 2024-02-30 31/12/2024 12/31/2024 9999-12-31 45292 1735689600 Dec-24 NULL n/a - "
    "99999999999999999999 0.001 ½ \u202f 1e9 1e999 nan recurring high".split(" ")
) | st.text(max_size=5)


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    # with the columns that a subscription needs in most cases, as a table of noise alone is rarely recognised
    usual = draw(st.sampled_from([[], ["account_id", "start_date", "mrr"], ["account_id", "month", "amount"]]))
    names = [*usual, *draw(st.lists(st.sampled_from(HEADERS), max_size=6))]
    count = draw(st.integers(1, 6))
    names = list(dict.fromkeys(names)) or ["x"]
    rows = st.lists(st.none() | CELLS, min_size=count, max_size=count)
    return pa.table({name: pa.array(draw(rows), pa.string()) for name in names})


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(tables(), st.sampled_from(FILES), st.sampled_from(["USD", "JPY"]))
def test_every_row_is_loaded_or_rejected_with_a_reason(table: pa.Table, file: str, currency: str) -> None:
    mapping = guess(file, profiles(table), currency, "Europe/Berlin")
    if isinstance(mapping, Unrecognised):
        assert mapping.reason
        return
    assert from_toml(to_toml(mapping, file), file, currency).key() == mapping.key()
    facts = to_facts(table, np.arange(1, table.num_rows + 1), mapping)
    assert all(reject.reason and reject.remedy for reject in facts.rejects)
    for column in TABLES[mapping.table].columns:
        if column.required and facts.rows.num_rows:
            assert facts.rows[column.name].null_count == 0
    if mapping.shape == "rows" and mapping.table == "subscription_item":
        rejected = {reject.row for reject in facts.rejects}
        landed = set(facts.rows["source_row"].to_pylist())
        assert landed | rejected == set(range(1, table.num_rows + 1))
        assert not landed & rejected
