"""``values.parquet``: the value of every metric for every query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evalkit.records import MetricValues
from evalkit.results.parquet import read_table, write_table
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
    import pandas as pd

    for (dataset, tag), part in read_table(path, VALUE_COLUMNS).groupby(["dataset", "reranker"], sort=False):
        wide = part.pivot_table(index="query_id", columns="metric", values="value", sort=False)
        labels = tuple(dict.fromkeys(part["metric"]))
        columns = wide[list(labels)].to_numpy(dtype=np.float64)
        values = MetricValues(str(tag), labels, tuple(wide.index), columns)
        depth = part["depth"].iloc[0]  # null for a compared run
        yield CellValues(str(dataset), str(tag), None if pd.isna(depth) else int(depth), values)
