"""A first stage of one's own: its TREC run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from evalkit.config import RetrieverSettings
from evalkit.errors import DataFormatError
from evalkit.formats import read_run
from evalkit.records import Dataset, Query, Run


class TrecRun:
    """The candidates of a TREC run file, in the order of its scores: any first stage you have."""

    class Settings(RetrieverSettings):
        """Settings of `trec_run`.

        Attributes
        ----------
        path
            TREC run, plain or gzipped. It holds runs of one dataset; its own tag names nothing, ``tag`` does.
        """

        kind: Literal["trec_run"] = "trec_run"
        path: Path

    def __init__(self, settings: Settings, dataset: Dataset) -> None:
        self._run = read_run(settings.path, settings.label)
        self._path = settings.path
        self._check(dataset)

    def _check(self, dataset: Dataset) -> None:
        """Refuse a run that belongs to another collection, or to an older state of this one.

        Raises
        ------
        DataFormatError
            If it has none of the queries, or documents that the corpus lacks.
        """
        asked = {query.query_id for query in dataset.queries}
        shared = [query_id for query_id in self._run.query_ids if query_id in asked]
        if not shared:
            raise DataFormatError(
                f"{self._path.resolve()} has no list for any query of {dataset.name!r}",
                "give the run of this dataset",
            )
        for query_id in shared:
            for doc_id in self._run.docs(query_id):
                if doc_id not in dataset.corpus:
                    raise DataFormatError(
                        f"{self._path.resolve()}: document {doc_id!r} of query {query_id!r} is not in the corpus of"
                        f" {dataset.name!r}",
                        "give the run of this corpus",
                    )

    def retrieve(self, queries: Sequence[Query], depth: int) -> Run:
        """Return the first `depth` documents of each query; one that the file lacks has none."""
        wanted = {query.query_id for query in queries}
        rows = [
            (query_id, doc_id, score)
            for query_id, docs, scores in self._run
            if query_id in wanted
            for doc_id, score in zip(docs[:depth], scores[:depth].tolist(), strict=True)
        ]
        return Run.from_rows(self._run.tag, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows])
