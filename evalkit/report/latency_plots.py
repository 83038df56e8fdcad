"""The pictures of a latency pass: by batch size, how calls are spread, over the run, throughput against latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.report.drawing import (
    WIDE,
    Plot,
    colours,
    drawing,
    label_lines,
    legend_beside,
    new_axes,
    plain_ticks,
    save_plot,
    scale_to,
)
from evalkit.summaries.latency_cells import CellCalls

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Row = Mapping[str, Any]
_WIDEST = 0.985
"""Share of a timeline's points that must be inside it; farther ones are drawn at its edge."""


def draw_latency(into: Path, summary: Row, answers: Row, cells: Sequence[CellCalls]) -> list[Plot]:
    """Draw every plot that there are timed calls for, into a folder."""
    colour = colours(summary)
    drawn: list[Plot] = []
    with drawing():
        for entry in summary["datasets"]:
            name = entry["name"]
            rows = [row for row in summary["latency"] if row["dataset"] == name]
            own = [cell for cell in cells if cell.dataset == name]
            closed = [cell for cell in own if not cell.is_open]
            if closed:
                drawn.append(_by_batch_size(into, name, [r for r in rows if r["loop"] == "closed"], colour))
                alone = [
                    c
                    for c in closed
                    if (c.load.concurrency, c.load.length_bucket) == (1, None) and c.ok.any()
                ]
                for tag in dict.fromkeys(cell.reranker for cell in alone):
                    drawn.append(_spread(into, name, tag, [cell for cell in alone if cell.reranker == tag]))
                drawn.append(_timeline(into, name, closed, answers, colour))
            capacity = [one for one in answers["capacity"] if one["dataset"] == name]
            if capacity:
                drawn.append(_capacity(into, name, capacity, rows, colour))
    return drawn


def _by_batch_size(into: Path, dataset: str, rows: Sequence[Row], colour: Mapping[str, str]) -> Plot:
    title = f"{dataset}: latency by batch size"
    axes = new_axes(title, "batch size (documents per call)", "latency (ms)")
    parts: dict[tuple[str, int, int], list[Row]] = {}
    for row in rows:
        parts.setdefault((row["reranker"], row["length_bucket"] or 0, row["concurrency"]), []).append(row)
    if any(
        len(part) > 1 for part in parts.values()
    ):  # capacity is measured at one batch size, and drawn elsewhere
        parts = {key: part for key, part in parts.items() if len(part) > 1}
    several = len({flight for _, _, flight in parts}) > 1
    sizes = sorted({row["batch_size"] for row in rows})
    for place, ((tag, bucket, flight), part) in enumerate(parts.items()):
        label = tag + (f", {flight} in flight" if several else "") + (f", length {bucket}" if bucket else "")
        fade = 1.0 / (1 + 0.45 * (bucket + [*dict.fromkeys(f for *_, f in parts)].index(flight)))
        for quantile, style in (("p50_s", "-o"), ("p95_s", "--^")):
            held = [row for row in part if row[quantile]["estimate"] is not None]
            if held:
                shift = 1 + 0.012 * (place % 5 - 1)  # or bars of several lines would hide each other
                _bars(axes, [row["batch_size"] * shift for row in held], [row[quantile] for row in held], style,
                      color=colour[tag], alpha=fade, label=f"{label} {quantile.removesuffix('_s')}")  # fmt: skip
    scale_to(axes, sizes)
    _scale_seconds(axes, [row["p50_s"]["estimate"] for part in parts.values() for row in part])
    label_lines(axes)
    keys = ("reranker", "batch_size", "concurrency", "length_bucket")
    data = [
        {key: row[key] for key in keys}
        | {"quantile": q, **{k: row[q][k] for k in ("estimate", "lower", "upper", "n")}}
        for row in rows
        for q in ("p50_s", "p90_s", "p95_s", "p99_s")
    ]
    caption = (
        "Latency of one call in a closed loop, as the caller sees it: median (solid) and 95th percentile (dashed)."
        f" Bars are {rows[0]['confidence']:.0%} intervals; a quantile that the calls cannot carry is left out."
    )
    return save_plot(into, axes, f"{dataset}.latency-by-batch-size", title, caption, data)


def _scale_seconds(axes: Axes, medians: Sequence[float | None]) -> None:
    """Begin at 0, unless medians span so much that small ones would lie on the axis."""
    known = [value for value in medians if value]
    if known and max(known) / min(known) > WIDE:
        axes.set_yscale("log")
        plain_ticks(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)


