"""The table to decide by: every system's quality, its standing, and what it takes, in one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evalkit.report.comparison_tables import signed
from evalkit.report.tables import NO_VALUE, Table, dollars, mean_text, milliseconds
from evalkit.report.verdict import price_of

Row = Mapping[str, Any]
_ALWAYS = 5
"""Columns that stand there whatever is known."""


def decision_tables(compared: Row, summary: Row, tuned: Row) -> list[Table]:
    """Return one table for each dataset, the highest mean first.

    Parameters
    ----------
    compared, summary, tuned
        Contents of ``comparisons.json``, ``summary.json`` and ``tuning.json``.
    """
    return [_table(entry, compared["plan"], summary, tuned) for entry in compared["datasets"]]


def _table(entry: Row, plan: Row, summary: Row, tuned: Row) -> Table:
    dataset, depth = entry["dataset"], entry["depth"]
    held = {one["contender"]: one for one in entry["comparisons"]}
    means = {
        row["reranker"]: row
        for row in summary["quality"]
        if (row["dataset"], row["depth"], row["metric"]) == (dataset, depth, plan["primary"])
    }
    enough = {one["reranker"]: _enough(one["choice"]) for one in tuned["depth"] if one["dataset"] == dataset}
    cells = []
    for tag in sorted(means, key=lambda tag: -(means[tag]["mean"] or 0.0)):
        price = price_of(summary, dataset, tag, depth)
        cost = price.usd_per_thousand_queries
        cells.append(
            (
                tag,
                held[tag]["verdict"] if tag in held else "baseline",
                ", ".join(entry["tied_with"].get(tag, ())) or NO_VALUE,
                mean_text(means[tag]),
                signed(held[tag]) if tag in held else NO_VALUE,
                milliseconds(price.p50_s),
                milliseconds(price.p95_s),
                NO_VALUE if cost is None else dollars(cost),
                str(enough.get(tag) or NO_VALUE),
            )
        )
    columns = (
        "system", "verdict", "tied with", plan["primary"], f"difference to {plan['baseline']}", "p50 (ms)", "p95 (ms)",
        "$", "enough",
    )  # fmt: skip
    told = _told(cells)
    note = (
        f"{depth} candidates a query; intervals: {plan['confidence']:.0%} (t). The verdict is that of a corrected test"
        f" against {plan['baseline']}; tied: not told apart, all pairs tested. p50 and p95 are those of one call with"
        f" {depth} documents, alone; $ are for a thousand queries. Enough: the fewest candidates that lose nothing that"
        f" matters, where other queries confirm it. '{NO_VALUE}' is not known."
    )
    rows = tuple(tuple(row[place] for place in told) for row in cells)
    return Table(f"{dataset}: what to decide by", tuple(columns[place] for place in told), rows, note, left=3)


def _told(cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the places of the columns to show: what nobody knows of any system says nothing."""
    columns = zip(*cells, strict=True)
    return [place for place, held in enumerate(columns) if place < _ALWAYS or {*held} != {NO_VALUE}]


def _enough(choice: Row) -> int | None:
    """Return the recommended depth, unless it is below the best one and other queries do not confirm it."""
    checked = choice["checked"]
    held = checked is None or checked["status"] in {"PASS", "IDENTICAL"}
    return choice["recommended"] if held else None
