"""The Pareto front of a grid search as a table, a sentence and a chart."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.charts.chart import Axis, Chart, Panel, Points, Spot
from evalkit.charts.palette import SYSTEMS
from evalkit.file_names import system_part
from evalkit.report.judged_by import capital, rests_on_text
from evalkit.report.numbers import (
    NO_VALUE,
    cost_text,
    difference_text,
    interval_text,
    milliseconds,
    value_text,
)
from evalkit.report.skip_margins import margin_lines, margin_table
from evalkit.report.table import Table
from evalkit.results.search_document import AgainstPlain, SearchResult, SearchRow
from evalkit.tuning.fusion_choice import AgainstFusion

SHOWN = 12
"""Most configurations in the table; the JSON has all of them."""


def search_table(result: SearchResult) -> Table | None:
    """Return the configurations on the front, the highest mean on the tuning queries first; None without any."""
    if result.margins:
        return margin_table(result, result.margins)
    if not result.rows:
        return None
    every = sorted((row for row in result.rows if row.on_front), key=lambda row: -(row.tuned or 0.0))
    best = every[:SHOWN]
    cells = tuple(
        (
            str(row.depth),
            row.fusion,
            value_text(row.threshold, ".6g"),
            value_text(row.kept, ".1f"),
            value_text(row.tuned),
            interval_text(row.held_out),
            _against(row.against_plain),
            milliseconds(row.p95_s),
            cost_text(row.usd_per_thousand_queries),
        )
        for row in best
    )
    columns = (
        "candidates", "fusion", "threshold", "documents kept", "tuning", "held-out", "difference", "p95 (ms)",
        "$ per 1,000 queries",
    )  # fmt: skip
    note = (
        f"The {len(best)} best of {len(every)} configurations on the Pareto front, of {len(result.rows)} in all."
        " Front: no"
        f" other configuration has at least this {result.metric} on the tuning queries, keeps as few documents, and is"
        " as fast and cheap where that is known. Difference: to the reranker alone at full depth without threshold, on"
        " held-out queries, with 95 % intervals. Tuning figures are optimistic."
    )
    return Table(
        f"{result.dataset}: {result.reranker}: best configurations",
        columns,
        cells,
        note,
        left=2,
        dataset=result.dataset,
        system=result.reranker,
    )


def _against(row: AgainstPlain) -> str:
    return NO_VALUE if row.mean.lower is None else difference_text(row.mean)


def search_lines(result: SearchResult) -> list[str]:
    """Return whether the reranker beats the best fusion, and the best configuration; for a cascade, its margins."""
    if result.margins is not None:
        return [*margin_lines(result, result.margins)]
    return [
        *([fusion_line(result, result.against_fusion)] if result.against_fusion else []),
        search_line(result),
    ]


def fusion_line(result: SearchResult, found: AgainstFusion) -> str:
    """Return in a sentence whether the reranker alone beats the best fusion of it with the first stage."""
    numbers = f"{difference_text(found.difference)} {result.metric} on {found.difference.n} held-out queries"
    fusion = f"its best fusion with the first stage ({found.fusion}, chosen on the tuning queries)"
    if result.why_not is not None:
        return f"{result.dataset}: {result.reranker} alone against {fusion}: {numbers}. {capital(result.why_not)}."
    if found.verdict == "no significant difference":
        return f"{result.dataset}: {result.reranker} alone is not significantly different from {fusion}: {numbers}."
    return f"{result.dataset}: {result.reranker} alone {found.verdict} {fusion}: {numbers}."


def search_line(result: SearchResult) -> str:
    """Return the best configuration on the tuning queries, with its held-out result."""
    system = f"{result.dataset}: {result.reranker}"
    best = best_row(result)
    if best is None:
        return f"{system}: no query has a relevant document, so nothing was searched."
    against = best.against_plain
    bounds = against.mean
    verdict = "not significantly different from"
    if bounds.lower is not None and bounds.lower > 0:
        verdict = "better than"
    if bounds.upper is not None and bounds.upper < 0:
        verdict = "worse than"
    cut = "" if best.threshold is None else f", score >= {best.threshold!r}"
    text = f"{best.depth} of at most {_most(result)} candidates, fusion {best.fusion}{cut}. Held-out:"
    text += f" {interval_text(best.held_out)}, "
    if result.why_not is not None:
        text += f"{_against(against)} to the reranker alone. {capital(result.why_not)}."
        return f"{system}: best on the tuning queries: {text}"
    text += f"{verdict} the reranker alone ({_against(against)}).{rests_on_text(result.rests_on)}"
    if verdict == "better than":
        return f"{system}: best on the tuning queries: {text}"
    none = "no configuration is significantly better than the reranker alone"
    return f"{system}: {none}. Best on the tuning queries: {text}"


def _most(result: SearchResult) -> int:
    """Return the greatest number of candidates of a configuration."""
    return max(row.depth for row in result.rows)


def best_row(result: SearchResult) -> SearchRow | None:
    """Return the best configuration on the tuning queries; None without any."""
    return max(result.rows, key=lambda row: row.tuned or 0.0, default=None)


def front_charts(results: Sequence[SearchResult]) -> list[Chart]:
    """Return quality against documents kept for all configurations of each search."""
    return [_chart(one) for one in results if one.rows]


def _chart(result: SearchResult) -> Chart:
    fusions = dict.fromkeys(row.fusion for row in result.rows)
    clouds = [
        Points(
            f"fusion {fusion}", f"system-{place % SYSTEMS}",
            tuple(Spot(row.kept or 0.0, row.held_out.estimate) for row in result.rows
                  if row.fusion == fusion and not row.on_front and row.kept),
            named=False, tiny=True, stops=False,
        )
        for place, fusion in enumerate(fusions)
    ]  # fmt: skip
    fronts = [
        Points(
            f"fusion {fusion}", f"system-{place % SYSTEMS}",
            tuple(Spot(row.kept or 0.0, row.held_out.estimate, text=_stop(row, result.metric)) for row in result.rows
                  if row.fusion == fusion and row.on_front and row.kept),
        )
        for place, fusion in enumerate(fusions)
    ]  # fmt: skip
    return Chart(
        name=f"{system_part(result.dataset, result.reranker)}.tune-search",
        title=f"{result.dataset}: configurations of {result.reranker}",
        caption=(
            "Each point is a depth, a fusion with the first stage and a threshold. Large points are on the Pareto front"
            " of the tuning queries; their height is measured on the held-out queries."
        ),
        x=Axis("documents kept per query", "log"),
        panels=(Panel(Axis(f"{result.metric}, held out"), (*clouds, *fronts)),),
        rows=tuple(
            {"depth": row.depth, "fusion": row.fusion, "threshold": row.threshold, "kept": row.kept,
             "tuned": row.tuned, "on_front": row.on_front, "mean": row.held_out.estimate, "lower": row.held_out.lower,
             "upper": row.held_out.upper, "n": row.held_out.n}
            for row in result.rows
        ),
        stops_by="spot",
    )  # fmt: skip


def _stop(row: SearchRow, metric: str) -> tuple[str, ...]:
    threshold = "no threshold" if row.threshold is None else f"score >= {row.threshold:.6g}"
    return (
        f"depth {row.depth}, fusion {row.fusion}, {threshold}",
        f"{metric}: {interval_text(row.held_out, '.6g')}",
        f"kept: {value_text(row.kept, '.6g')}",
    )
