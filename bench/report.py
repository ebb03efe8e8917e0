"""The report: what each contender spent, how ours compares, and each target with met or not met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from bench.day import Day
from bench.measure import Spent

out = Console(highlight=False)

RIVALS = ("pandas", "spine")

#: columns of words
NAMES = ("contender", "target", "verdict")

#: the size the targets are about
TARGET_SIZE = 1_000_000
#: growth of CPU per account, from any size to the largest, that still counts as linear
LINEAR = 1.1


@dataclass(frozen=True)
class Measured:
    """All figures of one size; contenders by name, medians."""

    size: int
    runs: int
    spent: dict[str, Spent]
    #: milliseconds
    latency: dict[str, float]
    day: Day
    #: where answers differ; nothing may
    differences: tuple[str, ...]

    def ratio(self, other: str) -> float:
        """Ours ÷ another's CPU seconds."""
        return self.spent["ours"].cpu / self.spent[other].cpu

    @property
    def per_account(self) -> float:
        """Our CPU microseconds for one account; the start of Python is not counted."""
        return 1e6 * self.spent["ours"].work_cpu / self.size


@dataclass(frozen=True)
class Target:
    """What was promised, and what was measured."""

    text: str
    figure: str
    met: bool


def show(measured: Sequence[Measured]) -> None:
    """Print everything."""
    out.print(_contenders(measured))
    out.print(_stages(measured))
    out.print(_asking(measured))
    out.print(_days(measured))
    for one in measured:
        for line in one.differences:
            out.print(f"[bold red]{one.size:,} accounts: the results differ.[/] {line}")
    if not any(one.differences for one in measured):
        out.print("All contenders give the same whole numbers; a day's booking and a full one, the same ledger.\n")
    out.print(_targets(measured))


def _table(title: str, *columns: str) -> Table:
    """A table whose first column is the number of accounts; all but names stand to the right."""
    table = Table(title=title, title_justify="left")
    for column in ("accounts", *columns):
        table.add_column(column, justify="left" if column in NAMES else "right")
    return table


def _contenders(measured: Sequence[Measured]) -> Table:
    title = "The whole work: book, NRR by segment, cohorts, 12-month NRR of every month"
    table = _table(title, "contender", "CPU s", "wall s", "peak MB", "ours ÷ it", "runs")
    for one in measured:
        for name, spent in one.spent.items():
            ratio = "" if name == "ours" else f"{one.ratio(name):.2f}"
            figures = (f"{spent.cpu:,.2f}", f"{spent.wall:,.2f}", f"{spent.peak_mb:,.0f}")
            table.add_row(f"{one.size:,}", name, *figures, ratio, str(one.runs))
        table.add_section()
    return table


def _stages(measured: Sequence[Measured]) -> Table:
    names = list(measured[0].spent["ours"].answers.stages)
    table = _table("Where the CPU seconds go", "contender", *names)
    for one in measured:
        for contender in ("ours", *RIVALS):
            stages = one.spent[contender].answers.stages
            cells = (f"{stages[name]:,.2f}" if name in stages else "" for name in names)
            table.add_row(f"{one.size:,}", contender, *cells)
        table.add_section()
    return table


def _asking(measured: Sequence[Measured]) -> Table:
    table = _table("A published NRR by segment, milliseconds", "median of 20", "slowest", "ledger opened for it")
    for one in measured:
        figures = (f"{one.latency[name]:,.0f}" for name in ("median ms", "slowest ms", "cold ms"))
        table.add_row(f"{one.size:,}", *figures)
    return table


def _days(measured: Sequence[Measured]) -> Table:
    title = "Booking after a day's changes, beside booking all of it"
    table = _table(title, "changed", "CPU s", "of all", "÷", "wall s", "of all", "÷", "peak MB")
    for one in measured:
        again, full = one.day.again, one.day.full
        cells = [f"{one.size:,}", f"{one.day.changed:,}"]
        for name in ("book", "wall"):
            short, long = again.answers.stages[name], full.answers.stages[name]
            cells += [f"{short:,.2f}", f"{long:,.2f}", f"{short / long:.3f}"]
        table.add_row(*cells, f"{again.peak_mb:,.0f}")
    return table


def _targets(measured: Sequence[Measured]) -> Table:
    largest = measured[-1]
    title = f"Targets at {largest.size:,} accounts"
    if largest.size != TARGET_SIZE:
        title += f" (they are meant for {TARGET_SIZE:,})"
    table = Table(title=title, title_justify="left")
    table.add_column("target")
    table.add_column("measured", justify="right")
    table.add_column("")
    for target in targets(measured):
        table.add_row(target.text, target.figure, "[green]met[/]" if target.met else "[red]not met[/]")
    return table


def targets(measured: Sequence[Measured]) -> Iterator[Target]:
    """Each target with its figure, at the largest size."""
    one = measured[-1]
    floor, narrow, pandas = one.ratio("floor"), one.ratio("floor, narrow"), one.ratio("pandas")
    yield Target("whole work at most 8 × the floor's CPU", f"{floor:.1f} × ({narrow:.1f} × the narrow one)", floor <= 8)
    yield Target("at most a third of pandas' CPU", f"{pandas:.2f}", pandas <= 1 / 3)
    growth = max(one.per_account / smaller.per_account for smaller in measured)
    steps = " → ".join(f"{m.per_account:,.0f}" for m in measured)
    yield Target("linear: CPU per account does not grow", f"{growth:.2f} × at most ({steps} µs)", growth <= LINEAR)
    peak = one.spent["ours"].peak_mb
    yield Target("peak memory under 2.5 GB", f"{peak / 1000:,.2f} GB", peak < 2500)
    latency = one.latency["median ms"]
    yield Target("published NRR by segment under 100 ms", f"{latency:,.0f} ms", latency < 100)
    share = one.day.again.answers.stages["book"] / one.day.full.answers.stages["book"]
    told = f"{share:.3f}" + (" (no shorter than a full one)" if share > 0.5 else "")
    yield Target("a day's booking under a tenth of a full one", told, share < 0.1)
