"""The commands that show numbers: their JSON is a public interface, their CSV opens in a spreadsheet, their tables are never cut."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from holdfast.cli.main import app
from holdfast.domain.period import Window
from holdfast.flows.book import open_ledger
from holdfast.flows.home import open_home
from holdfast.metrics import retention
from holdfast.warehouse.window import View

from ..metrics.worlds import rate
from .conftest import NUMBER, asked, holdfast, ok, process, runner

pytestmark = pytest.mark.slow

WINDOW = ("--start", "2024-02-01", "--end", "2024-05-01")

#: issue 2, word for word and in this order
NRR_KEYS = ("metric", "policy", "start", "end", "currency", "rows")
NRR_ROW_KEYS = (
    "segment", "accounts", "opening_minor", "expansion_minor", "contraction_minor", "churn_minor", "reactivation_minor", "fx_minor",
    "closing_minor", "nrr", "grr", "logo_retention",
)  # fmt: skip
BRIDGE_ROW_KEYS = (
    "month", "opening_minor", "new_minor", "expansion_minor", "contraction_minor", "churn_minor", "reactivation_minor", "fx_minor",
    "closing_minor",
)  # fmt: skip


# --- nrr ----------------------------------------------------------------------------------------------------


def test_nrr_json_is_the_interface_of_the_issue(small: Path) -> None:
    told = asked(small, "nrr", *WINDOW)
    assert set(NRR_KEYS) <= set(told)
    assert (told["metric"], told["policy"], told["start"], told["end"], told["currency"]) == (
        "nrr",
        "holdfast-1",
        "2024-02-01",
        "2024-05-01",
        "USD",
    )
    [row] = told["rows"]
    assert [key for key in row if key in NRR_ROW_KEYS] == list(NRR_ROW_KEYS)
    # 100 euros are 98.71 dollars, from 1 January 2024 on
    assert {name: row[name] for name in NRR_ROW_KEYS if name.endswith("_minor")} == {
        "opening_minor": 100_00 + 200_00 + 300_00 + 98_71, "expansion_minor": 50_00, "contraction_minor": -80_00, "churn_minor": -300_00,
        "reactivation_minor": 0, "fx_minor": 0, "closing_minor": 150_00 + 120_00 + 98_71,
    }  # fmt: skip
    assert row["segment"] is None
    assert row["nrr"] == pytest.approx(368_71 / 698_71) and row["grr"] == pytest.approx(318_71 / 698_71)
    assert row["logo_retention"] == 0.75
    assert set(row) - set(NRR_ROW_KEYS) == {"nrr_grr_gap", "logo_churn"}, "what goes beyond the issue is told here"
    assert set(told) - set(NRR_KEYS) == {"known_on", "complete_from", "benchmark"}


def test_nrr_by_segment(small: Path) -> None:
    rows = asked(small, "nrr", *WINDOW, "--by", "size")["rows"]
    assert {row["segment"]["size"]: row["opening_minor"] for row in rows} == {"S": 300_00, "L": 398_71}
    pairs = asked(small, "nrr", *WINDOW, "--by", "size,note")["rows"]
    assert [row["segment"] for row in pairs if row["segment"]["size"] == "S"] == [
        {"size": "S", "note": "=1+1"},
        {"size": "S", "note": None},
    ]
    assert sum(row["opening_minor"] for row in pairs) == sum(row["opening_minor"] for row in rows)


def test_nrr_json_is_the_metric(demo: Path) -> None:
    told = asked(demo, "nrr", "--start", "2025-03-10", "--end", "2026-02-17", "--by", "segment")
    home = open_home(demo)
    with open_ledger(home) as ledger:
        rows = retention.measure(ledger, Window(date(2025, 3, 10), date(2026, 2, 17)), View("USD"), ("segment",))
    assert [row["segment"] for row in told["rows"]] == [dict(row.segment) for row in rows]
    assert [row["nrr"] for row in told["rows"]] == [float(row.nrr or 0) for row in rows]


def test_zero_base_is_null_and_a_dash(small: Path) -> None:
    """Before the first customer there is nothing to divide by: never 0 %, never 100 %."""
    before = ("--start", "2023-01-01", "--end", "2024-01-01")
    [row] = asked(small, "nrr", *before)["rows"]
    assert (row["accounts"], row["opening_minor"], row["nrr"], row["grr"], row["logo_retention"]) == (
        0,
        0,
        None,
        None,
        None,
    )
    text = ok(small, "nrr", *before).out
    assert text.count("–") >= 4 and " 0.0 %" not in text and "100.0 %" not in text
    assert ok(small, "nrr", *before, "--format", "csv").out.splitlines()[1].endswith(",,,,,")


def test_the_policy_stands_beside_every_number(small: Path) -> None:
    for command in ("nrr", "bridge", "mrr", "cohorts", "renewals", "concentration"):
        assert "policy stripe" in ok(small, command, "--policy", "stripe").out


def test_policy_known_on_and_currency(small: Path) -> None:
    assert asked(small, "nrr", *WINDOW, "--policy", "ghost")["policy"] == "ghost"
    told = asked(small, "nrr", *WINDOW, "--currency", "only:EUR")
    assert (told["currency"], told["rows"][0]["opening_minor"], told["rows"][0]["nrr"]) == ("EUR", 100_00, 1.0)
    told = asked(small, "nrr", *WINDOW, "--currency", "eur")
    euros = [round(amount / rate("EUR", date(2024, 2, 1))) for amount in (100_00, 200_00, 300_00)]
    assert (told["currency"], abs(told["rows"][0]["opening_minor"] - sum(euros) - 100_00) <= 1) == ("EUR", True)
    told = asked(small, "nrr", *WINDOW, "--known-on", "2024-06-30")
    assert told["known_on"] == "2024-06-30"


@pytest.mark.parametrize(("series", "count"), [("month", 6), ("quarter", 2), ("12m", 6)])
def test_a_series_is_one_row_a_window(demo: Path, series: str, count: int) -> None:
    told = asked(demo, "nrr", "--series", series, "--from", "2026-01", "--to", "2026-06")
    assert len(told["rows"]) == count
    for row in told["rows"]:
        [alone] = (
            asked(demo, "nrr", "--start", row["start"], "--end", row["end"])["rows"]
            if row is told["rows"][0]
            else [row]
        )
        assert {key: row[key] for key in alone} == alone


def test_the_default_window_is_twelve_months_up_to_the_last_whole_month(small: Path) -> None:
    told = asked(small, "nrr")
    assert (told["start"], told["end"]) == ("2025-01-01", "2026-01-01")
    told = asked(small, "nrr", "--policy", "stripe")
    assert (told["start"], told["end"]) == ("2025-12-01", "2026-01-01"), "the window of the policy"


def test_the_verdict_names_its_populations(small: Path) -> None:
    benchmark = asked(small, "nrr", *WINDOW)["benchmark"]
    assert (benchmark["word"], benchmark["band"]) == ("concerning", "decay")
    assert all(one["population"] and one["who"] and one["definition"] for one in benchmark["comparisons"])
    assert all("3" in one["caution"] for one in benchmark["comparisons"]), "theirs are over 12 months, this is over 3"


# --- bridge -------------------------------------------------------------------------------------------------


def test_bridge_json_is_the_interface_of_the_issue(small: Path) -> None:
    told = asked(small, "bridge", "--from", "2024-01", "--to", "2024-03")
    assert [row["month"] for row in told["rows"]] == ["2024-01", "2024-02", "2024-03"]
    for row in told["rows"]:
        assert [key for key in row if key in BRIDGE_ROW_KEYS] == list(BRIDGE_ROW_KEYS)
        moves = sum(row[key] for key in BRIDGE_ROW_KEYS[2:-1]) + row["transfer_minor"]
        assert row["opening_minor"] + moves == row["closing_minor"]
    assert [row["closing_minor"] for row in told["rows"]] == [698_71, 618_71, 418_71]
    march = told["rows"][2]
    assert (march["new_minor"], march["expansion_minor"], march["churn_minor"]) == (50_00, 50_00, -300_00)
    assert march["accounts"]["churn"] == 1 and march["quick_ratio"] == pytest.approx(100 / 300)


def test_bridge_by_segment_and_by_quarter(small: Path) -> None:
    rows = asked(small, "bridge", "--from", "2024-01", "--to", "2024-06", "--by", "size", "--every", "quarter")["rows"]
    assert {(row["month"], row["segment"]["size"]) for row in rows} == {
        (q, size) for q in ("2024-Q1", "2024-Q2") for size in ("S", "L", None)
    }
    assert {"entering_minor", "leaving_minor"} <= set(rows[0])


def test_no_losses_no_quick_ratio(small: Path) -> None:
    [row] = asked(small, "bridge", "--from", "2024-01", "--to", "2024-01")["rows"]
    assert row["quick_ratio"] is None
    assert "–" in ok(small, "bridge", "--from", "2024-01", "--to", "2024-01").out


# --- the others ---------------------------------------------------------------------------------------------


def test_mrr(small: Path) -> None:
    [row] = asked(small, "mrr", "--on", "2024-12-31")["rows"]
    mrr = 150_00 + 120_00 + 98_71 + 50_00
    assert (row["mrr_minor"], row["arr_minor"], row["committed_minor"], row["trial_minor"]) == (
        mrr,
        12 * mrr,
        mrr - 98_71,
        80_00,
    )
    rows = asked(small, "mrr", "--on", "2024-12-31", "--by", "size")["rows"]
    assert sum(row["mrr_minor"] for row in rows) == mrr


def test_cohorts(small: Path) -> None:
    rows = asked(small, "cohorts", "--every", "month")["rows"]
    first = [(row["age_months"], row["accounts"], row["mrr_minor"]) for row in rows if row["cohort"] == "2024-01"][:3]
    assert first == [(0, 4, 698_71), (1, 4, 618_71), (2, 3, 368_71)]
    assert "2024-Q1" in ok(small, "cohorts", "--logos").out


def test_concentration(small: Path) -> None:
    told = asked(small, "concentration", "--on", "2024-01-31")
    assert [row["account"] for row in told["rows"]] == ["C", "B", "A", "D"]
    assert sum(row["share"] for row in told["rows"]) == pytest.approx(1)


def test_renewals(small: Path) -> None:
    [row] = asked(small, "renewals", "--start", "2024-07-01", "--end", "2025-07-01")["rows"]
    assert (row["due_count"], row["renewed_count"], row["renewal_rate"]) == (1, 1, 1.0)
    [row] = asked(small, "renewals", "--start", "2024-02-01", "--end", "2024-07-01")["rows"]
    assert (row["due_count"], row["renewal_rate"]) == (0, None)


# --- tables that fit, and do not lie ------------------------------------------------------------------------

TABLES = [
    ("nrr", *WINDOW), ("nrr", *WINDOW, "--by", "size,note"), ("bridge", "--from", "2024-01", "--to", "2024-04", "--by", "size"), ("mrr",),
    ("cohorts", "--every", "month"), ("concentration", "--on", "2024-01-31"), ("renewals", "--start", "2024-07-01", "--end", "2025-07-01"),
    ("explain", *WINDOW), ("reconcile", "--from", "2024-01", "--to", "2024-04"), ("status",),
]  # fmt: skip


@pytest.mark.parametrize("words", TABLES, ids=lambda words: " ".join(words[:1] + words[3:]))
@pytest.mark.parametrize("width", [60, pytest.param(80, marks=pytest.mark.slow)])
def test_a_narrow_terminal_never_cuts_a_number(small: Path, words: tuple[str, ...], width: int) -> None:
    """Every number of a narrow table is one of the wide one, whole or without its decimals; nothing ends in an ellipsis."""
    wide = ok(small, *words, width=240).out
    narrow = ok(small, *words, width=width).out
    told = NUMBER.findall(wide)
    allowed = {*told, *(number.split(".")[0] for number in told), *(rounded(number) for number in told)}
    assert "…" not in narrow
    table = narrow.split("policy ")[0]
    lost = [number for number in NUMBER.findall(table) if number not in allowed]
    assert not lost, f"{lost} are in no row of the wide table"


def rounded(number: str) -> str:
    plain = number.replace(",", "").removesuffix(" %")
    return f"{round(float(plain)):,}"


@pytest.mark.parametrize("columns", [60, pytest.param(80, marks=pytest.mark.slow)])
def test_a_narrow_terminal_of_a_real_process(demo: Path, columns: int) -> None:
    done = process(demo, "bridge", "--from", "2026-01", "--to", "2026-06", columns=columns)
    assert done.exit_code == 0, done.err
    rows = asked(demo, "bridge", "--from", "2026-01", "--to", "2026-06")["rows"]
    lines = [line for line in done.out.splitlines() if line.strip().startswith("2026-")]
    assert len(lines) == 6, "a row is one line"
    for row, line in zip(rows, lines, strict=True):
        shown = {number.replace(",", "") for number in NUMBER.findall(line)}
        for key in ("opening_minor", "closing_minor", "new_minor"):
            exact = row[key] / 100
            assert {f"{exact:.2f}", f"{exact:.0f}"} & shown, (key, exact, line)


# --- CSV ----------------------------------------------------------------------------------------------------

COMMANDS = [
    ("nrr", *WINDOW, "--by", "size,note"), ("bridge", "--by", "note"), ("cohorts",), ("mrr", "--by", "note"), ("renewals",), ("concentration",),
    ("explain", *WINDOW), ("explain", "A", *WINDOW), ("reconcile", "--from", "2024-01", "--to", "2024-04"), ("status",), ("close",),
    ("policies", "--policies", "holdfast-1,ghost", *WINDOW), ("policies", "--why", "ghost", *WINDOW),
]  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_csv_is_safe_and_json_is_whole(small: Path, words: tuple[str, ...]) -> None:
    """No cell begins a formula; the same rows as JSON parse; and both exit with 0."""
    document = asked(small, *words)
    assert isinstance(document, dict)
    text = ok(small, *words, "--format", "csv").out
    cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
    assert not [cell for cell in cells if cell[:1] in "=+@\t\r" and cell] and not [
        c for c in cells if c[:1] == "-" and not numeric(c)
    ]


def numeric(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_csv_keeps_the_text_behind_a_quote(small: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ok(small, "nrr", *WINDOW, "--by", "note", "--format", "csv").out)))
    assert {row["segment.note"] for row in rows} == {"'=1+1", "'@home", ""}
    assert {row["segment"]["note"] for row in asked(small, "nrr", *WINDOW, "--by", "note")["rows"]} == {
        "=1+1",
        "@home",
        None,
    }


def test_typer_s_own_runner_says_the_same(small: Path) -> None:
    told = runner(small, "nrr", *WINDOW, "--format", "json")
    assert told.exit_code == 0
    assert json.loads(told.stdout) == asked(small, "nrr", *WINDOW)


def test_a_real_process_writes_nothing_but_json(small: Path) -> None:
    done = process(small, "nrr", *WINDOW, "--policy", "profitwell", "--format", "json")
    assert (done.exit_code, json.loads(done.out)["policy"]) == (0, "profitwell")


@pytest.mark.slow
def test_the_home_may_come_from_the_environment(small: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "holdfast", "nrr", *WINDOW, "--format", "json"], capture_output=True, text=True, cwd=tmp_path,
        env={"HOLDFAST_HOME": str(small), "PATH": "", "COLUMNS": "80"} | pythonpath(), timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metric"] == "nrr"


def pythonpath() -> dict[str, str]:
    return {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}


# --- errors -------------------------------------------------------------------------------------------------

ERRORS: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("nrr", "--by", "colour"), ("colour", "size", "note")),
    (("nrr", "--policy", "stripee"), ("stripee", "holdfast-1", "stripe")),
    (("nrr", "--start", "2024-05-01", "--end", "2024-05-01"), ("2024-05-01", "empty")),
    (("nrr", "--start", "yesterday"), ("yesterday", "2024-03-31")),
    (("nrr", "--start", "2024-02-30"), ("2024-02-30", "2024-03-31")),
    (("nrr", "--currency", "euros"), ("euros", "EUR")),
    (("nrr", "--currency", "CHF"), ("to CHF", "2025-01-01", "fx_rate")),
    (("nrr", "--policy", "recurly", "--start", "2024-02-10", "--end", "2024-04-01"), ("recurly", "first of a month")),
    (("bridge", "--from", "2024-13"), ("2024-13", "2024-03")),
    (("bridge", "--from", "2024-05", "--to", "2024-01"), ("2024-05", "2024-01", "--from")),
    (("explain", "nobody"), ("nobody",)),
    (("explain", "--segment", "size"), ("size", "industry=DevTools")),
    (("close", "2030-01"), ("2030-01", "not over")),
    (("close", "2024-01", "--restatements"), ("2024-01", "holdfast close 2024-01")),
    (("policies", "--policies", "holdfast-1,nothing"), ("nothing", "stripe")),
    (("load", "/nowhere/at/all.csv"), ("all.csv",)),
]


@pytest.mark.parametrize(("words", "told"), ERRORS, ids=lambda words: " ".join(words))
def test_an_error_says_what_is_wrong_and_what_to_do(small: Path, words: tuple[str, ...], told: tuple[str, ...]) -> None:
    done = holdfast(small, *words)
    assert done.exit_code == 2
    said = done.err + done.out
    assert "Traceback" not in said
    for part in told:
        assert part in said, said


def test_a_real_process_ends_with_2_and_no_trace(small: Path) -> None:
    done = process(small, "nrr", "--by", "colour")
    assert (done.exit_code, done.out) == (2, "")
    assert done.err.strip().startswith("error: no account has an attribute 'colour'")


def test_an_option_that_does_not_exist_is_told_by_the_shell_s_usage(small: Path) -> None:
    assert process(small, "nrr", "--forever").exit_code == 2


def test_every_command_has_help_and_its_options_are_explained(small: Path) -> None:
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    assert set(commands) == {
        "init", "load", "book", "demo", "close", "status", "nrr", "bridge", "cohorts", "mrr", "renewals", "concentration", "explain",
        "policies", "reconcile", "serve", "people", "keys", "connect", "disconnect", "sync", "run", "write-back", "matches", "compact",
        "retention", "erase", "watch", "risk", "signals", "health", "trackrecord", "learn-table",
    }  # fmt: skip
    assert {name for name, command in commands.items() if hasattr(command, "commands")} == {"people", "keys", "matches"}
    for words, command in _with_those_of_groups(commands):
        name = " ".join(words)
        assert runner(small, *words, "--help").exit_code == 0
        assert command.help, name
        unexplained = [
            option.name for option in command.params if option.name not in ("help",) and not getattr(option, "help", "")
        ]
        assert not unexplained, f"{name}: {unexplained}"


def _with_those_of_groups(commands: dict[str, Any]) -> list[tuple[tuple[str, ...], Any]]:
    """Each command with the words that call it; `people create` stands below `people`."""
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, command in commands.items():
        found.append(((name,), command))
        found += [((name, *words), one) for words, one in _with_those_of_groups(getattr(command, "commands", {}))]
    return found
