"""Each truth of `truths.toml`, measured on the demo world's own rows at 20,000 customers at the start."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest

from holdfast.sources.demo import Truth, World, hidden, truths
from holdfast.sources.demo.hidden import auc
from tests.demo.measuring import Book

LARGE = 20_000
DEFAULT = World().accounts
#: Usage and surveys are many rows: a smaller world shows them well enough.
WIDE = 2_000
BILLING = frozenset({"account", "subscription_item", "fx_rate", "touch"})
DAILY = frozenset({"usage_day", "survey", "account", "subscription_item"})
SEGMENT = {"book": "true", "smb": "segment = 'SMB'", "mid": "segment = 'Mid-market'", "ent": "segment = 'Enterprise'"}


@cache
def book(accounts: int = LARGE) -> Book:
    world = World(accounts=accounts, tables=BILLING)
    found = Book(world)
    found.window(world.end.replace(year=world.end.year - 1), world.end)
    found.add_hidden(hidden(world))
    return found


@cache
def daily(accounts: int = WIDE) -> Book:
    world = World(accounts=accounts, tables=DAILY, usage="daily")
    found = Book(world)
    found.add_hidden(hidden(world))
    return found


def corner(b: Book) -> float:
    """Yearly loss of small customers on Team in logistics ÷ on Team elsewhere."""
    team = "attributes['plan'] = 'Team' and segment = 'SMB' and attributes['industry']"
    inside, outside = (1 - b.retention(f"{team} {sign} 'Logistics'")[2] for sign in ("=", "<>"))
    return inside / outside


def null_channel(b: Book) -> float:
    """Widest gap in yearly logo loss between two channels."""
    return float(
        b.one("""select max(lost) - min(lost) from (select 1 - avg(kept::int) as lost from kept
                          where segment = 'SMB' group by attributes['channel'])""")[0]
    )


def price_uplift(b: Book) -> float:
    """Median rise of the price where seats, plan and discounts stay, between 2 and 6 %."""
    return float(
        b.one("""select median(u / p - 1) from (
        select unit_amount_minor as u, lag(unit_amount_minor) over w as p, quantity as q,
               lag(quantity) over w as pq, plan_id as n, lag(plan_id) over w as pn
        from (select distinct item_id, valid_from, unit_amount_minor, quantity, plan_id from item
              where usage_type = 'licensed')
        window w as (partition by item_id order by valid_from))
        where q = pq and n = pn and u / p between 1.02 and 1.06""")[0]
    )


def win_backs(b: Book) -> float:
    """Of those whose first subscription ended ten months ago or earlier, the share that began another."""
    return float(
        b.one(f"""
        with held as (select * from item qualify row_number() over (partition by item_id, valid_from
                                                                    order by learned_at desc) = 1),
        last as (select account_id, right(item_id, 1) as slot, max(valid_from) as day,
                        last(if(status = 'canceled', valid_from, valid_to) order by valid_from) as gone,
                        bool_or(status = 'active') as paid
                 from held where right(item_id, 1) in ('0', '6') group by all)
        select avg((back.account_id is not null)::int) from last a
        left join last back on back.account_id = a.account_id and back.slot = '6'
        where a.slot = '0' and a.paid and a.gone < date '{b.world.end}' - interval 10 month""")[0]
    )


def merge_change(b: Book) -> float:
    """Sum of MRR changes that merged accounts have on the very day of the merge and because of it."""
    found = b.one("""select count(*), count(*) filter (i.item_id is not null) from
        (select account_id, min(valid_from) as day from account where merged_into is not null group by all) m
        left join item i on i.account_id = m.account_id and i.valid_from = m.day and i.status = 'canceled'""")
    assert found[0] > 0
    return float(found[1])


def champion_ratio(b: Book) -> float:
    caused = "(churned and cause not in ('unseen', 'involuntary'))::int"
    return float(
        b.one(f"""select avg({caused}) filter (champion_left)
                                  / avg({caused}) filter (not champion_left) from hidden
                           where segment = 'SMB' and not annual""")[0]
    )


def oracle(b: Book) -> float:
    columns = b.sql.execute("select hazard, churned from hidden").fetchnumpy()
    return auc(columns["hazard"], columns["churned"].astype(bool))


def whale(b: Book, lift: bool) -> float:
    """The whale's share of its book a year ago; what its book's NRR owes to it."""
    b.sql.execute(
        """create or replace temp table carried as with o as (
            select account_id as id, first(owner order by valid_from desc) as owner from account
            where valid_from is null or valid_from < $start group by all)
        select k.* from kept k join o using (id) where owner = (
            select owner from o join kept using (id) where kept.id = $whale)""",
        {"start": b.world.end.replace(year=b.world.end.year - 1), "whale": b.whale()},
    )
    big = f"id = '{b.whale()}'"
    share, with_, without = b.one(f"""select sum(opening) filter ({big}) / sum(opening),
        sum(closing) / sum(opening),
        sum(closing) filter (not {big}) / sum(opening) filter (not {big}) from carried""")
    return float(with_ - without if lift else share)


def decline_others(b: Book) -> float:
    return float(
        b.one("""select count(*) from hidden
                          where through_decline and cause in ('unseen', 'involuntary')""")[0]
    )


def healthy_dips(b: Book) -> float:
    """Share of the months of customers who never leave in which their usage is down."""
    return float(
        b.one("""select avg(dipping::int) from hidden
        where account_id not in (select account_id from hidden where churned)""")[0]
    )


def unmatched(b: Book) -> float:
    return float(
        b.one("""select sum(events) filter (account_id not in (select account_id from account))
                                 / sum(events) from usage_day""")[0]
    )


def outage(b: Book) -> float:
    return float(b.one("select max(day) - min(day) + 1 - count(distinct day) from usage_day")[0])


def late_events(b: Book) -> float:
    """Days from the end of the day to knowing it, at 95 of 100."""
    return float(
        b.one("""select quantile_cont(epoch(learned_at - (day + 1)) / 86400, 0.95) from usage_day
                          where day < (select max(day) from usage_day) - 30""")[0]
    )


Measure = Callable[[Book, Book], float]

MEASURES: dict[str, Measure] = {
    "logo_churn": lambda b, d: 1 - b.retention()[2],
    "whale_share": lambda b, d: whale(b, lift=False),
    "whale_lift": lambda b, d: whale(b, lift=True),
    "involuntary_share": lambda b, d: b.churn_share("cause = 'involuntary'"),
    "unseen_share": lambda b, d: b.churn_share("cause = 'unseen'"),
    "win_backs": lambda b, d: win_backs(b),
    "merge_change": lambda b, d: merge_change(b),
    "currencies": lambda b, d: b.one("select count(distinct currency) from item")[0],
    "price_uplift": lambda b, d: price_uplift(b),
    "corner": lambda b, d: corner(b),
    "null_channel": lambda b, d: null_channel(b),
    "oracle_auc": lambda b, d: oracle(b),
    "champion_ratio": lambda b, d: champion_ratio(b),
    "growth_near_limit": lambda b, d: b.growth(near=True),
    "growth_elsewhere": lambda b, d: b.growth(near=False),
    "decline_share": lambda b, d: b.one("""select avg(through_decline::int) from hidden
        where churned and cause not in ('unseen', 'involuntary')""")[0],
    "decline_others": lambda b, d: decline_others(b),
    "healthy_dips": lambda b, d: healthy_dips(b),
    "rescue_mid": lambda b, d: b.programme("Risk outreach", "segment = 'Mid-market'"),
    "rescue_smb": lambda b, d: b.programme("Risk outreach", "segment = 'SMB'"),
    "useless_programme": lambda b, d: b.programme("Product tips", "true"),
    "naive_harm": lambda b, d: b.naive("Risk outreach", "segment = 'Mid-market'"),
    "unmatched_usage": lambda b, d: unmatched(d),
    "outage_days": lambda b, d: outage(d),
    "late_events": lambda b, d: late_events(d),
    "survey_answers": lambda b, d: d.one("select avg((answered_on is not null)::int) from survey")[0],
}


def _of_segment(name: str, part: int, lost: bool = False) -> Measure:
    def measure(b: Book, d: Book) -> float:
        found = b.retention(SEGMENT[name])[part]
        return 1 - found if lost else found

    return measure


for _name in SEGMENT:
    MEASURES[f"{_name}_nrr"], MEASURES[f"{_name}_grr"] = _of_segment(_name, 0), _of_segment(_name, 1)
for _name in ("smb", "mid", "ent"):
    MEASURES[f"{_name}_logo_churn"] = _of_segment(_name, 2, lost=True)


def test_every_truth_is_measured() -> None:
    assert set(MEASURES) == set(truths())


@pytest.mark.slow
@pytest.mark.parametrize("truth", truths().values(), ids=lambda truth: truth.id)
def test_truth(truth: Truth) -> None:
    measured = MEASURES[truth.id](book(), daily())
    print(f"{truth.id}: {measured:.4f} (told {truth.value})")
    assert truth.holds(measured), f"{truth.sentence} Measured {measured:.4f}, not {truth.value}."


@pytest.mark.parametrize("truth", truths().values(), ids=lambda truth: truth.id)
def test_truth_at_the_default_size(truth: Truth) -> None:
    measured = MEASURES[truth.id](book(DEFAULT), daily(DEFAULT))
    print(f"{truth.id} at {DEFAULT}: {measured:.4f} (told {truth.value})")
    assert truth.holds(measured, small=True), f"{truth.sentence} Measured {measured:.4f}, not {truth.value}."


@pytest.mark.slow
def test_usage_falls_before_the_departures_that_went_through_a_decline_and_before_no_others() -> None:
    """Events of the last four weeks before the notice ÷ of four weeks half a year before."""
    ratios = dict(
        daily()
        .sql.execute("""
        with left_ as (select account_id, max(month) as month, bool_or(through_decline) as fell from hidden
                       where churned group by all),
        use as (select l.account_id, fell, month,
                sum(events) filter (day between month - 14 and month + 13) as late,
                sum(events) filter (day between month - 168 and month - 141) as early,
                count(distinct day) filter (day between month - 14 and month + 13) as days
            from left_ l join usage_day using (account_id) group by all)
        select fell, median(late / early) from use where early > 20 and days > 10 group by all""")
        .fetchall()
    )
    assert ratios[True] < 0.75
    assert 0.85 < ratios[False] < 1.15


@pytest.mark.slow
def test_the_outage_costs_no_customers() -> None:
    monthly = [
        row[0]
        for row in book().sql.execute("select avg(churned::int) from hidden group by month order by month").fetchall()
    ]
    outage_month = len(monthly) - 6
    assert monthly[outage_month] < 1.15 * sum(monthly[-12:]) / 12


def test_the_headline_at_the_default_size() -> None:
    nrr, grr, _, _ = book(DEFAULT).retention()
    assert 1.05 <= nrr <= 1.16
    assert 0.86 <= grr <= 0.94
