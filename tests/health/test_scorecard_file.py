"""Scorecards as TOML: the shipped ones work, own ones are read, and what is wrong is said with its place and remedy."""

from __future__ import annotations

import pytest

from holdfast.domain.health import score
from holdfast.domain.scorecard import Band, ScorecardError, chosen
from holdfast.domain.scorecard_file import dump, parse, shipped_text
from holdfast.warehouse.features import dictionary

FEATURES = {feature.name: feature for feature in dictionary()}

OWN = """
known_share = 0.5

[[band]]
name = "fine"
from = 60

[[band]]
name = "poor"
from = 0

[[scorecard]]
name = "big"
when = {segment = ["Enterprise"], region = ["EMEA", "APAC"]}

[[scorecard.group]]
name = "usage"
weight = 2
measure = [{feature = "active_users_28d", label = 'People "at work"', bad = 1, good = 10}]

[[scorecard]]
name = "others"
known_share = 0.25

[[scorecard.group]]
name = "billing"
measure = [{feature = "overdue_days", bad = 30, good = 0.5, weight = 1.5, unit = "days"}]
"""


def test_own_scorecards_are_read() -> None:
    big, others = parse(OWN, FEATURES)
    assert (big.when, big.known_share) == ({"segment": ("Enterprise",), "region": ("EMEA", "APAC")}, 0.5)
    assert big.bands == (Band("fine", 60), Band("poor", 0))
    assert (others.known_share, others.measures[0].label) == (0.25, "Overdue days")
    assert chosen((big, others), {"segment": "Enterprise", "region": "APAC"}) is big
    assert chosen((big, others), {"segment": "Enterprise", "region": "AMER"}) is others


@pytest.mark.parametrize("text", [OWN, shipped_text()], ids=["own", "shipped"])
def test_what_is_written_back_reads_the_same(text: str) -> None:
    cards = parse(text, FEATURES)
    assert parse(dump(cards), FEATURES) == cards


def test_the_shipped_scorecards_agree_with_the_dictionary() -> None:
    """The likelier it makes an account leave, the worse: no threshold says the contrary of its feature."""
    for card in parse(shipped_text(), FEATURES):
        for one in card.measures:
            risk = FEATURES[one.feature].risk
            assert risk == 0 or (one.bad > one.good) == (risk > 0), f"{card.name}: {one.feature}"


@pytest.mark.parametrize("segment", ["SMB", "Mid-market", "Enterprise", None])
def test_billing_data_alone_give_a_score(segment: str | None) -> None:
    card = chosen(parse(shipped_text(), FEATURES), {"segment": segment})
    billing = {name: 0.0 for name, feature in FEATURES.items() if feature.group in ("billing", "contract")}
    found = score(card, billing)
    assert found.score is not None, found.sentence
    assert found.missing


def test_each_kind_of_customer_has_a_scorecard_of_its_own() -> None:
    cards = parse(shipped_text(), FEATURES)
    names = [chosen(cards, {"segment": one}).name for one in ("SMB", "Mid-market", "Enterprise", "Public sector")]
    assert names == ["digital", "mid-market", "enterprise", "general"]


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        ('name = "big"', "name = 3", r"\[\[scorecard\]\] 1: name = 3; write a text in quotes"),
        ("bad = 1,", "", r"\[\[scorecard\]\] 'big', group 'usage', measure 1: bad is missing; write a number"),
        ("bad = 1,", "bad = 10,", "bad and good are both 10; give two values with a distance"),
        ("active_users_28d", "active_user_28d", r"feature = 'active_user_28d' is not a feature; near it: active_users_28d"),
        ("weight = 2", "weight = -2", "group 'usage': weight = -2; write a number above 0"),
        ("weight = 2", "wieght = 2", "group 'usage': unknown key 'wieght'; the keys are measure, name, weight"),
        ("known_share = 0.5", "known_share = 50", "known_share = 50; write a share between 0 and 1"),
        ("from = 0", "from = 10", "the lowest is 0"),
        ('["Enterprise"]', '"Enterprise"', r"when.segment = 'Enterprise'; write the values as a list of texts"),
        ('name = "others"', 'name = "big"', "two scorecards are called 'big'"),
        ('name = "others"', 'name = "others"\nwhen = {segment = ["SMB"]}', "no scorecard is without `when`"),
        ('when = {segment = ["Enterprise"], region = ["EMEA", "APAC"]}', "", "big and others have no `when`"),
        ("measure = [{feature = \"overdue_days\"", "measures = [{feature = \"overdue_days\"", "unknown key 'measures'"),
        ("known_share = 0.5", "known_share = ", "not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place_and_what_to_do(change: str, by: str, said: str) -> None:
    assert change in OWN
    with pytest.raises(ScorecardError, match=said) as raised:
        parse(OWN.replace(change, by, 1), FEATURES, "home/scorecards.toml")
    assert str(raised.value).startswith("home/scorecards.toml: ")


def test_a_feature_counts_once_in_a_scorecard() -> None:
    one = '{feature = "overdue_days", bad = 3, good = 1}'
    twice = OWN.replace('measure = [{feature = "overdue_days"', f'measure = [{one}, {{feature = "overdue_days"')
    with pytest.raises(ScorecardError, match="'overdue_days' stands there twice"):
        parse(twice, FEATURES)
