"""What may be set about learning; the defaults are what the product uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """One head: what happens within `horizon` days."""

    horizon: int = 90
    #: past days at which a model is trained as it would have been then
    origins: int = 8
    #: earlier ones, whose predictions only tune what comes after
    rehearsals: int = 2
    #: the part of the history before the first origin that is recorded
    lead_in: float = 0.5
    #: below so many events nothing is learned: the scorecard stands
    least_events: int = 20
    #: from so many accounts on boosting is blended in
    boosting_from: int = 500
    #: candidates for the ridge, strongest first: each is the precision of a coefficient around 0
    strengths: tuple[float, ...] = (1024.0, 256.0, 64.0, 16.0, 4.0)
    #: how firmly the coefficient of the scorecard is held at 1
    scorecard_strength: float = 10.0
    #: how often a smooth column may change its slope
    bends: int = 0
    #: candidates for the number of trees
    trees: tuple[int, ...] = (40, 80, 160)
    #: with fewer accounts than this there are so many trees: too few events to choose by
    choosing_from: int = 1000
    trees_of_few: int = 60
    depth: int = 3
    learning_rate: float = 0.1
    #: features and attributes that boosting looks at: those that the ridge finds to matter most
    boosted_sources: int = 60
    #: the part of the columns that a split chooses among
    columns: float = 0.3
    #: how much less an earlier prediction counts in choosing, by what stood behind it
    maturity: float = 2.0
    #: rows that a model of the past, and the model of today, are fitted on at most
    chain_rows: int = 100_000
    rows: int = 100_000
    #: the yearly rate that is taken where no history tells one
    yearly_rate: float = 0.15
    seed: int = 0
    #: more threads than free cores make boosting many times slower, so one is the safe choice
    threads: int = 1
