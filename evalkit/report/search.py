"""The Pareto front of a grid search as a table, a sentence and a plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from evalkit.report.drawing import COLOURS, Plot, drawing, new_axes, save_plot, with_gaps
from evalkit.report.numbers import (
    NO_VALUE,
    cost_text,
    difference_text,
    interval_text,
    milliseconds,
    value_text,
)
from evalkit.report.table import Table
from evalkit.results.tuning_document import AgainstPlain, SearchResult

SHOWN = 12
"""Most configurations in the table; the JSON has all of them."""


def search_table(result: SearchResult) -> Table:
    """Return the configurations on the front, the highest mean on the tuning queries first."""
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
        "depth", "fusion", "keep score >=", "kept", "tuning", "held out", "against plain", "p95 (ms)",
        "$ a thousand queries",
    )  # fmt: skip
    note = (
        f"The {len(best)} best of {len(every)} on the front, of {len(result.rows)} configurations: no other one has"
        f" at least the {result.metric} on the tuning queries, keeps no more documents, and takes no longer and costs"
        " no more where that is known. Against plain: on the held-out queries, to the reranker alone at the full depth"
        " without threshold, with 95 % intervals. The best of so many is flattered on the tuning queries: believe the"
        " held-out figure."
    )
    return Table(f"{result.dataset}: {result.reranker}: the front of a search", columns, cells, note, left=2)


def _against(row: AgainstPlain) -> str:
    return NO_VALUE if row.mean.lower is None else difference_text(row.mean)


def search_line(result: SearchResult) -> str:
    """Return the best configuration on the tuning queries, with its held-out result."""
    system = f"{result.dataset}: {result.reranker}"
    if not result.rows:
        return f"{system}: nothing answers any query, so there is nothing to search."
    best = max(result.rows, key=lambda row: row.tuned or 0.0)
    against = best.against_plain
    bounds = against.mean
    verdict = "not told apart from"
    if bounds.lower is not None and bounds.lower > 0:
        verdict = "better than"
    if bounds.upper is not None and bounds.upper < 0:
        verdict = "worse than"
    cut = "" if best.threshold is None else f", score >= {best.threshold!r}"
    text = (
        f"depth {best.depth}, fusion {best.fusion}{cut}; held out {interval_text(best.held_out)}, {verdict} plain"
        f" reranking there: {_against(against)}."
    )
    if verdict == "better than":
        return f"{system}: best on the tuning queries: {text}"
    return f"{system}: nothing is shown to beat plain reranking. Best on the tuning queries was {text}"


def draw_fronts(into: Path, results: Sequence[SearchResult]) -> list[Plot]:
    """Draw quality against documents kept for all configurations into a folder."""
    with drawing():
        return [_draw(into, one) for one in results if one.rows]


def _draw(into: Path, result: SearchResult) -> Plot:
    title = f"{result.dataset}: configurations of {result.reranker}"
    axes = new_axes(title, "documents kept per query", f"{result.metric}, held out")
    for colour, fusion in zip(COLOURS, dict.fromkeys(row.fusion for row in result.rows), strict=False):
        rows = [row for row in result.rows if row.fusion == fusion]
        for front in (False, True):
            part = [row for row in rows if row.on_front is front]
            axes.plot(
                with_gaps(row.kept for row in part), with_gaps(row.held_out.estimate for row in part), "o",
                color=colour, ms=7 if front else 3, alpha=1.0 if front else 0.4, label=fusion if front else None,
            )  # fmt: skip
    axes.set_xscale("log")
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), title="fusion")
    caption = (
        "Each dot is a depth, a fusion with the first stage and a threshold. Large dots are on the front that the"
        " tuning queries drew; their height is what they were worth on the queries held out."
    )
    data = [
        {
            "depth": row.depth,
            "fusion": row.fusion,
            "threshold": row.threshold,
            "kept": row.kept,
            "tuned": row.tuned,
            "on_front": row.on_front,
            "mean": row.held_out.estimate,
            "lower": row.held_out.lower,
            "upper": row.held_out.upper,
            "n": row.held_out.n,
        }
        for row in result.rows
    ]
    return save_plot(into, axes, f"{result.dataset}.{result.reranker}.tune-search", title, caption, data)
