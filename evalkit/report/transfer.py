"""Score drift between two versions, and carried thresholds, as sentences, a table and a chart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.charts.chart import Axis, Chart, Line, Panel, Spot
from evalkit.comparison.threshold_transfer import QUANTILES, SCALES_APART
from evalkit.file_names import system_part
from evalkit.report.judged_by import rests_on_text
from evalkit.report.numbers import bounded_text, value_text
from evalkit.report.table import Table
from evalkit.results.comparison_document import Transfer

_BINS = 60


def transfer_lines(transfers: Sequence[Transfer]) -> Iterator[str]:
    """Yield sentences on the drift of the scores, and on what to use instead of each old threshold."""
    for one in transfers:
        system = f"{one.dataset}: {one.reranker}"
        drift = one.drift
        if one.kinds[0] != one.kinds[1]:
            yield f"{system}: the kind of score changed from {one.kinds[0]} to {one.kinds[1]}."
        distance = f"distance of the score distributions {drift.distance:.3f}"
        if drift.distance > SCALES_APART:
            yield (
                f"{system}: the versions score on different scales ({distance}). Do not keep a threshold of the old"
                " version."
            )
        else:
            yield f"{system}: both versions score on the same scale ({distance})."
        for row in one.thresholds:
            same_kept = bounded_text(*row.same_kept, ".6g")
            line = (
                f"  Threshold {row.before:.6g} kept {row.kept_before:.1%} of the documents before and keeps"
                f" {row.kept_if_unchanged:.1%} now. Threshold {same_kept} keeps as many as before"
            )
            if row.same_recall is not None:
                same_recall = bounded_text(*row.same_recall, ".6g")
                line += (
                    f", threshold {same_recall} keeps as many relevant candidates ({row.recall_before:.1%})"
                )
            yield line + "."
        if one.why_not is not None:
            yield f"  No threshold for as many relevant candidates: {one.why_not}."
        elif one.rests_on is not None:
            yield f"  Relevant candidates:{rests_on_text(one.rests_on)}"


def transfer_tables(transfers: Sequence[Transfer]) -> list[Table]:
    """Return the quantiles of both versions' scores; no table without transfers."""
    cells = tuple(
        (one.dataset, one.reranker, version, *(f"{value:.4g}" for value in scores))
        for one in transfers
        for version, scores in (("before", one.drift.before), ("after", one.drift.after))
    )
    columns = ("dataset", "reranker", "version", *(_quantile_name(q) for q in QUANTILES))
    shapes = "; ".join(
        f"{one.reranker} on {one.dataset}: rank correlation"
        f" {value_text(one.drift.rank_correlation, '.3f')}"
        f" over {one.drift.pairs} pairs"
        for one in transfers
    )
    table = Table("Scores before and after", columns, cells, f"Quantiles over all pairs. {shapes}.", left=3)
    return [table] if transfers else []


def _quantile_name(quantile: float) -> str:
    return {0.0: "minimum", 0.5: "median", 1.0: "maximum"}.get(quantile, f"{quantile:.0%}")


def distribution_chart(
    dataset: str, reranker: str, before: NDArray[np.float64], after: NDArray[np.float64]
) -> Chart:
    """Return both versions' scores as histograms over one axis."""
    low, high = float(min(before.min(), after.min())), float(max(before.max(), after.max()))
    edges = np.linspace(low, high if high > low else low + 1, _BINS + 1)
    lines, data = [], []
    for role, version, scores in (("baseline", "before", before), ("system-0", "after", after)):
        share = np.histogram(scores, edges)[0] / len(scores)
        spots = [Spot(float(left), float(part)) for left, part in zip(edges[:-1], share, strict=True)]
        lines.append(Line(version, role, (*spots, Spot(float(edges[-1]), float(share[-1]))), step=True))
        data += [
            {"version": version, "from": float(left), "to": float(right), "share": float(part)}
            for left, right, part in zip(edges[:-1], edges[1:], share, strict=True)
        ]
    return Chart(
        name=f"{system_part(dataset, reranker)}.scores",
        title=f"{dataset}: scores of {reranker}, before and after",
        caption=(
            "Scores of the same query-document pairs by both versions. Where the lines differ, a threshold keeps other"
            " documents."
        ),
        x=Axis("score"),
        panels=(Panel(Axis("share of the pairs", form="percent", zero=True), tuple(lines)),),
        rows=tuple(data),
        names="above",
    )
