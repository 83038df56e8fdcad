"""Charts of a latency pass: by batch size, its distribution, response times, throughput, and over time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.charts.chart import Axis, Chart, Line, Mark, Panel, Spot
from evalkit.charts.stops import full_number
from evalkit.file_names import file_part, system_part
from evalkit.report.chart_parts import (
    MS,
    by_reranker,
    depth_axis,
    limit_rules,
    quantile_spot,
    roles_of,
    spread_scale,
)
from evalkit.report.machine_charts import timeline_chart
from evalkit.report.numbers import level_text
from evalkit.report.throughput_charts import throughput_chart
from evalkit.results.latency_document import LatencyAnswers
from evalkit.results.summary_document import LatencyRow, Summary
from evalkit.results.timed_calls import CellCalls

_DRAWN_SHARES = 200
"""Most steps of a cumulative distribution that are drawn; the CSV file has every call."""
_STOP_SHARES = (0.5, 0.9, 0.95, 0.99)
_SHARE = Axis("share of calls that are faster", low=0.0, high=1.0, form="percent")


def latency_charts(summary: Summary, answers: LatencyAnswers, cells: Sequence[CellCalls]) -> list[Chart]:
    """Return all charts of the timed calls."""
    roles = roles_of(summary)
    charts: list[Chart] = []
    for entry in summary.datasets:
        rows = [row for row in summary.latency if row.dataset == entry.name]
        of_dataset = [cell for cell in cells if cell.dataset == entry.name]
        charts += _closed(entry.name, rows, of_dataset, answers, roles)
        charts += _response_times(entry.name, rows, answers, roles)
        charts += throughput_chart(entry.name, rows, answers, roles)
        charts += timeline_chart(
            entry.name, [cell for cell in of_dataset if not cell.is_open], answers, roles
        )
    return [chart for chart in charts if not chart.is_empty]


def _closed(
    dataset: str,
    rows: Sequence[LatencyRow],
    cells: Sequence[CellCalls],
    answers: LatencyAnswers,
    roles: Mapping[str, str],
) -> Iterator[Chart]:
    """Yield the charts of calls that follow each other."""
    closed = [row for row in rows if row.loop == "closed"]
    if not closed:
        return
    yield _by_batch_size(dataset, closed, answers, roles)
    alone = [
        cell
        for cell in cells
        if (cell.load.concurrency, cell.load.length_bucket) == (1, None) and cell.ok.any()
    ]
    if alone:
        yield _distribution(dataset, alone, answers, roles)
    for tag, part in by_reranker(alone):
        yield _by_size(dataset, tag, part)


def _by_batch_size(
    dataset: str, rows: Sequence[LatencyRow], answers: LatencyAnswers, roles: Mapping[str, str]
) -> Chart:
    limits = limit_rules(answers, dataset, "y")
    parts = _lines(rows)
    marks: list[Mark] = [*limits]
    several = len({flight for *_, flight in parts}) > 1
    for (tag, bucket, flight), part in parts.items():
        name = tag + (f", {flight} in flight" if several else "") + (f", length {bucket}" if bucket else "")
        for quantile in ("p50", "p95"):
            spots = tuple(quantile_spot(row.batch_size, row.quantiles[quantile]) for row in part)
            marks.append(_quantile_line(name, quantile, roles[tag], spots))
    medians = [row.p50_s.estimate for part in parts.values() for row in part]
    scale = spread_scale([*medians, *(rule.at / MS for rule in limits)])
    return Chart(
        name=f"{file_part(dataset)}.latency-by-batch-size",
        title=f"{dataset}: latency by batch size",
        caption=(
            "Latency of one call from request sent to full response received: median (solid) and 95th percentile"
            f" (dashed) with {level_text(rows[0].confidence)} intervals. Percentiles with too few calls are omitted."
        ),
        x=depth_axis([row.batch_size for row in rows], "documents per call (batch size)"),
        panels=(Panel(Axis("latency (ms)", scale, zero=scale == "linear", unit=" ms"), tuple(marks)),),
        rows=tuple(_quantile_rows(rows)),
    )


def _quantile_line(name: str, quantile: str, role: str, spots: tuple[Spot, ...]) -> Line:
    """Return the line of the median, with its name, or the dashed one of a higher quantile."""
    if quantile == "p50":
        return Line(name, role, spots, bounds="bars")
    return Line(f"{name}, {quantile}", role, spots, "dashed", bounds="bars", named=False)


def _quantile_rows(rows: Sequence[LatencyRow]) -> Iterator[dict[str, Any]]:
    for row in rows:
        for name, quantile in row.quantiles.items():
            yield {
                "reranker": row.reranker,
                "batch_size": row.batch_size,
                "concurrency": row.concurrency,
                "length_bucket": row.length_bucket,
                "quantile": f"{name}_s",
                "estimate": quantile.interval.estimate,
                "lower": quantile.interval.lower,
                "upper": quantile.interval.upper,
                "n": quantile.interval.n,
            }


def _lines(rows: Sequence[LatencyRow]) -> dict[tuple[str, int, int], list[LatencyRow]]:
    """Return (reranker, length bucket, calls in flight) -> the rows of one line.

    If any line has several points, lines of a single point are left out: capacity is measured at one batch size and
    has another chart.
    """
    parts: dict[tuple[str, int, int], list[LatencyRow]] = {}
    for row in rows:
        parts.setdefault((row.reranker, row.length_bucket or 0, row.concurrency or 0), []).append(row)
    if any(len(part) > 1 for part in parts.values()):
        parts = {key: part for key, part in parts.items() if len(part) > 1}
    return {key: sorted(part, key=lambda row: row.batch_size) for key, part in parts.items()}


def _distribution(
    dataset: str, cells: Sequence[CellCalls], answers: LatencyAnswers, roles: Mapping[str, str]
) -> Chart:
    """Return the cumulative distribution of each system at the largest batch size that all have."""
    sizes = [{cell.load.batch_size for cell in part} for _, part in by_reranker(cells)]
    shared = set.intersection(*sizes)
    chosen = [
        (tag, max(part, key=lambda cell: (cell.load.batch_size in shared, cell.load.batch_size)))
        if not shared
        else (tag, next(cell for cell in part if cell.load.batch_size == max(shared)))
        for tag, part in by_reranker(cells)
    ]
    limits = limit_rules(answers, dataset, "x")
    curves = [(tag, cell, np.sort(cell.seconds[cell.ok])) for tag, cell in chosen]
    of_size = f" with {max(shared)} documents" if shared else ", each at its largest batch size"
    return Chart(
        name=f"{file_part(dataset)}.latency-distribution",
        title=f"{dataset}: distribution of latencies",
        caption=(
            f"Cumulative latency distribution of single calls{of_size}. A steep line is a steady latency; a flat upper"
            " end means that some calls take much longer."
        ),
        x=_ms_axis(
            [
                *(value for *_, seconds in curves for value in (seconds[0], seconds[-1])),
                *(rule.at / MS for rule in limits),
            ]
        ),
        panels=(
            Panel(_SHARE, (*limits, *(_cumulative(tag, roles[tag], seconds) for tag, _, seconds in curves))),
        ),
        rows=tuple(
            {"reranker": tag, "batch_size": cell.load.batch_size, "latency_s": float(one)}
            for tag, cell, seconds in curves
            for one in seconds
        ),
        names="above",
        stops_by="spot",
    )


def _by_size(dataset: str, tag: str, cells: Sequence[CellCalls]) -> Chart:
    """Return the cumulative distribution of one system at each batch size."""
    curves = [(cell.load.batch_size, np.sort(cell.seconds[cell.ok])) for cell in cells]
    return Chart(
        name=f"{system_part(dataset, tag)}.latency-spread",
        title=f"{dataset}: latencies of {tag} by batch size",
        caption=(
            "Cumulative latency distribution of single calls, by batch size. A flat upper end means that some calls"
            " take much longer than the others."
        ),
        x=_ms_axis([value for _, seconds in curves for value in (seconds[0], seconds[-1])]),
        panels=(
            Panel(
                _SHARE,
                tuple(
                    _cumulative(
                        f"{size} document{'s' * (size > 1)} (n = {len(seconds)})",
                        f"system-{place % 8}",
                        seconds,
                    )
                    for place, (size, seconds) in enumerate(curves)
                ),
            ),
        ),
        rows=tuple(
            {"batch_size": size, "latency_s": float(one)} for size, seconds in curves for one in seconds
        ),
        names="above",
        stops_by="spot",
        folded=True,
    )


def _ms_axis(seconds: Sequence[float]) -> Axis:
    scale = spread_scale(seconds, wide=5.0)
    return Axis("latency (ms)", scale, zero=scale == "linear", unit=" ms")


def _cumulative(name: str, role: str, seconds: NDArray[np.float64]) -> Line:
    """Return the share of calls that are at most as slow, with a stop at a few percentiles."""
    n = len(seconds)
    places = np.unique(np.linspace(0, n - 1, min(n, _DRAWN_SHARES)).round().astype(np.int64))
    marked = {_place_of(places, share * n): share for share in _STOP_SHARES}
    spots = [
        Spot(
            float(seconds[place]) * MS,
            (place + 1) / n,
            text=_stop_text(name, float(seconds[place]), marked.get(int(place), 0.0)),
            stop=int(place) in marked,
        )
        for place in places
    ]
    return Line(name, role, (Spot(spots[0].x, 0.0, stop=False), *spots), step=True)


def _place_of(places: NDArray[np.int64], at: float) -> int:
    """Return the first of the drawn places that is not before `at`, else the last one."""
    return int(places[min(int(np.searchsorted(places, at)), len(places) - 1)])


def _stop_text(name: str, seconds: float, share: float) -> tuple[str, ...]:
    return name, f"{share:.0%} of the calls: at most {full_number(seconds * MS, ' ms')}"


def _response_times(
    dataset: str, rows: Sequence[LatencyRow], answers: LatencyAnswers, roles: Mapping[str, str]
) -> Iterator[Chart]:
    """Yield response times by the rate at which calls arrive."""
    opened = [row for row in rows if row.loop == "open" and row.rate_per_s is not None]
    if not opened:
        return
    limits = limit_rules(answers, dataset, "y", rates=True)
    marks: list[Mark] = [*limits]
    for tag, part in by_reranker(opened):
        ordered = sorted(part, key=lambda row: row.rate_per_s or 0.0)
        for quantile in ("p50", "p95"):
            spots = tuple(quantile_spot(row.rate_per_s or 0.0, row.quantiles[quantile]) for row in ordered)
            marks.append(_quantile_line(tag, quantile, roles[tag], spots))
    medians = [row.p50_s.estimate for row in opened]
    scale = spread_scale([*medians, *(rule.at / MS for rule in limits)])
    yield Chart(
        name=f"{file_part(dataset)}.response-times",
        title=f"{dataset}: response time by arrival rate",
        caption=(
            "Calls arrive at random times, regardless of calls in flight, and each is timed from when it was due:"
            " median (solid) and 95th percentile (dashed). A steep rise means that calls wait for each other."
        ),
        x=Axis("calls that arrive per second", spread_scale([row.rate_per_s for row in opened]), unit=" calls/s"),
        panels=(Panel(Axis("response time (ms)", scale, zero=scale == "linear", unit=" ms"), tuple(marks)),),
        rows=tuple(
            {"reranker": row.reranker, "batch_size": row.batch_size, "rate_per_s": row.rate_per_s, "quantile": name,
             "estimate_s": one.interval.estimate, "lower_s": one.interval.lower, "upper_s": one.interval.upper,
             "n": one.interval.n}
            for row in opened
            for name, one in row.quantiles.items()
        ),
    )  # fmt: skip
