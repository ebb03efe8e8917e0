"""A dozen of the features as a careful analyst writes them with pandas, from the same tables, seen from each day."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

NAMES = (
    "events_28d", "events_84d", "active_users_28d", "days_since_last_use", "features_used_28d", "tickets_84d", "open_tickets",
    "first_response_hours_84d", "contacts", "champions", "touches_84d", "nps", "overdue_invoices",
)  # fmt: skip
#: columns that are read
READ = {
    "ticket": "account_id, opened_at, first_response_at, closed_at",
    "contact": "account_id, role, joined_on, left_on, left_noticed_on",
    "touch": "account_id, happened_at",
    "survey": "account_id, response_id, kind, score, answered_on",
    "invoice": "account_id, issued_on, due_on, paid_on, status",
}


def measure(records: Path, days: Sequence[date]) -> pa.Table:
    """The features of every account at the end of each day."""
    with duckdb.connect() as c:
        c.execute(f"attach '{records}' as records (read_only)")
        c.execute(f"attach '{records.with_name('usage.duckdb')}' as usage (read_only)")
        since = min(days) - pd.Timedelta(days=84)
        frames = {name: c.execute(f"select {columns} from records.{name}").df() for name, columns in READ.items()}
        frames["used"] = c.execute(f"select account_id, day, feature from usage.usage_day where day > '{since}'").df()
        frames["total"] = c.execute("select account_id, day, events, active_users from usage.usage_total").df()
    told = []
    for day in days:
        frame = pd.concat(_of_day(frames, pd.Timestamp(day)), axis=1)
        frame["as_of"] = day
        told.append(frame.reset_index(names="account_id"))
    return pa.Table.from_pandas(pd.concat(told), preserve_index=False)


def _of_day(frames: dict[str, pd.DataFrame], day: pd.Timestamp) -> list[pd.Series]:
    return [*_usage(frames["total"], frames["used"], day), *_support(frames["ticket"], day), *_rest(frames, day)]


def _usage(total: pd.DataFrame, used: pd.DataFrame, day: pd.Timestamp) -> list[pd.Series]:
    total = total[total["day"] <= day]
    last = total.groupby("account_id")["day"].max()
    month = total[total["day"] > day - pd.Timedelta(days=28)]
    quarter = total[total["day"] > day - pd.Timedelta(days=84)]
    used = used[(used["day"] <= day) & (used["day"] > day - pd.Timedelta(days=28))]
    ever = last.index
    return [
        month.groupby("account_id")["events"].sum().reindex(ever, fill_value=0).rename("events_28d"),
        quarter.groupby("account_id")["events"].sum().reindex(ever, fill_value=0).rename("events_84d"),
        month.groupby("account_id")["active_users"].max().reindex(ever, fill_value=0).rename("active_users_28d"),
        (day - last).dt.days.rename("days_since_last_use"),
        used.groupby("account_id")["feature"].nunique().reindex(ever, fill_value=0).rename("features_used_28d"),
    ]


def _support(tickets: pd.DataFrame, day: pd.Timestamp) -> list[pd.Series]:
    end = day + pd.Timedelta(days=1)
    tickets = tickets[tickets["opened_at"] < end]
    recent = tickets[tickets["opened_at"] >= end - pd.Timedelta(days=84)]
    answered = recent[recent["first_response_at"] < end]
    waited = (answered["first_response_at"] - answered["opened_at"]).dt.total_seconds() / 3600
    is_open = tickets["closed_at"].isna() | (tickets["closed_at"] >= end)
    return [
        recent.groupby("account_id").size().rename("tickets_84d"),
        tickets[is_open].groupby("account_id").size().rename("open_tickets"),
        waited.groupby(answered["account_id"]).mean().rename("first_response_hours_84d"),
    ]


def _rest(frames: dict[str, pd.DataFrame], day: pd.Timestamp) -> list[pd.Series]:
    people = frames["contact"]
    gone = people["left_noticed_on"].fillna(people["left_on"])
    there = people[(people["joined_on"] <= day) & (gone.isna() | (gone > day))]
    touches = frames["touch"]
    end = day + pd.Timedelta(days=1)
    recent = touches[(touches["happened_at"] < end) & (touches["happened_at"] >= end - pd.Timedelta(days=84))]
    surveys = frames["survey"]
    answers = surveys[(surveys["kind"] == "nps") & surveys["score"].notna() & (surveys["answered_on"] <= day)]
    invoices = frames["invoice"]
    due = invoices["due_on"].fillna(invoices["issued_on"])
    unpaid = invoices["paid_on"].isna() | (invoices["paid_on"] > day)
    overdue = invoices[
        unpaid
        & (invoices["issued_on"] <= day)
        & (due < day)
        & (due > day - pd.Timedelta(days=365))
        & (invoices["status"] != "draft")
    ]
    return [
        there.groupby("account_id").size().rename("contacts"),
        there[there["role"] == "champion"].groupby("account_id").size().rename("champions"),
        recent.groupby("account_id").size().rename("touches_84d"),
        answers.sort_values(["answered_on", "response_id"]).groupby("account_id")["score"].last().rename("nps"),
        overdue.groupby("account_id").size().rename("overdue_invoices"),
    ]


#: what an account without a row of its own has
NOTHING = {"tickets_84d", "open_tickets", "contacts", "champions", "touches_84d", "overdue_invoices"}


def differences(ours: Path, theirs: Path) -> list[str]:
    """Features whose values are not the same for all accounts that pay."""
    one = (
        pq.read_table(ours, columns=["account_id", "as_of", *NAMES])
        .to_pandas()
        .set_index(["account_id", "as_of"])
        .sort_index()
    )
    other = pq.read_table(theirs).to_pandas().set_index(["account_id", "as_of"]).reindex(one.index)
    found = []
    for name in NAMES:
        told = other[name].to_numpy(dtype=float, na_value=math.nan)
        told = np.nan_to_num(told) if name in NOTHING else told
        pairs = zip(one.index, one[name], told, strict=True)
        wrong = [pair for pair in pairs if not _same(pair[1], pair[2])]
        if wrong:
            found.append(f"{name}: {len(wrong):,} of {len(one):,}, first {wrong[0]}")
    if one.empty:
        found.append("nobody pays")
    return found


def _same(one: float, other: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    # hours are kept to a thousandth
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-3)
