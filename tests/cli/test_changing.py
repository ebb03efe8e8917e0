"""The commands that change something, from an empty folder on: init, load, book, close, status, demo; and real data of others."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from holdfast.flows.home import open_home

from ..flows.homes import with_policy
from .conftest import Done, asked, holdfast, ok, process

pytestmark = pytest.mark.slow

SHARED = Path(__file__).resolve().parents[2].parent / "shared"

CSV = """subscription_id,customer_id,start_date,end_date,monthly_amount,plan
s1,Ada,2024-01-01,,100.00,Team
s2,Bea,2024-01-01,2024-03-01,50.00,Team
s3,Cid,2024-02-01,,70.00,Solo
"""


#: commands that show something that has to be booked first
ASKING = ("nrr", "bridge", "mrr", "cohorts", "renewals", "concentration", "explain", "policies", "reconcile")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def file(tmp_path: Path, text: str = CSV, name: str = "subscriptions.csv") -> str:
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def test_from_nothing_to_nrr(home: Path, tmp_path: Path) -> None:
    """init, load, book, nrr: each says what comes next, and the last one is right."""
    assert "holdfast load" in ok(home, "init", "--company", "Acme", "--currency", "usd").out
    assert "3 loaded" in ok(home, "load", file(tmp_path)).out
    booked = ok(home, "book", "--as-of", "2024-12-31").out
    assert "booked 3 accounts" in booked and "2024-12-31" in booked
    [row] = asked(home, "nrr", "--start", "2024-02-01", "--end", "2024-05-01")["rows"]
    assert (row["opening_minor"], row["closing_minor"], row["nrr"]) == (150_00, 100_00, pytest.approx(2 / 3))
    assert open_home(home).settings.company == "Acme"


def test_load_makes_a_home_where_there_is_none(home: Path, tmp_path: Path) -> None:
    ok(home, "load", file(tmp_path))
    assert open_home(home).settings.currency == "USD"


@pytest.mark.parametrize("words", [*((name,) for name in ASKING), ("close", "2024-01")])
def test_an_empty_home_says_what_to_do(home: Path, words: tuple[str, ...]) -> None:
    done = holdfast(home, *words)
    assert done.exit_code == 2 and "init" in done.err, "there is no home"
    ok(home, "init")
    done = holdfast(home, *words)
    assert done.exit_code == 2 and "holdfast book" in done.err, "there is nothing booked"


def test_booking_nothing_says_what_to_do(home: Path) -> None:
    assert holdfast(home, "book").exit_code == 2
    ok(home, "init")
    done = holdfast(home, "book")
    assert (done.exit_code, "holdfast load" in done.err) == (2, True)


def test_status_and_closes_of_an_empty_home_are_empty(home: Path) -> None:
    ok(home, "init")
    told = asked(home, "status")
    assert (told["booked"], told["sources"], told["loads_not_booked"]) == (None, [], 0)
    assert "nothing is booked yet" in ok(home, "status").out
    assert asked(home, "close")["rows"] == []


def test_status_tells_what_is_not_booked_yet(home: Path, tmp_path: Path) -> None:
    ok(home, "load", file(tmp_path))
    assert asked(home, "status")["loads_not_booked"] >= 1
    ok(home, "book")
    assert asked(home, "status")["loads_not_booked"] == 0


def test_exit_codes_of_load(home: Path, tmp_path: Path) -> None:
    """0: all good; 1: some rows were rejected; 2: nothing could be loaded."""
    assert holdfast(home, "load", file(tmp_path)).exit_code == 0
    some = holdfast(home, "load", file(tmp_path, CSV.replace("50.00", "fifty"), "again.csv"))
    assert (some.exit_code, "fifty" in some.out, "again.csv" in some.out) == (1, True, True)
    assert holdfast(home, "load", file(tmp_path, "colour,taste\nred,sweet\n", "fruit.csv")).exit_code == 2


def test_the_second_load_of_the_same_file_changes_nothing(home: Path, tmp_path: Path) -> None:
    path = file(tmp_path)
    ok(home, "load", path)
    before = asked(home, "status")["sources"][0]["rows"]
    ok(home, "load", path)
    assert asked(home, "status")["sources"][0]["rows"] == before


def test_close_restatement_and_the_two_clocks(home: Path, tmp_path: Path) -> None:
    """Sign March; then a corrected file says that Bea stayed until June: her churn of March is a restatement."""
    ok(home, "load", file(tmp_path))
    ok(home, "book", "--as-of", "2024-12-31")
    assert "2024-03 closed by Ada" in ok(home, "close", "2024-03", "--by", "Ada").out
    again = holdfast(home, "close", "2024-03")
    assert (again.exit_code, "--restatements" in again.err) == (2, True)
    ok(home, "load", file(tmp_path, CSV.replace("2024-03-01", "2024-06-01")))
    ok(home, "book", "--as-of", "2024-12-31")
    [row] = asked(home, "close", "2024-03", "--restatements")["rows"]
    assert row == {
        "account": "Bea",
        "currency": "USD",
        "kind": "churn",
        "signed_minor": -50_00,
        "now_minor": 0,
        "difference_minor": 50_00,
    }
    [signed] = asked(home, "close")["rows"]
    assert (signed["month"], signed["signed_by"], signed["closing"]) == ("2024-03", "Ada", {"USD": 170_00})
    assert "Ada" in ok(home, "close").out and "Bea" in ok(home, "close", "2024-03", "--restatements").out


def test_booking_again_after_the_policy_was_changed(home: Path, tmp_path: Path) -> None:
    ok(home, "load", file(tmp_path))
    ok(home, "book", "--as-of", "2024-12-31")
    config = home / "holdfast.toml"
    config.write_text(config.read_text().replace('policy = "holdfast-1"', 'policy = "ghost"'))
    done = holdfast(home, "nrr", "--start", "2024-02-01", "--end", "2024-05-01")
    assert "Traceback" not in done.err
    assert done.exit_code == 0 or "holdfast book" in done.err
    ok(home, "book", "--as-of", "2024-12-31")
    assert asked(home, "nrr", "--start", "2024-02-01", "--end", "2024-05-01")["policy"] == "ghost"


def test_a_policy_file_with_a_mistake_ends_with_2(home: Path, tmp_path: Path) -> None:
    ok(home, "load", file(tmp_path))
    ok(home, "book", "--as-of", "2024-12-31")
    with_policy(open_home(home), "bad", 'name = "bad"\ntitle = "Bad"\nbased_on = "holdfast-1"\ngrain = "company"\n')
    done = holdfast(home, "nrr")
    assert done.exit_code == 2
    for part in ("bad.toml", "grain", "company", "subscription"):
        assert part in done.err


def test_an_as_of_day_that_is_none(home: Path, tmp_path: Path) -> None:
    ok(home, "load", file(tmp_path))
    done = holdfast(home, "book", "--as-of", "soon")
    assert (done.exit_code, "2024-03-31" in done.err) == (2, True)


def test_init_refuses_what_is_no_currency_or_time_zone(home: Path) -> None:
    for words, part in ((("--currency", "dollar"), "USD"), (("--timezone", "Mars"), "Europe/Berlin")):
        done = holdfast(home, "init", *words)
        assert (done.exit_code, part in done.err) == (2, True)
    assert not (home / "holdfast.toml").exists()


def test_explain_opens_a_figure_down_to_the_row_of_the_file(home: Path, tmp_path: Path) -> None:
    path = file(tmp_path)
    ok(home, "load", path)
    ok(home, "book", "--as-of", "2024-12-31")
    window = ("--start", "2024-02-01", "--end", "2024-05-01")
    whole = asked(home, "explain", *window)
    [row] = asked(home, "nrr", *window)["rows"]
    assert whole["total"] == {
        "accounts": row["accounts"],
        "opening_minor": row["opening_minor"],
        "closing_minor": row["closing_minor"],
    }
    assert [(one["account"], one["kind"]) for one in whole["rows"]] == [("Bea", "churn"), ("Ada", "same")]
    bea = asked(home, "explain", "Bea", *window)
    assert [(one["month"], one["kind"], one["amount_minor"]) for one in bea["movements"]] == [
        ("2024-03", "churn", -50_00)
    ]
    assert [(one["file"], one["source_row"]) for one in bea["changes"]] == [(path, 2)], "the second row of the file"
    text = ok(home, "explain", "Bea", *window, width=400).out
    assert "subscriptions.csv" in text and "-50.00" in text


def test_demo_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The demo company, small: booked, closed with 0, and refused a second time."""
    home = tmp_path / "demo"
    done = process(home, "demo", "--accounts", "10", "--months", "14")
    assert done.exit_code == 0, done.err
    assert "opening + movements" in done.out.replace("\n", " ")
    again = process(home, "demo", "--accounts", "10")
    assert (again.exit_code, "home of its own" in again.err.replace("\n", " ")) == (2, True)


