"""The demo company: a world with known truths, month by month from hidden states, at any size."""

from holdfast.sources.demo.generate import generate
from holdfast.sources.demo.hidden import hidden, oracle_auc
from holdfast.sources.demo.truths import Truth, truths
from holdfast.sources.demo.world import World

__all__ = ["Truth", "World", "generate", "hidden", "oracle_auc", "truths"]
