"""A published watch that is made up: real accounts of a home, with health, chances and signals drawn by a fixed seed.

It tests how a watch is read and shown, and says nothing of how good one is.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from holdfast.domain.health import score as health_of
from holdfast.domain.scorecard import band, chosen
from holdfast.domain.scorecard_file import parse, shipped_text
from holdfast.flows.book import open_records, published
from holdfast.flows.home import Home
from holdfast.flows.watched import SIGNALS_FILE, TRACK_FILE, WATCH_FILE, Current, folder, publish
from holdfast.warehouse.features import dictionary
from holdfast.warehouse.records import Records
from holdfast.warehouse.watched import TABLES, write_watch
from tests.watch.pages.made_up_record import signal_record, track_record

Rows = dict[str, list[dict[str, Any]]]

#: how far a feature's values reach, by its unit
REACH = {
    "share": 1.0, "ratio": 1.6, "flag": 1, "days": 400, "points": 1.0, "tickets": 6, "people": 40, "features": 9, "events": 4000,
    "seats": 80, "weeks": 12, "minor units": 900_000, "months": 12, "invoices": 12, "hours": 30, "accounts": 4, "count": 8,
}  # fmt: skip


def publish_made_up(
    home: Home, number: int = 1, *, measured: Mapping[str, Mapping[str, float | None]] | None = None,
    stands: Mapping[str, Mapping[str, Any]] = {}, judged: Sequence[Mapping[str, Any]] | None = None,
) -> Current:  # fmt: skip
    """Publish a made-up watch of a booked home. `measured`: values by account and feature, where there are real ones.

    A test says in `stands` and `judged` what it wants of some accounts, and which signals there are.
    """
    told = published(home)
    assert told is not None
    with open_records(home) as records:
        tables = _tables(records, number, measured, stands, judged)
        settings = {
            "as_of": told.as_of, "currency": records.currency, "policy": records.policy, "generation": str(told.generation),
            "watched_at": told.booked_at,
        }  # fmt: skip
    place = folder(home, number)
    place.mkdir(parents=True, exist_ok=True)
    (place / WATCH_FILE).unlink(missing_ok=True)
    write_watch(place / WATCH_FILE, tables, settings)
    whole = sum(row["mrr_minor"] for row in tables["standing"].to_pylist())
    (place / TRACK_FILE).write_text(json.dumps(track_record(told.as_of, settings["currency"], whole)))
    (place / SIGNALS_FILE).write_text(json.dumps(signal_record(told.as_of)))
    made = Current(number, told.as_of, told.generation, told.booked_at)
    publish(home, made)
    return made


def _tables(
    records: Records,
    number: int,
    measured: Mapping[str, Mapping[str, float | None]] | None,
    stands: Mapping[str, Mapping[str, Any]],
    judged: Sequence[Mapping[str, Any]] | None,
) -> dict[str, pa.Table]:
    cards = parse(shipped_text(), {one.name for one in dictionary()})
    rows: Rows = {name: [] for name in TABLES if name != "setting"}
    for line in records.told("select * from summary where mrr_minor > 0 order by account_id"):
        draw = random.Random(f"{number} {line['account_id']}")
        values = dict(measured[line["account_id"]]) if measured else _values(draw, line)
        attributes = {name: line[f"seg_{name}"] for name in records.segments}
        _account(rows, records, cards, line, attributes, values, draw)
    for row in rows["standing"]:
        row |= stands.get(row["account_id"], {})
    if judged is not None:
        rows["judgement"] = [dict(one) | {"evidence": json.dumps(one["evidence"])} for one in judged]
    rows["judgement"].append(
        _judged("", "nrr_below_100", "portfolio", 3, "NRR has been below 100 % for 2 quarters.", [], records.as_of)
    )
    return {name: pa.Table.from_pylist(some, TABLES[name]) for name, some in rows.items()}


def _values(draw: random.Random, line: Mapping[str, Any]) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    for one in dictionary():
        value = draw.random() * REACH.get(one.unit, 5)
        whole = one.unit in (
            "flag",
            "tickets",
            "people",
            "features",
            "events",
            "seats",
            "weeks",
            "minor units",
            "count",
        )
        found[one.name] = None if draw.random() < 0.12 else round(value) if whole else round(value, 3)
    return found | {"mrr": float(line["mrr_minor"])}


def _account(
    rows: Rows, records: Records, cards: Sequence[Any], line: Mapping[str, Any], attributes: Mapping[str, str | None],
    values: Mapping[str, float | None], draw: random.Random,
) -> None:  # fmt: skip
    one, mrr, as_of = line["account_id"], line["mrr_minor"], records.as_of
    card = chosen(cards, attributes)
    told = health_of(card, values)
    before = None if told.score is None else min(100.0, max(0.0, told.score + draw.gauss(0, 7)))
    churn = min(0.9, max(0.004, 0.16 * (1 - (told.score or 50) / 100) ** 2 * draw.lognormvariate(0, 0.5)))
    shrink, grow = 0.02 + 0.05 * draw.random(), 0.03 + 0.12 * draw.random()
    _health(rows, one, card, told, before, values, draw, as_of)
    signals = _signals(rows, records, one, draw)
    for days, share in ((30, 0.36), (90, 1.0), (180, 1.8)):
        for target, chance in (("churn", churn), ("contraction", shrink), ("expansion", grow)):
            rows["risk"].append(
                {
                    "account_id": one,
                    "target": target,
                    "horizon_days": days,
                    "probability": min(0.95, chance * share),
                    "model": "a blend of a logistic and boosted trees",
                }
            )
        left = min(0.95, churn * share)
        rows["expected"].append(
            {"account_id": one, "horizon_days": days, "mrr_minor": mrr, "expected_minor": round(mrr * (1 - left + 0.2 * grow * share)),
             "low_minor": 0 if left > 0.05 else round(mrr * 0.9), "high_minor": round(mrr * 1.15)}
        )  # fmt: skip
    _reasons(rows, one, draw)
    rows["feature"] += [{"account_id": one, "name": name, "value": value} for name, value in values.items()]
    rows["standing"].append(
        {"account_id": one, "mrr_minor": mrr, "health": told.score, "health_before": before,
         "band": band(told.score, card.bands).name if told.score is not None else None, "scorecard": card.name, "known_share": told.known_share,
         "sentiment": draw.choice([None, None, None, 1, 2, 3, 4, 5]), "churn_90": churn, "contraction_90": shrink, "expansion_90": grow,
         "at_risk_minor": round(churn * mrr + shrink * mrr * 0.25), "expected_90_minor": round(mrr * (1 - churn + 0.2 * grow)),
         "severity": max((severity for severity in signals), default=None), "signals": len(signals)}
    )  # fmt: skip


def _health(
    rows: Rows,
    one: str,
    card: Any,
    told: Any,
    before: float | None,
    values: Mapping[str, float | None],
    draw: random.Random,
    as_of: date,
) -> None:
    known = {part.feature: part for part in told.parts}
    for place, (group, measure) in enumerate((g, m) for g in card.groups for m in g.measures):
        part = known.get(measure.feature)
        rows["health_part"].append(
            {"account_id": one, "place": place, "part": group.name, "label": measure.label, "feature": measure.feature,
             "value": values.get(measure.feature), "score": part.level if part else None, "weight": part.share if part else None,
             "points": part.points if part else None}
        )  # fmt: skip
    if told.score is None or before is None:
        return
    at = before
    for week in range(52, 3, -1):
        rows["health_day"].append({"account_id": one, "day": as_of - timedelta(weeks=week), "score": round(at, 1)})
        at = min(100.0, max(0.0, at + draw.gauss(0, 3)))
    for week in range(3, -1, -1):
        rows["health_day"].append(
            {
                "account_id": one,
                "day": as_of - timedelta(weeks=week),
                "score": round(before + (told.score - before) * (4 - week) / 4, 1),
            }
        )
    for place, share in enumerate((0.7, 0.3)):
        part = told.parts[place % len(told.parts)]
        points = round((told.score - before) * share, 1)
        verb = "rose" if points > 0 else "fell"
        rows["health_move"].append(
            {"account_id": one, "place": place, "feature": part.feature, "points": points,
             "sentence": f"{part.label} {verb}: {points:+.1f} points", "since": as_of - timedelta(days=9 + place)}
        )  # fmt: skip


def _signals(rows: Rows, records: Records, one: str, draw: random.Random) -> list[int]:
    made = []
    tickets = sorted(records.of_account("ticket", one), key=lambda line: line["opened_at"])[-2:]
    people = [line for line in records.of_account("contact", one) if line["left_on"]]
    if tickets and draw.random() < 0.2:
        facts = [
            {
                "label": "opened",
                "value": f"{t['opened_at']:%-d %b %Y}: {t['subject'] or t['ticket_id']}",
                "table": "ticket",
                "row_id": t["ticket_id"],
            }
            for t in tickets
        ]
        made.append(("urgent_ticket_open", "risk", 2, f"{len(facts)} urgent tickets are open.", facts))
    if people and draw.random() < 0.3:
        facts = [
            {
                "label": "left",
                "value": people[-1]["name"] or people[-1]["contact_id"],
                "table": "contact",
                "row_id": people[-1]["contact_id"],
            }
        ]
        made.append(("champion_left", "risk", 3, "The champion left, and nobody took the place.", facts))
    if draw.random() < 0.15:
        made.append(
            (
                "usage_falling",
                "risk",
                2,
                "Use fell to 61 % of the usual in four weeks.",
                [{"label": "events in 4 weeks", "value": "412", "table": "", "row_id": ""}],
            )
        )
    if draw.random() < 0.12:
        made.append(
            (
                "near_limit",
                "opportunity",
                1,
                "47 of 50 seats are in use.",
                [{"label": "seats in use", "value": "94 %", "table": "", "row_id": ""}],
            )
        )
    for n, (signal, kind, severity, sentence, facts) in enumerate(made):
        rows["judgement"].append(
            _judged(one, signal, kind, severity, sentence, facts, records.as_of - timedelta(days=3 + 9 * n))
        )
    return [severity for _, _, severity, _, _ in made]


def _judged(
    one: str, signal: str, kind: str, severity: int, sentence: str, facts: list[dict[str, str]], since: date
) -> dict[str, Any]:
    return {
        "account_id": one,
        "signal": signal,
        "kind": kind,
        "severity": severity,
        "sentence": sentence,
        "evidence": json.dumps(facts),
        "since": since,
    }


def _reasons(rows: Rows, one: str, draw: random.Random) -> None:
    said = [
        ("active_users_trend_4w_12w", "Active people fell to 62 % of the usual", 1), ("champion_left_180d", "The champion left 40 days ago", 1),
        ("days_to_renewal", "The renewal is 240 days away", -1), ("tenure_days", "A customer for three years", -1),
    ]  # fmt: skip
    for target in ("churn", "expansion"):
        for place, (feature, sentence, sign) in enumerate(draw.sample(said, 3)):
            amount = sign * (0.9 - 0.2 * place) * (1 if target == "churn" else -1)
            rows["reason"].append(
                {"account_id": one, "target": target, "horizon_days": 90, "place": place, "feature": feature, "contribution": amount, "sentence": sentence}
            )  # fmt: skip
