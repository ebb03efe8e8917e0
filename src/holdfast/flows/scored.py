"""The health of measured days: many rows at once, or a day's accounts with all their parts, and what moved them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from holdfast.domain import health
from holdfast.domain.health import Health
from holdfast.domain.scorecard import Scorecard, band, chosen
from holdfast.flows.labels import ATTRIBUTE
from holdfast.warehouse.watched import TABLES

#: days over which it is told what moved a score
MOVED_OVER = 28


def columns_needed(cards: Sequence[Scorecard]) -> list[str]:
    """The columns of measured days that scores are made of."""
    features = {measure.feature for card in cards for measure in card.measures}
    return [*sorted(features), *sorted({f"{ATTRIBUTE}{name}" for card in cards for name in card.when})]


def scores(cards: Sequence[Scorecard], table: pa.Table) -> tuple[list[str], list[float | None]]:
    """By row the name of the scorecard that is for it, and the score."""
    wanted = {measure.feature for card in cards for measure in card.measures}
    columns = {name: table[name].to_pylist() for name in table.column_names if name in wanted}
    attributes = {
        name.removeprefix(ATTRIBUTE): table[name].to_pylist()
        for name in table.column_names
        if name.startswith(ATTRIBUTE)
    }
    return health.score_columns(cards, attributes, columns, table.num_rows)


def each(cards: Sequence[Scorecard], table: pa.Table) -> dict[str, Health]:
    """By account of one measured day its health with all parts."""
    found = {}
    for row in table.to_pylist():
        attributes = {name.removeprefix(ATTRIBUTE): value for name, value in row.items() if name.startswith(ATTRIBUTE)}
        found[row["account_id"]] = health.score(chosen(cards, attributes), row)
    return found


def health_tables(
    cards: Sequence[Scorecard], now: dict[str, Health], before: dict[str, Health], since: date | None
) -> dict[str, pa.Table]:
    """The tables health_part and health_move of a watch."""
    parts: list[dict[str, object]] = [
        {
            "account_id": account, "place": place, "part": part.group, "label": part.label, "feature": part.feature,
            "value": part.value, "score": part.level, "weight": part.share, "points": part.points,
        }
        for account, told in now.items()
        for place, part in enumerate(sorted(told.parts, key=lambda one: -one.share))
    ]  # fmt: skip
    missing: list[dict[str, object]] = [
        {"account_id": account, "place": len(told.parts) + place, "part": "", "label": label, "feature": ""}
        for account, told in now.items()
        for place, label in enumerate(told.missing)
    ]
    moves: list[dict[str, object]] = [
        {"account_id": account, "place": place, "feature": move.feature, "points": move.points, "sentence": move.sentence, "since": since}
        for account, told in now.items()
        if account in before
        for place, move in enumerate(health.moves(before[account], told))
    ]  # fmt: skip
    return {"health_part": rows_of("health_part", [*parts, *missing]), "health_move": rows_of("health_move", moves)}


def rows_of(table: str, rows: list[dict[str, object]]) -> pa.Table:
    """Rows of a table of a watch; what a row does not have is null."""
    return pa.Table.from_pylist(rows, schema=TABLES[table])


def band_of(cards: Sequence[Scorecard], score: float | None) -> str | None:
    return None if score is None else band(score, cards[0].bands).name
