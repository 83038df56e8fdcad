"""A first stage that returns the rows of an existing run."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from evalkit.errors import DataFormatError
from evalkit.records import Dataset, Query, Run


class RunRetriever:
    """A retriever that looks candidates up in a run.

    Parameters
    ----------
    run
        The run.
    dataset
        The dataset of the run.
    source
        Path or location of the run, for errors.

    Raises
    ------
    DataFormatError
        If the run has none of the dataset's queries, or a document that the corpus lacks: it belongs to another dataset
        or to another version of this one.
    """

    def __init__(self, run: Run, dataset: Dataset, source: str) -> None:
        self._run = _select_queries(run, {query.query_id for query in dataset.queries})
        if not len(self._run):
            raise DataFormatError(
                f"{source} contains no query of {dataset.name!r}", "use a run of this dataset"
            )
        for query_id, docs, _ in self._run:
            for doc_id in docs:
                if doc_id not in dataset.corpus:
                    raise DataFormatError(
                        f"{source}: document {doc_id!r} of query {query_id!r} is not in the corpus of"
                        f" {dataset.name!r}",
                        "use a run of this version of the corpus",
                    )

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the first `depth` documents of each query; a query that the run lacks has no rows."""
        return _select_queries(self._run, {query.query_id for query in queries}).cut(depth)


def _select_queries(run: Run, query_ids: AbstractSet[str]) -> Run:
    """Return the rows of some queries."""
    selected = np.array([query_id in query_ids for query_id in run.query_ids], dtype=np.bool_)
    return run.where(np.repeat(selected, np.diff(run.offsets)))
