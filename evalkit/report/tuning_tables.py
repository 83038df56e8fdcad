"""One table over all rerankers for each kind of tuning: what is recommended, and its held-out figures."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.report.calibration import bounded_figure
from evalkit.report.candidate_counts import candidate_count
from evalkit.report.depth import interpolated_text, needed_text
from evalkit.report.numbers import NO_VALUE, cost_text, difference_text, interval_text, share_text, value_text
from evalkit.report.search import best_row
from evalkit.report.table import Table
from evalkit.results.search_document import SearchResult
from evalkit.results.tuning_document import CalibrationResult, DepthSweep, ThresholdChoice


def depths_table(sweeps: Sequence[DepthSweep]) -> Table:
    """Return the recommended number of candidates of each reranker, with latency and cost there."""
    columns = (
        "dataset", "reranker", "candidates needed", "held-out mean", "difference to first stage", "p95 (ms)",
        "$ per 1,000 queries",
    )  # fmt: skip
    return _table("Candidates needed", columns, [_depth_cells(one) for one in sweeps])


def _depth_cells(sweep: DepthSweep) -> tuple[str, ...]:
    choice = sweep.choice
    if choice.recommended is None:
        return (sweep.dataset, sweep.reranker, *[NO_VALUE] * 5)
    row = sweep.rows[choice.recommended - 1]
    return (
        sweep.dataset,
        sweep.reranker,
        needed_text(sweep),
        interval_text(choice.held_out),
        difference_text(choice.against_first_stage),
        interpolated_text(row),
        cost_text(row.usd_per_thousand_queries),
    )


def thresholds_table(choices: Sequence[ThresholdChoice]) -> Table:
    """Return the threshold of each reranker with its held-out figures."""
    columns = (
        "dataset",
        "reranker",
        "threshold",
        "recall",
        "precision",
        "documents kept",
        "queries without documents",
    )
    return _table("Thresholds", columns, [_threshold_cells(one) for one in choices])


def _threshold_cells(choice: ThresholdChoice) -> tuple[str, ...]:
    held_out = choice.held_out
    if choice.threshold is None or held_out is None:
        return (choice.dataset, choice.reranker, *[NO_VALUE] * 5)
    return (
        choice.dataset,
        choice.reranker,
        value_text(choice.threshold, repr),
        share_text(held_out.recall),
        value_text(held_out.precision.estimate, ".1%"),
        f"{value_text(held_out.kept.estimate, '.1f')} of {candidate_count(choice.depth or 0, choice.candidates)}",
        value_text(held_out.empty.estimate, ".1%"),
    )


def calibrations_table(results: Sequence[CalibrationResult]) -> Table:
    """Return the best function of each reranker with its held-out figures."""
    columns = (
        "dataset", "reranker", "function", "candidates", "calibration error (ECE)", "ECE by chance", "log loss",
    )  # fmt: skip
    return _table("Probabilities", columns, [_calibration_cells(one) for one in results], left=3)


def _calibration_cells(result: CalibrationResult) -> tuple[str, ...]:
    name = result.best
    if name is None:
        return (result.dataset, result.reranker, *[NO_VALUE] * 5)
    quality = result.functions[name].quality
    return (
        result.dataset,
        result.reranker,
        name,
        str(result.depth),
        bounded_figure(quality.ece),
        value_text(quality.ece_expected),
        value_text(quality.log_loss.value),
    )


def searches_table(results: Sequence[SearchResult]) -> Table:
    """Return the best configuration of each reranker on the tuning queries, with its held-out figures.

    Cascades have the chosen margin instead of a configuration: their table is returned where there is nothing else.
    """
    cascades = [one for one in results if one.margins is not None]
    if cascades and len(cascades) == len(results):
        names = ("dataset", "reranker", "margin", "queries that skip", "held-out mean", "difference to never")
        return _table("Margins", names, [_margin_cells(one) for one in cascades])
    columns = ("dataset", "reranker", "candidates", "fusion", "threshold", "held-out mean", "difference")
    return _table(
        "Best configurations", columns, [_search_cells(one) for one in results if one.margins is None]
    )


def _margin_cells(result: SearchResult) -> tuple[str, ...]:
    chosen = next((row for row in result.margins or () if row.chosen), None)
    if chosen is None:
        return (result.dataset, result.reranker, *[NO_VALUE] * 4)
    return (
        result.dataset,
        result.reranker,
        "never" if chosen.margin is None else value_text(chosen.margin, ".6g"),
        share_text(chosen.skipped),
        interval_text(chosen.held_out),
        difference_text(chosen.to_never),
    )


def _search_cells(result: SearchResult) -> tuple[str, ...]:
    best = best_row(result)
    if best is None:
        return (result.dataset, result.reranker, *[NO_VALUE] * 5)
    return (
        result.dataset,
        result.reranker,
        str(best.depth),
        best.fusion,
        value_text(best.threshold, ".6g"),
        interval_text(best.held_out),
        difference_text(best.against_plain.mean) if best.against_plain.mean.lower is not None else NO_VALUE,
    )


def _table(title: str, columns: Sequence[str], cells: Sequence[tuple[str, ...]], left: int = 2) -> Table:
    """Return a table without its empty columns."""
    return Table(title, tuple(columns), tuple(cells), left=left, keys=2).without_empty_columns()
