"""Calibration as a table, a sentence and a reliability diagram."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.report.drawing import COLOURS, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.numbers import bounded_text, value_text
from evalkit.report.table import Table
from evalkit.report.thresholds import left_out_text
from evalkit.results.tuning_document import CalibrationResult
from evalkit.tuning.calibration_fit import Bounded, Quality


def calibration_table(result: CalibrationResult) -> Table:
    """Return how good each function's probabilities are on the held-out queries."""
    cells = tuple(
        (
            name,
            *map(_bounded, (one.quality.brier, one.quality.log_loss, one.quality.ece)),
            value_text(one.quality.ece_expected),
            value_text(one.quality.ece_debiased),
        )
        for name, one in result.functions.items()
    )
    note = (
        f"{result.pairs} pairs of held-out queries, 95 % CI over queries; {result.relevant_share:.2%} of all pairs are"
        " relevant. ECE (expected calibration error): mean difference of stated and observed share over 15 bins."
        " Perfectly calibrated probabilities have the ECE 'by chance'; 'debiased' is the ECE minus that. Unjudged"
        f" documents count as not relevant.{left_out_text(result.left_out)}"
    )
    title = f"{result.dataset}: probabilities from {result.reranker} ({result.score_kind})"
    columns = ("probabilities", "Brier", "log loss", "ECE", "ECE by chance", "ECE debiased")
    return Table(title, columns, cells, note)


def _bounded(figure: Bounded) -> str:
    return bounded_text(figure.value, figure.lower, figure.upper)


def calibration_line(result: CalibrationResult) -> str:
    """Return which function to use."""
    system = f"{result.dataset}: {result.reranker}"
    if not result.functions:
        return f"{system}: no probabilities: {result.why_not}."
    best = best_function(result)
    quality = result.functions[best].quality
    return (
        f"{system}: '{best}' has the lowest log loss on the held-out queries. Its calibration error (ECE) is"
        f" {_bounded(quality.ece)}, {_conclusion(quality)}. The probabilities are those of being judged relevant at"
        f" depth {result.depth}; they do not hold for another depth or other judgments.{left_out_text(result.left_out)}"
    )


def _conclusion(quality: Quality) -> str:
    """Return whether the probabilities are significantly miscalibrated, with the error expected by chance."""
    by_chance = value_text(quality.ece_expected)
    if quality.ece.lower > 0:
        return f"above the {by_chance} that perfectly calibrated probabilities have by chance"
    return f"no significant miscalibration: perfectly calibrated probabilities have {by_chance} by chance"


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
    caption = "Held-out queries, equal-count bins; equal probabilities share a bin. Dotted line: perfect calibration."
    return save_plot(into, axes, f"{result.dataset}.{result.reranker}.reliability", title, caption, data)
