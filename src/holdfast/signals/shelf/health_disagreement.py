"""The score and the CSM's own sentiment disagree."""

from __future__ import annotations

from holdfast.domain.health import disagreement
from holdfast.domain.judgement import NOTICE, WARNING
from holdfast.signals.signal import Seen, Signal, Verdict


def judge(seen: Seen) -> Verdict | None:
    found = disagreement(seen["health"], round(seen["sentiment"]), seen.bands)
    # hope against the figures costs more than worry without them
    if found is None:
        return None
    return Verdict(WARNING if found.is_hopeful else NOTICE, found.sentence)


SIGNAL = Signal(
    name="health_disagreement",
    kind="risk",
    title="Health and CSM disagree",
    sentence="The score and the CSM's own sentiment lie two bands apart: one is green, the other red.",
    next="Look at it together with a colleague: what does the CSM know that the figures do not, or the other way round?",
    observes=("health", "sentiment"),
    judge=judge,
    outcome="churn",
)
