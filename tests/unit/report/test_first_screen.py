"""The first screen of a report: the systems side by side, three cards, the next step, and the same as text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.documents import (
    NO_INTERVAL,
    billed,
    comparison,
    comparisons,
    cost,
    summary,
    sweep,
    timed,
    tuning,
)
from support.result_folders import manifest_of, reranker_facts

from evalkit.comparison.gate_verdicts import RuleFinding, Status
from evalkit.comparison.sensitivity import Sensitivity
from evalkit.latency.billing import Billing
from evalkit.report.cautions import Caution
from evalkit.report.first_screen import FirstScreen, Panel, date_text, first_screen
from evalkit.report.forest import forest, span_of_differences
from evalkit.report.manifest_command import config_in, repeated, timing_command
from evalkit.report.systems import Measured, SystemRow
from evalkit.report.terminal import next_lines, screen_lines, warning_lines
from evalkit.results.billing_rows import CallCost
from evalkit.results.comparison_document import Comparisons
from evalkit.results.manifest import PairCounts
from evalkit.results.tuning_document import DepthRow
from evalkit.stats import Interval
from evalkit.tuning import Choice

BETTER = {"difference": 0.1, "lower": 0.05, "upper": 0.15}


def measured(choice: Choice | None = None, backend: str = "http", **changes: Any) -> Measured:
    """Return latency, cost and depth of a reranker x: timed at 50 documents, and at 20 by interpolation."""
    rows = tuple(
        DepthRow(
            depth, NO_INTERVAL, NO_INTERVAL, None, None, None, None, depth * 0.001, depth == 50, depth / 100
        )
        for depth in range(1, 51)
    )
    found = replace(sweep("x", choice=choice or Choice(50, 50, 50, None)), rows=rows)
    manifest = replace(
        manifest_of(["d"], ["x"], **changes), rerankers={"x": reranker_facts(backend=backend)}, name="test"
    )
    timings = [timed("x", 50, 0.1, 0.182)]
    return Measured(manifest, summary(latency=timings, costs=[cost("x", 100, 5000)]), tuning(found))


def screen(compared: Comparisons | None = None, found: Measured | None = None) -> FirstScreen:
    """Return a first screen without warnings."""
    return first_screen(
        "test", compared or comparisons(comparison("x", **BETTER)), [], found, result="results/test/1"
    )


def panel_of(found: FirstScreen) -> Panel:
    """Return the panel above the cards."""
    assert found.lead is not None
    return found.lead


def row_of(found: FirstScreen, system: str) -> SystemRow:
    """Return the row of a system on the first dataset."""
    return next(row for row in panel_of(found).rows if row.system == system)


@pytest.mark.parametrize(
    ("checked", "needed", "p95", "cost_usd"),
    [
        ("PASS", "20", "~20.0", "$0.200"),
        ("CANNOT TELL", "all (up to 20)", "~20.0", "$0.200"),
    ],
)
def test_latency_and_cost_are_those_of_the_candidates_needed(
    checked: Status, needed: str, p95: str, cost_usd: str
) -> None:
    """A depth without confirmation is given as all candidates; a latency between batch sizes is marked."""
    choice = Choice(50, 50, 20, None, checked=RuleFinding(checked, ""))
    row = row_of(screen(found=measured(choice)), "x")
    assert (row.needed, row.p95, row.cost, row.depth) == (needed, p95, cost_usd, 20)


@pytest.mark.parametrize(("scored", "which"), [(0, "all"), (5, "some")])
def test_cached_scores_with_a_price_say_that_the_cost_is_unknown(scored: int, which: str) -> None:
    """Stored scores are not billed again; timed calls with as many documents give the cost, if there are any."""
    found = measured()
    price = {"usd_per_thousand_units": 2.0, "as_of": "2026-11-22"}
    manifest = replace(
        found.manifest,
        rerankers={"x": reranker_facts(backend="http", price=price)},
        pairs=(PairCounts("d", "x", 10, scored, 0, 10 - scored, 0, None, ()),),
    )
    known = summary(latency=found.summary.latency)
    cached = Measured(manifest, known, tuning(sweep("x", [None] * 50, Choice(50, 50, 50, None))))
    assert f"Cost unknown: {which} scores were cached." in screen(found=cached).cards[1].lines
    timed_calls = billed("x", Billing(None), None, CallCost(20, 0.001), CallCost(50, 0.002))
    paid = screen(found=replace(cached, summary=replace(known, billing=(timed_calls,))))
    assert row_of(paid, "x").cost == "$2.00"
    assert "x costs $2.00 per 1,000 queries." in paid.cards[1].lines


def test_a_measured_percentile_comes_with_its_interval() -> None:
    """The cell shows the number, and knows its bounds."""
    row = row_of(screen(found=measured()), "x")
    assert row.p95 == "182 [164, 218]"


def test_replayed_scores_have_no_latency() -> None:
    """Whatever was timed, a replayed reranker was not; the next step is to time it."""
    found = screen(found=measured(backend="replay"))
    assert row_of(found, "x").p95 == "replayed"
    assert found.cards[1].figure == "Not measured"
    assert found.next_step.text.startswith("x was replayed. Measure its latency before adoption")


def test_the_systems_are_in_the_order_of_their_means_and_the_baseline_has_its_own_queries() -> None:
    """A system without scores comes last, without a difference."""
    compared = comparisons(comparison("x", **BETTER), comparison("lost", n=0, contender_mean=None))
    entry = replace(compared.datasets[0], baseline_mean=Interval(0.4, 0.3, 0.5, 310))
    rows = panel_of(screen(replace(compared, datasets=(entry,)))).rows
    assert [(row.system, row.verdict, row.queries) for row in rows] == [
        ("x", "better", 300),
        ("bm25", "baseline", 310),
        ("lost", "not scored", 0),
    ]
    assert rows[2].difference is None


@given(
    bounds=st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5)), min_size=1, max_size=5
    ),
    margin=st.floats(0.0001, 0.2),
)
def test_a_forest_plot_shows_all_it_has(bounds: list[tuple[float, float, float]], margin: float) -> None:
    """Every interval, the zero line, the margin and all ticks lie inside the plot, in the order of their values."""
    rows = [
        SystemRow(f"s{place}", Interval(at, at - below, at + above, 9), "", 0.5, 9)
        for place, (at, below, above) in enumerate(bounds)
    ]
    drawn = forest(rows, margin, span_of_differences(rows, margin))
    for row in drawn.rows:
        assert row.at is not None
        assert row.lower is not None
        assert row.upper is not None
        assert 0 <= row.lower <= row.at <= row.upper <= 100
    assert 0 <= drawn.margin[0] <= drawn.zero <= drawn.margin[1] <= 100
    assert all(0 <= at <= 100 for at, _ in drawn.ticks)


def test_the_cards_say_what_the_decision_rests_on() -> None:
    """Gain with wins and losses; latency and cost of the choice; queries and warnings."""
    compared = comparisons(comparison("x", **BETTER, wins=39, ties=33, losses=24))
    found = first_screen("test", compared, [Caution("verdict", "w", "r")], measured())
    quality, speed, confidence = found.cards
    assert (quality.figure, quality.lines[1]) == ("+0.100", "39 queries better, 33 unchanged, 24 worse.")
    assert (speed.figure, speed.lines[1]) == ("182 ms p95", "x costs $0.500 per 1,000 queries.")
    assert confidence.figure == "300 queries"
    assert confidence.warnings_text == "1 warning"


@pytest.mark.parametrize(
    ("compared", "found", "text", "command"),
    [
        (comparisons(comparison("x", **BETTER)), measured(), "Save this", "evalkit baseline save results/test/1 NAME"),
        (comparisons(comparison("x", **BETTER)), measured(status="incomplete"), "Fix the cause", "evalkit run"),
        (comparisons(comparison("x", "not told apart")), measured(), "Compare another reranker, or add", None),
        (comparisons(comparison("x", "worse")), measured(), "Compare another reranker.", None),
        (comparisons(comparison("x", "too few queries", n=12)), measured(), "Add at least 18 queries", "evalkit run"),
        (comparisons(comparison("x", "undecided: failed queries", unranked=3)), None, "Add the missing", None),
    ],
)  # fmt: skip
def test_the_next_step_follows_from_the_decision(
    compared: Comparisons, found: Measured | None, text: str, command: str | None
) -> None:
    """Each decision has one step, with a command where there is one."""
    step = screen(compared, found).next_step
    assert step.text.startswith(text)
    assert step.command is None if command is None else (step.command or "").startswith(command)


@pytest.mark.parametrize("width", [60, 80, 100])
def test_no_line_of_text_is_wider_than_the_terminal(width: int) -> None:
    """Sentences wrap, and columns that do not fit follow below."""
    compared = comparisons(comparison("a-reranker-with-a-long-name", **BETTER), comparison("x", **BETTER))
    found = screen(compared, measured())
    lines = [*screen_lines(found, width), *next_lines(found.next_step, width)]
    assert max(len(line) for text in lines for line in text.splitlines()) <= width


def test_warnings_are_printed_worst_first_with_one_remedy_for_all_that_share_it() -> None:
    """What makes the result incomplete comes before what affects single figures; the rest is counted."""
    few = [
        Caution("figures", "f", "Sort."),
        Caution("invalid", "i", "Rerun."),
        Caution("invalid", "j", "Rerun."),
    ]
    assert warning_lines(few, details=False) == [
        "warning: i", "warning: j", "  hint: Rerun.", "warning: f", "  hint: Sort.",
    ]  # fmt: skip
    many = [Caution("figures", f"f{n}", "Sort.") for n in range(9)]
    assert warning_lines(many, details=False)[-1].startswith("4 more warnings")
    assert len(warning_lines(many, details=True)) == 10


def test_a_date_reads_as_people_write_it() -> None:
    """In UTC, to the minute."""
    assert date_text("2026-11-28T12:20:31+01:00") == "28 Nov 2026, 11:20 UTC"


def test_a_median_stands_in_for_a_percentile_that_needs_more_calls() -> None:
    """It is marked as such, with the number of calls that are missing, and the next step does not ask to time again."""
    found = measured()
    few = replace(found.summary, latency=(timed("x", 50, 0.1, None, n=60),))
    shown = screen(found=Measured(found.manifest, few, replace(found.tuned, depth=())))
    assert row_of(shown, "x").latency == "100 (p50)"
    assert shown.cards[1].figure == "100 ms median"
    assert shown.next_step.text.startswith("Save this result")


def test_commands_of_the_next_step_are_those_of_the_run() -> None:
    """The configuration is named where the command names one; a run from Python has no command to repeat."""
    assert config_in("evalkit run configs/a b.yaml --into x") == "b.yaml"
    assert config_in("evalkit.run(dict)") == "CONFIG"
    assert repeated("evalkit run c.yaml --refresh --into x") == "evalkit run c.yaml --into x"
    assert repeated("evalkit.run('c.yaml')") is None
    assert repeated("evalkit run 'unclosed") is None
    with_latency = timing_command("evalkit run c.yaml --refresh --into x", None)
    assert with_latency == "evalkit run c.yaml --into x --set 'latency={}'"
    assert timing_command("evalkit run c.yaml", 7) == "evalkit run c.yaml --set 'latency.batch_sizes=[7]'"
    assert timing_command("evalkit.run(dict)", None) == "evalkit run CONFIG --set 'latency={}'"


@pytest.mark.parametrize(
    ("low", "high", "marked"), [(-0.096, 0.492, True), (0.02, 0.3, False), (None, None, False)]
)
def test_an_order_of_ties_that_could_reverse_the_result_is_on_the_card(
    low: float | None, high: float | None, marked: bool
) -> None:
    """The confidence card names the range where it contains 0, and is marked."""
    row = Sensitivity("bm25", "x", 10, 1.0, 1.0, 0, 0, 0, Interval(0.1, 0.0, 0.2, 9), None, 0, low, high)
    compared = comparisons(comparison("x", **BETTER))
    entry = replace(compared.datasets[0], sensitivity=(row,))
    card = screen(replace(compared, datasets=(entry,))).cards[2]
    assert card.warns == marked
    assert any("Equal scores" in line for line in card.lines) == marked
