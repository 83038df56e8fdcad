"""Write TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.files import write_file
from evalkit.formats.run_files import COLUMNS
from evalkit.records import Run

if TYPE_CHECKING:
    import pyarrow as pa

_LEVEL = 1
"""Level 6 of gzip takes five times as long for files that are an eighth smaller: the digits of scores do not repeat."""
_ROWS = 2**19
"""Rows whose text is in memory at once."""
_MOST_WRITERS = 4


def write_run(run: Run, path: Path, *, inside: Path | None = None) -> None:
    """Write a gzipped TREC run; scores read back exactly equal. See `write_file` for `inside`.

    Where a query id begins with ``#``, the file has tabs and a header, so that its rows are no comments.
    """
    packer = zlib.compressobj(_LEVEL, wbits=16 + zlib.MAX_WBITS)  # a gzip header without a time or a name
    parts = [packer.compress(text) for text in run_texts(run)]
    write_file(path, b"".join([*parts, packer.flush()]), inside=inside)


def write_runs(runs: Iterable[tuple[Run, Path]], *, inside: Path | None = None) -> None:
    """Write several runs side by side; see `write_run`."""
    writers = min(os.cpu_count() or 1, _MOST_WRITERS)
    with ThreadPoolExecutor(writers) as pool:
        for done in [pool.submit(write_run, run, path, inside=inside) for run, path in runs]:
            done.result()


def run_texts(run: Run) -> Iterator[memoryview | bytes]:
    """Yield the text of a run's file in UTF-8, in parts. Scores have the fewest digits that read back equal."""
    blank = "\t" if any(query_id.startswith("#") for query_id in run.query_ids) else " "
    if blank == "\t":
        yield (blank.join(COLUMNS) + "\n").encode()
    import pyarrow as pa

    owners, places = run.owners, run.places
    queries = pa.array([f"{query_id}{blank}Q0{blank}" for query_id in run.query_ids], pa.string())
    ranks = pa.array(
        [f"{blank}{rank}{blank}" for rank in range(1, int(places.max(initial=0)) + 1)], pa.string()
    )
    names = pa.array(run.doc_names.texts, pa.string())
    for start in range(0, len(run), _ROWS):
        rows = slice(start, start + _ROWS)
        columns = (
            queries.take(pa.array(owners[rows])),
            names.take(pa.array(run.doc_codes[rows])),
            ranks.take(pa.array(places[rows] - 1)),
            _score_texts(run.scores[rows], blank),
        )
        yield _joined(columns, f"{run.tag}\n")


def _joined(columns: tuple[pa.Array, ...], end: str) -> memoryview:
    """Return the text of rows: the columns of each, and what ends it."""
    import pyarrow.compute as pc

    lines: Any = pc.binary_join_element_wise(*columns, end, "")
    _, offsets, text = lines.buffers()
    last = int(np.frombuffer(offsets, np.int32)[len(lines)])
    return memoryview(text)[:last]


def _score_texts(scores: NDArray[np.float64], blank: str) -> pa.Array:
    """Return Python's text of each score, followed by a blank."""
    import orjson
    import pyarrow as pa
    import pyarrow.compute as pc

    written = orjson.dumps(np.ascontiguousarray(scores), option=orjson.OPT_SERIALIZE_NUMPY)
    text = np.frombuffer(written, np.uint8)[1:].copy()  # "1.0,2.0]": each number and what ends it
    ends = np.flatnonzero((text == ord(",")) | (text == ord("]")))
    text[ends] = ord(blank)
    offsets = np.concatenate(([0], ends + 1)).astype(np.int32)
    texts = pa.StringArray.from_buffers(len(scores), pa.py_buffer(offsets), pa.py_buffer(text))
    sizes = np.abs(scores)
    # Python writes these with an exponent, orjson some of them without.
    other = ((sizes < 1e-4) & (sizes > 0)) | (sizes >= 1e16)
    if not other.any():
        return texts
    replaced = pa.array([f"{score!r}{blank}" for score in scores[other].tolist()], pa.string())
    return pc.replace_with_mask(texts, pa.array(other), replaced)
