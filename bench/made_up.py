"""A watch and CTAs for a large home, made up in SQL: to load pages with, where a real watch takes long.

Every account that pays has health, chances and expected MRR by the hash of its id; three in ten have a signal, each with a CTA, of which a few
are on somebody's list. It says nothing about anybody, and nothing of how good a watch is.
"""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from holdfast.flows.book import published
from holdfast.flows.home import open_home
from holdfast.flows.watched import SIGNALS_FILE, TRACK_FILE, WATCH_FILE, Current, folder, publish
from holdfast.warehouse.records_build import RECORDS_FILE
from holdfast.warehouse.sql import literal
from holdfast.warehouse.watched import TABLES, write_watch

#: one in so many CTAs is on a list of the week; one in so many is pooled
LISTED, POOLED = 40, 3

_ACCOUNTS = """create table paying as
    select account_id, owner, mrr_minor, (hash(account_id) % 1000) / 1000.0 as u, (hash(account_id || '-') % 1000) / 1000.0 as v
    from facts.summary where mrr_minor > 0"""
_QUERIES = {
    "standing": """select account_id, mrr_minor, round(100 * u, 1) as health, round(95 * u, 1) as health_before,
        case when u >= 0.8 then 'green' when u >= 0.65 then 'yellow' else 'red' end as band, 'made up' as scorecard, 0.9 as known_share,
        null as sentiment, 0.3 * (1 - u) as churn_90, 0.2 * v as contraction_90, u * v as expansion_90,
        round(mrr_minor * 0.3 * (1 - u)) as at_risk_minor, round(mrr_minor * (0.9 + 0.2 * v)) as expected_90_minor,
        case when v < 0.3 then 2 end as severity, case when v < 0.3 then 1 else 0 end as signals from paying order by account_id""",
    "risk": """select account_id, target, horizon_days, 0.3 * u as probability, '' as model
        from paying, (values ('churn'), ('contraction'), ('expansion')) as of_target(target), (values (30), (90), (180)) as ahead(horizon_days)
        order by account_id""",
    "expected": """select account_id, horizon_days, mrr_minor, round(mrr_minor * (0.9 + 0.2 * v)) as expected_minor, 0 as low_minor,
        2 * mrr_minor as high_minor from paying, (values (30), (90), (180)) as ahead(horizon_days) order by account_id""",
    "judgement": """select account_id, 'champion_left' as signal, 'risk' as kind, 2 as severity, 'A champion left.' as sentence,
        '[]' as evidence, getvariable('today') as since, '' as about from paying where v < 0.3 order by account_id""",
    "health_day": """select account_id, (getvariable('today') - (7 * week)::int)::date as day, round(100 * u, 1) as score
        from paying, range(1, 53) as weeks(week) order by account_id""",
}  # fmt: skip


def publish_made_up(path: Path, now: datetime) -> int:
    """Publish a made-up watch of a booked home and open its CTAs; how many these are."""
    home = open_home(path)
    booked = published(home)
    assert booked is not None
    today = date.fromisoformat(booked.as_of)
    with duckdb.connect() as connection:
        records = home.warehouse / booked.folder / RECORDS_FILE
        connection.execute(f"attach {literal(str(records))} as facts (read_only)")
        connection.execute(_ACCOUNTS)
        connection.execute("set variable today = ?", [today])
        tables = {name: connection.sql(query).to_arrow_table().cast(TABLES[name]) for name, query in _QUERIES.items()}
        noticed = connection.sql("select account_id, owner, mrr_minor from paying where v < 0.3 order by 1").fetchall()
    made = Current(1, booked.as_of, booked.generation, now.isoformat())
    place = folder(home, made.number)
    place.mkdir(parents=True)
    said = {
        "as_of": booked.as_of, "watched_at": now.isoformat(), "currency": home.settings.currency, "policy": home.settings.policy,
        "generation": str(booked.generation),
    }  # fmt: skip
    write_watch(place / WATCH_FILE, tables, said)
    parts = ("targets", "live", "book", "leading", "drift", "models")
    (place / TRACK_FILE).write_text(json.dumps({name: [] for name in parts}))
    (place / SIGNALS_FILE).write_text(json.dumps({"as_of": booked.as_of, "signals": []}))
    publish(home, made)
    _open_ctas(path, noticed, home.settings.currency, today, now)
    return len(noticed)


def _open_ctas(
    path: Path, noticed: list[tuple[str, str | None, int]], currency: str, today: date, now: datetime
) -> None:
    from holdfast.desk import start

    start.connect(path)
    start.migrate()
    from holdfast.desk.models import Cta

    rows = [
        Cta(
            account_id=account, kind="risk", cause="champion", title="A champion left", sentence="A champion left.", signals=["champion_left"],
            owner_name=owner or "", at_stake_minor=mrr // 4, currency=currency, severity=2, priority=2, opened_at=now,
            due_on=today + timedelta(days=9), seen_on=today, state="waiting" if place % LISTED else "open", is_pooled=place % POOLED == 0,
        )
        for place, (account, owner, mrr) in enumerate(noticed)
    ]  # fmt: skip
    Cta.objects.bulk_create(rows, batch_size=2_000)
