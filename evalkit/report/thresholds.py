"""Score thresholds as sentences, a table and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.charts.chart import Axis, Chart, Line, Panel, Rule, Spot
from evalkit.charts.scales import number_text
from evalkit.comparison.looks import confidence_at
from evalkit.file_names import system_part
from evalkit.report.candidate_counts import candidate_count
from evalkit.report.judged_by import rests_on_text
from evalkit.report.numbers import level_text, share_text, value_text
from evalkit.report.table import Table
from evalkit.report.tuned_depth import candidates_text, guarantee_text, why_deepest
from evalkit.results.json_shapes import to_plain
from evalkit.results.tuning_document import GoalRow, ThresholdChoice, ThresholdFigures, ThresholdRow
from evalkit.stats import Interval
from evalkit.tuning.depth_check import CONFIDENCE


def threshold_line(choice: ThresholdChoice) -> str:
    """Return the threshold, its guarantee, and its held-out figures in one sentence."""
    system = f"{choice.dataset}: {choice.reranker}"
    if choice.threshold is None or choice.held_out is None:
        where = candidates_text(choice)
        return f"{system}: no threshold for {_goal(choice.goal)} {where}: {choice.why_not}."
    held_out = choice.held_out
    kept = value_text(held_out.kept.estimate, ".1f")
    groups = "" if choice.clusters is None else f" in {choice.clusters} clusters"
    return (
        f"{system}: {candidates_text(choice)}, keep documents with a score of at least"
        f" {choice.threshold!r}. {_promise(choice)} (chosen on {choice.chosen_on} queries{groups})."
        f"{guarantee_text(choice)} On held-out queries: recall {share_text(held_out.recall)},"
        f" {kept} of {candidate_count(choice.depth or 0, choice.candidates)} documents kept,"
        f" {_emptied(held_out)}.{left_out_text(choice.left_out)}{rests_on_text(choice.rests_on)}"
    )


def _emptied(held_out: ThresholdFigures) -> str:
    """Return how many queries lose all documents."""
    if not held_out.empty.estimate:
        return "no query loses all its documents"
    return f"{share_text(held_out.empty)} of the queries lose all their documents"


def left_out_text(pairs: int | None) -> str:
    """Return a sentence on candidates without a score of their own; empty where there are none."""
    if not pairs:
        return ""
    return f" {pairs} candidates without a score ('missing: last') are left out."


def threshold_lines(choice: ThresholdChoice) -> Iterator[str]:
    """Yield the sentence of `threshold_line`, and sentences on its limits and on unanswerable queries."""
    yield threshold_line(choice)
    if choice.threshold is None or choice.tuned is None or choice.held_out is None:
        return
    why = why_deepest(choice.made_at)
    if why is not None:
        yield f"  {why}"
    yield f"  Precision on held-out queries: {share_text(choice.held_out.precision)}."
    yield f"  Recall on the tuning queries: {share_text(choice.tuned.recall)} (optimistic)."
    yield (
        f"  Recall is relative to the {choice.depth} candidates: they contain"
        f" {value_text(choice.first_stage_recall, '.1%')} of all relevant documents."
    )
    if choice.false_accepts is not None:
        auroc = value_text(choice.separation, ".3f")
        yield (
            f"  Of {choice.unanswerable} queries without any relevant document, {share_text(choice.false_accepts)}"
            " keep a"
            f" document. AUROC of the highest score, answerable against unanswerable queries: {auroc}."
        )
    yield (
        f"  Valid for {choice.reranker} with {candidate_count(choice.depth or 0, choice.candidates)} candidates and"
        " queries like these. For a new version find the equivalent threshold with: evalkit compare BEFORE AFTER"
        " --threshold"
    )


def _goal(goal: GoalRow) -> str:
    return "the highest F1" if goal.target is None else f"{goal.what} >= {goal.target:g}"


def _promise(choice: ThresholdChoice) -> str:
    goal = choice.goal
    if goal.promise == "guaranteed" and goal.confidence is not None:
        return (
            f"With {level_text(goal.confidence)} confidence it keeps at least {goal.target:.0%} of the relevant"
            " documents among these candidates, on average over queries like these"
        )
    if goal.promise == "expected":
        return (
            f"In expectation it keeps at least {goal.target:.0%} of the relevant documents among these candidates;"
            " this one threshold may keep fewer"
        )
    return f"It has {_goal(goal)} on the tuning queries, without a guarantee for others"


def threshold_table(choice: ThresholdChoice) -> Table:
    """Return the figures of several thresholds on the held-out queries."""
    metric = choice.rows[0].metric if choice.rows else "quality"
    cells = tuple(
        (
            f"{row.threshold:.6g}", f"{row.kept:.1f}", value_text(row.recall), value_text(row.precision),
            value_text(row.f1), f"{row.empty:.1%}", value_text(row.quality),
        )
        for row in choice.rows
    )  # fmt: skip
    held_out = choice.held_out
    note = (
        "Means over held-out queries: recall and F1 over those with a relevant candidate, precision over those that"
        " keep"
        " a document. Unjudged documents count as not relevant, so precision may be too low."
        f" {metric}: of the kept documents; a query without any counts as 0."
    )
    if held_out is not None:
        note += f" Chosen threshold: {choice.threshold!r}, recall {share_text(held_out.recall)}."
    columns = (
        "threshold",
        "documents kept",
        "recall",
        "precision",
        "F1",
        "queries without documents",
        metric,
    )
    title = f"{choice.dataset}: {choice.reranker} by threshold, {choice.depth} candidates"
    return Table(title, columns, cells, note, dataset=choice.dataset, system=choice.reranker)


def threshold_charts(choices: Sequence[ThresholdChoice]) -> list[Chart]:
    """Return recall and precision by threshold, over the documents kept, for each reranker."""
    return [_chart(one) for one in choices if one.rows]


def _chart(choice: ThresholdChoice) -> Chart:
    marks: tuple[Rule, ...] = ()
    if choice.threshold is not None:
        marks = (Rule(choice.threshold, "x", f"chosen: {number_text(choice.threshold)}", "ink", "dashed"),)
    caption = (
        f"Held-out queries with {choice.depth} candidates: share of the relevant ones that a threshold keeps"
        " (recall), share of the kept documents that are relevant (precision), and documents kept."
    )
    if choice.threshold is not None:
        caption += (
            f" The dashed line is the threshold chosen for {_goal(choice.goal)}; bands are"
            f" {level_text(confidence_at(CONFIDENCE, choice.enlarged or 0))} intervals."
        )
    return Chart(
        name=f"{system_part(choice.dataset, choice.reranker)}.tune-threshold",
        title=f"{choice.dataset}: score threshold of {choice.reranker}",
        caption=caption,
        x=Axis("keep documents with this score or more"),
        panels=(
            Panel(
                Axis("recall and precision", form="percent", zero=True),
                (*marks, _curve(choice, "recall", "system-0"), _curve(choice, "precision", "system-1")),
                share=1.6,
            ),
            Panel(
                Axis("documents kept per query", zero=True),
                (*marks, _curve(choice, "kept", "system-2", named=False)),
            ),
        ),
        rows=tuple(_plotted(row) for row in choice.rows),
    )


def _curve(choice: ThresholdChoice, name: str, role: str, *, named: bool = True) -> Line:
    """Return one of the figures by threshold; older results have no intervals."""
    spots = []
    for row in choice.rows:
        interval: Interval | None = None if row.figures is None else getattr(row.figures, name)
        bounds = (None, None) if interval is None else (interval.lower, interval.upper)
        spots.append(Spot(row.threshold, getattr(row, name), *bounds))
    return Line(name, role, tuple(spots), bounds="band", named=named)


def _plotted(row: ThresholdRow) -> dict[str, Any]:
    """Return a row of the chart's CSV: the means, then the bounds of each."""
    plain = to_plain(row)
    figures = plain.pop("figures", None) or {}
    bounds = {
        f"{name}_{side}": figures[name][side]
        for name in ("recall", "precision", "kept")
        if name in figures
        for side in ("lower", "upper")
    }
    return {**plain, **bounds}
