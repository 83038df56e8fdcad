"""Where to cut the scores: the sentence for a ticket, a table, a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from evalkit.report.drawing import COLOURS, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.numbers import share_text, value_text
from evalkit.report.table import Table
from evalkit.results.json_shapes import to_plain
from evalkit.results.tuning_document import GoalRow, ThresholdChoice


def threshold_line(found: ThresholdChoice) -> str:
    """Return what to keep, what is promised, and what held on other queries."""
    system = f"{found.dataset}: {found.reranker}"
    if found.threshold is None or found.held_out is None:
        return f"{system}: no threshold for {_goal(found.goal)}: {found.why_not}."
    held_out = found.held_out
    kept, empty = value_text(held_out.kept.estimate, ".1f"), value_text(held_out.empty.estimate, ".1%")
    return (
        f"{system}: keep score >= {found.threshold!r}: {_promise(found)} (chosen on {found.chosen_on} queries)."
        f" On {held_out.kept.n} queries held out it keeps {share_text(held_out.recall)} of the relevant candidates"
        f" (n={held_out.recall.n}) and {kept} of up to {found.depth} documents; precision"
        f" {share_text(held_out.precision)}, nothing left for {empty} of the queries."
    )


def threshold_lines(found: ThresholdChoice) -> Iterator[str]:
    """Yield that sentence, and for what it holds."""
    yield threshold_line(found)
    if found.threshold is None or found.tuned is None:
        return
    yield f"  On the queries it was chosen on: recall {share_text(found.tuned.recall)}, which may flatter it."
    found_by_first_stage = value_text(found.first_stage_recall, ".1%")
    yield (
        f"  Recall is among the candidates: the first stage finds {found_by_first_stage} of what is"
        f" judged relevant, and no threshold can keep more."
    )
    if found.false_accepts is not None:
        auroc = value_text(found.separation, ".3f")
        yield (
            f"  Of {found.unanswerable} queries that nothing answers, something is kept for"
            f" {share_text(found.false_accepts)}; best scores tell answerable from unanswerable ones with an AUROC of"
            f" {auroc}."
        )
    yield (
        f"  Valid for {found.reranker}, depth {found.depth}, these judgments and queries like these; another"
        " version's scores may live on another scale (evalkit compare BEFORE AFTER --threshold)."
    )


def _goal(goal: GoalRow) -> str:
    return "the highest F1" if goal.target is None else f"{goal.what} >= {goal.target:g}"


def _promise(found: ThresholdChoice) -> str:
    goal = found.goal
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


def threshold_table(found: ThresholdChoice) -> Table:
    """Return what some thresholds do to the held-out queries."""
    metric = found.rows[0].metric if found.rows else "quality"
    cells = tuple(
        (
            f"{row.threshold:.6g}", f"{row.kept:.1f}", value_text(row.recall), value_text(row.precision),
            value_text(row.f1), f"{row.empty:.1%}", value_text(row.quality),
        )
        for row in found.rows
    )  # fmt: skip
    held_out = found.held_out
    note = (
        "Means over the held-out queries: recall and F1 over those with a relevant candidate, precision over those of"
        " which anything is kept. Unjudged documents count as not relevant, so precision is too low rather than too"
        f" high; {metric} is of what is left, queries with nothing left count as 0."
    )
    if held_out is not None:
        note += f" The chosen threshold: {found.threshold!r}, recall {share_text(held_out.recall)}."
    columns = ("keep score >=", "kept", "recall", "precision", "F1", "empty", metric)
    return Table(f"{found.dataset}: {found.reranker} by threshold", columns, cells, note, left=1)


def draw_thresholds(into: Path, found: Sequence[ThresholdChoice]) -> list[Plot]:
    """Draw every curve into a folder."""
    with drawing():
        return [_draw(into, one) for one in found if one.rows]


def _draw(into: Path, found: ThresholdChoice) -> Plot:
    rows = found.rows
    title = f"{found.dataset}: what a threshold on {found.reranker} keeps"
    axes = new_axes(title, "keep documents with this score or more", "mean over held-out queries")
    ends = []
    curves = {
        "recall": [(row.threshold, row.recall) for row in rows],
        "precision": [(row.threshold, row.precision) for row in rows],
        "F1": [(row.threshold, row.f1) for row in rows],
    }
    for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False):
        points = [(x, y) for x, y in curve if y is not None]
        axes.plot([x for x, _ in points], [y for _, y in points], "-o", ms=3, lw=1.5, color=colour)
        if points:
            ends.append((*points[-1], name, colour))
    if found.threshold is not None:
        axes.axvline(found.threshold, color="black", lw=1.2, ls="--")
        axes.annotate(
            f"chosen: {found.threshold:.4g}", (found.threshold, 0.5), xytext=(3, 0),
            textcoords="offset points", rotation=90, va="center", fontsize=9,
        )  # fmt: skip
    axes.set_ylim(0, 1.02)
    label_ends(axes, ends)
    caption = (
        "Queries that the threshold was not chosen on. Recall is the share of relevant candidates that is kept,"
        " precision the share of what is kept that is relevant."
    )
    if found.threshold is not None:
        caption += f" The dashed line was chosen for {_goal(found.goal)}."
    name = f"{found.dataset}.{found.reranker}.tune-threshold"
    return save_plot(into, axes, name, title, caption, [to_plain(row) for row in rows])
