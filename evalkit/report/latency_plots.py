"""Plots of a latency pass: latency by batch size, its distribution, over time, and throughput against latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.report.drawing import (
    WIDE,
    Plot,
    by_reranker,
    colours,
    drawing,
    label_lines,
    legend_beside,
    new_axes,
    plain_ticks,
    save_plot,
    scale_to,
)
from evalkit.results.latency_document import Capacity, LatencyAnswers
from evalkit.results.summary_document import LatencyRow, Quantile, Summary
from evalkit.results.timed_calls import CellCalls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDEST = 0.985
"""Quantile of a timeline's values that is inside it; higher values are drawn at its upper edge."""


def draw_latency(
    into: Path, summary: Summary, answers: LatencyAnswers, cells: Sequence[CellCalls]
) -> list[Plot]:
    """Draw all plots of the timed calls into a folder, and return them."""
    colour = colours(summary)
    drawn: list[Plot] = []
    with drawing():
        for entry in summary.datasets:
            name = entry.name
            rows = [row for row in summary.latency if row.dataset == name]
            closed = [cell for cell in cells if cell.dataset == name and not cell.is_open]
            if closed:
                drawn.append(_by_batch_size(into, name, [r for r in rows if r.loop == "closed"], colour))
                alone = [
                    c
                    for c in closed
                    if (c.load.concurrency, c.load.length_bucket) == (1, None) and c.ok.any()
                ]
                for tag in dict.fromkeys(cell.reranker for cell in alone):
                    drawn.append(_spread(into, name, tag, [cell for cell in alone if cell.reranker == tag]))
                drawn.append(_timeline(into, name, closed, answers, colour))
            capacity = [one for one in answers.capacity if one.dataset == name]
            if capacity:
                drawn.append(_capacity(into, name, capacity, rows, colour))
    return drawn


