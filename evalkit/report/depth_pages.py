"""How many candidates: a sentence, a table, a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.report.drawing import FIRST_STAGE_COLOUR, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.tables import NO_VALUE, Table, difference_text, dollars, mean_text, milliseconds, number
from evalkit.summaries.quality_cells import BEST_ORDER

_SHOWN = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 500, 700, 1000)
Row = Mapping[str, Any]


def depth_line(found: Row) -> str:
    """Return what to do about the depth, in one sentence."""
    who = f"{found['dataset']}: {found['reranker']}"
    choice, metric = found["choice"], found["metric"]
    if choice["recommended"] is None:
        return f"{who}: no depth can be recommended: {choice['why_not']}."
    within = " within the limits" if choice["allowed"] < found["rows"][-1]["depth"] else ""
    return (
        f"{who}: send {choice['recommended']} candidates: the fewest{within} that lose no more than {found['margin']:g}"
        f" {metric} to the best depth, {choice['best']}; on {choice['held_out']['n']} queries held out"
        f" {_mean(choice['held_out'])}{_checked(choice)}."
    )


def depth_lines(found: Row) -> Iterator[str]:
    """Yield that sentence, and what else the held-out queries say."""
    yield depth_line(found)
    choice = found["choice"]
    if choice["recommended"] is None:
        return
    depth, best, deepest = choice["recommended"], choice["best"], found["rows"][-1]["depth"]
    yield f"  On the {choice['tuned']['n']} queries it was chosen on: {_mean(choice['tuned'])}, which may flatter it."
    yield f"  Against the first stage, held out: {_signed(choice['against_first_stage'])}{_worth(choice)}."
    beyond = choice["beyond"]
    if best < deepest and beyond["upper"] is not None and beyond["upper"] < 0:
        yield f"  More candidates hurt: {deepest} instead of {best} cost {_signed(beyond)} there."
    row = found["rows"][depth - 1]
    weak = "first stage" if row["retrieval_loss"] > row["ranking_loss"] else "reranker"
    yield (
        f"  At {depth} candidates the best possible order would reach {number(row['oracle'])}:"
        f" {row['retrieval_loss']:.4f} are lost because candidates lack what is relevant, {row['ranking_loss']:.4f} in"
        f" ranking them. The {weak} is the bottleneck."
    )


def _checked(choice: Row) -> str:
    if choice["checked"] is None:
        return ""
    checked = choice["checked"]
    told = {"PASS": "confirmed", "IDENTICAL": "confirmed", "FAIL": "NOT confirmed"}.get(
        checked["status"], "neither confirmed nor refuted"
    )
    if checked["lower"] is None:
        return f"; {told}"
    return (
        f"; {told} against depth {choice['best']}: {checked['estimate']:+.4f}"
        f" [{checked['lower']:+.4f}, {checked['upper']:+.4f}] (90%)"
    )


def _worth(choice: Row) -> str:
    """Say where reranking is not shown to be worth anything."""
    against = choice["against_first_stage"]
    if against["lower"] is None or against["lower"] > 0:
        return ""
    return ", worse" if against["upper"] < 0 else ", not told apart"


def _mean(interval: Row) -> str:
    return mean_text({"mean": interval["estimate"], "lower": interval["lower"], "upper": interval["upper"]})


def _signed(interval: Row) -> str:
    if interval["lower"] is None:
        return NO_VALUE
    return f"{interval['estimate']:+.4f} [{interval['lower']:+.4f}, {interval['upper']:+.4f}]"


def depth_table(found: Row) -> Table:
    """Return the curve at some depths: the usual ones, the best, the recommended, the deepest."""
    choice = found["choice"]
    shown = {*_SHOWN, choice["best"], choice["recommended"], found["rows"][-1]["depth"]}
    cells = tuple(
        (
            f"{row['depth']}{_mark(row['depth'], choice)}",
            mean_text(row),
            NO_VALUE if row is found["rows"][-1] else difference_text(row["to_deepest"]),
            number(row["recall"]),
            number(row["oracle"]),
            number(row["retrieval_loss"]),
            number(row["ranking_loss"]),
            milliseconds(row["p95_s"]) + ("" if row["p95_s"] is None or row["p95_measured"] else " ~"),
            NO_VALUE if row["usd_per_thousand_queries"] is None else dollars(row["usd_per_thousand_queries"]),
        )
        for row in found["rows"]
        if row["depth"] in shown
    )
    columns = (
        "depth", found["metric"], f"difference to {found['rows'][-1]['depth']}", "recall", "best order",
        "retrieval loss", "ranking loss", "p95 (ms)", "$ a thousand queries",
    )  # fmt: skip
    first = found["first_stage"]
    marks = " '*' is the recommended depth, '+' the best one on the tuning queries."
    note = (
        f"Means over {found['queries']} queries with 95 % t intervals; the first stage alone: {mean_text(first)}."
        f" Differences are paired, of the same queries.{'' if choice['best'] is None else marks} Recall and best order"
        " are what the candidates allow. '~' is interpolated between measured batch sizes."
    )
    return Table(f"{found['dataset']}: {found['reranker']} by depth", columns, cells, note)


def _mark(depth: int, choice: Row) -> str:
    return ("*" if depth == choice["recommended"] else "") + ("+" if depth == choice["best"] else "")


def draw_depths(into: Path, found: Sequence[Row], colour: Mapping[str, str]) -> list[Plot]:
    """Draw every curve into a folder, in its reranker's colour."""
    with drawing():
        return [_draw(into, one, colour[one["reranker"]]) for one in found]


def _draw(into: Path, found: Row, colour: str) -> Plot:
    rows, choice, metric = found["rows"], found["choice"], found["metric"]
    depths = [row["depth"] for row in rows]
    title = f"{found['dataset']}: {metric} of {found['reranker']} at every depth"
    axes = new_axes(title, "depth (candidates per query)", metric)
    axes.plot(depths, [row["oracle"] for row in rows], "--", color="black", lw=1.2)
    held = [row for row in rows if row["lower"] is not None]
    axes.fill_between(
        [row["depth"] for row in held], [row["lower"] for row in held], [row["upper"] for row in held],
        color=colour, alpha=0.18, lw=0,
    )  # fmt: skip
    axes.plot(depths, [row["mean"] for row in rows], color=colour, lw=1.8)
    if choice["recommended"] is not None:
        at = rows[choice["recommended"] - 1]
        axes.plot([at["depth"]], [at["mean"]], "o", color="black", ms=7)
        axes.annotate(
            f"recommended: {at['depth']}", (at["depth"], at["mean"]), xytext=(0, -16), textcoords="offset points",
            ha="center", fontsize=9,
        )  # fmt: skip
    last, first = rows[-1], found["first_stage"]["mean"]
    ends = [
        (last["depth"], last["oracle"], BEST_ORDER, "black"),
        (last["depth"], last["mean"], found["reranker"], colour),
    ]
    if first is not None:
        axes.axhline(first, color=FIRST_STAGE_COLOUR, lw=1.2)
        ends.append((last["depth"], first, "first stage alone", FIRST_STAGE_COLOUR))
    axes.set_ylim(0, 1.02)
    label_ends(axes, [end for end in ends if end[1] is not None])
    caption = (
        f"Mean {metric} if only the first d candidates are reranked, for every d, with its 95 % t interval. The dashed"
        " line is what the candidates allow."
    )
    if choice["recommended"] is not None:
        caption += (
            " The dot is the smallest depth that loses nothing that matters, chosen on one half of the queries and"
            " checked on the other."
        )
    return save_plot(into, axes, f"{found['dataset']}.{found['reranker']}.tune-depth", title, caption, rows)
