"""Month by month as dbt's MRR playbook has it (08), and the labels that other packages get wrong on the same data (10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from holdfast.domain.period import Window, month_no, parse_month
from holdfast.flows.book import book, open_ledger
from holdfast.flows.home import Home, Settings, create
from holdfast.metrics import bridge, retention
from holdfast.warehouse.ledger import Ledger

from ..flows.homes import DOLLARS, NOW, load_paths, load_text, with_policy
from ..metrics.worlds import ledger_of, path
from ..oracle.pencil import DEFAULT, facts
from .conftest import ABSENT, PLAYBOOK, case, cases

BRIDGE = "08_dbt_mrr_playbook.json"
LABELS = "10_fivetran_classifiers.json"
#: the playbook bridges no gap: a customer who pays nothing for one month is churn, then reactivation
POLICY = 'name = "playbook"\ntitle = "As the MRR playbook"\nbased_on = "holdfast-1"\ngap_days_file = 0\ngap_days_contract = 0\n'
MONTHS = range(parse_month("2017-09"), parse_month("2020-02") + 1)
#: the playbook's words, and ours
KINDS = {
    "new": "new",
    "reactivation": "reactivation",
    "upgrade": "expansion",
    "downgrade": "contraction",
    "churn": "churn",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """`holdfast load subscription_periods.csv`, with no mapping by hand, and `holdfast book`."""
    if not PLAYBOOK.exists():
        pytest.skip(ABSENT)
    home = create(tmp_path_factory.mktemp("playbook") / "home", Settings(as_of="2020-02-29"))
    assert load_paths(home, [PLAYBOOK]).exit_code == 0
    book(home, NOW)
    return with_policy(home, "playbook", POLICY)


@pytest.fixture(scope="module")
def ledger(home: Home) -> Iterator[Ledger]:
    with open_ledger(home, policy=home.policy("playbook")) as ledger:
        yield ledger


@pytest.mark.parametrize("one", cases(BRIDGE))
def test_the_playbook_s_month(one: dict[str, Any], ledger: Ledger) -> None:
    month = month_no(date.fromisoformat(one["input"]["month"]))
    expected = {name: round(100 * value) for name, value in one["expected"].items() if not name.startswith("n_")}
    [row] = bridge.measure(ledger, range(month, month + 1), DOLLARS)
    assert (row.opening, row.closing) == (expected["start_mrr"], expected["end_mrr"])
    assert {name: row.moved[kind] for name, kind in KINDS.items()} == {name: expected[name] for name in KINDS}
    counted = {"n_new": "new", "n_churn": "churn", "n_react": "reactivation"}
    assert {name: row.entities[kind] for name, kind in counted.items()} == {
        name: one["expected"][name] for name in counted
    }
    counts = retention.measure(ledger, Window.month(month), DOLLARS)[0].counts
    assert counts.kept == expected["renewal_amount"], "least(mrr, previous mrr) of each customer is the GRR's numerator"


def test_the_month_without_a_case_is_empty(ledger: Ledger) -> None:
    """December 2017 has no row in theirs: nobody paid before, nobody after. Ours has the month, with zeros."""
    [row] = bridge.measure(ledger, range(parse_month("2017-12"), parse_month("2017-12") + 1), DOLLARS)
    assert (row.opening, sum(map(abs, row.moved.values())), row.closing) == (0, 0, 0)


def test_the_default_s_thirty_days_change_nothing_here(home: Home, ledger: Ledger) -> None:
    """Files are contracts more often than bills, so `holdfast-1` bridges up to 30 days. Here every gap is 59 days or more."""
    with open_ledger(home) as default:
        ours = bridge.measure(default, MONTHS, DOLLARS)
    assert [(row.opening, row.moved, row.closing) for row in ours] == [
        (row.opening, row.moved, row.closing) for row in bridge.measure(ledger, MONTHS, DOLLARS)
    ]


def test_a_gap_of_one_month_is_bridged_by_default_and_not_under_the_playbook(tmp_path: Path) -> None:
    """Paid until 1 February, again from 1 March: 29 days. Theirs: churn and reactivation; ours: never left."""
    home = create(tmp_path / "home", Settings(as_of="2024-04-30"))
    load_text(
        home, "periods.csv",
        """subscription_id,customer_id,start_date,end_date,monthly_amount
           1,1,2024-01-01,2024-02-01,50
           2,1,2024-03-01,2024-05-01,50""",
    )  # fmt: skip
    book(home, NOW)
    home = with_policy(home, "playbook", POLICY)
    told = {}
    for name in ("holdfast-1", "playbook"):
        with open_ledger(home, policy=home.policy(name)) as ledger:
            rows = bridge.measure(ledger, range(parse_month("2024-01"), parse_month("2024-04")), DOLLARS)
            told[name] = [(row.moved["churn"], row.moved["reactivation"], row.closing) for row in rows]
    assert told == {
        "holdfast-1": [(0, 0, 50_00), (0, 0, 50_00), (0, 0, 50_00)],
        "playbook": [(0, 0, 50_00), (-50_00, 0, 0), (0, 50_00, 50_00)],
    }


# --- 10: labels that are wrong elsewhere --------------------------------------------------------------------


def test_anti_a_return_is_a_reactivation_not_an_expansion() -> None:
    """dbt_stripe asks `current > prior` before it asks whether the customer had left, so no return is ever found."""
    one = case(LABELS, "dbt_stripe_order")
    [kind] = kinds_of(100, one["input"]["prior"], one["input"]["current"])[1:]
    assert kind == one["expected"]["correct"] == "reactivation"
    assert kind != one["expected"]["dbt_stripe"]


def test_anti_falling_to_zero_is_churn_not_a_contraction() -> None:
    """dbt_zuora asks `current < prior` first; dbt_recurly has no row for the month at all."""
    one = case(LABELS, "dbt_zuora_recurly_order")
    [kind] = kinds_of(one["input"]["prior"], one["input"]["current"])
    assert kind == one["expected"]["correct"] == "churn"
    assert kind not in (one["expected"]["dbt_zuora"], one["expected"]["dbt_recurly"])


def kinds_of(*amounts: int) -> list[str]:
    """The kinds of the movements after the first, of one customer with these MRRs month by month."""
    with ledger_of(facts(*path("A", *amounts)), DEFAULT) as ledger:
        rows = ledger.rows("select kind::varchar from movement order by month_no")
    return [row[0] for row in rows][1:]


def test_anti_counts_on_the_playbook_s_523_customer_months(ledger: Ledger) -> None:
    """
                    new  unchanged  churn  expansion  contraction  reactivation
    ours             55    237+113     58         30           27             3   113 rows stand at 0 before and after
    dbt_stripe       55        350     58         33           27             –   3 returns are called expansion
    dbt_zuora        55        350      –         33           85             –   58 churns are called contraction
    dbt_recurly      55        238      –         31           28             –   the churns have no row
    """
    one = case(LABELS, "counts_on_playbook_data")
    theirs = one["expected"]
    ours: Counter[str] = Counter()
    for row in bridge.measure(ledger, MONTHS, DOLLARS):
        ours.update(row.entities)
    ours["unchanged"] = sum(
        ledger.rows(f"select count(*) from position where m{month - 1} = m{month} and m{month} > 0")[0][0]
        for month in MONTHS[1:]
    )
    told = {"new": 55, "unchanged": 237, "churn": 58, "expansion": 30, "contraction": 27, "reactivation": 3}
    assert {name: ours[name] for name in told} == told
    stripe = theirs["dbt_stripe_customer"]
    at_nothing = one["input"]["rows"] - sum(told.values())
    assert stripe["unchanged"] == theirs["dbt_zuora"]["unchanged"] == told["unchanged"] + at_nothing
    assert stripe == theirs["dbt_stripe_item"]
    assert stripe["expansion"] == told["expansion"] + told["reactivation"] != told["expansion"]
    assert theirs["dbt_zuora"]["contraction"] == told["contraction"] + told["churn"] != told["contraction"]
    assert all("reactivation" not in one and "reactivated" not in one for one in theirs.values())
    assert "churned" not in theirs["dbt_zuora"] and "churned" not in theirs["dbt_recurly"]
    assert sum(theirs["dbt_recurly"].values()) < one["input"]["rows"]
