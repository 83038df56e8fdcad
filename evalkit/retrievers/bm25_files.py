"""Counts and indexes on disk: one file a column, mapped into memory when they are read."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from evalkit.retrievers.bm25_counts import TermCounts
from evalkit.retrievers.bm25_scores import Bm25Index

_Columns = TypeVar("_Columns", TermCounts, Bm25Index)


def save(folder: Path, columns: TermCounts | Bm25Index) -> None:
    """Write columns into a new folder."""
    import pyarrow as pa

    folder.mkdir()
    for field in fields(columns):
        column = getattr(columns, field.name)
        if isinstance(column, np.ndarray):
            np.save(folder / f"{field.name}.npy", column)
            continue
        table = pa.table({field.name: column})
        with pa.ipc.new_file(str(folder / f"{field.name}.arrow"), table.schema) as file:
            file.write_table(table)


def load(folder: Path, kind: type[_Columns]) -> _Columns:
    """Return the columns of a folder: read where they are looked at, and never all at once."""
    return kind(**{field.name: _mapped(folder, field.name) for field in fields(kind)})


def _mapped(folder: Path, name: str) -> Any:
    import pyarrow as pa

    plain = folder / f"{name}.npy"
    if plain.is_file():
        # A plain view of the mapped file: numpy's memmap is slow to slice.
        return np.asarray(np.load(plain, mmap_mode="r"))
    with pa.memory_map(str(folder / f"{name}.arrow")) as file:
        return pa.ipc.open_file(file).read_all()[name].combine_chunks()
