"""``corrected.parquet`` of a baseline: the values of every query under grades of people and under those of a judge."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.comparison.corrected_sides import PARTS, SavedSide
from evalkit.comparison.correction import CorrectedValues
from evalkit.results.arrow_columns import repeated
from evalkit.results.parquet import read_columns, write_table
from evalkit.results.rows import Rows
from evalkit.results.table_columns import Column, kinds, optional

CORRECTED_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "metric": Column("string"),
    "query_id": Column("string"),
    **{part: optional("float64") for part in PARTS},
}
"""Columns of ``corrected.parquet``: the first rows of a metric are the drawn queries, others have no human value."""
Cell = tuple[str, str]
"""Dataset and reranker."""
Found = dict[str, tuple[tuple[str, ...], CorrectedValues]]
"""Metric -> ids of all queries, and the values."""


def write_corrected(path: Path, sides: Mapping[Cell, SavedSide], *, inside: Path) -> None:
    """Write the values of some systems to a file `inside` a folder, one row for each metric and query."""
    rows = [
        (dataset, tag, metric, side.draw.query_ids, values)
        for (dataset, tag), side in sides.items()
        for metric, values in side.saved.items()
    ]
    sizes = [len(query_ids) for *_, query_ids, _ in rows]
    schema = kinds(CORRECTED_COLUMNS)
    columns: dict[str, Any] = {
        name: repeated([row[place] for row in rows], sizes, schema[name])
        for place, name in enumerate(("dataset", "reranker", "metric"))
    }
    columns["query_id"] = [query_id for *_, query_ids, _ in rows for query_id in query_ids]
    for part in PARTS:
        found = [getattr(values, part) for *_, values in rows]
        filled = [
            np.concatenate([one, np.full(size - len(one), np.nan)])
            for one, size in zip(found, sizes, strict=True)
        ]
        columns[part] = np.concatenate(filled)
    write_table(path, schema, columns, inside=inside)


def read_corrected(path: Path) -> Iterator[tuple[Cell, Found]]:
    """Yield each system with its values.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    for (dataset, tag), part in Rows(read_columns(path, CORRECTED_COLUMNS, {})).groups(
        ("dataset", "reranker")
    ):
        yield (dataset, tag), {metric: _values(rows) for (metric,), rows in part.groups(("metric",))}


def _values(rows: Rows) -> tuple[tuple[str, ...], CorrectedValues]:
    drawn = int(rows.known("has_human").sum())
    human, has_human = (rows.numbers(name)[:drawn] for name in PARTS[:2])
    judged, has_judged = (rows.numbers(name) for name in PARTS[2:])
    return tuple(rows["query_id"].tolist()), CorrectedValues(human, has_human, judged, has_judged)
