"""Score thresholds as sentences, a table and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from evalkit.charts.chart import Axis, Chart, Line, Panel, Rule, Spot
from evalkit.charts.scales import number_text
from evalkit.report.numbers import share_text, value_text
from evalkit.report.table import Table
from evalkit.results.json_shapes import to_plain
from evalkit.results.tuning_document import GoalRow, ThresholdChoice, ThresholdRow
from evalkit.stats import Interval


def threshold_line(choice: ThresholdChoice) -> str:
    """Return the threshold, its guarantee, and its held-out figures in one sentence."""
    system = f"{choice.dataset}: {choice.reranker}"
    if choice.threshold is None or choice.held_out is None:
        return f"{system}: no threshold for {_goal(choice.goal)}: {choice.why_not}."
    held_out = choice.held_out
    kept = value_text(held_out.kept.estimate, ".1f")
    groups = "" if choice.clusters is None else f", which count as {choice.clusters} independent ones"
    return (
        f"{system}: keep score >= {choice.threshold!r}: {_promise(choice)} (chosen on {choice.chosen_on} queries"
        f"{groups}). On {held_out.kept.n} held-out queries it keeps {share_text(held_out.recall)} of the relevant"
        f" candidates (n={held_out.recall.n}) and {kept} of up to {choice.depth} documents; precision"
        f" {share_text(held_out.precision)}; queries with no document left {share_text(held_out.empty)}."
        f"{left_out_text(choice.left_out)}"
    )


def left_out_text(pairs: int | None) -> str:
    """Return a sentence on candidates without a score of their own; empty where there are none."""
    if not pairs:
        return ""
    return f" {pairs} candidates without a score of their own ('missing: last') are left out."


def threshold_lines(choice: ThresholdChoice) -> Iterator[str]:
    """Yield the sentence of `threshold_line`, and sentences on its limits and on unanswerable queries."""
    yield threshold_line(choice)
    if choice.threshold is None or choice.tuned is None:
        return
    yield f"  On the tuning queries: recall {share_text(choice.tuned.recall)} (optimistic)."
    first_stage_recall = value_text(choice.first_stage_recall, ".1%")
    yield (
        f"  Recall is among the candidates: the first stage finds {first_stage_recall} of what is"
        f" judged relevant, and no threshold can keep more."
    )
    if choice.false_accepts is not None:
        auroc = value_text(choice.separation, ".3f")
        yield (
            f"  Of {choice.unanswerable} queries that nothing answers, something is kept for"
            f" {share_text(choice.false_accepts)}; best scores tell answerable from unanswerable ones with an AUROC of"
            f" {auroc}."
        )
    yield (
        f"  Valid for {choice.reranker}, depth {choice.depth}, these judgments and queries like these; another"
        " version's scores may live on another scale (evalkit compare BEFORE AFTER --threshold)."
    )


def _goal(goal: GoalRow) -> str:
    return "the highest F1" if goal.target is None else f"{goal.what} >= {goal.target:g}"


def _promise(choice: ThresholdChoice) -> str:
    goal = choice.goal
    if goal.promise == "guaranteed":
        return (
            f"with {goal.confidence:.0%} confidence at least {goal.target:.0%} of the relevant candidates are"
            " kept, on average over queries like these"
        )
    if goal.promise == "expected":
        return (
            f"at least {goal.target:.0%} of the relevant candidates are kept in expectation; any one choice may keep"
            " fewer"
        )
    return f"{_goal(goal)} on the queries it was chosen on; no promise for others"


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
        "Means over the held-out queries: recall and F1 over those with a relevant candidate, precision over those of"
        " which anything is kept. Unjudged documents count as not relevant, so precision is too low rather than too"
        f" high; {metric} is of what is left, queries with nothing left count as 0."
    )
    if held_out is not None:
        note += f" The chosen threshold: {choice.threshold!r}, recall {share_text(held_out.recall)}."
    columns = ("keep score >=", "kept", "recall", "precision", "F1", "empty", metric)
    return Table(f"{choice.dataset}: {choice.reranker} by threshold", columns, cells, note, left=1)


def threshold_charts(choices: Sequence[ThresholdChoice]) -> list[Chart]:
    """Return recall and precision by threshold, over the documents kept, for each reranker."""
    return [_chart(one) for one in choices if one.rows]


def _chart(choice: ThresholdChoice) -> Chart:
    marks: tuple[Rule, ...] = ()
    if choice.threshold is not None:
        marks = (Rule(choice.threshold, "x", f"chosen: {number_text(choice.threshold)}", "ink", "dashed"),)
    caption = (
        "Held-out queries: share of the relevant candidates that a threshold keeps (recall), share of the kept"
        " documents that are relevant (precision), and documents kept."
    )
    if choice.threshold is not None:
        caption += (
            f" The dashed line is the threshold chosen for {_goal(choice.goal)}; bands are 95 % intervals."
        )
    return Chart(
        name=f"{choice.dataset}.{choice.reranker}.tune-threshold",
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
