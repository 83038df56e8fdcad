"""Throughput against latency, with more and more calls in flight or at a rate, as a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.charts.chart import Axis, Chart, Line, Mark, Panel, Points, Spot
from evalkit.charts.stops import full_number
from evalkit.file_names import file_part
from evalkit.report.chart_parts import MS, by_reranker, limit_rules, quantile_spot, spread_scale
from evalkit.results.latency_document import Capacity, CapacityPoint, LatencyAnswers
from evalkit.results.latency_quantiles import Quantile
from evalkit.results.summary_document import LatencyRow


def throughput_chart(
    dataset: str, rows: Sequence[LatencyRow], answers: LatencyAnswers, roles: Mapping[str, str]
) -> Iterator[Chart]:
    """Yield the chart of a dataset whose capacity was measured."""
    capacity = [one for one in answers.capacity if one.dataset == dataset]
    if not capacity:
        return
    opened = [row for row in rows if row.loop == "open"]
    data = [*(_row(one, point) for one in capacity for point in one.points), *map(_open_row, opened)]
    served = [row["calls_per_s"] for row in data]
    limits = limit_rules(answers, dataset, "y")
    seconds = [row.p50_s.estimate for row in rows]
    y_scale = spread_scale([*seconds, *(rule.at / MS for rule in limits)])
    x_scale = spread_scale([rate or None for rate in served])
    sizes = {one.batch_size for one in capacity}
    lines = [
        line
        for one in capacity
        for line in _closed_loops(
            one, roles[one.reranker], "" if len(sizes) == 1 else f", {one.batch_size} documents"
        )
    ]
    yield Chart(
        name=f"{file_part(dataset)}.throughput-against-latency",
        title=f"{dataset}: throughput against latency",
        caption=(
            "Median (solid) and 95th percentile (dashed) with more and more calls in flight (the numbers): where a line"
            " turns upwards, more calls only wait. Hollow: the most throughput for its median latency; single points:"
            " calls that arrive at a rate."
        ),
        x=Axis("calls served per second", x_scale, zero=x_scale == "linear", unit=" calls/s"),
        panels=(
            Panel(
                Axis("latency (ms)", y_scale, zero=y_scale == "linear", unit=" ms"),
                (*limits, *lines, *_open_loops(opened, roles)),
            ),
        ),
        rows=tuple(data),
        names="above",
        stops_by="spot",
    )


def _closed_loops(capacity: Capacity, role: str, size: str) -> Iterator[Mark]:
    """Yield one system's closed loops: the medians with their calls in flight, and the 95th percentiles."""
    name = capacity.reranker + size
    points = capacity.points
    medians = tuple(
        _spot(name, point, point.p50_s, str(point.concurrency), filled=point.concurrency != capacity.knee)
        for point in points
    )
    tails = tuple(_spot(name, point, point.p95_s) for point in points)
    yield Line(name, role, medians, bounds="bars")
    yield Line(f"{name}, p95", role, tails, "dashed", bounds="bars", named=False)


def _spot(
    name: str, point: CapacityPoint, quantile: Quantile, label: str = "", *, filled: bool = True
) -> Spot:
    at = quantile_spot(point.calls_per_s.estimate or 0.0, quantile)
    text = (
        f"{name}, {point.concurrency} in flight",
        f"served: {full_number(point.calls_per_s.estimate, ' calls/s')}",
        f"latency: {full_number(at.y, ' ms')}",
    )
    return Spot(at.x, at.y, at.low, at.high, filled=filled, label=label, text=text)


def _open_loops(rows: Sequence[LatencyRow], roles: Mapping[str, str]) -> Iterator[Mark]:
    for tag, part in by_reranker(rows):
        for quantile in ("p50", "p95"):
            spots = tuple(
                quantile_spot(row.calls_per_s.estimate, row.quantiles[quantile])
                for row in part
                if row.calls_per_s.estimate
            )
            yield Points(f"{tag}, {quantile} at a rate", roles[tag], spots, named=False)


def _row(capacity: Capacity, point: CapacityPoint) -> dict[str, Any]:
    return {
        "reranker": capacity.reranker,
        "batch_size": capacity.batch_size,
        "loop": "closed",
        "concurrency": point.concurrency,
        "calls_per_s": point.calls_per_s.estimate or 0.0,
        "p50_s": point.p50_s.estimate or 0.0,
    }


def _open_row(row: LatencyRow) -> dict[str, Any]:
    return {
        "reranker": row.reranker,
        "batch_size": row.batch_size,
        "loop": "open",
        "rate_per_s": row.rate_per_s,
        "calls_per_s": row.calls_per_s.estimate,
        "p50_s": row.p50_s.estimate,
    }