def _by_batch_size(into: Path, dataset: str, rows: Sequence[LatencyRow], colour: Mapping[str, str]) -> Plot:
    title = f"{dataset}: latency by batch size"
    axes = new_axes(title, "batch size (documents per call)", "latency (ms)")
    parts = _lines(rows)
    flights = [*dict.fromkeys(flight for *_, flight in parts)]
    for place, ((tag, bucket, flight), part) in enumerate(parts.items()):
        several = f", {flight} in flight" if len(flights) > 1 else ""
        label = tag + several + (f", length {bucket}" if bucket else "")
        fade = 1.0 / (1 + 0.45 * (bucket + flights.index(flight)))
        shift = 1 + 0.012 * (place % 5 - 1)  # else error bars of several lines overlap
        for quantile, style in (("p50", "-o"), ("p95", "--^")):
            points = [(row.batch_size * shift, row.quantiles[quantile]) for row in part]
            _bars(axes, points, style, color=colour[tag], alpha=fade, label=f"{label} {quantile}")
    scale_to(axes, sorted({row.batch_size for row in rows}))
    _scale_seconds(axes, [row.p50_s.estimate for part in parts.values() for row in part])
    label_lines(axes)
    data = [
        {
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
        for row in rows
        for name, quantile in row.quantiles.items()
    ]
    caption = (
        "Latency of one call in a closed loop, as the caller sees it: median (solid) and 95th percentile (dashed)."
        f" Bars are {rows[0].confidence:.0%} intervals; a quantile that the calls cannot carry is left out."
    )
    return save_plot(into, axes, f"{dataset}.latency-by-batch-size", title, caption, data)


def _scale_seconds(axes: Axes, medians: Sequence[float | None]) -> None:
    """Begin the y axis at 0; make it logarithmic where the medians span a large factor."""
    known = [value for value in medians if value]
    if known and max(known) / min(known) > WIDE:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _lines(rows: Sequence[LatencyRow]) -> dict[tuple[str, int, int], list[LatencyRow]]:
    """Return (reranker, length bucket, calls in flight) -> the rows of one line.

    If any line has several points, lines of a single point are left out: capacity is measured at one batch size and
    has another plot.
    """
    parts: dict[tuple[str, int, int], list[LatencyRow]] = {}
    for row in rows:
        parts.setdefault((row.reranker, row.length_bucket or 0, row.concurrency or 0), []).append(row)
    if any(len(part) > 1 for part in parts.values()):
        parts = {key: part for key, part in parts.items() if len(part) > 1}
    return parts


def _bars(axes: Axes, points: Sequence[tuple[float, Quantile]], style: str, **how: Any) -> None:
    """Draw quantiles in milliseconds with their intervals; those without one are left out."""
    bounds = [
        (x, one.interval.estimate * 1000, one.interval.lower * 1000, one.interval.upper * 1000)
        for x, one in points
        if one.interval.estimate is not None
        and one.interval.lower is not None
        and one.interval.upper is not None
    ]
    if not bounds:
        return
    x, y, lower, upper = (np.array(column) for column in zip(*bounds, strict=True))
    axes.errorbar(x, y, yerr=[y - lower, upper - y], fmt=style, ms=4, lw=1.4, capsize=2, **how)


def _spread(into: Path, dataset: str, tag: str, cells: Sequence[CellCalls]) -> Plot:
    import matplotlib as mpl

    title = f"{dataset}: how the calls of {tag} are spread"
    axes = new_axes(title, "latency (ms)", "share of calls that are faster")
    shades = mpl.colormaps["viridis"]
    data = []
    for place, cell in enumerate(cells):
        seconds = np.sort(cell.seconds[cell.ok])
        shares = np.arange(1, len(seconds) + 1) / len(seconds)
        label = f"{cell.load.batch_size} document{'s' * (cell.load.batch_size > 1)} (n = {len(seconds)})"
        axes.step(
            seconds * 1000, shares, where="post", lw=1.5, label=label,
            color=shades(0.9 * place / max(len(cells) - 1, 1)),
        )  # fmt: skip
        data += [{"batch_size": cell.load.batch_size, "latency_s": float(one)} for one in seconds]
    axes.set_xscale("log")
    plain_ticks(axes.xaxis)
    axes.set_ylim(0, 1.01)
    legend_beside(axes)  # all lines end at the top, so names at their ends would be hard to match
    caption = (
        f"Every good call of {tag}, one in flight: the curve of a batch size rises at the latencies that its calls had."
        " A curve that is steep and then flat has a tail: some calls took much longer than the others."
    )
    return save_plot(into, axes, f"{dataset}.{tag}.latency-spread", title, caption, data)


def _timeline(
    into: Path, dataset: str, cells: Sequence[CellCalls], answers: LatencyAnswers, colour: Mapping[str, str]
) -> Plot:
    title = f"{dataset}: timed calls over the run"
    axes = new_axes(title, "call", "latency by the median of its cell")
    points = []
    for cell in cells:
        good = cell.ok
        if good.any():
            relative = cell.seconds[good] / np.median(cell.seconds[good])
            where = zip(cell.spans.round[good], cell.spans.start_s[good], relative, strict=True)
            points += [(int(number), float(start), cell.reranker, float(at)) for number, start, at in where]
    points.sort(key=lambda point: point[:2])
    y = np.array([point[3] for point in points])
    top = max(2.0, float(np.quantile(y, _WIDEST)) * 1.15) if len(y) else 2.0
    for tag in dict.fromkeys(point[2] for point in points):
        x = [place for place, point in enumerate(points) if point[2] == tag]
        axes.plot(x, np.minimum(y[x], top), ".", ms=3, alpha=0.6, color=colour[tag], label=tag)
    ends = [place for place in range(1, len(points)) if points[place][0] != points[place - 1][0]]
    for end in ends:
        axes.axvline(end, color="#CCCCCC", lw=0.8)
    _reference(axes, dataset, answers, [0, *ends, len(points)], [point[0] for point in points])
    axes.set_ylim(0, top * 1.03)
    legend_beside(axes)
    data = [
        {"call": place, "round": number, "reranker": tag, "relative_latency": at}
        for place, (number, _, tag, at) in enumerate(points)
    ]
    caption = (
        "Every good timed call in the order in which they were made, by the median of all calls of the same reranker,"
        " batch size and load, so that 1 is normal for everyone; grey lines part the rounds. A cloud that climbs or"
        f" falls is drift. Points above {top:.1f} stand at the upper edge. The black line is a fixed piece of work,"
        " timed before every round, by its own median: where it rises, the machine was slower and not the rerankers."
    )
    return save_plot(into, axes, f"{dataset}.latency-timeline", title, caption, data)


def _reference(
    axes: Axes, dataset: str, answers: LatencyAnswers, edges: Sequence[int], rounds: Sequence[int]
) -> None:
    """Draw the time of the reference workload before each round, divided by its median."""
    seconds_of = {s.round: s.reference_s for s in answers.machine.rounds if s.dataset == dataset}
    spans = [(a, b, seconds_of[rounds[a]]) for a, b in pairwise(edges) if b > a and rounds[a] in seconds_of]
    if not spans:
        return
    middle = float(np.median([seconds for *_, seconds in spans]))
    for place, (start, end, seconds) in enumerate(spans):
        axes.plot(
            [start, end], [seconds / middle] * 2, color="black", lw=1.6,
            label=None if place else "fixed piece of work",
        )  # fmt: skip


def _capacity(
    into: Path,
    dataset: str,
    capacity: Sequence[Capacity],
    rows: Sequence[LatencyRow],
    colour: Mapping[str, str],
) -> Plot:
    title = f"{dataset}: throughput against latency"
    axes = new_axes(title, "served (calls per second)", "milliseconds")
    data: list[dict[str, Any]] = []
    for one in capacity:
        data += _closed_loops(axes, one, colour[one.reranker])
    data += _open_loops(axes, rows, colour)
    served = [row["calls_per_s"] for row in data if row["calls_per_s"]]
    if max(served) > WIDE * min(served):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    else:
        axes.set_xlim(left=0)
    _scale_seconds(axes, [row.p50_s.estimate for row in rows])
    legend_beside(axes)
    caption = (
        "Closed loops with more and more calls in flight (the numbers beside the points): where the line turns upwards,"
        " more calls only wait. The ring marks the knee, where throughput by median latency is largest. Crosses are"
        " open loops: the response time from the schedule, where calls arrive at a rate."
    )
    return save_plot(into, axes, f"{dataset}.throughput-against-latency", title, caption, data)


def _closed_loops(axes: Axes, capacity: Capacity, colour: str) -> list[dict[str, Any]]:
    """Draw one reranker's closed loops, and return their data."""
    label = f"{capacity.reranker}, {capacity.batch_size} documents"
    rates = [point.calls_per_s.estimate or 0.0 for point in capacity.points]
    for name, style, quantiles in (
        ("p50", "-o", [point.p50_s for point in capacity.points]),
        ("p95", "--^", [point.p95_s for point in capacity.points]),
    ):
        points = list(zip(rates, quantiles, strict=True))
        _bars(axes, points, style, color=colour, label=f"{label}: {name}, closed loop")
    data = []
    for rate, point in zip(rates, capacity.points, strict=True):
        at = (rate, (point.p50_s.estimate or 0.0) * 1000)
        axes.annotate(str(point.concurrency), at, xytext=(5, -11), textcoords="offset points", fontsize=8)
        if point.concurrency == capacity.knee:
            axes.plot(*at, "o", ms=12, mfc="none", mec="black", mew=1.3)
        data.append({"reranker": capacity.reranker, "batch_size": capacity.batch_size, "loop": "closed",
                     "concurrency": point.concurrency, "calls_per_s": at[0], "p50_s": at[1] / 1000})  # fmt: skip
    return data


def _open_loops(axes: Axes, rows: Sequence[LatencyRow], colour: Mapping[str, str]) -> list[dict[str, Any]]:
    """Draw the open loops, and return their data."""
    data = []
    for tag, of_tag in by_reranker(row for row in rows if row.loop == "open"):
        for name, style in (("p50", "x"), ("p95", "+")):
            points = [
                (row.calls_per_s.estimate, row.quantiles[name]) for row in of_tag if row.calls_per_s.estimate
            ]
            label = f"{tag}: {name} from the schedule, open loop"
            _bars(axes, points, style, color=colour[tag], label=label)
        data += [
            {"reranker": tag, "batch_size": row.batch_size, "loop": "open", "rate_per_s": row.rate_per_s,
             "calls_per_s": row.calls_per_s.estimate, "p50_s": row.p50_s.estimate}
            for row in of_tag
        ]  # fmt: skip
    return data
