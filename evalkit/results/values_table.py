"""``values.parquet``: the value of every metric for every query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.records import MetricValues
from evalkit.results.arrow_columns import repeated
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
    of_metrics = [
        (cell, metric, cell.values.known(metric)) for cell in cells for metric in cell.values.metrics
    ]
    sizes = [len(known) for *_, known in of_metrics]
    shared: dict[str, list[Any]] = {
        "dataset": [cell.dataset for cell, *_ in of_metrics],
        "reranker": [cell.reranker for cell, *_ in of_metrics],
        "depth": [cell.depth for cell, *_ in of_metrics],
        "metric": [metric for _, metric, _ in of_metrics],
    }
    of_rows = {
        "query_id": [cell.values.query_ids[row] for cell, _, known in of_metrics for row in known.tolist()],
        "value": np.concatenate(
            [np.empty(0), *(cell.values.of(metric)[known] for cell, metric, known in of_metrics)]
        ),
    }
    schema = kinds(VALUE_COLUMNS)
    columns = {name: repeated(values, sizes, schema[name]) for name, values in shared.items()}
    write_table(path, schema, columns | of_rows, inside=inside)


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
