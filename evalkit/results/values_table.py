"""``values.parquet``: the value of every metric for every query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.records import MetricValues
from evalkit.results.parquet import read_columns, write_table
from evalkit.results.rows import Rows
from evalkit.results.table_columns import Column, kinds, optional

VALUE_COLUMNS = {
    "dataset": Column("string"),
    "reranker": Column("string"),
    "depth": optional("int32", least=1),
    "metric": Column("string"),
    "query_id": Column("string"),
    "value": Column("float64"),
}
"""Columns of ``values.parquet``."""


@dataclass(frozen=True, slots=True, eq=False)
class CellValues:
    """The values of one system on one dataset at one depth; the depth of a compared run is None."""

    dataset: str
    reranker: str
    depth: int | None
    values: MetricValues


def write_values(path: Path, cells: Iterable[CellValues], *, inside: Path) -> None:
    """Write the values of some cells to a file `inside` a folder, one row for each metric and query."""
    columns: dict[str, list[Any]] = {name: [] for name in VALUE_COLUMNS}
    for cell in cells:
        for metric in cell.values.metrics:
            known = cell.values.by_query(metric)
            rows = len(known)
            columns["dataset"] += [cell.dataset] * rows
            columns["reranker"] += [cell.reranker] * rows
            columns["depth"] += [cell.depth] * rows
            columns["metric"] += [metric] * rows
            columns["query_id"] += known
            columns["value"] += known.values()
    write_table(path, kinds(VALUE_COLUMNS), columns, inside=inside)


def read_values(path: Path) -> Iterator[CellValues]:
    """Yield the values of every reranker; the table must have one depth of each.

    Raises
    ------
    InputError
        If the file is missing or damaged.
    """
    for (dataset, tag), part in Rows(read_columns(path, VALUE_COLUMNS, {})).groups(("dataset", "reranker")):
        metrics, query_ids = part["metric"].tolist(), part["query_id"].tolist()
        labels = {label: place for place, label in enumerate(dict.fromkeys(metrics))}
        queries = {query_id: place for place, query_id in enumerate(dict.fromkeys(query_ids))}
        values = np.full((len(queries), len(labels)), np.nan)
        values[[queries[one] for one in query_ids], [labels[one] for one in metrics]] = part["value"]
        depth = int(part["depth"][0]) if part.known("depth")[0] else None  # null for a compared run
        yield CellValues(dataset, tag, depth, MetricValues(tag, tuple(labels), tuple(queries), values))
