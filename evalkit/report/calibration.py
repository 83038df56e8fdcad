"""Calibration as a table, a sentence and a reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.report.drawing import COLOURS, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.numbers import bounded_text
from evalkit.report.table import Table
from evalkit.results.tuning_document import CalibrationResult
from evalkit.tuning.calibration_fit import Bounded


def calibration_table(result: CalibrationResult) -> Table:
    """Return how good each function's probabilities are on the held-out queries."""
    cells = tuple(
        (name, *map(_bounded, (one.quality.brier, one.quality.log_loss, one.quality.ece)))
        for name, one in result.functions.items()
    )
    note = (
        f"On {result.pairs} pairs of queries that nothing was fitted on, with 95 % bounds of a bootstrap over"
        f" queries; {result.relevant_share:.2%} of all pairs are relevant. ECE: mean distance of stated and observed"
        " share over 15 bins of equal mass; of few queries it is too high, and its bounds with it. Unjudged documents"
        " count as not relevant."
    )
    title = f"{result.dataset}: probabilities from {result.reranker} ({result.score_kind})"
    return Table(title, ("probabilities", "Brier", "log loss", "ECE"), cells, note)


def _bounded(figure: Bounded) -> str:
    return bounded_text(figure.value, figure.lower, figure.upper)


def calibration_line(result: CalibrationResult) -> str:
    """Return which function to use."""
    system = f"{result.dataset}: {result.reranker}"
    if not result.functions:
        return f"{system}: no probabilities: {result.why_not}."
    best = best_function(result)
    ece = _bounded(result.functions[best].quality.ece)
    return (
        f"{system}: '{best}' has the lowest log loss on the held-out queries; its probabilities are off by {ece} on"
        f" average. They are those of being judged relevant at depth {result.depth}, and hold for no other depth or"
        " judging."
    )


def best_function(result: CalibrationResult) -> str:
    """Return the name of the function with the lowest log loss."""
    return min(result.functions, key=lambda name: result.functions[name].quality.log_loss.value)


def draw_reliabilities(into: Path, results: Sequence[CalibrationResult]) -> list[Plot]:
    """Draw stated against observed shares of every reranker into a folder."""
    with drawing():
        return [_draw(into, one) for one in results if one.functions]


def _draw(into: Path, result: CalibrationResult) -> Plot:
    title = f"{result.dataset}: reliability of {result.reranker}"
    bins = [(name, one.quality.bins) for name, one in result.functions.items()]
    axes = new_axes(title, "stated probability (mean of the bin)", "share that is relevant")
    # Most pairs are not relevant, so most probabilities are small: the axes end where the bins do.
    end = min(1.0, 1.15 * max(max(stated, seen) for _, rows in bins for _, stated, seen in rows))
    axes.plot([0, end], [0, end], ":", color="black", lw=1.0)
    ends = [(end, end, "as stated", "black")]
    for colour, (name, rows) in zip(COLOURS, bins, strict=False):
        x, y = [stated for _, stated, _ in rows], [seen for _, _, seen in rows]
        axes.plot(x, y, "-o", ms=4, lw=1.4, color=colour)
        ends.append((x[-1], y[-1], name, colour))
    data = [
        {"probabilities": name, "pairs": n, "stated": stated, "observed": seen}
        for name, rows in bins
        for n, stated, seen in rows
    ]
    label_ends(axes, ends)
    caption = (
        "Queries that nothing was fitted on, in bins of equal mass. On the dotted line probabilities hold."
    )
    return save_plot(into, axes, f"{result.dataset}.{result.reranker}.reliability", title, caption, data)
