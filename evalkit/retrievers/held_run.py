"""A first stage that returns the rows of an existing run."""

from __future__ import annotations

from collections.abc import Sequence

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
        self._run = run.restricted_to(query.query_id for query in dataset.queries)
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
        return self._run.restricted_to(query.query_id for query in queries).cut(depth)
