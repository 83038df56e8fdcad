"""Calibration as a table, a sentence and a reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.report.drawing import COLOURS, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.tables import Table

Row = Mapping[str, Any]


def calibration_table(found: Row) -> Table:
    """Return how good each function's probabilities are on the held-out queries."""
    cells = tuple(
        (name, *(_bounded(told["quality"][figure]) for figure in ("brier", "log_loss", "ece")))
        for name, told in found["functions"].items()
    )
    note = (
        f"On {found['pairs']} pairs of queries that nothing was fitted on, with 95 % bounds of a bootstrap over"
        f" queries; {found['relevant_share']:.2%} of all pairs are relevant. ECE: mean distance of stated and observed"
        " share over 15 bins of equal mass; of few queries it is too high, and its bounds with it. Unjudged documents"
        " count as not relevant."
    )
    title = f"{found['dataset']}: probabilities from {found['reranker']} ({found['score_kind']})"
    return Table(title, ("probabilities", "Brier", "log loss", "ECE"), cells, note)


def _bounded(figure: Row) -> str:
    return f"{figure['value']:.4f} [{figure['lower']:.4f}, {figure['upper']:.4f}]"


def calibration_line(found: Row) -> str:
    """Return which function to use."""
    who = f"{found['dataset']}: {found['reranker']}"
    if not found["functions"]:
        return f"{who}: no probabilities: {found['why_not']}."
    best = best_function(found)
    ece = _bounded(found["functions"][best]["quality"]["ece"])
    return (
        f"{who}: '{best}' has the lowest log loss on the held-out queries; its probabilities are off by {ece} on"
        f" average. They are those of being judged relevant at depth {found['depth']}, and hold for no other depth or"
        " judging."
    )


def best_function(found: Row) -> str:
    """Return the name of the function with the lowest log loss."""
    functions: Mapping[str, Any] = found["functions"]
    return min(functions, key=lambda name: float(functions[name]["quality"]["log_loss"]["value"]))


def draw_reliabilities(into: Path, found: Sequence[Row]) -> list[Plot]:
    """Draw stated against observed shares of every reranker into a folder."""
    with drawing():
        return [_draw(into, one) for one in found if one["functions"]]


def _draw(into: Path, found: Row) -> Plot:
    title = f"{found['dataset']}: reliability of {found['reranker']}"
    data = [
        {"probabilities": name, "pairs": n, "stated": stated, "observed": observed}
        for name, told in found["functions"].items()
        for n, stated, observed in told["quality"]["bins"]
    ]
    axes = new_axes(title, "stated probability (mean of the bin)", "share that is relevant")
    # Most pairs are not relevant, so most probabilities are small: the axes end where the bins do.
    end = min(1.0, 1.15 * max(max(row["stated"], row["observed"]) for row in data))
    axes.plot([0, end], [0, end], ":", color="black", lw=1.0)
    ends = [(end, end, "as stated", "black")]
    for colour, name in zip(COLOURS, found["functions"], strict=False):
        rows = [row for row in data if row["probabilities"] == name]
        x, y = [row["stated"] for row in rows], [row["observed"] for row in rows]
        axes.plot(x, y, "-o", ms=4, lw=1.4, color=colour)
        ends.append((x[-1], y[-1], name, colour))
    label_ends(axes, ends)
    caption = (
        "Queries that nothing was fitted on, in bins of equal mass. On the dotted line probabilities hold."
    )
    return save_plot(into, axes, f"{found['dataset']}.{found['reranker']}.reliability", title, caption, data)
