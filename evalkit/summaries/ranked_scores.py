"""The scores of one system on one dataset, sorted once: a shallower run is a part of a deeper one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import DataFormatError, InputError
from evalkit.metrics.candidate_ranks import rows_in
from evalkit.records import Names, Run
from evalkit.results import ResultFolder
from evalkit.results.coded_scores import run_of_scores
from evalkit.results.raw_tables import at_depth
from evalkit.results.table_columns import DAMAGED

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class RankedScores:
    """Ranked lists with what the table of scores says of their documents.

    Attributes
    ----------
    run
        The ranked lists.
    ranks
        ``(r,)`` rank in the first stage as recorded; NaN for a compared run.
    candidate_ranks
        ``(r,)`` rank of the document among the candidates of the first stage; 0 if it is none.
    """

    run: Run
    ranks: NDArray[Any]
    candidate_ranks: Ints

    def within(self, depth: int) -> RankedScores:
        """Return the lists with the first `depth` candidates of each query."""
        keep = self.ranks <= depth
        if keep.all():
            return self
        return RankedScores(self.run.where(keep), self.ranks[keep], self.candidate_ranks[keep])


@dataclass(frozen=True, slots=True, eq=False)
class ScoreRows:
    """The rows of one system on one dataset.

    Attributes
    ----------
    folder, tag
        The result folder and the system, for messages.
    queries, docs
        The names that the columns refer to.
    columns
        ``query_id`` and ``doc_id`` as numbers, ``retriever_rank``, ``score``, ``list_rank`` and ``depth``.
    """

    folder: ResultFolder
    tag: str
    queries: Names
    docs: Names
    columns: dict[str, NDArray[Any]]

    @classmethod
    def read(cls, folder: ResultFolder, dataset: str, tag: str, like: ScoreRows | None = None) -> ScoreRows:
        """Read the rows of a system, with the names of another system's documents where these have all of them."""
        names, columns = folder.read_coded_scores_of(dataset, tag)
        docs = names["doc_id"]
        if like is not None:
            # Names that runs share are matched with those of the judgments once.
            codes = like.docs.codes_of(docs)
            if (codes >= 0).all():
                docs, columns["doc_id"] = like.docs, codes[columns["doc_id"]]
        return cls(folder, tag, names["query_id"], docs, columns)

    def check_ranks(self) -> None:
        """Check that each document has a rank of the first stage.

        Raises
        ------
        InputError
            If one has none.
        """
        if np.isnan(self.columns["retriever_rank"].astype(np.float64)).any():
            what = f"column 'retriever_rank': a rank of {self.tag!r} is missing"
            raise InputError(f"{self.folder.scores_file.resolve()} is damaged: {what}", DAMAGED)

    @property
    def has_passes(self) -> bool:
        """Whether a pass at one depth has rows of its own."""
        return not bool(np.isnan(self.columns["depth"].astype(np.float64)).all())

    def of_pass(self, depth: int) -> ScoreRows:
        """Return the rows of the pass at a depth, and those of a pass for all depths."""
        return ScoreRows(self.folder, self.tag, self.queries, self.docs, at_depth(self.columns, depth))

    def named(self) -> dict[str, NDArray[Any]]:
        """Return the columns with the names of queries and documents."""
        of_rows = {"query_id": self.queries, "doc_id": self.docs}
        return self.columns | {
            column: np.array([*names.texts, None], dtype=object)[self.columns[column]]
            for column, names in of_rows.items()
        }

    def ranked(self, candidates: RankedScores | None = None) -> RankedScores:
        """Return the rows as ranked lists; without candidates they are candidates themselves.

        Raises
        ------
        DataFormatError
            If a query lists a document twice.
        """
        columns = self.columns
        try:
            run, rows = run_of_scores(self.tag, self.queries, self.docs, columns)
        except DataFormatError as error:
            raise DataFormatError(
                f"{self.folder.scores_file.resolve()} is damaged: {self.tag!r}: {error}", error.hint
            ) from None
        ranks = columns["retriever_rank"][rows]
        found = ranks if candidates is None else np.append(candidates.ranks, 0)[rows_in(candidates.run, run)]
        return RankedScores(run, ranks, found)
