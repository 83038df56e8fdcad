"""Quality by depth as charts: one of all systems for each dataset, and one for each sweep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import log
from typing import Any

from evalkit.charts.chart import Axis, Chart, Line, Mark, Panel, Points, Rule, Spot, known
from evalkit.charts.stops import full_number
from evalkit.comparison.looks import confidence_at
from evalkit.file_names import file_part, system_part
from evalkit.report.chart_parts import at_reached_depths, by_reranker, depth_axis, mean_spot, roles_of
from evalkit.report.numbers import level_text
from evalkit.results.json_shapes import to_plain
from evalkit.results.summary_document import BEST_ORDER, Ceiling, QualityRow, Summary
from evalkit.results.tuning_document import DepthRow, DepthSweep, Tuning
from evalkit.stats import Interval
from evalkit.tuning.depth_check import CONFIDENCE

_MOST_DRAWN = 120
"""Depths of a sweep that are drawn; the CSV file has all of them."""
_LABEL = "candidates reranked per query (depth)"


def depth_charts(summary: Summary, tuned: Tuning) -> list[Chart]:
    """Return one chart for each dataset: the mean of all systems at every known depth."""
    charts = (_all_systems(summary, tuned, facts.name) for facts in summary.datasets)
    return [chart for chart in charts if not chart.is_empty]


def _all_systems(summary: Summary, tuned: Tuning, dataset: str) -> Chart:
    metric, roles = summary.primary_metric, roles_of(summary)
    sweeps = {one.reranker: one for one in tuned.depth if one.dataset == dataset and one.metric == metric}
    rows = at_reached_depths(
        summary, [row for row in summary.quality if (row.dataset, row.metric) == (dataset, metric)]
    )
    lines: list[Mark] = []
    points: list[Mark] = []
    depths: list[int] = []
    for tag, part in by_reranker(rows):
        if tag in sweeps:
            lines.append(_swept_line(sweeps[tag], roles[tag]))
            points += _recommended(sweeps[tag], roles[tag])
            depths += [row.depth for row in sweeps[tag].rows]
        elif part[0].depth is None:
            lines += _run_line(part[0], roles[tag])
        elif tag != summary.first_stage:
            lines.append(_measured_line(tag, part, roles[tag]))
            depths += [row.depth for row in part if row.depth is not None]
    baseline = _first_stage(rows, summary.first_stage, sweeps)
    if baseline is not None:
        lines.insert(0, Rule(baseline, "y", f"{summary.first_stage} alone", "baseline"))
    ceilings = at_reached_depths(summary, [row for row in summary.ceilings if row.dataset == dataset])
    return Chart(
        name=f"{file_part(dataset)}.quality-by-depth",
        title=f"{dataset}: {metric} by depth",
        caption=_caption(
            summary,
            sweeps,
            with_points=any(_measured_only(rows, sweeps, summary)),
            with_runs=any(row.depth is None for row in rows),
        ),
        x=depth_axis(depths),
        panels=(Panel(Axis(f"mean {metric}"), (*lines, *points)),),
        rows=tuple(_plotted(rows, ceilings, metric)),
        summary=_summary(sweeps.values()),
    )


def _measured_only(
    rows: Sequence[QualityRow], sweeps: Mapping[str, DepthSweep], summary: Summary
) -> Iterator[str]:
    known = {*sweeps, summary.first_stage}
    yield from (row.reranker for row in rows if row.reranker not in known and row.depth is not None)


def _caption(
    summary: Summary, sweeps: Mapping[str, DepthSweep], *, with_points: bool, with_runs: bool
) -> str:
    text = f"Mean {summary.primary_metric} when the first d candidates are reranked"
    text += f", with {level_text(summary.confidence)} intervals."
    parts = []
    if any(one.choice.recommended is not None for one in sweeps.values()):
        parts.append("The point is the recommended depth: filled if held-out queries confirm it, else hollow")
    if with_points:
        parts.append("systems with a dashed line were measured at these depths only")
    if with_runs:
        parts.append("a dotted line is a run, which has no depth")
    reading = "; ".join(parts)
    return f"{text} {reading[0].upper()}{reading[1:]}." if reading else text


def _summary(sweeps: Any) -> str:
    found = [
        f"{one.reranker}: {one.choice.recommended}" for one in sweeps if one.choice.recommended is not None
    ]
    return f"Recommended depths: {', '.join(found)}." if found else ""


def _swept_line(sweep: DepthSweep, role: str) -> Line:
    spots = tuple(mean_spot(row.depth, row.mean) for row in thinned(sweep.rows, sweep.choice.recommended))
    return Line(sweep.reranker, role, spots, bounds="band")


def _measured_line(tag: str, rows: Sequence[QualityRow], role: str) -> Line:
    """Return the means at the configured depths: what lies between them is not known."""
    by_depth = {row.depth: row.mean for row in rows if row.depth is not None}
    spots = tuple(mean_spot(depth, by_depth[depth]) for depth in sorted(by_depth))
    return Line(tag, role, spots, "dashed", bounds="bars")


def _run_line(row: QualityRow, role: str) -> Iterator[Rule]:
    """Yield the mean of a compared run across all depths; nothing where it is not known."""
    if row.mean.estimate is not None:
        yield Rule(row.mean.estimate, "y", row.reranker, role, "dotted")


def thinned(rows: Sequence[DepthRow], kept: int | None) -> list[DepthRow]:
    """Return rows at depths that are evenly spaced on a logarithmic axis, and that of the kept depth."""
    if len(rows) <= _MOST_DRAWN:
        return list(rows)
    step = log(len(rows)) / _MOST_DRAWN
    places = {min(len(rows), round(2.718281828 ** (step * place))) for place in range(_MOST_DRAWN + 1)}
    return [rows[depth - 1] for depth in sorted(places | {1, len(rows), kept or 1})]


def _recommended(sweep: DepthSweep, role: str) -> Iterator[Points]:
    """Yield the point of the recommended depth."""
    depth = sweep.choice.recommended
    if depth is None:
        return
    row, confirmed = sweep.rows[depth - 1], sweep.choice.is_confirmed
    spot = Spot(depth, row.mean.estimate, filled=confirmed, label=str(depth))
    yield Points(sweep.reranker, role, (spot,), named=False, stops=False)


def _first_stage(
    rows: Sequence[QualityRow], first_stage: str, sweeps: Mapping[str, DepthSweep]
) -> float | None:
    """Return the mean of the first stage: of its deepest row, or as a sweep has it."""
    means = [row.mean.estimate for row in rows if row.reranker == first_stage]
    swept = [one.first_stage.estimate for one in sweeps.values()]
    return next((mean for mean in (*reversed(means), *swept) if known(mean)), None)


def _plotted(
    rows: Sequence[QualityRow], ceilings: Sequence[Ceiling], metric: str
) -> Iterator[dict[str, Any]]:
    """Yield the rows of the CSV at the configured depths; those of every depth are with each sweep."""
    for row in rows:
        yield {"series": row.reranker, "depth": row.depth, **_columns(row.mean)}
    for ceiling in ceilings:
        yield {"series": "recall of the candidates", "depth": ceiling.depth, **_columns(ceiling.recall)}
    for ceiling in ceilings:
        best = ceiling.best_order[metric]
        yield {"series": BEST_ORDER, "depth": ceiling.depth, "mean": best, "n": ceiling.recall.n}


def _columns(mean: Interval) -> dict[str, float | None]:
    return {"mean": mean.estimate, "lower": mean.lower, "upper": mean.upper, "n": mean.n}


def sweep_charts(sweeps: Sequence[DepthSweep], roles: Mapping[str, str]) -> list[Chart]:
    """Return one chart for each sweep, with the best order that its candidates allow."""
    return [_sweep(one, roles[one.reranker]) for one in sweeps]


def _sweep(sweep: DepthSweep, role: str) -> Chart:
    choice, metric = sweep.choice, sweep.metric
    rows = thinned(sweep.rows, choice.recommended)
    best = tuple(Spot(row.depth, row.oracle) for row in rows)
    marks: list[Mark] = [Line(BEST_ORDER, "muted", best, "dashed"), _swept_line(sweep, role)]
    first = sweep.first_stage.estimate
    if first is not None:
        marks.insert(0, Rule(first, "y", "first stage alone", "baseline"))
    if choice.recommended is not None:
        word = "confirmed" if choice.is_confirmed else "not confirmed"
        marks.insert(
            0, Rule(choice.recommended, "x", f"recommended: {choice.recommended} ({word})", "ink", "dashed")
        )
        marks += _recommended(sweep, role)
    return Chart(
        name=f"{system_part(sweep.dataset, sweep.reranker)}.tune-depth",
        title=f"{sweep.dataset}: {metric} of {sweep.reranker} at every depth",
        caption=(
            f"Mean {metric} when the first d candidates are reranked, with its"
            f" {level_text(confidence_at(CONFIDENCE, sweep.enlarged))} interval. The dashed line is the best order that"
            " these candidates allow."
        ),
        x=Axis(_LABEL, depth_axis([row.depth for row in sweep.rows]).scale),
        panels=(Panel(Axis(f"mean {metric}"), tuple(marks)),),
        rows=tuple(to_plain(row) for row in sweep.rows),
        summary=f"Recommended depth: {full_number(choice.recommended)}.",
        folded=True,
    )
