"""A first stage that is there already: a run that belongs to a dataset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evalkit.errors import DataFormatError
from evalkit.records import Dataset, Query, Run


class HeldRun:
    """Answers out of a run.

    Parameters
    ----------
    run
        What is answered.
    dataset
        Whose queries and documents it should be of.
    source
        Where it is from, for messages.

    Raises
    ------
    DataFormatError
        If it has none of the queries, or documents that the corpus lacks: it belongs to another collection, or to
        an older state of this one.
    """

    def __init__(self, run: Run, dataset: Dataset, source: str) -> None:
        asked = {query.query_id for query in dataset.queries}
        owner = np.repeat([query_id in asked for query_id in run.query_ids], np.diff(run.offsets))
        self._run = run.where(owner.astype(bool))
        if not len(self._run):
            raise DataFormatError(
                f"{source} has no list for any query of {dataset.name!r}", "give the run of this dataset"
            )
        for query_id, docs, _ in self._run:
            for doc_id in docs:
                if doc_id not in dataset.corpus:
                    raise DataFormatError(
                        f"{source}: document {doc_id!r} of query {query_id!r} is not in the corpus of"
                        f" {dataset.name!r}",
                        "give the run of this corpus",
                    )

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the first `depth` documents of each query; one that the run lacks has none."""
        wanted = {query.query_id for query in queries}
        keep = [query_id in wanted for query_id in self._run.query_ids]
        rows = np.repeat(np.array(keep, dtype=bool), np.diff(self._run.offsets))
        return self._run.where(rows).cut(depth)