# --- real data of others ------------------------------------------------------------------------------------

RAVENSTACK = SHARED / "data" / "ravenstack"
needs_ravenstack = pytest.mark.skipif(
    not RAVENSTACK.is_dir(), reason=f"other people's data is not beside this repository ({RAVENSTACK})"
)
NO_GAPS = 'name = "no-gaps"\ntitle = "No gap is bridged"\nbased_on = "holdfast-1"\ngap_days_file = 0\ngap_days_contract = 0\ngap_days_billing = 0\n'


@pytest.fixture(scope="module")
def ravenstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """`holdfast load ravenstack` with no mapping by hand, and `holdfast book`."""
    home = tmp_path_factory.mktemp("ravenstack") / "home"
    done = holdfast(home, "load", str(RAVENSTACK))
    assert done.exit_code == 0, done.out
    ok(home, "book", "--as-of", "2024-12-31")
    yield with_policy(open_home(home), "no-gaps", NO_GAPS).path


@needs_ravenstack
@pytest.mark.parametrize(("by", "count"), [("plan", 3), ("industry", 5), ("country", 7)])
def test_ravenstack_answers_by_segment(ravenstack: Path, by: str, count: int) -> None:
    window = ("--start", "2024-01-01", "--end", "2025-01-01")
    rows = asked(ravenstack, "nrr", *window, "--by", by)["rows"]
    [whole] = asked(ravenstack, "nrr", *window)["rows"]
    assert len(rows) == count and all(row["segment"][by] for row in rows)
    for key in (
        "accounts",
        "opening_minor",
        "expansion_minor",
        "contraction_minor",
        "churn_minor",
        "reactivation_minor",
        "closing_minor",
    ):
        assert sum(row[key] for row in rows) == whole[key]
    assert ok(ravenstack, "nrr", *window, "--by", by).exit_code == 0


