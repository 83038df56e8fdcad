"""Tables of a result folder: Parquet with zstd compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import InputError
from evalkit.files import replacing_file
from evalkit.formats.arrow_names import number_array
from evalkit.records import Names
from evalkit.results.arrow_columns import changes, codes_of, scalar, to_arrow, to_numpy
from evalkit.results.json_shapes import missing_file
from evalkit.results.table_columns import DAMAGED, Column, check_schema, checked

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray
    from pyarrow.parquet import ParquetFile


_GROUP_ROWS = 2**20
"""Rows of a group, of which some columns have statistics; it is Arrow's own number."""


def to_table(schema: Mapping[str, str], columns: Mapping[str, Any]) -> pa.Table:
    """Return columns as an Arrow table."""
    import pyarrow as pa

    fields = pa.schema([(name, getattr(pa, kind)()) for name, kind in schema.items()])
    arrays = [to_arrow(columns[field.name], field.type) for field in fields]
    return pa.Table.from_arrays(arrays, schema=fields)


def write_table(
    path: Path, schema: Mapping[str, str], columns: Mapping[str, Any], *, inside: Path | None = None
) -> None:
    """Write columns as one table. See `replacing_file` for `inside`."""
    write_tables(path, [to_table(schema, columns)], inside=inside)


def write_tables(path: Path, tables: Sequence[pa.Table], *, inside: Path | None = None) -> None:
    """Write the rows of several tables with one schema as one table. See `replacing_file` for `inside`."""
    import pyarrow as pa
    from pyarrow import parquet

    whole = pa.concat_tables(tables)
    with (
        replacing_file(path, inside=inside) as file,
        parquet.ParquetWriter(file, whole.schema, compression="zstd") as writer,
    ):
        # Only the columns of one group of rows are copied at once.
        for start in range(0, max(len(whole), 1), _GROUP_ROWS):
            writer.write_table(whole.slice(start, _GROUP_ROWS).combine_chunks(), _GROUP_ROWS)


def read_table(path: Path, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Read a table with exactly these columns.

    Raises
    ------
    InputError
        If it is missing or damaged, lacks a column, or has values that the column cannot have.
    """
    frame: pd.DataFrame = _read(path, columns, {}, coded=False).to_pandas()
    return frame


def read_columns(
    path: Path, columns: Mapping[str, Column], where: Mapping[str, str]
) -> dict[str, NDArray[Any]]:
    """Read the rows of a table with given values in some columns; see `read_table` for errors.

    Returns
    -------
    Columns by name. Equal strings are one object, to save memory: millions of rows name thousands of documents. A
    null number is NaN.
    """
    table = _read(path, columns, where, coded=True)
    return {name: to_numpy(table[name]) for name in table.column_names}


def read_coded_columns(
    path: Path, columns: Mapping[str, Column], where: Mapping[str, str]
) -> tuple[dict[str, Names], dict[str, NDArray[Any]]]:
    """Read rows as `read_columns` does, with the number of its text instead of each text.

    Returns
    -------
    The texts of each column of texts, some of which may be in no row, and the columns; without those of `where`. No
    text may be null.
    """
    table = _read(path, columns, where, coded=True)
    names: dict[str, Names] = {}
    found: dict[str, NDArray[Any]] = {}
    for name, column in columns.items():
        if name in where:
            continue
        if column.kind == "string":
            codes, texts = codes_of(table[name])
            names[name], number = Names.of_rows(texts[:-1])  # the last one stands for a missing text
            found[name] = number[codes]
        else:
            found[name] = to_numpy(table[name])
    return names, found


def distinct_rows(path: Path, columns: Mapping[str, Column]) -> list[tuple[Any, ...]]:
    """Return the different rows of some columns of a table, in no order; see `read_table` for errors."""
    table = _read(path, columns, {}, coded=True).unify_dictionaries()
    # Rows of a system and a query are adjacent: few rows differ from the one before them.
    changed = np.any([changes(table[name]) for name in columns], axis=0)
    table = table.take(number_array(np.flatnonzero(changed)))
    rows, first = np.zeros(len(table), dtype=np.int64), np.empty(0, dtype=np.int64)
    found: list[tuple[NDArray[np.int64], list[Any]]] = []
    for name in columns:
        # The number of a combination of values is replaced by its place among those that occur, which stays small.
        codes, values = codes_of(table[name])
        first, rows = _renumbered(rows * len(values) + codes)
        found.append((codes, values))
    return list(zip(*([values[code] for code in codes[first]] for codes, values in found), strict=True))


def _renumbered(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a row of each different number, and the ``(r,)`` place of each number among the different ones."""
    size = int(numbers.max(initial=-1)) + 1
    if size > len(numbers):
        _, row, place = np.unique(numbers, return_index=True, return_inverse=True)
        return row, place
    # Without sorting: numbers that are not larger than the table has rows.
    row_of = np.full(size, -1)
    row_of[numbers] = np.arange(len(numbers))
    present = np.flatnonzero(row_of >= 0)
    place_of = np.empty(size, dtype=np.int64)
    place_of[present] = np.arange(len(present))
    return row_of[present], place_of[numbers]


def _read(path: Path, columns: Mapping[str, Column], where: Mapping[str, str], *, coded: bool) -> pa.Table:
    """Return the rows with given values in some columns; with `coded`, texts are numbers of a dictionary."""
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise missing_file(path)
    try:
        metadata = parquet.read_metadata(path)
        schema = metadata.schema.to_arrow_schema()
        check_schema(schema, columns, path)
        names = [name for name in columns if name in schema.names]
        texts = [name for name in names if columns[name].kind == "string"] if coded else None
        # A file is opened as one: a dataset of files, which `read_table` opens, takes 0.2 s longer to import.
        with parquet.ParquetFile(path, metadata=metadata, read_dictionary=texts) as file:
            table = file.read_row_groups(_row_groups(file, where), columns=names)
        for name, value in where.items():
            table = table.filter(_equal(table[name], value))
        return checked(table, columns, path, coded=coded)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.resolve()} is damaged: {first_sentence(error)}", DAMAGED) from None
    except MemoryError:
        raise InputError(f"{path.resolve()} does not fit in memory", DAMAGED) from None


def _row_groups(file: ParquetFile, where: Mapping[str, str]) -> list[int]:
    """Return the numbers of the row groups that may have rows with given values, by the statistics of the file."""
    places = {file.metadata.schema.column(place).path: place for place in range(file.metadata.num_columns)}

    def may_have(number: int) -> bool:
        for name, value in where.items():
            known = file.metadata.row_group(number).column(places[name]).statistics
            if known is not None and known.has_min_max and not known.min <= value <= known.max:
                return False
        return True

    return [number for number in range(file.num_row_groups) if may_have(number)]


def _equal(column: pa.ChunkedArray, value: str) -> pa.ChunkedArray:
    """Return where a column of texts has a value; numbers of a dictionary are compared as numbers."""
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_dictionary(column.type):
        return compute.equal(column, value)
    parts = [
        compute.equal(part.indices, scalar(words.index(value) if value in words else -1, part.indices.type))
        for part in column.chunks
        for words in [part.dictionary.to_pylist()]
    ]
    return pa.chunked_array(parts, pa.bool_())


def first_sentence(error: BaseException) -> str:
    """Return the beginning of a message of Arrow, which may have several lines."""
    return str(error).partition("\n")[0].partition(". ")[0][:200] or type(error).__name__
