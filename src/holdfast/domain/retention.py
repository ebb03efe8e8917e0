"""Ratios of retention: integers come in counted, one division each comes out. A zero base has no ratio."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from holdfast.domain.policy import Policy


@dataclass(frozen=True)
class Sums:
    """Monthly movements of a window summed up, in minor units; contraction and churn are negative."""

    expansion: int = 0
    contraction: int = 0
    churn: int = 0
    reactivation: int = 0


@dataclass(frozen=True)
class Counts:
    """What a window holds for one segment, in minor units of one currency (rules 22-25).

    Movements are those of the cohort, each entity's net over the window: opening + Σ movements + fx = closing.
    """

    accounts: int
    opening: int
    expansion: int
    contraction: int
    churn: int
    reactivation: int
    fx: int
    closing: int
    #: Σ min(opening, closing) per entity, at the rates of the start
    kept: int
    #: entities of the cohort that are there at the end
    retained: int
    #: monthly movements of the cohort, and of all entities
    cohort_sums: Sums = Sums()
    all_sums: Sums = Sums()

    def __post_init__(self) -> None:
        moved = self.expansion + self.contraction + self.churn + self.reactivation + self.fx
        if self.opening + moved != self.closing:
            raise ArithmeticError(f"opening {self.opening} + movements {moved} ≠ closing {self.closing}")


def ratio(part: int, whole: int) -> Fraction | None:
    """part ÷ whole; None where there is nothing to divide by."""
    return Fraction(part, whole) if whole > 0 else None


def nrr(counts: Counts, policy: Policy) -> Fraction | None:
    """Net revenue retention (rules 24, 26)."""
    if policy.nrr == "net_movements":
        s = counts.all_sums
        return ratio(counts.opening + s.expansion + s.reactivation + s.contraction + s.churn, counts.opening)
    return ratio(counts.closing - counts.fx, counts.opening)


def grr(counts: Counts, policy: Policy) -> Fraction | None:
    """Gross revenue retention (rules 24, 26)."""
    if policy.grr == "capped":
        return ratio(counts.kept, counts.opening)
    s = counts.cohort_sums
    lost = s.churn + (s.contraction if policy.grr == "summed" else 0)
    return ratio(counts.opening + lost, counts.opening)


def logo_retention(counts: Counts) -> Fraction | None:
    """Entities kept ÷ entities of the cohort (rule 24)."""
    return ratio(counts.retained, counts.accounts)


def quick_ratio(new: int, expansion: int, contraction: int, churn: int) -> Fraction | None:
    """(new + expansion) ÷ (contraction + churn); the losses come in negative. None without losses."""
    lost = -(contraction + churn)
    return Fraction(new + expansion, lost) if lost > 0 else None


@dataclass(frozen=True)
class MixAndRate:
    """One segment's part in the difference between two rates: what its weight did, and what its own rate did."""

    segment: str
    mix: Fraction
    rate: Fraction


def mix_and_rate(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[MixAndRate]:
    """Split the change of a rate exactly (opening and kept amounts by segment, before and after).

    Weights change at the average rate, rates at the average weight, so the parts sum to the change without a rest.
    """
    whole_before, whole_after = sum(o for o, _ in before.values()), sum(o for o, _ in after.values())
    if whole_before <= 0 or whole_after <= 0:
        return []
    total_before = Fraction(sum(c for _, c in before.values()), whole_before)
    total_after = Fraction(sum(c for _, c in after.values()), whole_after)
    middle = (total_before + total_after) / 2
    parts = []
    for segment in sorted({*before, *after}):
        o0, c0 = before.get(segment, (0, 0))
        o1, c1 = after.get(segment, (0, 0))
        w0, w1 = Fraction(o0, whole_before), Fraction(o1, whole_after)
        # a segment that is missing on one side has no rate there; its whole part is mix
        r0 = Fraction(c0, o0) if o0 else Fraction(c1, o1) if o1 else Fraction(0)
        r1 = Fraction(c1, o1) if o1 else r0
        parts.append(MixAndRate(segment, (w1 - w0) * ((r0 + r1) / 2 - middle), (r1 - r0) * (w0 + w1) / 2))
    return parts