def _bars(axes: Axes, x: Sequence[float], intervals: Sequence[Row], style: str, **how: Any) -> None:
    y = [one["estimate"] * 1000 for one in intervals]
    below = [(one["estimate"] - one["lower"]) * 1000 for one in intervals]
    above = [(one["upper"] - one["estimate"]) * 1000 for one in intervals]
    axes.errorbar(x, y, yerr=[below, above], fmt=style, ms=4, lw=1.4, capsize=2, **how)


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
    legend_beside(axes)  # all lines end at the top: names there would be far from most of them
    caption = (
        f"Every good call of {tag}, one in flight: the curve of a batch size rises at the latencies that its calls had."
        " A curve that is steep and then flat has a tail: some calls took much longer than the others."
    )
    return save_plot(into, axes, f"{dataset}.{tag}.latency-spread", title, caption, data)


def _timeline(
    into: Path, dataset: str, cells: Sequence[CellCalls], answers: Row, colour: Mapping[str, str]
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


def _reference(axes: Axes, dataset: str, answers: Row, edges: Sequence[int], rounds: Sequence[int]) -> None:
    """Draw how long the fixed piece of work took before each round."""
    told = {s["round"]: s["reference_s"] for s in answers["machine"]["rounds"] if s["dataset"] == dataset}
    spans = [(a, b, told[rounds[a]]) for a, b in pairwise(edges) if b > a and rounds[a] in told]
    if not spans:
        return
    middle = float(np.median([seconds for *_, seconds in spans]))
    for place, (start, end, seconds) in enumerate(spans):
        axes.plot(
            [start, end], [seconds / middle] * 2, color="black", lw=1.6,
            label=None if place else "fixed piece of work",
        )  # fmt: skip


def _capacity(
    into: Path, dataset: str, capacity: Sequence[Row], rows: Sequence[Row], colour: Mapping[str, str]
) -> Plot:
    title = f"{dataset}: throughput against latency"
    axes = new_axes(title, "served (calls per second)", "milliseconds")
    data = []
    for one in capacity:
        label = f"{one['reranker']}, {one['batch_size']} documents"
        points = one["points"]
        for quantile, style in (("p50_s", "-o"), ("p95_s", "--^")):
            held = [point for point in points if point[quantile]["estimate"] is not None]
            if held:
                x = [point["calls_per_s"]["mean"] for point in held]
                _bars(axes, x, [point[quantile] for point in held], style, color=colour[one["reranker"]],
                      label=f"{label}: {quantile.removesuffix('_s')}, closed loop")  # fmt: skip
        for point in points:
            at = (point["calls_per_s"]["mean"], point["p50_s"]["estimate"] * 1000)
            axes.annotate(
                str(point["concurrency"]), at, xytext=(5, -11), textcoords="offset points", fontsize=8
            )
            if point["concurrency"] == one["knee"]:
                axes.plot(*at, "o", ms=12, mfc="none", mec="black", mew=1.3)
            data.append({"reranker": one["reranker"], "batch_size": one["batch_size"], "loop": "closed",
                         "concurrency": point["concurrency"], "calls_per_s": at[0], "p50_s": at[1] / 1000})  # fmt: skip
    data += _arrivals(axes, rows, colour)
    served = [one["calls_per_s"] for one in data if one["calls_per_s"]]
    if max(served) > WIDE * min(served):
        axes.set_xscale("log")
        plain_ticks(axes.xaxis)
    else:
        axes.set_xlim(left=0)
    _scale_seconds(axes, [row["p50_s"]["estimate"] for row in rows])
    legend_beside(axes)
    caption = (
        "Closed loops with more and more calls in flight (the numbers beside the points): where the line turns upwards,"
        " more calls only wait. The ring marks the knee, where throughput by median latency is largest. Crosses are"
        " open loops: the response time from the schedule, where calls arrive at a rate."
    )
    return save_plot(into, axes, f"{dataset}.throughput-against-latency", title, caption, data)


def _arrivals(axes: Axes, rows: Sequence[Row], colour: Mapping[str, str]) -> list[dict[str, Any]]:
    """Draw the open loops, and return their data."""
    data = []
    for tag in dict.fromkeys(row["reranker"] for row in rows if row["loop"] == "open"):
        own = [row for row in rows if row["reranker"] == tag and row["loop"] == "open"]
        for quantile, style in (("p50_s", "x"), ("p95_s", "+")):
            held = [r for r in own if r[quantile]["estimate"] is not None and r["calls_per_s"]["mean"]]
            if held:
                x = [row["calls_per_s"]["mean"] for row in held]
                _bars(axes, x, [row[quantile] for row in held], style, color=colour[tag],
                      label=f"{tag}: {quantile.removesuffix('_s')} from the schedule, open loop")  # fmt: skip
        data += [
            {"reranker": tag, "batch_size": row["batch_size"], "loop": "open", "rate_per_s": row["rate_per_s"],
             "calls_per_s": row["calls_per_s"]["mean"], "p50_s": row["p50_s"]["estimate"]}
            for row in own
        ]  # fmt: skip
    return data
