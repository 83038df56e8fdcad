"""Tables of a result folder: Parquet with zstd compression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.errors import InputError
from evalkit.files import replacing_file
from evalkit.results.json_shapes import missing_file
from evalkit.results.table_columns import DAMAGED, Column, check_schema, checked

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray
    from pyarrow import parquet


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


def read_table(path: Path, columns: Mapping[str, Column]) -> pd.DataFrame:
    """Read a table with exactly these columns.

    Raises
    ------
    InputError
        If it is missing or damaged, lacks a column, or has values that the column cannot have.
    """
    frame: pd.DataFrame = _read(path, columns, {}).to_pandas()
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
    table = _read(path, columns, where)
    return {name: _shared(table[name]) for name in table.column_names}


def distinct_rows(path: Path, columns: Mapping[str, Column]) -> list[tuple[Any, ...]]:
    """Return the different rows of some columns of a table, in no order; see `read_table` for errors."""
    found = _read(path, columns, {}).group_by(list(columns)).aggregate([]).to_pydict()
    return list(zip(*found.values(), strict=True))


def _read(path: Path, columns: Mapping[str, Column], where: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    if not path.is_file():
        raise missing_file(path)
    try:
        with parquet.ParquetFile(
            path
        ) as file:  # parquet.read_table would import pyarrow.dataset, and pandas with it
            schema = file.schema_arrow
            check_schema(schema, columns, path)
            names = [name for name in columns if name in schema.names]
            table = _matching(file, names, where) if where else file.read(names)
        return checked(table, columns, path)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path.resolve()} is damaged: {first_sentence(error)}", DAMAGED) from None
    except MemoryError:
        raise InputError(f"{path.resolve()} does not fit in memory", DAMAGED) from None


def _matching(file: parquet.ParquetFile, names: list[str], where: Mapping[str, str]) -> pa.Table:
    """Return the rows with given values in some columns; one row group is in memory at a time."""
    import pyarrow as pa
    from pyarrow import compute

    found = [file.schema_arrow.empty_table().select(names)]
    for number in range(file.num_row_groups):
        if _may_hold(file.metadata.row_group(number), where):
            group = file.read_row_group(number, names)
            equal = [compute.equal(group[name], value) for name, value in where.items()]
            found.append(group.filter(reduce(compute.and_, equal)))
    return pa.concat_tables(found)


def _may_hold(group: parquet.RowGroupMetaData, where: Mapping[str, str]) -> bool:
    """Return whether a row group may have such rows, as far as the smallest and largest values of its columns say."""
    for number in range(group.num_columns):
        column = group.column(number)
        value, known = where.get(column.path_in_schema), column.statistics
        if (
            value is not None
            and known is not None
            and known.has_min_max
            and not known.min <= value <= known.max
        ):
            return False
    return True


def first_sentence(error: BaseException) -> str:
    """Return the beginning of a message of Arrow, which may have several lines."""
    return str(error).partition("\n")[0].partition(". ")[0][:200] or type(error).__name__


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
