"""Read ``passages.parquet``: the score of every passage, checked."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from evalkit.errors import InputError
from evalkit.results.parquet import read_columns
from evalkit.results.raw_tables import PASSAGE_COLUMNS, at_depth
from evalkit.results.table_columns import DAMAGED

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from evalkit.results.folder import ResultFolder


@dataclass(frozen=True, slots=True, eq=False)
class PassageScores:
    """The scores of the passages of candidates, as one reranker gave them.

    Attributes
    ----------
    query_ids, doc_ids
        ``(d,)`` each candidate.
    starts
        ``(d,)`` row of its first passage in `scores`, ascending.
    scores
        ``(p,)`` score of each passage, those of a candidate in order.
    """

    query_ids: tuple[str, ...]
    doc_ids: tuple[str, ...]
    starts: NDArray[np.int64]
    scores: NDArray[np.float64]

    def counts(self) -> dict[tuple[str, str], int]:
        """Return (query id, document id) -> number of passages."""
        numbers = np.diff(self.starts, append=len(self.scores)).tolist()
        return dict(zip(zip(self.query_ids, self.doc_ids, strict=True), numbers, strict=True))


def read_passage_scores(folder: ResultFolder, dataset: str, reranker: str, depth: int) -> PassageScores:
    """Read the scores of the pass at a depth, or of one for all depths.

    Raises
    ------
    InputError
        If the table is missing or damaged, or the passages of a document are not numbered from 1.
    """
    where = {"dataset": dataset, "reranker": reranker}
    columns = at_depth(read_columns(folder.passages_file, PASSAGE_COLUMNS, where), depth)
    numbers = columns["passage"].astype(np.int64)
    starts = np.flatnonzero(numbers == 1)
    lengths = np.diff(starts, append=len(numbers))
    numbered = np.arange(len(numbers)) - np.repeat(starts, lengths) + 1 if starts[:1] == [0] else None
    same = [
        len(set(columns[name][start:stop].tolist())) == 1
        for name in ("query_id", "doc_id")
        for start, stop in pairwise([*starts.tolist(), len(numbers)])
    ]
    if len(numbers) and (numbered is None or (numbered != numbers).any() or not all(same)):
        raise InputError(
            f"{folder.passages_file.resolve()} is damaged: the passages of a document of {reranker!r} on dataset"
            f" {dataset!r} are not numbered from 1",
            DAMAGED,
        )
    return PassageScores(
        tuple(columns["query_id"][starts].tolist()),
        tuple(columns["doc_id"][starts].tolist()),
        starts,
        columns["score"].astype(np.float64),
    )
