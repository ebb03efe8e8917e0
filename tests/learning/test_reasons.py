"""A reason is a promise: put that one feature to its typical value, and the prediction moves by what was said."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from holdfast.learning.design import SCORECARD
from holdfast.learning.model import Model
from holdfast.learning.settings import Settings
from holdfast.learning.training import fit

from .worlds import World, world

KINDS = {"logistic": 10_000, "blended": 50}


@cache
def company() -> World:
    return world(accounts=120, periods=20, columns=8)


@cache
def model(kind: str) -> Model:
    settings = Settings(origins=2, rehearsals=1, boosting_from=KINDS[kind])
    found = fit(company().panel, company().hit, settings)
    assert found.kind == kind
    # whatever share was chosen, both halves must keep the promise
    return replace(found, blend=replace(found.blend, share=0.5 if kind == "blended" else 0.0))


@pytest.mark.parametrize("kind", KINDS)
def test_each_reason_is_the_change_of_log_odds_when_it_is_put_to_its_typical_value(kind: str) -> None:
    panel, found = company().panel, model(kind)
    rows = np.arange(0, len(panel), 293)
    seen = set()
    for row, reasons in zip(rows.tolist(), found.reasons(panel, rows, top=4), strict=True):
        one = panel.take(np.array([row]))
        for name, moves in reasons:
            without = found.log_odds(found.design.typical(one, name))
            assert found.log_odds(one)[0] - without[0] == pytest.approx(moves, abs=2e-4)
            seen.add(name)
    assert {"region", SCORECARD} & seen or len(seen) > 3


@pytest.mark.parametrize("kind", KINDS)
def test_reasons_come_largest_first(kind: str) -> None:
    for reasons in model(kind).reasons(company().panel, range(20), top=6):
        sizes = [abs(moves) for _, moves in reasons]
        assert sizes == sorted(sizes, reverse=True) and len(sizes) <= 6


def test_trees_never_push_a_feature_against_its_known_direction() -> None:
    panel, found = company().panel, model("blended")
    boosted = found.candidates.boosted
    assert boosted is not None
    rows = panel.take(np.arange(0, len(panel), 53))
    plain = found.design.plain(rows)
    for place, source in enumerate(found.design.plain_sources):
        if source.startswith("signal"):
            said = []
            for value in np.linspace(-4, 4, 9):
                put = plain.copy()
                put[:, place] = value
                said.append(boosted.log_odds(put, 0))
            assert np.all(np.diff(np.array(said), axis=0) <= 1e-9)


def test_the_scorecard_alone_gives_itself_as_the_reason() -> None:
    panel = company().panel
    found = fit(panel, np.full(len(panel), np.nan), Settings())
    for row, reasons in enumerate(found.reasons(panel, range(10))):
        ((name, moves),) = reasons
        assert name == SCORECARD
        assert (moves > 0) == (panel.prior[row] > panel.prior.mean())


def test_a_level_never_seen_and_unknown_numbers_are_predicted_without_fuss() -> None:
    panel, found = company().panel, model("blended")
    strange = replace(
        panel,
        values=np.full_like(panel.values, np.nan),
        categories={"region": np.full(len(panel), "nowhere", dtype=object)},
    )
    chance = found.predict(strange)
    assert np.all((chance > 0) & (chance < 1))
