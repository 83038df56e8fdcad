"""Write TREC runs: ``query_id Q0 doc_id rank score tag``."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evalkit.files import write_file
from evalkit.formats.arrow_names import number_array, text_array
from evalkit.formats.run_files import COLUMNS
from evalkit.records import Run

if TYPE_CHECKING:
    import pyarrow as pa

_LEVEL = 1
"""Level 6 of gzip takes five times as long for files that are an eighth smaller: the digits of scores do not repeat."""
_ROWS = 2**17
"""Rows whose text is in memory at once."""
_MOST_WRITERS = 4


def write_run(run: Run, path: Path, *, inside: Path | None = None) -> None:
    """Write a gzipped TREC run; scores read back exactly equal. See `write_file` for `inside`.

    Where a query id begins with ``#``, the file has tabs and a header, so that its rows are no comments.
    """
    write_file(path, packed_run(run), inside=inside)


def packed_run(run: Run) -> bytes:
    """Return the content of the file of a run; see `write_run`."""
    packer = zlib.compressobj(_LEVEL, wbits=16 + zlib.MAX_WBITS)  # a gzip header without a time or a name
    parts = [packer.compress(text) for text in run_texts(run)]
    return b"".join([*parts, packer.flush()])


class PackedRuns:
    """Files of runs, whose content is made in threads while other work goes on.

    Parameters
    ----------
    runs
        The runs by the names of their files.
    """

    def __init__(self, runs: Mapping[str, Run]) -> None:
        self._pool = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_WRITERS))
        self._contents = {name: self._pool.submit(packed_run, run) for name, run in runs.items()}

    def write(self, folder: Path) -> None:
        """Write the files into a folder, once; an error of a run is raised here."""
        try:
            for name in list(self._contents):
                write_file(folder / name, self._contents.pop(name).result(), inside=folder)
        finally:
            self.cancel()

    def cancel(self) -> None:
        """Stop once the files that are being made are done."""
        self._pool.shutdown(cancel_futures=True)


def run_texts(run: Run) -> Iterator[memoryview | bytes]:
    """Yield the text of a run's file in UTF-8, in parts. Scores have the fewest digits that read back equal."""
    blank = "\t" if any(query_id.startswith("#") for query_id in run.query_ids) else " "
    if blank == "\t":
        yield (blank.join(COLUMNS) + "\n").encode()
    owners, places = run.owners, run.places
    queries = _texts([f"{query_id}{blank}Q0{blank}" for query_id in run.query_ids])
    ranks = _texts([f"{blank}{rank}{blank}" for rank in range(1, int(places.max(initial=0)) + 1)])
    names = _texts(run.doc_names.texts)
    for start in range(0, len(run), _ROWS):
        rows = slice(start, start + _ROWS)
        columns = (
            queries.take(number_array(owners[rows])),
            names.take(number_array(run.doc_codes[rows])),
            ranks.take(number_array(places[rows] - 1)),
            _score_texts(run.scores[rows], blank),
        )
        yield _joined(columns, f"{run.tag}\n")


def _texts(texts: Sequence[str]) -> pa.Array:
    return text_array(texts, errors="strict")


def _joined(columns: tuple[pa.Array, ...], end: str) -> memoryview:
    """Return the text of rows: the columns of each, and what ends it."""
    import pyarrow.compute as pc

    lines: Any = pc.binary_join_element_wise(*columns, *_texts([end, ""]))
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
    replaced = _texts([f"{score!r}{blank}" for score in scores[other].tolist()])
    return pc.replace_with_mask(texts, number_array(other.astype(np.uint8)).cast(pa.bool_()), replaced)
