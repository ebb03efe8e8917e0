"""The rival an analyst would write with care: vectorised pandas, whole numbers, no loop over accounts.

What it books is published as well, so that it can be asked again: movements and month ends, as Parquet files.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from bench.answers import Answers, run
from holdfast.flows.home import open_home

KEY = ["account_id", "subscription_id", "item_id"]
WORDS = [*KEY, "currency", "interval", "usage_type", "status"]
NUMBERS = ["quantity", "unit_amount_minor", "interval_count", "forever_off_ppm", "forever_off_minor"]
CLOCKS = ["valid_from", "valid_to", "deleted", "learned_at", "load_no", "source_row"]
NEVER = np.datetime64("9999-12-31")
PPM = 1_000_000


def answer(folder: Path, answers: Answers) -> None:
    home = open_home(folder)
    end = np.datetime64(home.settings.as_of, "M") + 1
    with answers.stage("book"):
        states = price(hold(load(home.landing.files("subscription_item"))))
        moves = movements(states, end)
        answers.movements = total(moves)
        first = int(moves["month"].min())
        balances = month_ends(moves, first, int(end.astype(int)))
        accounts = moves.groupby("account_id", observed=True)["currency"].first()
        with TemporaryDirectory() as published:
            publish(Path(published), moves, balances, accounts, first)
    with answers.stage("nrr"):
        segment = segments(home.landing.files("account"), accounts.index, (end - 12).astype("datetime64[D]"))
        answers.nrr = nrr(balances, accounts, segment)
    with answers.stage("cohorts"):
        answers.cohorts = cohorts(balances, accounts, first)
    with answers.stage("trailing"):
        answers.trailing = trailing(balances, accounts, first)


def load(files: list[Path]) -> pd.DataFrame:
    """The columns needed; repeated words as categories."""
    columns = [*WORDS, *NUMBERS, *CLOCKS]
    table = pq.read_table(files, columns=columns, read_dictionary=WORDS)
    return table.to_pandas(date_as_object=False, split_blocks=True, self_destruct=True)


def hold(rows: pd.DataFrame) -> pd.DataFrame:
    """The states that hold: the newest learned of each key, in force until the item's next begins."""
    rows["item"] = rows.groupby(KEY, observed=True, sort=False).ngroup()
    rows = rows.sort_values(["item", "valid_from", "learned_at", "load_no", "source_row"])
    rows = rows.drop_duplicates(["item", "valid_from"], keep="last")
    rows = rows[~rows["deleted"]]
    following = rows["valid_from"].shift(-1).where(rows["item"].shift(-1) == rows["item"])
    ends = rows["valid_to"].fillna(NEVER)
    rows["until"] = ends.where(following.isna() | (ends < following), following)
    return rows[rows["until"] > rows["valid_from"]]


def price(states: pd.DataFrame) -> pd.DataFrame:
    """MRR of each state: exact, rounded once, half to even."""
    months = states["interval"].map({"month": 1, "year": 12}).astype("int64") * states["interval_count"]
    billing = states["quantity"] * states["unit_amount_minor"]
    reduced = billing * (PPM - states["forever_off_ppm"]) - states["forever_off_minor"] * PPM
    whole = reduced.clip(lower=0)
    divisor = months * PPM
    quotient, rest = whole // divisor, whole % divisor
    up = (2 * rest > divisor) | ((2 * rest == divisor) & (quotient % 2 == 1))
    counts = states["status"].isin(["active", "past_due"]) & (states["usage_type"] == "licensed")
    states["mrr"] = (quotient + up).where(counts, 0)
    return states.loc[states["mrr"] > 0, ["account_id", "currency", "valid_from", "until", "mrr"]]


def movements(states: pd.DataFrame, end: np.datetime64) -> pd.DataFrame:
    """Account by month: what it had before, what it has now, and what kind of movement that is."""
    parts = []
    for column, sign in (("valid_from", 1), ("until", -1)):
        part = states[["account_id", "currency"]].copy()
        part["month"] = states[column].to_numpy().astype("datetime64[M]").astype("int64")
        part["delta"] = sign * states["mrr"]
        parts.append(part[part["month"] < int(end.astype(int))])
    events = pd.concat(parts, ignore_index=True)
    keys = ["account_id", "currency", "month"]
    moves = events.groupby(keys, observed=True, as_index=False)["delta"].sum()
    moves = moves[moves["delta"] != 0].reset_index(drop=True)
    moves["cur"] = moves.groupby("account_id", observed=True)["delta"].cumsum()
    prev = moves["cur"] - moves["delta"]
    is_first = ~moves["account_id"].duplicated()
    kinds = ["new", "reactivation", "churn", "expansion"]
    tests = [is_first, prev == 0, moves["cur"] == 0, moves["delta"] > 0]
    moves["kind"] = np.select(tests, kinds, "contraction")
    return moves


