"""A leading indicator is told where there is one, and chance is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.learning.leading import Lead, leads

ACCOUNTS, DAYS = 600, 12


def book(strength: float, seed: int = 3) -> list[Lead]:
    """Accounts of very different size; those high on the indicator keep `strength` more of their MRR after 90 days."""
    chance = np.random.default_rng(seed)
    who = np.tile(np.arange(ACCOUNTS), DAYS)
    days = np.repeat(np.arange(DAYS) * 28, ACCOUNTS)
    before = np.tile(chance.lognormal(6, 1.5, ACCOUNTS), DAYS)
    indicator = np.tile(chance.normal(size=ACCOUNTS), DAYS) + chance.normal(0, 0.3, who.size)
    stays = chance.random(who.size) < 0.9 + strength * np.sign(indicator) / 2
    after = {30: before * 1.0, 90: before * stays}
    after[90][days > 28 * 8] = np.nan
    return leads(indicator, days, who, before, after, compared=2)


def test_an_indicator_that_leads_is_found_with_its_size() -> None:
    quiet, led = book(0.1)
    assert led.horizon_days == 90 and led.low < 0.1 < led.high
    assert led.low > 0, "chance is ruled out"
    assert quiet.effect == 0


def test_chance_is_rarely_taken_for_a_lead() -> None:
    told = [lead for seed in range(40) for lead in book(0, seed) if lead.horizon_days == 90]
    assert sum(lead.low > 0 or lead.high < 0 for lead in told) <= 3


def test_size_alone_does_not_make_an_indicator() -> None:
    """Large accounts stay and small ones leave: an indicator that is their size says nothing beyond it."""
    chance = np.random.default_rng(1)
    size = chance.lognormal(6, 1.5, ACCOUNTS)
    who, days = np.arange(ACCOUNTS), np.zeros(ACCOUNTS, np.int64)
    group = np.argsort(np.argsort(size)) * 4 // ACCOUNTS
    stays = chance.random(ACCOUNTS) < np.array([0.6, 0.7, 0.8, 0.95])[group]
    (lead,) = leads(size, days, who, size, {90: size * stays}, compared=1)
    assert lead.low < 0 < lead.high


@pytest.mark.parametrize("accounts", [0, 5, 30])
def test_few_accounts_tell_nothing(accounts: int) -> None:
    chance = np.random.default_rng(2)
    values = chance.normal(size=accounts)
    before = np.full(accounts, 100.0)
    days = np.zeros(accounts, np.int64)
    assert leads(values, days, np.arange(accounts), before, {90: before}, compared=1) == []