@needs_ravenstack
@pytest.mark.parametrize(
    ("start", "end"), [("2024-01-01", "2025-01-01"), ("2023-07-01", "2024-07-01"), ("2023-11-15", "2024-08-20")]
)
def test_ravenstack_is_what_pandas_makes_of_the_file(ravenstack: Path, start: str, end: str) -> None:
    """A subscription counts from start_date up to and without end_date; trials do not count; by account; gaps are not bridged."""
    import pandas as pd

    rows = pd.read_csv(RAVENSTACK / "ravenstack_subscriptions.csv", parse_dates=["start_date", "end_date"])
    rows = rows[~rows["is_trial"]]

    def standing(day: str) -> Any:
        """Cents by account just before a day."""
        before = pd.Timestamp(day)
        there = rows[(rows["start_date"] < before) & (rows["end_date"].isna() | (rows["end_date"] >= before))]
        return (there.groupby("account_id")["mrr_amount"].sum() * 100).round().astype(int)

    opening = standing(start)
    opening = opening[opening > 0]
    closing = standing(end).reindex(opening.index, fill_value=0)
    [row] = asked(ravenstack, "nrr", "--start", start, "--end", end, "--policy", "no-gaps")["rows"]
    assert (row["accounts"], row["opening_minor"], row["closing_minor"]) == (
        len(opening),
        int(opening.sum()),
        int(closing.sum()),
    )
    assert row["nrr"] == pytest.approx(closing.sum() / opening.sum())
    assert row["grr"] == pytest.approx(closing.clip(upper=opening).sum() / opening.sum())
    assert row["logo_retention"] == pytest.approx((closing > 0).mean())


@needs_ravenstack
def test_ravenstack_ties_out_to_the_last_cent(ravenstack: Path) -> None:
    told: Done = ok(ravenstack, "bridge", "--from", "2023-01", "--to", "2024-12", "--format", "json")
    rows = json.loads(told.out)["rows"]
    moves = (
        "new_minor",
        "expansion_minor",
        "contraction_minor",
        "churn_minor",
        "reactivation_minor",
        "fx_minor",
        "transfer_minor",
    )
    assert all(row["opening_minor"] + sum(row[key] for key in moves) == row["closing_minor"] for row in rows)
    assert rows[0]["opening_minor"] == 0 and all(
        a["closing_minor"] == b["opening_minor"] for a, b in itertools.pairwise(rows)
    )


def test_homes_are_apart(tmp_path: Path) -> None:
    """One install is one company: what is loaded into one home is in no other."""
    ok(tmp_path / "one", "load", file(tmp_path))
    ok(tmp_path / "two", "init")
    assert open_home(tmp_path / "two").landing.loads() == []
