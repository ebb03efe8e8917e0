"""Commands that look ahead: watch, risk, signals, health, trackrecord."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from holdfast.cli import learn, show
from holdfast.cli.ask import FormatOption
from holdfast.cli.show import Format
from holdfast.desk import start
from holdfast.domain.judgement import SEVERITIES
from holdfast.domain.period import parse_day
from holdfast.flows import watched
from holdfast.flows.home import Home, open_home

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="As it would have been foretold on this day, from what was known by then; the last watch if left out."),
]  # fmt: skip
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=1_000_000, help="How many lines a table shows.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    commands: dict[str, Callable[..., None]] = {
        "watch": watch_, "risk": risk, "signals": signals, "health": health, "trackrecord": trackrecord, "learn-table": learn.learn_table,
    }  # fmt: skip
    for name, command in commands.items():
        app.command(name)(command)


def _with_desk(context: typer.Context) -> Home:
    """The home, with its desk: what CSMs say and CTAs lie there."""
    home = open_home(context.obj.home)
    start.connect(home.path)
    start.migrate()
    return home


def watch_(
    context: typer.Context,
    as_of: AsOfOption = None,
    full: Annotated[bool, typer.Option("--full", help="Measure every past day anew.")] = False,
    retrain: Annotated[bool, typer.Option("--retrain", help="Learn anew, though it is not due.")] = False,
    if_due: Annotated[
        bool, typer.Option("--if-due", help="Only where something was booked since the last watch.")
    ] = False,
) -> None:
    """Look at every account: features, health, signals, learned risk; open CTAs. `serve` does it after each booking."""
    home = _with_desk(context)
    if if_due and not watched.is_due(home):
        return
    # learning and the desk's rows are read in only here: other commands start without them
    from holdfast.flows import watch

    if as_of is not None:
        from holdfast.flows import looked_at

        _print_risk(looked_at.risk_on(home, parse_day(as_of), context.obj.now), 20, home.settings.currency, as_of)
        return
    with show.progress("watching") as step:
        current = watch.watch(
            home, context.obj.now, full=full, retrain=retrain, progress=lambda what, done, of: step(done, of)
        )
    _summary(home, current)


def _summary(home: Home, current: watched.Current) -> None:
    with watched.open_watched(home) as seen:
        accounts, at_risk, mrr = seen.rows("select count(*), sum(at_risk_minor), sum(mrr_minor) from standing")[0]
        bands = seen.rows(
            "select coalesce(band, 'without score'), count(*) from standing group by 1 order by min(health)"
        )
        raised = seen.rows("select kind, count(*) from judgement group by 1 order by 1")
    money = home.settings.currency
    show.out.print(f"watched {accounts:,} accounts on {current.as_of}")
    show.out.print(f"health: {', '.join(f'{count:,} {band}' for band, count in bands)}")
    show.out.print(f"signals: {', '.join(f'{count:,} {kind}' for kind, count in raised) or 'none'}")
    show.out.print(f"MRR at risk within 90 days: {show.money(at_risk, money)} of {show.money(mrr, money)} {money}")
    for one in watched.track_record(home)["targets"]:
        if one["horizon_days"] == 90:
            show.out.print(f"{one['target']} within 90 days: {one['verdict']}. {one['why']}", markup=False)


def risk(
    context: typer.Context, as_of: AsOfOption = None, limit: LimitOption = 20, format: FormatOption = Format.table
) -> None:
    """Chances of leaving, shrinking and growing within 30, 90 and 180 days, expected MRR with a 90 % interval, and reasons."""
    home = _with_desk(context) if as_of else open_home(context.obj.home)
    from holdfast.flows import looked_at

    rows = looked_at.risk_on(home, parse_day(as_of) if as_of else None, context.obj.now)
    seen = watched.current(home)
    day = as_of or (seen.as_of if seen else "")
    if format is Format.json:
        show.as_json({"as_of": day, "currency": home.settings.currency, "accounts": rows})
    elif format is Format.csv:
        show.as_csv(looked_at.plain(rows))
    else:
        _print_risk(rows, limit, home.settings.currency, day)


def _print_risk(rows: list[dict[str, Any]], limit: int, currency: str, day: str) -> None:
    lines = []
    for row in rows[:limit]:
        chances = [f"{row['probabilities'][target]['90']:.1%}" for target in ("churn", "contraction", "expansion")]
        expected = row["expected"]["90"]
        why = next((one["sentence"] for one in row["reasons"] if one["target"] == "churn" and one["raises"]), "")
        lines.append(
            [
                row["account_id"],
                why,
                show.money(row["mrr_minor"], currency),
                *chances,
                show.money(expected["expected_minor"], currency),
            ]
        )
    columns = ["account", "first reason", "MRR", "leaves", "shrinks", "grows", "expected"]
    show.table(
        f"Within 90 days of {day}", columns, lines, f"{len(rows):,} accounts, most MRR × chance of leaving first · {currency}", left=2
    )  # fmt: skip


def signals(context: typer.Context, limit: LimitOption = 50, format: FormatOption = Format.table) -> None:
    """What the signals say today, and what each was worth on this company's own past."""
    home = open_home(context.obj.home)
    with watched.open_watched(home) as seen:
        told = seen.told(
            "select account_id, signal, kind, severity, sentence, since, evidence from judgement order by severity desc, account_id, signal"
        )
    record = watched.signal_record(home)["signals"]
    if format is Format.json:
        import json

        for one in told:
            one["evidence"] = json.loads(one["evidence"])
        show.as_json({"judgements": told, "signals": record})
        return
    if format is Format.csv:
        show.as_csv(told)
        return
    rows = [
        [one["account_id"] or "(the book)", one["signal"], SEVERITIES[one["severity"]], one["sentence"]]
        for one in told[:limit]
    ]
    show.table("Signals", ["account", "signal", "severity", "sentence"], rows, f"{len(told):,} in all", left=4)
    show.table(
        "What they were worth here", ["signal", "verdict", "alerts", "right", "usual", "lead days", "a week"],
        [_record_line(one) for one in record], "right: share of alerts that came true; usual: of all accounts on the same days", left=2,
    )  # fmt: skip