def total(moves: pd.DataFrame) -> list[tuple[object, ...]]:
    """Movements by month, kind and currency."""
    sums = moves.groupby(["month", "kind", "currency"], observed=True)["delta"].agg(["size", "sum"])
    return list(sums.reset_index().itertuples(index=False, name=None))


def month_ends(moves: pd.DataFrame, first: int, end: int) -> np.ndarray:
    """Account × month: the balance at the month's end. Accounts in the order in which they are grouped."""
    account = moves.groupby("account_id", observed=True).ngroup().to_numpy()
    balances = np.zeros((account.max() + 1, end - first), dtype="int64")
    balances[account, moves["month"].to_numpy() - first] = moves["delta"].to_numpy()
    return np.cumsum(balances, axis=1, out=balances)


def publish(folder: Path, moves: pd.DataFrame, balances: np.ndarray, accounts: pd.Series, first: int) -> None:
    """The ledger in two files: movements, and a row an account with its balance at every month's end."""
    moves.to_parquet(folder / "movement.parquet", index=False)
    ends = pd.DataFrame(balances, columns=[f"m{first + month}" for month in range(balances.shape[1])])
    ends.insert(0, "account_id", accounts.index.astype(str))
    ends.insert(1, "currency", accounts.to_numpy().astype(str))
    ends.to_parquet(folder / "month_end.parquet", index=False)


def segments(files: list[Path], accounts: pd.Index, day: np.datetime64) -> pd.Series:
    """The segment of each account on a day."""
    columns = ["account_id", "attributes", "valid_from", "learned_at", "source_row"]
    table = pq.read_table(files, columns=columns)
    states = table.drop_columns(["attributes"]).to_pandas(date_as_object=False)
    states["segment"] = [dict(pairs)["segment"] for pairs in table["attributes"].to_pylist()]
    states = states[states["valid_from"].isna() | (states["valid_from"] <= day)]
    order = ["account_id", "valid_from", "learned_at", "source_row"]
    states = states.sort_values(order, na_position="first").drop_duplicates("account_id", keep="last")
    return states.set_index("account_id")["segment"].reindex(accounts.astype(str))


def nrr(balances: np.ndarray, accounts: pd.Series, segment: pd.Series) -> list[tuple[object, ...]]:
    """The last twelve months by segment and currency."""
    opening, closing = balances[:, -13], balances[:, -1]
    returned = (closing > 0) & (balances[:, -12:-1] == 0).any(axis=1)
    gone, change = (closing == 0) | returned, closing - opening
    frame = pd.DataFrame(
        {
            "segment": segment.to_numpy(),
            "currency": accounts.to_numpy(),
            "accounts": 1,
            "opening": opening,
            "expansion": np.where(~gone & (change > 0), change, 0),
            "contraction": np.where(~gone & (change < 0), change, 0),
            "churn": np.where(gone, -opening, 0),
            "reactivation": np.where(returned, closing, 0),
            "closing": closing,
            "kept": np.minimum(opening, closing),
            "retained": (closing > 0).astype("int64"),
        }
    )
    cohort = frame[frame["opening"] > 0]
    sums = cohort.groupby(["segment", "currency"], observed=True).sum().reset_index()
    return list(sums.itertuples(index=False, name=None))


def cohorts(balances: np.ndarray, accounts: pd.Series, first: int) -> list[tuple[object, ...]]:
    """Accounts and MRR by first month, month and currency."""
    begun = (balances > 0).argmax(axis=1)
    keys = [pd.Series(begun, name="begun"), pd.Series(accounts.to_numpy(), name="currency")]
    mrr = pd.DataFrame(balances).groupby(keys, observed=True).sum()
    there = pd.DataFrame(balances > 0).groupby(keys, observed=True).sum()
    rows = zip(mrr.index, there.to_numpy().tolist(), mrr.to_numpy().tolist(), strict=True)
    return [
        (first + at, first + month, currency, counts[month], sums[month])
        for (at, currency), counts, sums in rows
        for month in range(at, balances.shape[1])
    ]


def trailing(balances: np.ndarray, accounts: pd.Series, first: int) -> list[tuple[object, ...]]:
    """Twelve months up to every month, by currency."""
    rows: list[tuple[object, ...]] = []
    for currency in accounts.unique():
        own = balances[(accounts == currency).to_numpy()]
        for month in range(12, own.shape[1]):
            opening = own[:, month - 12]
            there = opening > 0
            closing = own[there, month]
            kept = np.minimum(opening[there], closing)
            rows.append((first + month, currency, there.sum(), opening.sum(), closing.sum(), kept.sum()))
    return rows


if __name__ == "__main__":
    run(answer)
