"""Calibration as a table, a sentence and a reliability chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evalkit.charts.chart import Axis, Chart, Line, Panel, Spot
from evalkit.file_names import system_part
from evalkit.report.candidate_counts import candidate_count
from evalkit.report.judged_by import rests_on_text
from evalkit.report.numbers import bounded_text, value_text
from evalkit.report.table import Table
from evalkit.report.thresholds import left_out_text
from evalkit.report.tuned_depth import candidates_text
from evalkit.results.tuning_document import CalibrationResult
from evalkit.tuning.calibration_fit import Bounded, Quality


def calibration_table(result: CalibrationResult) -> Table:
    """Return how good each function's probabilities are on the held-out queries."""
    cells = tuple(
        (
            name,
            *map(bounded_figure, (one.quality.brier, one.quality.log_loss, one.quality.ece)),
            value_text(one.quality.ece_expected),
            value_text(one.quality.ece_debiased),
        )
        for name, one in result.functions.items()
    )
    note = (
        f"{result.pairs} pairs of held-out queries with 95 % intervals; {result.relevant_share:.2%} of them are"
        " relevant."
        " ECE (expected calibration error): mean difference between stated probability and relevant share, over 15"
        " bins. ECE by chance: that of perfectly calibrated probabilities; debiased: the ECE minus that. Unjudged"
        f" documents count as not relevant.{left_out_text(result.left_out)}"
    )
    title = f"{result.dataset}: probabilities from {result.reranker} ({result.score_kind}), {result.depth} candidates"
    columns = ("probabilities", "Brier", "log loss", "ECE", "ECE by chance", "ECE debiased")
    return Table(title, columns, cells, note, dataset=result.dataset, system=result.reranker)


def bounded_figure(figure: Bounded) -> str:
    """Return a figure with its bounds."""
    return bounded_text(figure.value, figure.lower, figure.upper)


def calibration_line(result: CalibrationResult) -> str:
    """Return which function to use."""
    system = f"{result.dataset}: {result.reranker}"
    best, where = result.best, candidates_text(result)
    if best is None:
        return f"{system}: no probabilities {where}: {result.why_not}."
    quality = result.functions[best].quality
    return (
        f"{system}: {where}, '{best}' has the lowest log loss on held-out queries. Its calibration error (ECE) is"
        f" {bounded_figure(quality.ece)}, {_conclusion(quality)}. The probabilities hold for"
        f" {candidate_count(result.depth or 0, result.candidates)} candidates"
        f" and these judgments only.{left_out_text(result.left_out)}{rests_on_text(result.rests_on)}"
    )


def _conclusion(quality: Quality) -> str:
    """Return whether the probabilities are significantly miscalibrated, with the error expected by chance."""
    by_chance = value_text(quality.ece_expected)
    if quality.ece.lower > 0:
        return f"above the {by_chance} that perfectly calibrated probabilities have by chance"
    return f"no significant miscalibration: perfectly calibrated probabilities have {by_chance} by chance"


def reliability_charts(results: Sequence[CalibrationResult]) -> list[Chart]:
    """Return stated against observed shares of every reranker."""
    return [_chart(one) for one in results if one.functions]


def _chart(result: CalibrationResult) -> Chart:
    lines = [
        Line(name, f"system-{place}", tuple(_spots(one.quality)), bounds="bars")
        for place, (name, one) in enumerate(result.functions.items())
    ]
    # Most pairs are not relevant, so most probabilities are small: the diagonal ends where the bins do.
    end = min(1.0, max(max(spot.x, spot.y or 0.0) for line in lines for spot in line.spots) * 1.05)
    perfect = Line("perfect", "muted", (Spot(0.0, 0.0), Spot(end, end)), "dotted", named=False, stops=False)
    return Chart(
        name=f"{system_part(result.dataset, result.reranker)}.reliability",
        title=f"{result.dataset}: reliability of {result.reranker}",
        caption=(
            f"Held-out queries with {result.depth} candidates, equal-count bins with intervals; equal probabilities"
            " share a bin. Dotted line: perfect calibration."
        ),
        x=Axis("stated probability (mean of the bin)", form="percent", zero=True),
        panels=(Panel(Axis("share that is relevant", form="percent", zero=True), (perfect, *lines)),),
        rows=tuple(
            {
                "probabilities": name,
                "pairs": n,
                "stated": spot.x,
                "observed": spot.y,
                "lower": spot.low,
                "upper": spot.high,
            }
            for name, one in result.functions.items()
            for (n, *_), spot in zip(one.quality.bins, _spots(one.quality), strict=True)
        ),
        names="above",
        stops_by="spot",
    )


def _spots(quality: Quality) -> Iterator[Spot]:
    """Yield the bins with their bounds, which older results lack."""
    for place, (_, stated, seen) in enumerate(quality.bins):
        low, high = quality.bin_bounds[place] if quality.bin_bounds else (None, None)
        yield Spot(stated, seen, low, high)