def _record_line(one: Mapping[str, Any]) -> list[str]:
    def share(name: str) -> str:
        return "–" if one[name] is None else f"{one[name]:.1%}"

    def count(name: str, digits: int = 0) -> str:
        return "–" if one[name] is None else f"{one[name]:,.{digits}f}"

    return [
        one["signal"],
        one["verdict"],
        count("alerts"),
        share("precision"),
        share("base_rate"),
        count("lead_days"),
        count("per_week", 1),
    ]


def health(context: typer.Context, limit: LimitOption = 50, format: FormatOption = Format.table) -> None:
    """Health of every account, 0 (bad) to 100 (good), worst first, and what moved it most in four weeks."""
    home = open_home(context.obj.home)
    with watched.open_watched(home) as seen:
        rows = seen.told(
            "select account_id, health, health_before, band, scorecard, known_share, sentiment, mrr_minor, first.sentence as moved "
            "from standing left join (from health_move where place = 0) as first using (account_id) order by health nulls last, account_id"
        )
    if format is Format.json:
        show.as_json({"accounts": rows})
    elif format is Format.csv:
        show.as_csv(rows)
    else:
        lines = [
            [
                one["account_id"],
                one["band"] or "",
                one["moved"] or "",
                _points(one["health"]),
                _points(one["health_before"]),
            ]
            for one in rows[:limit]
        ]
        show.table(
            "Health, 0 bad to 100 good",
            ["account", "band", "moved most", "now", "4 weeks ago"],
            lines,
            f"{len(rows):,} accounts",
            left=3,
        )


def _points(score: float | None) -> str:
    return "–" if score is None else f"{score:.1f}"


def trackrecord(context: typer.Context, format: FormatOption = Format.table) -> None:
    """How good the predictions were on this company's own past, against the scorecard, the tenure and a constant."""
    told = watched.track_record(open_home(context.obj.home))
    if format is Format.json:
        show.as_json(told)
        return
    names = ("auc", "auc_scorecard", "auc_tenure", "calibration_slope", "lift_top_decile")
    if format is Format.csv:
        show.as_csv([{k: v for k, v in one.items() if not isinstance(v, list)} for one in told["targets"]])
        return
    rows = []
    for one in told["targets"]:
        figures = ["–" if one[name] is None else f"{one[name]:.2f}" for name in names]
        rows.append([one["target"], one["verdict"], str(one["horizon_days"]), f"{one['events']:,}", *figures])
    columns = ["target", "verdict", "days", "events", "AUC", "scorecard", "tenure", "slope", "lift"]
    show.table("Track record", columns, rows, "rows predicted by models that had seen nothing after the day", left=2)
