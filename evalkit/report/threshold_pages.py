"""Where to cut the scores: the sentence for a ticket, a table, a plot."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.report.drawing import COLOURS, Plot, drawing, label_ends, new_axes, save_plot
from evalkit.report.tables import NO_VALUE, Table, number

Row = Mapping[str, Any]


def threshold_line(found: Row) -> str:
    """Return what to keep, what is promised, and what held on other queries."""
    who = f"{found['dataset']}: {found['reranker']}"
    if found["threshold"] is None:
        return f"{who}: no threshold for {_goal(found['goal'])}: {found['why_not']}."
    held = found["held_out"]
    return (
        f"{who}: keep score >= {found['threshold']!r}: {_promise(found)} (chosen on {found['chosen_on']} queries)."
        f" On {held['kept']['n']} queries held out it keeps {_share(held['recall'])} of the relevant candidates"
        f" (n={held['recall']['n']}) and {held['kept']['mean']:.1f} of up to {found['depth']} documents; precision"
        f" {_share(held['precision'])}, nothing left for {held['empty']['mean']:.1%} of the queries."
    )


def threshold_lines(found: Row) -> Iterator[str]:
    """Yield that sentence, and for what it holds."""
    yield threshold_line(found)
    if found["threshold"] is None:
        return
    yield f"  On the queries it was chosen on: recall {_share(found['tuned']['recall'])}, which may flatter it."
    yield (
        f"  Recall is among the candidates: the first stage finds {_percent(found['first_stage_recall'])} of what is"
        f" judged relevant, and no threshold can keep more."
    )
    if found["false_accepts"] is not None:
        apart = NO_VALUE if found["separation"] is None else f"{found['separation']:.3f}"
        yield (
            f"  Of {found['unanswerable']} queries that nothing answers, something is kept for"
            f" {_share(found['false_accepts'])}; best scores tell answerable from unanswerable ones with an AUROC of"
            f" {apart}."
        )
    yield (
        f"  Valid for {found['reranker']}, depth {found['depth']}, these judgments and queries like these; another"
        " version's scores may live on another scale (evalkit compare BEFORE AFTER --threshold)."
    )


def _goal(goal: Row) -> str:
    return "the highest F1" if goal["target"] is None else f"{goal['what']} >= {goal['target']:g}"


def _promise(found: Row) -> str:
    goal = found["goal"]
    if goal["promise"] == "guaranteed":
        return (
            f"with {goal['confidence']:.0%} confidence at least {goal['target']:.0%} of the relevant candidates are"
            " kept, on average over queries like these"
        )
    if goal["promise"] == "expected":
        return (
            f"at least {goal['target']:.0%} of the relevant candidates are kept in expectation; any one choice may keep"
            " fewer"
        )
    return f"{_goal(goal)} on the queries it was chosen on; no promise for others"


def _share(interval: Row) -> str:
    if interval["mean"] is None:
        return NO_VALUE
    if interval["lower"] is None:
        return f"{interval['mean']:.1%}"
    low, high = max(interval["lower"], 0.0), min(interval["upper"], 1.0)  # a share is no less and no more
    return f"{interval['mean']:.1%} [{low:.1%}, {high:.1%}]"


def _percent(value: float | None) -> str:
    return NO_VALUE if value is None else f"{value:.1%}"


def threshold_table(found: Row) -> Table:
    """Return what some thresholds do to the held-out queries."""
    metric = found["rows"][0]["metric"] if found["rows"] else "quality"
    cells = tuple(
        (
            f"{row['threshold']:.6g}", f"{row['kept']:.1f}", number(row["recall"]), number(row["precision"]),
            number(row["f1"]), f"{row['empty']:.1%}", number(row["quality"]),
        )
        for row in found["rows"]
    )  # fmt: skip
    held = found["held_out"]
    note = (
        "Means over the held-out queries: recall and F1 over those with a relevant candidate, precision over those of"
        " which anything is kept. Unjudged documents count as not relevant, so precision is too low rather than too"
        f" high; {metric} is of what is left, queries with nothing left count as 0."
    )
    if held is not None:
        note += f" The chosen threshold: {found['threshold']!r}, recall {_share(held['recall'])}."
    columns = ("keep score >=", "kept", "recall", "precision", "F1", "empty", metric)
    return Table(f"{found['dataset']}: {found['reranker']} by threshold", columns, cells, note, left=1)


def draw_thresholds(into: Path, found: Sequence[Row]) -> list[Plot]:
    """Draw every curve into a folder."""
    with drawing():
        return [_draw(into, one) for one in found if one["rows"]]


def _draw(into: Path, found: Row) -> Plot:
    rows = found["rows"]
    title = f"{found['dataset']}: what a threshold on {found['reranker']} keeps"
    axes = new_axes(title, "keep documents with this score or more", "mean over held-out queries")
    ends = []
    for colour, name in zip(COLOURS, ("recall", "precision", "f1"), strict=False):
        held = [row for row in rows if row[name] is not None]
        x, y = [row["threshold"] for row in held], [row[name] for row in held]
        axes.plot(x, y, "-o", ms=3, lw=1.5, color=colour)
        if held:
            ends.append((x[-1], y[-1], {"f1": "F1"}.get(name, name), colour))
    if found["threshold"] is not None:
        axes.axvline(found["threshold"], color="black", lw=1.2, ls="--")
        axes.annotate(
            f"chosen: {found['threshold']:.4g}", (found["threshold"], 0.5), xytext=(3, 0),
            textcoords="offset points", rotation=90, va="center", fontsize=9,
        )  # fmt: skip
    axes.set_ylim(0, 1.02)
    label_ends(axes, ends)
    caption = (
        "Queries that the threshold was not chosen on. Recall is the share of relevant candidates that is kept,"
        " precision the share of what is kept that is relevant."
    )
    if found["threshold"] is not None:
        caption += f" The dashed line was chosen for {_goal(found['goal'])}."
    return save_plot(
        into, axes, f"{found['dataset']}.{found['reranker']}.tune-threshold", title, caption, rows
    )
