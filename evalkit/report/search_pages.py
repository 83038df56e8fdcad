"""The front of a small search: what is worth choosing between, as a table and a plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.report.drawing import COLOURS, Plot, drawing, new_axes, save_plot
from evalkit.report.tables import NO_VALUE, Table, dollars, mean_text, milliseconds, number

SHOWN = 12
"""Configurations in the table; all of them are in the JSON."""
Row = Mapping[str, Any]


def search_table(found: Row) -> Table:
    """Return the configurations that nothing beats on every count, the best first."""
    every = sorted((row for row in found["rows"] if row["on_front"]), key=lambda row: -row["tuned"])
    best = every[:SHOWN]
    cells = tuple(
        (
            str(row["depth"]),
            row["fusion"],
            NO_VALUE if row["threshold"] is None else f"{row['threshold']:.6g}",
            f"{row['kept']:.1f}",
            number(row["tuned"]),
            mean_text(row["held_out"]),
            _against(row["against_plain"]),
            milliseconds(row["p95_s"]),
            NO_VALUE if row["usd_per_thousand_queries"] is None else dollars(row["usd_per_thousand_queries"]),
        )
        for row in best
    )
    columns = (
        "depth", "fusion", "keep score >=", "kept", "tuning", "held out", "against plain", "p95 (ms)",
        "$ a thousand queries",
    )  # fmt: skip
    note = (
        f"The {len(best)} best of {len(every)} on the front, of {len(found['rows'])} configurations: no other one has"
        f" at least the {found['metric']} on the tuning queries, keeps no more documents, and takes no longer and costs"
        " no more where that is known. Against plain: on the held-out queries, to the reranker alone at the full depth"
        " without threshold, with 95 % t intervals. The best of so many is flattered on the tuning queries: believe the"
        " held-out figure."
    )
    return Table(
        f"{found['dataset']}: {found['reranker']}: the front of a search", columns, cells, note, left=2
    )


def _against(row: Row) -> str:
    if row["lower"] is None:
        return NO_VALUE
    return f"{row['mean']:+.4f} [{row['lower']:+.4f}, {row['upper']:+.4f}]"


def search_line(found: Row) -> str:
    """Return the best configuration of the tuning queries, and what it was worth on the others."""
    who = f"{found['dataset']}: {found['reranker']}"
    if not found["rows"]:
        return f"{who}: nothing answers any query, so there is nothing to search."
    best = max(found["rows"], key=lambda row: row["tuned"])
    against = best["against_plain"]
    verdict = "not told apart from"
    if against["lower"] is not None and against["lower"] > 0:
        verdict = "better than"
    if against["upper"] is not None and against["upper"] < 0:
        verdict = "worse than"
    cut = "" if best["threshold"] is None else f", score >= {best['threshold']!r}"
    said = (
        f"depth {best['depth']}, fusion {best['fusion']}{cut}; held out {mean_text(best['held_out'])}, {verdict} plain"
        f" reranking there: {_against(against)}."
    )
    if verdict == "better than":
        return f"{who}: best on the tuning queries: {said}"
    return f"{who}: nothing is shown to beat plain reranking. Best on the tuning queries was {said}"


def draw_fronts(into: Path, found: Sequence[Row]) -> list[Plot]:
    """Draw quality against what is kept, every configuration and the front, into a folder."""
    with drawing():
        return [_draw(into, one) for one in found if one["rows"]]


def _draw(into: Path, found: Row) -> Plot:
    title = f"{found['dataset']}: configurations of {found['reranker']}"
    axes = new_axes(title, "documents kept per query", f"{found['metric']}, held out")
    for colour, fusion in zip(COLOURS, dict.fromkeys(row["fusion"] for row in found["rows"]), strict=False):
        rows = [row for row in found["rows"] if row["fusion"] == fusion]
        for front in (False, True):
            part = [row for row in rows if row["on_front"] is front]
            axes.plot(
                [row["kept"] for row in part], [row["held_out"]["mean"] for row in part], "o",
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
            **{k: row[k] for k in ("depth", "fusion", "threshold", "kept", "tuned", "on_front")},
            **row["held_out"],
        }
        for row in found["rows"]
    ]
    return save_plot(into, axes, f"{found['dataset']}.{found['reranker']}.tune-search", title, caption, data)
