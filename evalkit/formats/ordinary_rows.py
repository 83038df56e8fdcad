"""Split a block of lines at once, where none of them can be anything but a row."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalkit.formats.arrow_names import in_runs
from evalkit.formats.text_files import Block
from evalkit.formats.trec_lines import are_ids

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["name", "id", "integer", "number"]
"""What a column holds: few different names, identifiers, whole numbers, or numbers."""
_THREADS = min(2, os.cpu_count() or 1)
"""Arrow parses without the interpreter's lock; the other work on a file keeps one processor busy."""
_BLANKS = re.compile(rb"  +")


def parsed_blocks(
    blocks: Iterator[Block], parse: Callable[[Block], pa.Table | None]
) -> Iterator[tuple[Block, pa.Table | None]]:
    """Yield every block with what `parse` returns for it; some blocks are parsed ahead, in threads.

    The first block comes with None: it may have a header, which `parse` may depend on.
    """
    for first in islice(blocks, 1):
        yield first, None
    waiting: deque[tuple[Block, Future[pa.Table | None]]] = deque()
    with ThreadPoolExecutor(_THREADS) as pool:
        for block in blocks:
            waiting.append((block, pool.submit(parse, block)))
            if len(waiting) > _THREADS:
                done, table = waiting.popleft()
                yield done, table.result()
        for done, table in waiting:
            yield done, table.result()


def ordinary_rows(block: Block, kinds: Mapping[str, Kind]) -> pa.Table | None:
    """Return the columns of a block of lines; None if one of the lines needs care.

    Ordinary lines are UTF-8 and end with a line feed, have the columns between single tabs, or between blanks without
    tabs, and do not begin with ``#``. Numbers are read as Python reads them; what only Python takes for a number needs
    care, and so does whatever Arrow does not read.

    Parameters
    ----------
    block
        The lines.
    kinds
        Name -> kind of every column; the first one holds the query.
    """
    data, controls = block.data, _controls(block.data)
    tabs = data.count(b"\t") if controls != block.ends else 0
    if not data.endswith(b"\n") or (tabs and b" " in data):
        return None
    if controls != block.ends + tabs and not _are_returns(data, controls - block.ends - tabs):
        return None
    table = _parsed(data, kinds, "\t" if tabs else " ")
    if table is None and not tabs:
        table = _parsed(_single_blanks(data), kinds, " ")
    return table if table and _are_plain(table, kinds, ascii_only=data.isascii()) else None


def _parsed(data: bytes, kinds: Mapping[str, Kind], delimiter: str) -> pa.Table | None:
    """Return the columns of lines; None if a line has others."""
    import pyarrow as pa
    from pyarrow import csv

    types = {"name": pa.string(), "id": pa.string(), "integer": pa.int64(), "number": pa.float64()}
    try:
        table = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(column_names=list(kinds), use_threads=False, block_size=len(data) + 1),
            csv.ParseOptions(delimiter=delimiter, quote_char=False),
            csv.ConvertOptions(
                column_types={column: types[kind] for column, kind in kinds.items()},
                null_values=[],
                strings_can_be_null=False,
            ),
            # It gives memory back at once; Arrow's default keeps that of earlier blocks.
            memory_pool=pa.system_memory_pool(),
        )
    except pa.ArrowInvalid:
        return None
    for place, kind in enumerate(kinds.values()):
        if kind == "name":
            table = table.set_column(place, table.field(place).name, in_runs(table.column(place)))
    return table


def _controls(data: bytes) -> int:
    """Return the number of control characters: some tools split lines or columns at others than line feeds and tabs."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) < ord(" ")))


def _are_returns(data: bytes, number: int) -> bool:
    """Return whether a number of control characters are carriage returns before line feeds."""
    return data.count(b"\r\n") == data.count(b"\r") == number


def _single_blanks(data: bytes) -> bytes:
    """Return lines without blanks around them, and with one between columns, in time that grows with their length."""
    data = _BLANKS.sub(b" ", data)
    return data.replace(b" \r\n", b"\r\n").replace(b" \n", b"\n").replace(b"\n ", b"\n").removeprefix(b" ")


def _are_plain(table: pa.Table, kinds: Mapping[str, Kind], *, ascii_only: bool) -> bool:
    """Return whether no row is a comment, and every identifier is one."""
    for column, kind in kinds.items():
        if kind == "name":
            names = {name for chunk in table[column].chunks for name in chunk.values.dictionary.to_pylist()}
            if not are_ids(names) or (column == next(iter(kinds)) and any(n.startswith("#") for n in names)):
                return False
        elif kind == "id" and not (
            _have_characters(table[column]) and (ascii_only or are_ids(set(table[column].to_pylist())))
        ):
            return False
    return True


def _have_characters(column: pa.ChunkedArray) -> bool:
    """Return whether no text of a column is empty."""
    for chunk in column.chunks:
        edges = np.frombuffer(chunk.buffers()[1], np.int32)[chunk.offset : chunk.offset + len(chunk) + 1]
        if (edges[1:] == edges[:-1]).any():
            return False
    return True
