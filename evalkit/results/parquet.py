"""Tables of a result folder: Parquet with zstd compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.files import replacing_file
from evalkit.results.json_shapes import missing_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray


def to_table(schema: Mapping[str, str], columns: Mapping[str, Any]) -> pa.Table:
    """Return columns as an Arrow table."""
    import pyarrow as pa

    fields = pa.schema([(name, getattr(pa, kind)()) for name, kind in schema.items()])
    arrays = [pa.array(columns[field.name], type=field.type, from_pandas=True) for field in fields]
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

    with replacing_file(path, inside=inside) as file:
        parquet.write_table(pa.concat_tables(tables).combine_chunks(), file, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table.

    Raises
    ------
    InputError
        If it is missing or damaged.
    """
    frame: pd.DataFrame = _read(path, {}).to_pandas()
    return frame


def read_columns(path: Path, where: Mapping[str, str]) -> dict[str, NDArray[Any]]:
    """Read the rows of a table with given values in some columns; see `read_table` for errors.

    Returns
    -------
    Columns by name. Equal strings are one object, to save memory: millions of rows name thousands of documents. A
    null number is NaN.
    """
    table = _read(path, where)
    return {name: _shared(table[name]) for name in table.column_names}


def _read(path: Path, where: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path, filters=[(name, "=", value) for name, value in where.items()] or None)
    except FileNotFoundError:
        raise missing_file(path) from None
    except pa.ArrowInvalid as error:
        raise InputError(f"{path.resolve()} is damaged: {error}") from None


def _shared(column: pa.ChunkedArray) -> NDArray[Any]:
    import pyarrow as pa
    from pyarrow import compute

    if not pa.types.is_string(column.type):
        values: NDArray[Any] = column.to_numpy()
        return values
    words = compute.unique(column)
    codes = compute.index_in(column, words)
    shared: NDArray[Any] = words.to_numpy(zero_copy_only=False)
    return shared[codes.to_numpy()] if len(words) else shared
